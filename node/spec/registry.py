"""Where the contracts keep what nodes, gateways and auditors read, and how to read it.

Storage positions are part of the protocol: a block's validity depends on `validators` and
`may_send` (N9, N15), and evidence on proofs of single slots. A test compares them
with the compiler's layouts. Every reader takes `read`, a function from a slot of the one
contract to its word; whether that asks a store, an RPC or a verified proof is the caller's affair.

A Vyper mapping places the value of `key` at keccak256(base ‖ key), both as 32 bytes; a string or
byte array holds its length first, then its words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from chaincode import ADDRESSES
from node.errors import IntegrityError
from node.spec.slots import ReadSlot, mapping_slot
from node.spec.types import Address, Hash32
from node.spec.usage import LeaseFacts
from node.spec.vocabulary import AuthorizationStatus, LeaseStatus, Role

MEMBERS: Final = Address(ADDRESSES["members"])
CATALOG: Final = Address(ADDRESSES["catalog"])
AUTHORIZATIONS: Final = Address(ADDRESSES["authorizations"])
LEASES: Final = Address(ADDRESSES["leases"])
GRANTS: Final = Address(ADDRESSES["grants"])
CLOSINGS: Final = Address(ADDRESSES["closings"])
CHALLENGES: Final = Address(ADDRESSES["challenges"])
TEMPLATES: Final = Address(ADDRESSES["templates"])
SUPERVISION: Final = Address(ADDRESSES["supervision"])
STATEMENTS_OF_PERIODS: Final = Address(ADDRESSES["statements"])
REFUSALS: Final = Address(ADDRESSES["refusals"])
DELEGATIONS: Final = Address(ADDRESSES["delegations"])
EXPORTS: Final = Address(ADDRESSES["exports"])
CONSENTS: Final = Address(ADDRESSES["consents"])

# Of Members.
VALIDATORS: Final = 0
VALIDATOR_SET_VERSION: Final = 101
PERMISSIONS: Final = 102
NODES: Final = 103
CERTIFICATES: Final = 104
MEMBER_RECORDS: Final = 105
MEMBER_COUNT: Final = 106
KEYS: Final = 107

# Of Authorizations, Leases, Closings and Challenges.
AUTHORIZATION_RECORDS: Final = 0
LEASE_RECORDS: Final = 0
BATCHES: Final = 1
PARENTS: Final = 1
FREEZES: Final = 2
VERSIONS: Final = 3
STATEMENTS: Final = 0
VOIDS: Final = 0
CORRECTIONS: Final = 1

REASON_MAX: Final = 31
"""Largest index of a reason: the bit above it says that an authorization was interrupted."""

VALIDATORS_MAX: Final = 100
MEMBERS_MAX: Final = 255
CERTIFICATE_BYTES_MAX: Final = 1024
NAME_BYTES_MAX: Final = 64

_COMPROMISED: Final = 15
_MEMBER_SHIFT: Final = 32
_MEMBER_BITS: Final = 32
_ACTIVE: Final = 8
_FROZEN_SHIFT: Final = 24
_JURISDICTION_SHIFT: Final = 88
_HEAD_OFFICE_SHIFT: Final = 104
_ADDRESS_BITS: Final = 160
_WAS_FROZEN: Final = 1 << 198
_WIDE: Final = 1 << 200
_FIELDS_AT: Final = 214


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the registry holds it."""

    index: int
    identifier: str
    """LEI or USCC."""
    kind: int
    active: bool
    name: str
    jurisdiction: int
    """ISO 3166 numeric code of its home."""
    head_office: int
    """The member whose branch abroad it is, 0 for none."""


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """What an account's permission word says, before its member's own standing is asked."""

    member: int
    roles: int
    compromised: bool


@dataclass(frozen=True, slots=True)
class AuthorizationState:
    """All that state keeps of an authorization; limits and fields are 0 before it is active."""

    fields: int
    ended: int | None
    """The block that ended it, None while nothing has."""
    purpose: int
    modes: int
    subject_mode: int
    valid_from: int
    maximum_uses: int
    answer_within: int
    settle_within: int
    acknowledge_within: int
    unsigned_maximum: int
    exchange: int
    rate_period: int
    rate_limit: int
    is_onward: int
    """1 when it shares another authorization onward."""
    is_shared: int
    """1 when another shares it onward."""
    is_delegated: int
    """1 when an agent approved in the subject's place."""
    retention_days: int
    frozen_until: int
    """Unix seconds, the first at which no freeze of its own lies over it (R22)."""
    provider: int
    consumer: int
    counted: int
    """Uses that leases hold or have used."""
    leases: int
    """Leases ever opened; the last one's number."""
    open: int
    unaccounted: int
    """Lapsed leases whose uses the two sides have not both stated."""
    window: int
    window_used: int
    status: int
    """As stored: expiry and exhaustion follow from it, see `status_at`."""
    reason: int
    was_interrupted: int
    """1 when it was ever suspended or frozen; see `node.spec.interruptions`."""
    required: int
    approved: int
    valid_until: int
    destination: int
    zone: int
    version: int
    """Of the terms in force, from 1."""


