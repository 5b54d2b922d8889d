"""Sandboxes, as state keeps them: the twin of `chaincode/sandboxes.vy`.

Sandboxes are numbered from 1. A product version's summary names its sandbox; what was active in one
is counted there under the authorization's id.
"""

from dataclasses import dataclass
from typing import Final

from chaincode import ADDRESSES
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.types import Address, Hash32

SANDBOXES: Final = Address(ADDRESSES["sandboxes"])
COUNT: Final = 0
RECORDS: Final = 1
COUNTED: Final = 2
LISTED: Final = 3
AUTHORIZATIONS_MAX: Final = 32
"""The largest cap on a sandbox's authorizations: one transaction ends them all."""

_WORDS: Final = 10
_SANDBOX_AT: Final = 100


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox with its caps and what is counted under them."""

    zone: int
    purposes: int
    """Bit i: purpose i is allowed beside those of the zone."""
    until: int
    """Unix seconds, the first outside."""
    authorizations_maximum: int
    uses_maximum: int
    uses_each: int
    authorizations: int
    uses: int
    admitted: int
    """Bit i: member i may provide and consume in it."""
    closed_in: int
    """The block that closed it early, 0 for none."""

    def is_open(self, timestamp: int) -> bool:
        """Whether anything may be granted in it as of a block's time."""
        return timestamp < self.until and not self.closed_in


def sandbox_of(summary: int) -> int:
    """Return the sandbox that the summary of a product version names, 0 for none."""
    return summary >> _SANDBOX_AT & (1 << 32) - 1


def slots_of_sandbox(number: int) -> tuple[int, ...]:
    """Return the slots of a sandbox."""
    base = mapping_slot(RECORDS, number)
    return tuple(base + offset for offset in range(_WORDS))


def slot_of_counted(authorization: Hash32) -> int:
    """Return the slot that holds what an authorization takes of its sandbox's cap on uses."""
    return mapping_slot(COUNTED, authorization)


def sandbox_count(read: ReadSlot) -> int:
    """Return how many sandboxes there ever were. `read` is of Sandboxes, as below."""
    return read(COUNT)


def sandbox(read: ReadSlot, number: int) -> Sandbox | None:
    """Return a sandbox, None when there is none."""
    words = tuple(map(read, slots_of_sandbox(number)))
    return Sandbox(*words) if words[0] else None


def counted(read: ReadSlot, authorization: Hash32) -> int:
    """Return the uses that an authorization takes of its sandbox's cap; 0 for one in none."""
    return read(slot_of_counted(authorization))


def authorizations(read: ReadSlot, number: int) -> tuple[Hash32, ...]:
    """Return all that ever was active in a sandbox, in the order it became so."""
    found = sandbox(read, number)
    count = min(found.authorizations, AUTHORIZATIONS_MAX) if found is not None else 0
    base = mapping_slot(LISTED, number)
    slots = (mapping_slot(base, place) for place in range(count))
    return tuple(Hash32(read(slot).to_bytes(32, "big")) for slot in slots)
