"""Interruptions: spans of blocks on whose state no use of an authorization may stand (R11, R22).

The Python twin of what `chaincode/authorizations.vy` keeps of suspensions and freezes. One is begun
by a block and ended by another, or is over by itself at a second, as a freeze is that nobody lifts:
no block is named for that second, so a receipt's own time decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.spec.slots import ReadSlot, mapping_slot
from node.spec.types import Hash32

INTERRUPTIONS: Final = 7
"""Where Authorizations keeps them, their number under 0; a test holds it to the layout."""

ENDLESS: Final = (1 << 40) - 1
"""The `until` of a suspension, which is not over by itself."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """From block `begun` on, up to block `ended` where there is one, else up to second `until`."""

    begun: int
    ended: int | None
    until: int
    """Unix seconds, the first at which it is over by itself."""

    def is_open(self, timestamp: int) -> bool:
        """Whether it lies over the authorization as of a block's time."""
        return self.ended is None and timestamp < self.until


def covering(
    interruptions: Sequence[Interruption], state_block: int, used_at: int
) -> Interruption | None:
    """Return the interruption that lies over a use on a block's state, None where none does.

    `interruptions` stand in the order in which they began; only the last that began at or before
    the block can lie over it.
    """
    begun = [entry for entry in interruptions if entry.begun <= state_block]
    if not begun:
        return None
    last = begun[-1]
    covers = used_at < last.until if last.ended is None else state_block < last.ended
    return last if covers else None


def slot_of_count(authorization: Hash32) -> int:
    """Return the slot that holds how many interruptions there were."""
    return mapping_slot(mapping_slot(INTERRUPTIONS, authorization), 0)


def slots_of_interruptions(authorization: Hash32, count: int) -> tuple[int, ...]:
    """Return the slots of so many interruptions."""
    base = mapping_slot(INTERRUPTIONS, authorization)
    return tuple(mapping_slot(base, number) for number in range(1, count + 1))


def interruptions_of(read: ReadSlot, authorization: Hash32) -> tuple[Interruption, ...]:
    """Return all interruptions in their order. `read` is of Authorizations."""
    count = read(slot_of_count(authorization))
    return tuple(map(_interruption, map(read, slots_of_interruptions(authorization, count))))


def _interruption(word: int) -> Interruption:
    return Interruption(word & 0xFFFFFFFF, word >> 32 & 0xFFFFFFFF or None, word >> 64)
