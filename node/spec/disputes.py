"""Disputes, and which receipts they leave out of fees: the twin of `chaincode/disputes.vy`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from chaincode import ADDRESSES
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.types import Address, Hash32
from node.spec.vocabulary import DisputeStatus, Ruling

DISPUTES: Final = Address(ADDRESSES["disputes"])
DISPUTE_COUNT: Final = 0
RECORDS: Final = 1
UPHOLDING: Final = (Ruling.UPHELD, Ruling.UPHELD_ENDING)


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute over receipts `first` to `last` of a lease."""

    authorization: Hash32
    lease: int
    first: int
    last: int
    claimant: int
    respondent: int
    arbiter: int
    before: int
    """The arbiter whose ruling was appealed, 0 for none."""
    status: DisputeStatus
    ruling: Ruling | None
    until: int
    """Unix seconds: the end of the time to answer; of that to rule once it is answered or appealed;
    of that to appeal once it is ruled on."""

    def excludes(self, lease: int, receipt: int) -> bool:
        """Whether it leaves a receipt of its authorization out of statements of fees."""
        if lease != self.lease or not self.first <= receipt <= self.last:
            return False
        return self.status != DisputeStatus.ENDED or self.ruling in UPHOLDING


def payable(
    disputes: Iterable[Dispute], authorization: Hash32, lease: int, receipts: Iterable[int]
) -> list[int]:
    """Return the numbers of a lease's receipts that no dispute leaves out of fees (A61)."""
    own = [dispute for dispute in disputes if dispute.authorization == authorization]
    return [number for number in receipts if not any(d.excludes(lease, number) for d in own)]


def slot_of_disputed(number: int) -> int:
    """Return where Disputes holds which authorization a dispute is over."""
    return mapping_slot(RECORDS, number)


def slots_of_dispute(number: int) -> tuple[int, ...]:
    """Return the slots of a dispute."""
    base = slot_of_disputed(number)
    return tuple(base + place for place in range(11))


def dispute(read: ReadSlot, number: int) -> Dispute | None:
    """Return a dispute, None when there is none. `read` is of Disputes."""
    words = [read(slot) for slot in slots_of_dispute(number)]
    if not words[8]:
        return None
    return Dispute(
        authorization=Hash32(words[0].to_bytes(32, "big")),
        lease=words[1],
        first=words[2],
        last=words[3],
        claimant=words[4],
        respondent=words[5],
        arbiter=words[6],
        before=words[7],
        status=DisputeStatus(words[8]),
        ruling=Ruling(words[9]) if words[9] else None,
        until=words[10],
    )
