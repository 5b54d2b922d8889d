"""Opening what is sealed (R19): evidence that only the holder of salt and clear terms can produce.

A disclosure holds the clear terms with their salt, what the banks' approvers signed for their
one-time keys, and every receipt of every lease. It is held against state alone: the id of a sealed
authorization is the digest of all that its keys signed, and each lease keeps the hash of its last
receipt, from which the chain runs back to the lease. Nothing can be left out or added unseen.
"""

from dataclasses import dataclass
from typing import Final

from node.errors import ProofError
from node.spec import registry
from node.spec.crypto import recover
from node.spec.sealed import (
    SealedGround,
    SealedLeaseState,
    SealedState,
    SealedTerms,
    commitment,
    ground_hash,
    sealed_id,
    sealed_lease_state,
    sealed_receipt_hash,
    sealed_state,
    slots_of_sealed,
    slots_of_sealed_lease,
)
from node.spec.slots import ReadSlot
from node.spec.terms import Terms
from node.spec.types import Address, Hash32
from node.spec.usage import LeaseFacts, SignedReceipt, contradiction, lease_id
from node.spec.vocabulary import DeliveryMode, LeaseStatus, LegalBasis, Role, SubjectMode, purpose

RETENTION_SECONDS: Final = 10 * 366 * 86_400
"""How long records against money laundering are kept after the end: ten years (R21)."""

PURPOSES: Final = frozenset(
    map(
        purpose,
        (
            "AntiMoneyLaunderingCompliance",
            "AntiMoneyLaunderingManagement",
            "CounterMoneyLaundering",
        ),
    )
)
"""For what alone an authorization may be sealed."""

BASES: Final = frozenset({LegalBasis.LEGAL_OBLIGATION, LegalBasis.OFFICIAL_AUTHORITY})
"""On what ground alone: no subject is asked, because none may be told."""

