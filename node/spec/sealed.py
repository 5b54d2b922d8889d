"""Sealed authorizations: what one-time keys sign, and what state keeps of it (R19).

The Python twin of `chaincode/sealed.vy`. What banks share against money laundering is hidden: on
chain are a salted hash of the clear terms, counters, validity and signatures by keys that belong to
no account. Receipts are those of `node.spec.usage`, hashed under this contract's domain; they stay
with the two sides and the regulator. What is not available reads alike, whatever the cause.
"""

from dataclasses import astuple, dataclass
from typing import Final

from chaincode import ADDRESSES
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.terms import CONTRACT_VERSION, NAME, Terms, authorization_id
from node.spec.typed_data import Domain, struct_hash, typed_digest
from node.spec.types import Address, Hash32
from node.spec.usage import RECEIPT_TYPE, Receipt
from node.spec.vocabulary import LeaseStatus

SEALED: Final = Address(ADDRESSES["sealed"])
RECORDS: Final = 0
LEASES: Final = 1
"""Where Sealed keeps authorizations and leases; a test holds both to the layout."""

TERMS_TYPE: Final = (
    "SealedTerms(bytes32 commitment,address provider,address consumer,uint32 regulator,"
    "uint32 maximumUses,uint64 validFrom,uint64 validUntil,uint32 settleWithin)"
)
LEASE_TYPE: Final = "SealedLease(bytes32 authorization,uint64 number,uint32 uses,uint64 expiresAt)"
SETTLEMENT_TYPE: Final = (
    "SealedSettlement(bytes32 lease,uint32 before,uint32 last,bytes32 root,bytes32 lastReceipt,"
    "uint64 highestStateBlock,bool closes)"
)
COMMITMENT_TYPE: Final = "ClearTerms(bytes32 salt,bytes32 terms)"
GROUND_TYPE: Final = (
    "SealedGround(bytes32 salt,bytes32 authorization,uint8 reason,uint8 freezeGround,"
    "uint64 frozenUntil,bytes32 evidence)"
)

_UINT32: Final = (1 << 32) - 1
_TIME: Final = (1 << 40) - 1


@dataclass(frozen=True, slots=True)
class SealedTerms:
    """What is on chain of clear terms; its digest is the authorization's id.

    Times are Unix seconds, the first inside and the first outside; `settle_within` is seconds.
    """

    commitment: Hash32
    provider: Address
    consumer: Address
    """One-time keys; whose they are, the regulator knows."""
    regulator: int
    """The member that knows the clear terms and carries every transaction."""
    maximum_uses: int
    valid_from: int
    valid_until: int
    settle_within: int


@dataclass(frozen=True, slots=True)
class SealedLease:
    """A reservation of uses that the consumer's one-time key signs; numbered from 1 without gap."""

    authorization: Hash32
    number: int
    uses: int
    expires_at: int
    """Unix seconds, the first outside."""


@dataclass(frozen=True, slots=True)
class SealedSettlement:
    """The hashes of a lease's next receipts, which both one-time keys sign."""

    lease: Hash32
    before: int
    """Uses settled before."""
    last: int
    root: Hash32
    """Merkle root over the receipts' hashes, also of one; zero for none."""
    last_receipt: Hash32
    """Hash of the last receipt; the lease's id before the first."""
    highest_state_block: int
    closes: bool


@dataclass(frozen=True, slots=True)
class SealedGround:
    """Why a sealed authorization was made unavailable, as the regulator can open it.

    `reason` is of the vocabulary; `freeze_ground` and `frozen_until` (Unix seconds) are those of a
    freeze, else 0; `evidence` is the hash of what stands behind it, such as a side's signed wish.
    """

    salt: Hash32
    authorization: Hash32
    reason: int
    freeze_ground: int
    frozen_until: int
    evidence: Hash32


@dataclass(frozen=True, slots=True)
class SealedState:
    """All that state keeps of a sealed authorization."""

    maximum_uses: int
    counted: int
    """Uses that leases hold or have used."""
    settled: int
    leases: int
    """Leases ever opened; the last one's number."""
    open: int
    regulator: int
    ended: int | None
    """The block that made it unavailable, None while nothing has."""
    valid_from: int
    settle_within: int
    valid_until: int
    provider: Address
    consumer: Address
    ground: Hash32

    def is_available(self, timestamp: int) -> bool:
        """Whether leases may be opened and uses served at a time, Unix seconds."""
        return self.ended is None and self.valid_from <= timestamp < self.valid_until