@dataclass(frozen=True, slots=True)
class LeaseState:
    """All that state keeps of a lease, with its pair of keys."""

    lease: Hash32
    uses: int
    settled: int
    claimed: int
    purpose: int
    mode: int
    fields: int
    """Mask of fields; 0 stands for all that the authorization grants."""
    opened_at: int
    expires_at: int
    deadline: int
    """Unix seconds: the last at which receipts settle; before the answer's end in a closing."""
    status: int
    is_rated: bool
    """Whether a rate window counts it."""
    is_per_use: bool
    """Whether each use needs a consent of its own (R2)."""
    version: int
    """Of the authorization's terms when it was opened."""
    last: Hash32
    """What the next receipt must name as `previous`; stale once a batch closed the lease."""
    stated: tuple[int | None, int | None]
    """Uses stated by provider and consumer after a lapse."""
    provider: int
    consumer: int
    provider_key: Address
    consumer_key: Address


def slot_of_validator(position: int) -> int:
    """Return the slot of the validator at a position from 0; slot 0 itself holds their number."""
    return VALIDATORS + 1 + position


def slot_of_permission(account: Address) -> int:
    """Return the slot of an account's permission word."""
    return mapping_slot(PERMISSIONS, account)


def slot_of_node(node: Address) -> int:
    """Return the slot that holds the member a node belongs to."""
    return mapping_slot(NODES, node)


def slot_of_member_standing(index: int) -> int:
    """Return the slot of a member's kind and active flag."""
    return mapping_slot(MEMBER_RECORDS, index) + 1


def slots_of_authorization(
    authorization: Hash32, known: Mapping[int, int] | None = None
) -> tuple[int, ...]:
    """Return the slots of an authorization: two, and those that its known limits ask for beside.

    Fields beyond the first 42 and a freeze take a slot of their own.
    """
    base = mapping_slot(AUTHORIZATION_RECORDS, authorization)
    limits = (known or {}).get(base + 1, 0)
    wide = (base + 2,) if limits & _WIDE else ()
    frozen = (slot_of_freeze(authorization),) if limits & _WAS_FROZEN else ()
    return (base, base + 1, *wide, *frozen)


def slot_of_freeze(authorization: Hash32) -> int:
    """Return where Authorizations holds until when an authorization is frozen."""
    return mapping_slot(FREEZES, authorization)


def was_frozen(read: ReadSlot, authorization: Hash32) -> bool:
    """Whether a freeze ever lay over an authorization. `read` is of Authorizations."""
    return bool(read(slots_of_authorization(authorization)[1]) & _WAS_FROZEN)


def slot_of_version(authorization: Hash32, number: int) -> int:
    """Return the slot that holds the digest of a version of the terms, from the second on."""
    return mapping_slot(mapping_slot(VERSIONS, authorization), number)


def slots_of_lease(lease: Hash32) -> tuple[int, ...]:
    """Return the three slots of a lease; its keys and statements lie in other contracts."""
    base = mapping_slot(LEASE_RECORDS, lease)
    return tuple(base + offset for offset in range(3))


def slots_of_keys(word: int) -> tuple[int, int]:
    """Return where Members holds the two keys that a lease's first word names."""
    provider, consumer = _unpack(word >> 168, 24, 24)
    return mapping_slot(KEYS, provider), mapping_slot(KEYS, consumer)


def slot_of_statement(lease: Hash32) -> int:
    """Return where Closings holds what both sides stated of a lapsed lease."""
    return mapping_slot(STATEMENTS, lease)


def slot_of_batch(batch: Hash32) -> int:
    """Return the slot that holds the block a batch was anchored in."""
    return mapping_slot(BATCHES, batch)


def slot_of_void(receipt: Hash32) -> int:
    """Return the slot that is 1 when a challenge voided an anchored receipt."""
    return mapping_slot(VOIDS, receipt)


def slot_of_correction(receipt: Hash32) -> int:
    """Return the slot that holds the digest of a receipt's correction, 0 for none."""
    return mapping_slot(CORRECTIONS, receipt)