LEASES_MAX: Final = 4_096
"""Most leases of one disclosure."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What the regulator holds of a sealed authorization.

    `provider_voucher` and `consumer_voucher` are signatures over its id by an approver of the
    member whose one-time key it is. `leases` has the receipts of each lease, in the order of their
    numbers. `ground` says why it was made unavailable, None where nobody did.
    """

    clear: Terms
    salt: Hash32
    sealed: SealedTerms
    provider_voucher: bytes
    consumer_voucher: bytes
    leases: tuple[tuple[SignedReceipt, ...], ...] = ()
    ground: SealedGround | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What a disclosure proved."""

    authorization: Hash32
    provider: int
    consumer: int
    """Members behind the one-time keys."""
    purpose: int
    leases: int
    uses: int
    lapsed: int
    """Leases that nobody accounted for."""
    keep_until: int
    """Unix seconds: until then both sides and the regulator keep the records (R21)."""


def slots_of_disclosure(shown: Disclosure, chain_id: int) -> tuple[int, ...]:
    """Return the slots of Sealed that a disclosure is held against."""
    identity = sealed_id(shown.sealed, chain_id)
    leases = (lease_id(identity, number) for number in range(1, len(shown.leases) + 1))
    return (
        *slots_of_sealed(identity),
        *(slot for lease in leases for slot in slots_of_sealed_lease(lease)),
    )


def slots_of_vouchers(shown: Disclosure, chain_id: int) -> tuple[int, ...]:
    """Return the slots of Members that say whose the vouching accounts are."""
    identity = sealed_id(shown.sealed, chain_id)
    accounts = (
        recover(identity, voucher) for voucher in (shown.provider_voucher, shown.consumer_voucher)
    )
    return tuple(map(registry.slot_of_permission, accounts))


def verify_disclosure(
    shown: Disclosure, sealed: ReadSlot, members: ReadSlot, chain_id: int
) -> Opened:
    """Return what a disclosure proves against state of Sealed and of Members.

    Raises:
        ProofError: it does not open what is on chain, leaves a lease or receipt out, or shows what
            must not be sealed.
        SignatureError: a signature is malformed.
    """
    identity = sealed_id(shown.sealed, chain_id)
    state = sealed_state(sealed, identity)
    # (1) What is shown is what was granted: the id is the digest of all that the keys signed.
    if state is None:
        raise ProofError("disclosure: nothing was granted under these sealed terms")
    if commitment(shown.clear, shown.salt, chain_id) != shown.sealed.commitment:
        raise ProofError("disclosure: clear terms and salt do not give the commitment on chain")
    _check_clear_terms(shown)
    # (2) The one-time keys are those of the members that the clear terms name.
    _check_voucher(members, identity, shown.provider_voucher, shown.clear.provider, "provider")
    _check_voucher(members, identity, shown.consumer_voucher, shown.clear.consumer, "consumer")
    # (3) Why it ended is what the regulator wrote down when it did.
    _check_ground(shown, state, identity)
    # (4) Every use of every lease is shown, in one chain that ends where state says.
    if len(shown.leases) != state.leases:
        raise ProofError(f"disclosure: {len(shown.leases)} of {state.leases} leases are shown")
    found = []
    for number, receipts in enumerate(shown.leases, 1):
        lease = sealed_lease_state(sealed, lease_id(identity, number))
        if lease is None:
            raise ProofError(f"disclosure: lease {number} was never opened")
        _check_lease(shown, state, lease, number, receipts, chain_id)
        found.append(lease)
    uses = sum(lease.settled for lease in found)
    if uses != state.settled:
        raise ProofError(f"disclosure: {uses} uses are shown, {state.settled} were settled")
    lapsed = sum(lease.status == LeaseStatus.LAPSED for lease in found)
    clear, until = shown.clear, state.valid_until + RETENTION_SECONDS
    return Opened(
        identity, clear.provider, clear.consumer, clear.purpose, len(found), uses, lapsed, until
    )


def _check_clear_terms(shown: Disclosure) -> None:
    clear, sealed = shown.clear, shown.sealed
    limits = (clear.maximum_uses, clear.valid_from, clear.valid_until, clear.settle_within)
    checks = (
        (
            limits
            == (sealed.maximum_uses, sealed.valid_from, sealed.valid_until, sealed.settle_within),
            "limits differ from those on chain",
        ),
        (clear.purpose in PURPOSES, "purpose is not to be sealed"),
        (clear.legal_basis in BASES, "legal basis is not to be sealed"),
        (clear.subject_mode == SubjectMode.NONE, "a subject takes part"),
        (clear.provider != clear.consumer, "provider is the consumer"),
        (sealed.regulator not in (clear.provider, clear.consumer), "regulator is a side"),
    )
    for holds, flaw in checks:
        if not holds:
            raise ProofError(f"disclosure: {flaw}")


def _check_voucher(
    members: ReadSlot, identity: Hash32, voucher: bytes, member: int, side: str
) -> None:
    standing = registry.account_standing(members, recover(identity, voucher))
    # An account that was ended since has no roles left; a gateway's never vouches.
    may_vouch = standing.roles == 0 or standing.roles >> Role.APPROVER & 1
    if standing.member != member or standing.compromised or not may_vouch:
        raise ProofError(f"disclosure: member {member} does not vouch for the {side}'s key")


def _check_ground(shown: Disclosure, state: SealedState, identity: Hash32) -> None:
    ground = shown.ground
    if ground is None:
        if any(state.ground):
            raise ProofError("disclosure: it was made unavailable on a ground that is not shown")
    elif ground.authorization != identity or ground_hash(ground) != state.ground:
        raise ProofError("disclosure: the ground shown is not the one on chain")


def _check_lease(
    shown: Disclosure,
    state: SealedState,
    lease: SealedLeaseState,
    number: int,
    receipts: tuple[SignedReceipt, ...],
    chain_id: int,
) -> None:
    identity = lease_id(sealed_id(shown.sealed, chain_id), number)
    only_fields = shown.clear.modes == 1 << DeliveryMode.FIELDS
    facts = LeaseFacts(
        lease=identity,
        uses=lease.uses,
        mode=DeliveryMode.FIELDS if only_fields else DeliveryMode.QUERY,
        opened_at=lease.opened_at,
        expires_at=lease.expires_at,
        provider_key=state.provider,
        consumer_key=state.consumer,
        ended=state.ended,
    )
    if len(receipts) != lease.settled:
        raise ProofError(
            f"disclosure: {len(receipts)} of {lease.settled} receipts of lease {number} are shown"
        )
    last = identity
    for place, signed in enumerate(receipts, 1):
        last = _check_receipt(facts, signed, place, last, chain_id)
    if receipts and last != lease.last:
        raise ProofError(
            f"disclosure: receipts of lease {number} end in another hash than on chain"
        )


def _check_receipt(
    facts: LeaseFacts, signed: SignedReceipt, place: int, previous: Hash32, chain_id: int
) -> Hash32:
    """Return a receipt's hash, held to its lease, its place in the chain and both signatures."""
    where = f"receipt {place} of lease 0x{facts.lease.hex()}"
    receipt = signed.receipt
    if receipt.number != place or receipt.previous != previous:
        raise ProofError(f"disclosure: {where} does not follow the one before it")
    flaw = contradiction(receipt, facts)
    if flaw is not None:
        raise ProofError(f"disclosure: {where} contradicts its lease", why=flaw)
    hashed = sealed_receipt_hash(receipt, chain_id)
    _check_signature(hashed, signed.provider_signature, facts.provider_key, where)
    _check_signature(hashed, signed.consumer_signature or b"", facts.consumer_key, where)
    return hashed


def _check_signature(hashed: Hash32, signature: bytes, key: Address, where: str) -> None:
    if recover(hashed, signature) != key:
        raise ProofError(f"disclosure: {where} is not signed by 0x{key.hex()}")
