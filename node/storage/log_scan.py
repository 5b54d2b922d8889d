"""What is checked before LevelDB opens a folder: its write-ahead logs, record by record (N18).

LevelDB itself either refuses a log whose last record is torn, which every power cut may leave, or
skips over damage in the middle and silently loses a synced block. So the logs are read here first,
in LevelDB's record format: blocks of 32 KiB, each record with crc32c (masked), length, type and
data, never crossing a block; longer data is split into FIRST, MIDDLE and LAST.

An invalid record with no valid FULL or FIRST record after it is a torn tail: the write never
finished, so nobody was told it had. A copy is kept, the tail cut off, and the store opens. One with
valid records after it is corruption, which only an operator can decide about.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import google_crc32c

from node.errors import StoreError

BLOCK_LENGTH: Final = 32_768
HEADER_LENGTH: Final = 7

_ZERO, _FULL, _FIRST, _LAST = 0, 1, 2, 4
_MASK_DELTA: Final = 0xA282EAD8
_WORD: Final = 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """Return the Castagnoli CRC of `data` (RFC 3720, appendix B.4)."""
    return int(google_crc32c.value(data))


def masked(crc: int) -> int:
    """Return a CRC as LevelDB stores it."""
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & _WORD


@dataclass(frozen=True, slots=True)
class LogCheck:
    """What a log's records say: `valid_length` bytes are good, all of it where `damage` is None."""

    valid_length: int
    damage: int | None = None
    """Offset of the first invalid record."""
    resumes: int | None = None
    """Offset of a valid record after the damage: then it is corruption, not a torn tail."""


def check_log(data: bytes) -> LogCheck:
    """Return where the log's valid records end, and whether any follow the damage."""
    offset = whole = 0
    while offset < len(data):
        left = BLOCK_LENGTH - offset % BLOCK_LENGTH
        if left < HEADER_LENGTH:
            offset += left
            continue
        kind, end = _record(data, offset)
        if kind is None:
            if not any(data[offset:]):
                break  # space reserved ahead and never written
            return LogCheck(whole, offset, _next_valid(data, offset))
        offset = end
        if kind in (_FULL, _LAST):
            whole = end
    if whole < len(data) and any(data[whole:]):
        return LogCheck(whole, whole)  # a FIRST or MIDDLE whose LAST was never written
    return LogCheck(len(data))


def _record(data: bytes, offset: int) -> tuple[int | None, int]:
    """Return (type, end) of the record at `offset`, or (None, _) where it is invalid."""
    if offset + HEADER_LENGTH > len(data):
        return None, offset
    crc, length, kind = struct.unpack_from("<IHB", data, offset)
    end = offset + HEADER_LENGTH + length
    fits = offset % BLOCK_LENGTH + HEADER_LENGTH + length <= BLOCK_LENGTH and end <= len(data)
    if not fits or not _FULL <= kind <= _LAST:
        return None, offset
    if masked(crc32c(data[offset + 6 : end])) != crc:
        return None, offset
    return kind, end


def _next_valid(data: bytes, damage: int) -> int | None:
    """Return the offset of a valid FULL or FIRST record after the damage, if there is one."""
    return next((at for at in _candidates(data, damage) if _record(data, at)[0] in (1, 2)), None)


def _candidates(data: bytes, damage: int) -> Iterator[int]:
    # A wrong length hides where the next record of this block begins, so every place is tried;
    # in later blocks a record begins at the block's start, and the walk goes on from there.
    boundary = (damage // BLOCK_LENGTH + 1) * BLOCK_LENGTH
    yield from range(damage + 1, min(boundary, len(data)))
    for start in range(boundary, len(data), BLOCK_LENGTH):
        offset = start
        while offset < min(start + BLOCK_LENGTH, len(data)):
            yield offset
            kind, end = _record(data, offset)
            if kind is None:
                break
            offset = end


def scan_folder(folder: Path) -> tuple[Path, ...]:
    """Check every log in a LevelDB folder, cut torn tails off, return the copies kept of them.

    Raises:
        StoreError: a log is damaged in the middle; the text names file, offset and next command.
    """
    logs = sorted(folder.glob("*.log"))
    kept = []
    for path in logs:
        data = path.read_bytes()
        check = check_log(data)
        if check.damage is None:
            continue
        if check.resumes is not None or path != logs[-1]:
            raise corruption(path, check.damage)
        kept.append(cut_log(path, data, check.valid_length))
    return tuple(kept)


def corruption(path: Path, offset: int) -> StoreError:
    """Return the error that names a damaged place."""
    return StoreError(
        f"{path}: damaged at offset {offset}",
        why="a record there does not match its checksum, and valid records follow it",
        next_command=f"dataccord store repair {path.parent}",
    )


def cut_log(path: Path, data: bytes, length: int) -> Path:
    """Cut a log off after `length` bytes; return the copy kept of all of it."""
    copy = path.with_name(f"{path.name}.torn-{len(data)}")
    copy.write_bytes(data)
    with path.open("r+b") as file:
        file.truncate(length)
        os.fsync(file.fileno())
    return copy