def validators(read: ReadSlot) -> tuple[Address, ...]:
    """Return the validator set in ascending order.

    Raises:
        IntegrityError: the set is empty, too large or not ascending, which the contract never
            leaves: the slots are not those of Members.
    """
    count = read(VALIDATORS)
    if not 0 < count <= VALIDATORS_MAX:
        raise IntegrityError(f"registry: a set of {count} validators")
    found = tuple(_address(read(slot_of_validator(position))) for position in range(count))
    if any(left >= right for left, right in pairwise(found)):
        raise IntegrityError("registry: validators are not in ascending order")
    return found


def validator_set_version(read: ReadSlot) -> int:
    """Return how often the validator set has changed (N15)."""
    return read(VALIDATOR_SET_VERSION)


def account_standing(read: ReadSlot, account: Address) -> AccountStanding:
    """Return an account's member, roles (bits of `Role`) and whether its key is compromised."""
    word = read(slot_of_permission(account))
    return AccountStanding(
        word >> _MEMBER_SHIFT & (1 << _MEMBER_BITS) - 1,
        word & (1 << _COMPROMISED) - 1,
        bool(word >> _COMPROMISED & 1),
    )


def may_send(read: ReadSlot, account: Address) -> bool:
    """Whether an account may send transactions: it is a sender, and its member active (N9)."""
    standing = account_standing(read, account)
    return bool(standing.roles >> Role.SENDER & 1) and is_active(read, standing.member)


def has_role(read: ReadSlot, account: Address, role: Role) -> bool:
    """Whether an account of an active member holds a role."""
    standing = account_standing(read, account)
    return bool(standing.roles >> role & 1) and is_active(read, standing.member)


def member_of(read: ReadSlot, account: Address) -> int:
    """Return the member an account belongs or belonged to, 0 when none ever admitted it."""
    return account_standing(read, account).member


def is_active(read: ReadSlot, index: int) -> bool:
    """Whether a member is admitted and not suspended."""
    return bool(read(slot_of_member_standing(index)) >> _ACTIVE & 1)


def is_frozen(read: ReadSlot, index: int, timestamp: int) -> bool:
    """Whether a freeze lies over a member: it grants nothing, opens and serves no lease (R22)."""
    return timestamp < member_thaws_at(read, index)


def member_thaws_at(read: ReadSlot, index: int) -> int:
    """Return the first second (Unix) at which no freeze lies over a member."""
    return read(slot_of_member_standing(index)) >> _FROZEN_SHIFT & (1 << 40) - 1


def node_member(read: ReadSlot, node: Address) -> int:
    """Return the active member that runs a node, 0 when the node may not connect."""
    index = read(slot_of_node(node))
    return index if index and is_active(read, index) else 0


def member_count(read: ReadSlot) -> int:
    """Return the number of members ever admitted, whose indices are 1 to it."""
    return read(MEMBER_COUNT)


def member(read: ReadSlot, index: int) -> Member | None:
    """Return the member at an index, None when there is none."""
    base = mapping_slot(MEMBER_RECORDS, index)
    standing = read(base + 1)
    if not standing:
        return None
    identifier = read(base).to_bytes(32, "big").rstrip(b"\0").decode("ascii", "replace")
    name = _byte_array(read, base + 2, NAME_BYTES_MAX).decode("utf-8", "replace")
    home = standing >> _JURISDICTION_SHIFT & (1 << 10) - 1, standing >> _HEAD_OFFICE_SHIFT & 0xFFFF
    return Member(index, identifier, standing & 255, bool(standing >> _ACTIVE & 1), name, *home)


def certificates(read: ReadSlot, index: int) -> tuple[bytes, ...]:
    """Return the DER of a member's certificate authorities: none, one, or two in an overlap."""
    slots = (mapping_slot(CERTIFICATES, 2 * index + place) for place in range(2))
    found = (_byte_array(read, slot, CERTIFICATE_BYTES_MAX) for slot in slots)
    return tuple(certificate for certificate in found if certificate)


def authorization(read: ReadSlot, identifier: Hash32) -> AuthorizationState | None:
    """Return an authorization's state, None when there is none. `read` is of Authorizations."""
    base, second = slots_of_authorization(identifier)
    standing, limits = read(base), read(second)
    if not standing:
        return None
    parts = _unpack(standing, 8, 8, 32, 24, 4, 4, 20, 32, 4, 5, 1, 32, 8, 8, 36, 10, 8, 4, 8)
    terms = _unpack(limits, 8, 8, 2, 36, 32, 20, 20, 20, 7, 8, 3, 32, 1, 1, 1, 1, 1, 12, 1)
    fields = read(base + 2) if limits & _WIDE else limits >> _FIELDS_AT
    frozen = read(slot_of_freeze(identifier)) if limits & _WAS_FROZEN else 0
    rest = (*terms[:14], terms[15], terms[17], frozen, *parts[:11], *parts[12:17], parts[18])
    return AuthorizationState(fields, parts[11] or None, *rest)


