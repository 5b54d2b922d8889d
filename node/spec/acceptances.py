"""What consumers said of data they received (R5): the twin of `chaincode/acceptances.vy`."""

from typing import Final

from chaincode import ADDRESSES
from node.spec.calendar import DAY_SECONDS
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.types import Address, Hash32
from node.spec.vocabulary import AcceptanceStatus

ACCEPTANCES: Final = Address(ADDRESSES["acceptances"])
STATUSES: Final = 0
OBJECTIONS: Final = 1
BEGUN: Final = 2


def begun_at(read: ReadSlot, terms: Hash32) -> int:
    """Return when the consumer began its period under terms (Unix seconds), 0 for not at all.

    `read` is of Acceptances.
    """
    return read(mapping_slot(BEGUN, terms))


def deadline(valid_from: int, begun: int, days: int) -> int:
    """Return the first second (Unix) at which a period of so many days is over."""
    return max(valid_from, begun) + days * DAY_SECONDS


def acceptance(
    read: ReadSlot, terms: Hash32, deadline: int | None, timestamp: int
) -> AcceptanceStatus | None:
    """Return what stands of terms, by their digest, as of a block's time; None while nothing does.

    `read` is of Acceptances. Silence past the deadline is acceptance; of terms that never were in
    force `deadline` is None.
    """
    stored = read(mapping_slot(STATUSES, terms))
    if not stored and deadline is not None and timestamp >= deadline:
        return AcceptanceStatus.ACCEPTED
    return AcceptanceStatus(stored) if stored else None


def objections_to(read: ReadSlot, product: Hash32, version: int) -> int:
    """Return how often a version of a product was objected to. `read` is of Acceptances."""
    outer = mapping_slot(OBJECTIONS, product)
    return read(mapping_slot(outer, version))
