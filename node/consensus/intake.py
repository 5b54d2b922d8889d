"""From frames to messages, each distinct frame decoded once.

Recovering signatures is the dear part of receiving (about 60 microseconds each), and retransmission
(N12) brings every message several times. `Intake` remembers the last frames by their hash, with the
message they decoded to. It answers a repeated frame with the same message rather than dropping it:
the machine may have had no room for it the first time, and drops a true duplicate in one lookup.

A frame that does not decode is not remembered; its sender is marked by whoever catches the error.
"""

from typing import Final

from node.consensus.encoding import decode_message
from node.consensus.messages import Message, Recover
from node.spec.crypto import keccak256
from node.spec.types import Hash32

REMEMBERED_LENGTH_MAX: Final = 1000
"""Frames remembered, as Besu's gossip history."""

REMEMBERED_FRAME_LENGTH_MAX: Final = 64 * 1024
"""Larger frames are decoded again: memory stays below 64 MB, and few messages are so large."""


class Intake:
    """A decoder that remembers."""

    def __init__(self, recover: Recover) -> None:
        self._recover = recover
        self._remembered: dict[tuple[int, Hash32], Message] = {}

    def __len__(self) -> int:
        return len(self._remembered)

    def decode(self, code: int, data: bytes) -> Message:
        """Return the message in a frame.

        Raises:
            DecodeError, SignatureError: as `encoding.decode_message`.
        """
        if len(data) > REMEMBERED_FRAME_LENGTH_MAX:
            return decode_message(code, data, self._recover)
        key = (code, keccak256(data))
        message = self._remembered.get(key)
        if message is None:
            message = decode_message(code, data, self._recover)
            if len(self._remembered) >= REMEMBERED_LENGTH_MAX:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[key] = message
        return message
