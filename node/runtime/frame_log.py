"""What other validators said, kept: an opt-in record of received QBFT messages.

`[p2p] record_frames` names the file. It is for trials and for evidence, never for the node itself:
only `scripts/chaos.py` and people read it. A record is one byte of code, four of length, and the
message's bytes; a message that came a moment ago is not written again. The file only grows, up to
a bound, and a record torn by a crash is cut off when the file is opened again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import structlog
from lru import LRU

from node.errors import ConfigError
from node.spec.crypto import keccak256

BYTES_MAX: Final = 256 * 1024 * 1024
RECENT_MAX: Final = 4_096
_HEAD_LENGTH: Final = 5

log = structlog.get_logger()


class FrameLog:
    """An open record."""

    def __init__(self, path: Path, bytes_max: int = BYTES_MAX) -> None:
        try:
            path.touch(mode=0o600)
            size = sum(_HEAD_LENGTH + len(payload) for _, payload in read_frames(path))
            self._file: BinaryIO | None = path.open("r+b", buffering=0)
            self._file.truncate(size)
            self._file.seek(size)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written", why=str(error.strerror)) from error
        self._room = bytes_max - size
        self._recent: LRU[bytes, None] = LRU(RECENT_MAX)

    def add(self, code: int, payload: bytes) -> None:
        """Write a message unless it was written a moment ago; at the bound, stop and say so."""
        digest = keccak256(bytes([code]) + payload)
        if self._file is None or digest in self._recent:
            return
        record = bytes([code]) + len(payload).to_bytes(4, "big") + payload
        if len(record) > self._room:
            log.warning("frame_log_full")
            self.close()
            return
        self._recent[digest] = None
        self._file.write(record)
        self._room -= len(record)

    def close(self) -> None:
        """Release the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read_frames(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each whole record's code and message."""
    with path.open("rb") as file:
        while len(head := file.read(_HEAD_LENGTH)) == _HEAD_LENGTH:
            length = int.from_bytes(head[1:], "big")
            payload = file.read(length)
            if len(payload) < length:
                return
            yield head[0], payload