def stored_status(standing: int) -> int:
    """Return the status that an authorization's word of standing holds."""
    return standing >> 132 & 15


def status_at(state: AuthorizationState, timestamp: int) -> AuthorizationStatus:
    """Return the status as of a block's time: expiry and exhaustion follow from time and counters.

    Raises:
        IntegrityError: the stored status is unknown to this version.
    """
    if state.status not in tuple(AuthorizationStatus):
        raise IntegrityError(f"registry: authorization status {state.status}")
    if state.ended is not None or state.status == AuthorizationStatus.APPLIED:
        return AuthorizationStatus(state.status)
    if timestamp >= state.valid_until:
        return AuthorizationStatus.EXPIRED
    is_used_up = state.counted == state.maximum_uses and state.open == 0
    if state.status == AuthorizationStatus.ACTIVE and is_used_up:
        return AuthorizationStatus.EXHAUSTED
    return AuthorizationStatus(state.status)


def lease(
    read: ReadSlot, keys: ReadSlot, statements: ReadSlot, identifier: Hash32
) -> LeaseState | None:
    """Return a lease's state, None when there is none.

    `read` is of Leases, `keys` of Members, `statements` of Closings (asked of lapsed leases only).
    """
    word, fields, last = map(read, slots_of_lease(identifier))
    if not word:
        return None
    uses, settled, claimed, status, mode, purpose, version, opened_at, expires_at = _unpack(
        word, 32, 32, 8, 4, 4, 12, 8, 32, 36
    )
    provider, consumer = map(keys, slots_of_keys(word))
    stated = statements(slot_of_statement(identifier)) if has_lapsed(word) else 0
    return LeaseState(
        lease=identifier,
        uses=uses,
        settled=settled,
        claimed=claimed,
        purpose=purpose,
        mode=mode,
        fields=fields,
        opened_at=opened_at,
        expires_at=expires_at,
        deadline=word >> 220,
        is_rated=bool(word >> 216 & 1),
        is_per_use=bool(word >> 217 & 1),
        status=status,
        version=version,
        last=Hash32(last.to_bytes(32, "big")) if last else identifier,
        stated=(_stated(stated, 0), _stated(stated, 1)),
        provider=_key_member(provider),
        consumer=_key_member(consumer),
        provider_key=_address(provider),
        consumer_key=_address(consumer),
    )


def has_lapsed(word: int) -> bool:
    """Whether a lease's first word says that it lapsed."""
    return word >> 72 & 15 == LeaseStatus.LAPSED


def _stated(word: int, side: int) -> int | None:
    return word >> 32 + 32 * side & 0xFFFFFFFF if word >> side & 1 else None


def _key_member(word: int) -> int:
    return word >> _ADDRESS_BITS & 0xFFFF


def lease_facts(state: LeaseState, ended: int | None) -> LeaseFacts:
    """Return what receipts of a lease must fit; `ended` is the authorization's ending block."""
    return LeaseFacts(
        state.lease,
        state.uses,
        state.mode,
        state.opened_at,
        state.expires_at,
        state.provider_key,
        state.consumer_key,
        state.is_per_use,
        ended,
    )


def serves(state: LeaseState, timestamp: int) -> bool:
    """Whether a lease may still be served from: open, in time, with uses left."""
    left = state.uses - state.settled - state.claimed
    return state.status == LeaseStatus.OPEN and timestamp < state.expires_at and left > 0


def _unpack(word: int, *widths: int) -> tuple[int, ...]:
    """Split a packed word into its parts, lowest bits first."""
    parts = []
    for width in widths:
        parts.append(word & (1 << width) - 1)
        word >>= width
    return tuple(parts)


def _address(word: int) -> Address:
    return Address((word & (1 << _ADDRESS_BITS) - 1).to_bytes(20, "big"))


def _byte_array(read: ReadSlot, slot: int, length_max: int) -> bytes:
    length = read(slot)
    if length > length_max:
        raise IntegrityError(f"registry: {length} bytes where at most {length_max} fit")
    words = range(slot + 1, slot + 1 + (length + 31) // 32)
    return b"".join(read(place).to_bytes(32, "big") for place in words)[:length]
