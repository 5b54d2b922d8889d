"""Terms: the one typed structure that all parties of an authorization sign (R1).

`Terms` is the Python twin of the struct in `chaincode/agreements.vy`; its EIP-712 digest is the
authorization's id, or where it amends other terms names the next version under that id. Everything
else that shows terms (ODRL, consent records, human text) is rendered from this value.
`refuse_request` is the terms' part of what a gateway asks before it serves; the contract asked the
same when the lease was opened. State (status, counters, leases) is read in `node.spec.registry`.
"""

from dataclasses import dataclass, fields
from typing import Final

from chaincode import ADDRESSES
from node.errors import DecodeError, SignatureError
from node.spec.calendar import DAY_SECONDS
from node.spec.crypto import recover
from node.spec.typed_data import Domain, Word, struct_hash, typed_digest
from node.spec.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from node.spec.vocabulary import DeliveryMode, Reason, SubjectMode, purpose_covers

NAME: Final = "Dataccord"
CONTRACT_VERSION: Final = "1"
"""Name and version of every EIP-712 domain; the contract is the domain's third part."""

MINIMUM_GROUP_FLOOR: Final = 5
"""Smallest `minimum_group` of terms without a single subject."""

UNSIGNED_MAX: Final = 64
DEADLINE_SECONDS_MAX: Final = 7 * DAY_SECONDS

TERMS_TYPE: Final = (
    "Terms(uint32 provider,uint32 consumer,uint32 exchange,uint16 exchangeShare,uint32 operator,"
    "uint32 approver,bytes32 product,uint32 productVersion,uint8 right,"
    "uint8 subjectMode,address subject,bytes32 subjectReference,address agent,bytes32 delegation,"
    "bytes32 notice,uint8 legalBasis,uint16 purpose,"
    "uint256 fields,uint8 modes,uint16 destination,uint8 mechanism,bytes32 mechanismReference,"
    "uint64 mechanismUntil,uint256 recipients,bytes32 parent,bytes32 amends,uint32 minimumGroup,"
    "uint32 maximumUses,uint8 ratePeriod,uint32 rateLimit,uint32 lookBackDays,"
    "uint32 retentionDays,uint64 validFrom,uint64 validUntil,"
    "uint8 unsignedMaximum,uint32 answerWithin,uint32 settleWithin,uint32 acknowledgeWithin,"
    "uint8 priceClass,bytes32 pricePlan,bytes32 template,uint256 nonce)"
)
REVOCATION_TYPE: Final = "Revocation(bytes32 authorization,uint8 reason)"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of an authorization, field by field in the order that is signed.

    Members are indices in `Members`; `exchange` 0 is direct trade, and `exchange_share` basis
    points of the fee; `operator` is that of the zone where it approves each authorization,
    `approver` whom the cautious list names. `right` is the owner's right that the consumer
    receives. `agent` approves in the subject's place by a `delegation`; `notice` is the hash of the
    privacy notice the subject was shown. `fields` has a bit for each field of the product version,
    `modes` one for each delivery mode, `recipients` one for each member to whom the consumer may
    share onward; `parent` is the authorization that this one shares onward, `amends` the digest of
    the terms it replaces, zero for none. `mechanism` with its reference is the ground on which
    results go abroad. At most `rate_limit` uses may be reserved in one window of `rate_period`
    (R8). Data of a use reaches `look_back_days` back, 0 for all there are, and may be kept
    `retention_days` after the end. Times are Unix seconds, the first inside and the last outside;
    `answer_within`, `settle_within` and `acknowledge_within` are seconds (R12). `price_plan` is the
    hash of a document of `price_class`, both 0 for what is free (R18).
    """

    provider: int
    consumer: int
    exchange: int
    exchange_share: int
    operator: int
    approver: int
    product: Hash32
    product_version: int
    right: int
    subject_mode: int
    subject: Address
    subject_reference: Hash32
    agent: Address
    delegation: Hash32
    notice: Hash32
    legal_basis: int
    purpose: int
    fields: int
    modes: int
    destination: int
    mechanism: int
    mechanism_reference: Hash32
    mechanism_until: int
    recipients: int
    parent: Hash32
    amends: Hash32
    minimum_group: int
    maximum_uses: int
    rate_period: int
    rate_limit: int
    look_back_days: int
    retention_days: int
    valid_from: int
    valid_until: int
    unsigned_maximum: int
    answer_within: int
    settle_within: int
    acknowledge_within: int
    price_class: int
    price_plan: Hash32
    template: Hash32
    nonce: int


_TYPES: Final = tuple(
    part.split(" ")[0] for part in TERMS_TYPE.removeprefix("Terms(").removesuffix(")").split(",")
)
_NAMES: Final = tuple(
    part.split(" ")[1] for part in TERMS_TYPE.removeprefix("Terms(").removesuffix(")").split(",")
)


def grants_domain(chain_id: int) -> Domain:
    """Return the EIP-712 domain under which terms and revocations are signed."""
    address = Address(ADDRESSES["grants"])
    return Domain(NAME, CONTRACT_VERSION, chain_id, address)


def words(terms: Terms) -> tuple[Word, ...]:
    """Return the struct's members in order, as EIP-712 and the ABI encode them."""
    return tuple(getattr(terms, field.name) for field in fields(Terms))


