"""Applications for public data, as state keeps them: the twin of `chaincode/applications.vy`.

Numbers of applications run from 1. What is applied for, and by whom, has a place of its own: it
names the newest application and the newest approval there, and each application names the one
before it, so a decision that was in force at some block is found from state alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import eth_abi

from chaincode import ADDRESSES
from chaincode.vocabulary import ancestors, load
from node.errors import IntegrityError
from node.spec.crypto import keccak256
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.types import Address, Hash32
from node.spec.vocabulary import ApplicationStatus

APPLICATIONS: Final = Address(ADDRESSES["applications"])
COUNT: Final = 0
RECORDS: Final = 1
NEWEST: Final = 2
APPROVED: Final = 3
WORDS: Final = 19
"""Slots of one application."""

CHAIN_MAX: Final = 256
"""Applications for the same that are looked through for the one in force at a block."""

_ON_APPLICATION: Final = 98


@dataclass(frozen=True, slots=True)
class Application:
    """An application with what became of it; times are Unix seconds, 0 stands for none."""

    status: ApplicationStatus
    """As stored: an approved one stays so once it has expired, see `status_at`."""
    applicant: int
    provider: int
    product: Hash32
    version: int
    purpose: int
    document: Hash32
    earlier: int
    """The number of the application before it for the same."""
    reviewer: Address
    due: int
    """The first second at which a decision is late; 0 while a supplement is awaited."""
    days_left: int
    """Working days that were left when the clock stopped."""
    supplement_due: int
    until: int
    """The first second outside its approval."""
    reason: int
    """Vocabulary index of why it was refused."""
    decision: Hash32
    """Hash of the conditions of an approval, or of a refusal's text."""
    decided_in: int
    """The block of the decision."""
    is_extended: bool
    is_overdue: bool
    """Whether it is on record that it was overdue."""
    is_late: bool
    """Whether it was decided late."""

    def status_at(self, timestamp: int) -> ApplicationStatus:
        """Return where it stands as of a block's time."""
        if self.status == ApplicationStatus.APPROVED and timestamp >= self.until:
            return ApplicationStatus.EXPIRED
        return self.status

    def counted_at(self, block: int) -> bool:
        """Whether it was approved in a block or before, so that it may have counted there."""
        return self.status == ApplicationStatus.APPROVED and self.decided_in <= block


def is_on_application(summary: int) -> bool:
    """Whether the summary of a product version says that it is granted on application alone."""
    return bool(summary >> _ON_APPLICATION & 1)


def place(product: Hash32, version: int, applicant: int, purpose: int) -> Hash32:
    """Return what stands for one product version, applicant and purpose."""
    types = ["bytes32", "uint256", "uint256", "uint256"]
    return keccak256(eth_abi.encode(types, [product, version, applicant, purpose]))


def places(product: Hash32, version: int, applicant: int, purpose: int) -> tuple[Hash32, ...]:
    """Return the places whose approval covers a purpose: its own, then its parents' (R6)."""
    wanted = (purpose, *ancestors(load(), purpose))
    return tuple(place(product, version, applicant, each) for each in wanted)


def slot_of_newest(place_: Hash32) -> int:
    """Return the slot that holds the number of a place's newest application."""
    return mapping_slot(NEWEST, place_)


def slots_of_application(number: int) -> tuple[int, ...]:
    """Return the slots of an application."""
    base = mapping_slot(RECORDS, number)
    return tuple(base + offset for offset in range(WORDS))


def application_count(read: ReadSlot) -> int:
    """Return how many applications there ever were. `read` is of Applications, as below."""
    return read(COUNT)


def application(read: ReadSlot, number: int) -> Application | None:
    """Return an application, None when there is none.

    Raises:
        IntegrityError: its status is unknown to this version.
    """
    words = tuple(map(read, slots_of_application(number)))
    status, applicant, provider, product, version, wanted, document, earlier, *rest = words
    reviewer, due, days_left, supplement_due, until, reason, decision, decided_in, *marks = rest
    if not status:
        return None
    if status not in tuple(ApplicationStatus):
        raise IntegrityError(f"applications: status {status}")
    extended, overdue, late = map(bool, marks)
    return Application(
        ApplicationStatus(status),
        applicant,
        provider,
        _hash(product),
        version,
        wanted,
        _hash(document),
        earlier,
        Address(reviewer.to_bytes(32, "big")[12:]),
        due,
        days_left,
        supplement_due,
        until,
        reason,
        _hash(decision),
        decided_in,
        extended,
        overdue,
        late,
    )


def newest(read: ReadSlot, place_: Hash32) -> tuple[int, int]:
    """Return the numbers of a place's newest application and newest approval, 0 for none."""
    return read(slot_of_newest(place_)), read(mapping_slot(APPROVED, place_))


def chain(read: ReadSlot, place_: Hash32) -> Iterator[tuple[int, Application]]:
    """Yield the applications of a place with their numbers, the newest first, `CHAIN_MAX` at most.

    Raises:
        IntegrityError: one is of another place, or they do not run backwards.
    """
    number, above = read(slot_of_newest(place_)), None
    for _ in range(CHAIN_MAX):
        if not number:
            return
        found = application(read, number)
        if found is None or _place_of(found) != place_ or (above is not None and number >= above):
            raise IntegrityError(f"applications: number {number} is not of its place")
        yield number, found
        number, above = found.earlier, number


def in_force(read: ReadSlot, place_: Hash32, block: int) -> Iterator[tuple[int, Application]]:
    """Yield what may have counted for a place at a block, with its number, the newest first.

    That is the newest approval decided before the block, and those decided in it: state does not
    tell what came first within a block.

    Raises:
        IntegrityError: the chain of applications is not one.
    """
    for number, found in chain(read, place_):
        if found.counted_at(block):
            yield number, found
        if found.counted_at(block - 1):
            return


def covering(
    read: ReadSlot, wanted: Sequence[Hash32], until: int, block: int
) -> tuple[int, Application] | None:
    """Return an approval that let terms through at a block which end at a time, None for none.

    `wanted` are the places whose approval covers the terms' purpose, see `places`.

    Raises:
        IntegrityError: the chain of applications is not one.
    """
    for each in wanted:
        for number, found in in_force(read, each, block):
            if until <= found.until:
                return number, found
    return None


def is_too_long(read: ReadSlot, wanted: Sequence[Hash32]) -> bool:
    """Whether so many applications are of one of the places that not all are looked through."""
    return any(len(tuple(chain(read, each))) == CHAIN_MAX for each in wanted)


def _place_of(found: Application) -> Hash32:
    return place(found.product, found.version, found.applicant, found.purpose)


def _hash(word: int) -> Hash32:
    return Hash32(word.to_bytes(32, "big"))
