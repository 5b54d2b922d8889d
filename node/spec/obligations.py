"""What sides owe after uses, as state keeps it: the twin of `chaincode/obligations.vy` (R21)."""

from dataclasses import dataclass
from typing import Final

from chaincode import ADDRESSES
from node.spec.crypto import keccak256
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.terms import CONTRACT_VERSION, NAME
from node.spec.typed_data import Domain, struct_hash, typed_digest
from node.spec.types import Address, Hash32
from node.spec.vocabulary import ObligationKind, ObligationStatus

OBLIGATIONS: Final = Address(ADDRESSES["obligations"])
RECORDS: Final = 0
HOLDS: Final = 1
ERASURE_TYPE: Final = "Erasure(bytes32 authorization)"
ERASURES: Final = (ObligationKind.DELETE_DATA, ObligationKind.DESTROY_SALT)


YEAR_SECONDS: Final = 366 * 86_400
RECORDS_SECONDS: Final = 3 * YEAR_SECONDS
RECORDS_SECONDS_AML: Final = 10 * YEAR_SECONDS
PURPOSES_AML: Final = 1 << 2 | 1 << 3 | 1 << 44
"""Purposes against money laundering, by bit: their records are kept longer."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What holds the deletion of an authorization's data; times are Unix seconds."""

    disputes: int
    until: int
    """The first second at which an officer's hold is over."""
    since: int
    total: int
    thaws_at: int
    """The first second at which a freeze of the authorization is over."""

    @property
    def over(self) -> int:
        """The first second at which neither an officer nor a freeze holds it."""
        return max(self.until, self.thaws_at)

    def holds(self, timestamp: int) -> bool:
        """Whether deletion is held as of a block's time."""
        return self.disputes > 0 or timestamp < self.over

    def seconds(self, timestamp: int) -> int:
        """Return for how long deletion was held up to a block's time."""
        if not self.since:
            return self.total
        end = timestamp if self.holds(timestamp) else max(self.over, self.since)
        return self.total + end - self.since


@dataclass(frozen=True, slots=True)
class Obligation:
    """A duty with its date."""

    kind: ObligationKind
    authorization: Hash32
    member: int
    due: int
    held_before: int
    status: ObligationStatus

    def late_at(self, hold: Hold, timestamp: int) -> int:
        """Return the first second at which it is late, by what held it up to a block's time."""
        if self.kind not in ERASURES:
            return self.due
        return self.due + hold.seconds(timestamp) - self.held_before


def records_kept(purpose: int) -> int:
    """Return for how many seconds after the end records of a purpose are kept, salts included."""
    return RECORDS_SECONDS_AML if PURPOSES_AML >> purpose & 1 else RECORDS_SECONDS


def end_id(kind: ObligationKind, authorization: Hash32, member: int, version: int) -> Hash32:
    """Return what a duty is kept under that follows from the end of a version of the terms."""
    return obligation_id(kind, authorization, member, Hash32(version.to_bytes(32, "big")))


def obligation_id(
    kind: ObligationKind, authorization: Hash32, member: int, evidence: Hash32
) -> Hash32:
    """Return what an obligation is kept under; `evidence` is that with which it was imposed.

    No kind that follows from an end is imposed, so `end_id` is never the same.
    """
    words = (int(kind).to_bytes(32, "big"), authorization, member.to_bytes(32, "big"), evidence)
    return keccak256(b"".join(words))


def erasure_digest(authorization: Hash32, chain_id: int) -> Hash32:
    """Return the digest by which a subject, or the agent in its place, asks to be erased."""
    structure = struct_hash(ERASURE_TYPE, (authorization,))
    return typed_digest(Domain(NAME, CONTRACT_VERSION, chain_id, OBLIGATIONS), structure)


def slots_of_obligation(identifier: Hash32) -> tuple[int, ...]:
    """Return the slots of an obligation."""
    base = mapping_slot(RECORDS, identifier)
    return tuple(base + place for place in range(6))


def slots_of_hold(authorization: Hash32) -> tuple[int, ...]:
    """Return the slots of what holds deletion; all are 0 where nothing ever has."""
    base = mapping_slot(HOLDS, authorization)
    return tuple(base + place for place in range(5))


def obligation(read: ReadSlot, identifier: Hash32) -> Obligation | None:
    """Return an obligation, None when there is none. `read` is of Obligations."""
    kind, authorization, member, due, held, status = map(read, slots_of_obligation(identifier))
    if not kind:
        return None
    return Obligation(
        ObligationKind(kind),
        Hash32(authorization.to_bytes(32, "big")),
        member,
        due,
        held,
        ObligationStatus(status),
    )


def hold(read: ReadSlot, authorization: Hash32) -> Hold:
    """Return what holds deletion. `read` is of Obligations."""
    return Hold(*map(read, slots_of_hold(authorization)))