def authorization_id(terms: Terms, chain_id: int) -> Hash32:
    """Return the digest every party signs, which is also the id of what first terms authorize."""
    return typed_digest(grants_domain(chain_id), struct_hash(TERMS_TYPE, words(terms)))


def revocation_digest(authorization: Hash32, reason: Reason, chain_id: int) -> Hash32:
    """Return the digest a party signs to end an authorization without sending a transaction."""
    structure = struct_hash(REVOCATION_TYPE, (authorization, int(reason)))
    return typed_digest(grants_domain(chain_id), structure)


def verify_approval(terms: Terms, chain_id: int, signature: bytes, account: Address) -> None:
    """Check that `account` signed the terms.

    Raises:
        SignatureError: the signature is malformed or another key's.
    """
    if recover(authorization_id(terms, chain_id), signature) != account:
        raise SignatureError(f"terms: not signed by 0x{account.hex()}")


def to_json(terms: Terms) -> dict[str, int | str]:
    """Return the terms under the names that are signed; bytes in hex, large masks too."""
    return {
        name: _json_value(kind, value)
        for name, kind, value in zip(_NAMES, _TYPES, words(terms), strict=True)
    }


def _json_value(kind: str, word: Word) -> int | str:
    if isinstance(word, bytes):
        return "0x" + word.hex()
    return hex(word) if kind == "uint256" else word


def from_json(document: object) -> Terms:
    """Return the terms a JSON object holds.

    Raises:
        DecodeError: a member is missing, unknown or out of its type's range.
    """
    if not isinstance(document, dict) or set(document) != set(_NAMES):
        raise DecodeError(f"terms: expected exactly the members {', '.join(_NAMES)}")
    values = (_word(name, kind, document[name]) for name, kind in zip(_NAMES, _TYPES, strict=True))
    return Terms(*values)  # type: ignore[arg-type]  # each word has its field's type, by kind


def _word(name: str, kind: str, value: object) -> Word:
    try:
        if kind.startswith("uint"):
            return _unsigned(value, int(kind.removeprefix("uint")))
        return _bytes(value, 20 if kind == "address" else 32)
    except ValueError as error:
        raise DecodeError(f"terms: {name} is not a {kind}") from error


def _unsigned(value: object, bits: int) -> int:
    if isinstance(value, str):
        if not value.startswith("0x"):
            raise ValueError
        value = int(value, 16)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
        raise ValueError
    return value


def _bytes(value: object, length: int) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x") or len(value) != 2 + 2 * length:
        raise ValueError
    return bytes.fromhex(value[2:])


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a consumer asks of one use: everything the lease fixed, and when."""

    purpose: int
    fields: int
    mode: DeliveryMode
    destination: int
    at: int
    """Unix seconds."""


def refuse_request(terms: Terms, wanted: Wanted) -> str | None:
    """Return why the terms do not allow what is wanted, in the contract's words, or None."""
    checks = (
        (wanted.at >= terms.valid_from, "not yet valid"),
        (wanted.at < terms.valid_until, "expired"),
        (purpose_covers(terms.purpose, wanted.purpose), "purpose not granted"),
        (wanted.fields != 0 and wanted.fields & ~terms.fields == 0, "field not granted"),
        (terms.modes >> wanted.mode & 1 == 1, "mode not granted"),
        (wanted.destination == terms.destination, "destination not granted"),
    )
    return next((f"authorizations: {reason}" for holds, reason in checks if not holds), None)


def has_subject(terms: Terms) -> bool:
    """Whether a single data subject is a party (R2, mode `one`)."""
    return terms.subject_mode == SubjectMode.ONE


def needs_consents(terms: Terms) -> bool:
    """Whether each use needs the consent of its own subject (R2, mode `perUse`)."""
    return terms.subject_mode == SubjectMode.PER_USE


def data_since(terms: Terms, used_at: int) -> int:
    """Return the first second (Unix) that data of a use may come from; 0 for no limit."""
    return max(used_at - terms.look_back_days * DAY_SECONDS, 0) if terms.look_back_days else 0


NO_SUBJECT: Final = (ZERO_ADDRESS, ZERO_HASH)
"""Subject and subject reference of terms without a single subject."""