@dataclass(frozen=True, slots=True)
class SealedLeaseState:
    """All that state keeps of a sealed lease; times are Unix seconds."""

    uses: int
    settled: int
    status: LeaseStatus
    opened_at: int
    """The block that opened it."""
    expires_at: int
    deadline: int
    """The last second of settling, but for a halt."""
    last: Hash32
    """Hash of the last receipt settled; zero before the first."""


def domain(chain_id: int) -> Domain:
    """Return the EIP-712 domain under which everything sealed is signed."""
    return Domain(NAME, CONTRACT_VERSION, chain_id, SEALED)


def sealed_id(terms: SealedTerms, chain_id: int) -> Hash32:
    """Return the digest that both one-time keys and approvers sign: the authorization's id."""
    return _digest(TERMS_TYPE, terms, chain_id)


def sealed_lease_digest(lease: SealedLease, chain_id: int) -> Hash32:
    """Return the digest by which the consumer's one-time key opens a lease."""
    return _digest(LEASE_TYPE, lease, chain_id)


def sealed_settlement_digest(settlement: SealedSettlement, chain_id: int) -> Hash32:
    """Return the digest by which both one-time keys settle."""
    return _digest(SETTLEMENT_TYPE, settlement, chain_id)


def sealed_receipt_hash(receipt: Receipt, chain_id: int) -> Hash32:
    """Return a receipt's hash under this domain: what both one-time keys sign, and its leaf."""
    return _digest(RECEIPT_TYPE, receipt, chain_id)


def commitment(terms: Terms, salt: Hash32, chain_id: int) -> Hash32:
    """Return the salted hash of clear terms, which alone of them is on chain."""
    return struct_hash(COMMITMENT_TYPE, (salt, authorization_id(terms, chain_id)))


def ground_hash(ground: SealedGround) -> Hash32:
    """Return the salted hash of why it was made unavailable."""
    return struct_hash(GROUND_TYPE, astuple(ground))


def slots_of_sealed(authorization: Hash32) -> tuple[int, ...]:
    """Return the slots that hold a sealed authorization."""
    base = mapping_slot(RECORDS, authorization)
    return tuple(range(base, base + 5))


def slots_of_sealed_lease(lease: Hash32) -> tuple[int, ...]:
    """Return the slots that hold a sealed lease."""
    base = mapping_slot(LEASES, lease)
    return (base, base + 1)


def sealed_state(read: ReadSlot, authorization: Hash32) -> SealedState | None:
    """Return a sealed authorization, None when there is none. `read` is of Sealed."""
    word, valid_until, provider, consumer, ground = map(read, slots_of_sealed(authorization))
    if not word:
        return None
    return SealedState(
        maximum_uses=word & _UINT32,
        counted=word >> 32 & _UINT32,
        settled=word >> 64 & _UINT32,
        leases=word >> 96 & _UINT32,
        open=word >> 128 & 15,
        regulator=word >> 132 & 0xFFFF,
        ended=(word >> 148 & _UINT32) or None,
        valid_from=word >> 180 & _TIME,
        settle_within=word >> 220,
        valid_until=valid_until,
        provider=Address(provider.to_bytes(20, "big")),
        consumer=Address(consumer.to_bytes(20, "big")),
        ground=Hash32(ground.to_bytes(32, "big")),
    )


def sealed_lease_state(read: ReadSlot, lease: Hash32) -> SealedLeaseState | None:
    """Return a sealed lease, None when there is none. `read` is of Sealed."""
    word, last = map(read, slots_of_sealed_lease(lease))
    if not word:
        return None
    return SealedLeaseState(
        uses=word & _UINT32,
        settled=word >> 32 & _UINT32,
        status=LeaseStatus(word >> 64 & 0xFF),
        opened_at=word >> 72 & _UINT32,
        expires_at=word >> 104 & _TIME,
        deadline=word >> 144 & _TIME,
        last=Hash32(last.to_bytes(32, "big")),
    )


def _digest(
    type_string: str, value: SealedTerms | SealedLease | SealedSettlement | Receipt, chain_id: int
) -> Hash32:
    return typed_digest(domain(chain_id), struct_hash(type_string, astuple(value)))
