"""The vocabulary in Python: enums of the short tables, lookups for the long ones.

The source is `chaincode/vocabulary.json`; the enums repeat the tables that code branches on, so
that a type checker knows their members, and a test holds each to its table. Purposes, field kinds
and jurisdictions are looked up by name or index. Labels in English and Chinese come with `label`.
"""

from enum import IntEnum
from functools import cache
from typing import Final

from chaincode.vocabulary import Term, ancestors, covered, load

VERSION: Final[int] = load().version
HOME: Final[int] = load().home
"""ISO 3166 numeric code of the home jurisdiction."""


class DeliveryMode(IntEnum):
    """How data is delivered; a mask holds `1 << mode`."""

    FIELDS = 0
    RAW = 1
    QUERY = 2
    MODEL = 3
    PSI = 4
    MPC = 5


class SubjectMode(IntEnum):
    """How a data subject takes part (R2)."""

    NONE = 0
    ONE = 1
    PER_USE = 2


class LegalBasis(IntEnum):
    """On what ground personal information is processed."""

    CONSENT = 1
    CONTRACT = 2
    LEGAL_OBLIGATION = 3
    LEGITIMATE_INTEREST = 4
    OFFICIAL_AUTHORITY = 5
    PUBLIC_INTEREST = 6
    VITAL_INTEREST = 7


class Party(IntEnum):
    """What a member or subject is to an authorization; a mask holds `1 << party`."""

    PROVIDER = 0
    CONSUMER = 1
    SUBJECT = 2
    EXCHANGE = 3
    REGULATOR = 4
    OPERATOR = 5
    APPROVER = 6
    AGENT = 7


class Reason(IntEnum):
    """Why something ended."""

    SUBJECT_WITHDREW = 1
    PROVIDER_WITHDREW = 2
    CONSUMER_TERMINATED = 3
    REGULATOR_ORDER = 4
    FRAUD_SUSPECTED = 5
    KEY_COMPROMISED = 6
    TEMPLATE_RETIRED = 7
    CREDENTIAL_EXPIRED = 8
    SUPERSEDED = 9
    BREACH_OF_TERMS = 10
    DECLINED = 11
    NOT_REAFFIRMED = 12


class MemberKind(IntEnum):
    """What kind of legal entity a member is."""

    BANK = 1
    PUBLIC_SERVICE_OPERATOR = 2
    GOVERNMENT_OFFICE = 3
    EXCHANGE = 4
    REGULATOR = 5
    AUDITOR = 6


class Role(IntEnum):
    """What an account may do; a mask holds `1 << role`."""

    SENDER = 0
    APPROVER = 1
    GATEWAY = 2
    GOVERNOR = 3
    OFFICER = 4
    READER = 5


class Zone(IntEnum):
    """The zone of the catalog a product belongs to."""

    FINANCE = 1
    PUBLIC_SERVICE = 2
    GOVERNMENT = 3
    GENERAL = 4
    MEDICAL = 5
    TRANSPORT = 6
    LOCATION = 7
    SPATIAL = 8
    RESEARCH = 9
    WATER = 10
    POWER = 11
    GAS = 12
    TRANSIT = 13


class PaymentKind(IntEnum):
    """How a fee statement was paid."""

    TRANSFER = 1
    DIGITAL_YUAN = 2
    CLEARING_HOUSE = 3


class FreezeGround(IntEnum):
    """Why a regulator freezes (R22)."""

    FRAUD = 1
    MONEY_LAUNDERING = 2
    DATA_BREACH = 3
    JUDICIAL_ORDER = 4
    SYSTEMIC_RISK = 5


class ContractKind(IntEnum):
    """The standard contracts that templates of terms follow."""

    PROVISION = 1
    ENTRUSTED_PROCESSING = 2
    JOINT_DEVELOPMENT = 3
    INTERMEDIATION = 4


class RatePeriod(IntEnum):
    """The windows in which uses are limited (R8)."""

    NONE = 0
    HOUR = 1
    DAY = 2
    WEEK = 3
    MONTH = 4
    YEAR = 5


class Mechanism(IntEnum):
    """On what ground results may leave the country."""

    NONE = 0
    EXEMPT = 1
    SECURITY_ASSESSMENT = 2
    STANDARD_CONTRACT = 3
    CERTIFICATION = 4
    FREE_TRADE_ZONE_LIST = 5


class OwnerRight(IntEnum):
    """The right in data that a product is offered under and a consumer receives."""

    HOLDING = 1
    PROCESSING = 2
    OPERATING = 3


class PriceClass(IntEnum):
    """How the fee of a use follows from its price plan."""

    FREE = 0
    FIXED = 1
    PER_USE = 2
    TIERED = 3
    PERIOD = 4


class DelegationKind(IntEnum):
    """Who may approve in a subject's place."""

    AGENT = 1
    GUARDIAN = 2


class AuthorizationStatus(IntEnum):
    """Where an authorization stands; 0 means there is none."""

    REQUESTED = 1
    PARTIALLY_APPROVED = 2
    ACTIVE = 3
    REJECTED = 4
    REVOKED = 5
    TERMINATED = 6
    EXPIRED = 7
    EXHAUSTED = 8
    SUSPENDED = 9
    APPLIED = 10
    """Of an amendment's own record: it is the next version of its authorization."""


class LeaseStatus(IntEnum):
    """Where a lease stands; 0 means there is none."""

    OPEN = 1
    CLOSING = 2
    CLOSED = 3
    LAPSED = 4


class ProductStatus(IntEnum):
    """Where a product version stands; 0 means there is none."""

    PROPOSED = 1
    APPROVED = 2
    RETIRED = 3


class ReceiptKind(IntEnum):
    """What became of a use."""

    DELIVERED = 0
    VOID = 1


class CorrectionCause(IntEnum):
    """Why both sides correct a receipt."""

    RECORDED_IN_ERROR = 1
    RECORDED_TWICE = 2
    NOT_ACCEPTED = 3
    RULING = 4


class ProposalKind(IntEnum):
    """What a proposal asks of the consortium."""

    ADMIT_MEMBER = 1
    SUSPEND_MEMBER = 2
    REINSTATE_MEMBER = 3
    ADD_VALIDATOR = 4
    REMOVE_VALIDATOR = 5
    LOWER_FAULT_TOLERANCE = 6
    ROLE_THRESHOLD = 7
    MANDATE = 8
    SHARE = 9
    PARAMETER = 10
    FEATURE = 11
    HOLIDAY_TABLE = 12
    VOCABULARY_VERSION = 13
    CONTRACT_VERSION = 14
    HALT = 15
    TEMPLATE = 16
    LIST_ENTRY = 17


class ProposalStatus(IntEnum):
    """Where a proposal stands; 0 means there is none."""

    OPEN = 1
    CARRIED = 2
    ENACTED = 3
    WITHDRAWN = 4
    REJECTED = 5
    EXPIRED = 6


class Ballot(IntEnum):
    """What a governor says to a proposal."""

    SILENT = 0
    AGREE = 1
    DECLINE = 2


class Parameter(IntEnum):
    """Values that the consortium sets by proposal."""

    TIME_LOCK = 1
    DELETION_WITHIN = 2
    ANSWER_WITHIN = 3
    APPEAL_WITHIN = 4
    DECIDE_WITHIN = 5
    EXTEND_BY = 6
    SUPPLEMENT_WITHIN = 7
    REAFFIRM_WITHIN = 8
    RULING_WITHIN = 9


class VersionStatus(IntEnum):
    """Where a version of the contracts stands; 0 means there is none."""

    OPEN = 1
    CLOSED = 2


class ObligationKind(IntEnum):
    """What a side owes after uses."""

    DELETE_DATA = 1
    DESTROY_SALT = 2
    INFORM = 3
    COMPENSATE = 4


class ObligationStatus(IntEnum):
    """Where an obligation stands; 0 means there is none."""

    OWED = 1
    FULFILLED = 2
    OVERDUE = 3
    FULFILLED_LATE = 4
    SUPERSEDED = 5


class ErasureGround(IntEnum):
    """What stands against erasing what is kept of a person, when that is asked for (R21)."""

    NOTHING = 1
    AGREED_RETENTION = 2
    RECORD_KEEPING = 3
    OPEN_DISPUTE = 4
    RUNNING_FREEZE = 5
    OPEN_INSPECTION = 6
    ERASED = 7


class DisputeStatus(IntEnum):
    """Where a dispute stands; 0 means there is none."""

    OPEN = 1
    ANSWERED = 2
    RULED = 3
    APPEALED = 4
    ENDED = 5


class ApplicationStatus(IntEnum):
    """Where an application for data stands; 0 means there is none."""

    UNDER_REVIEW = 1
    AWAITING_SUPPLEMENT = 2
    APPROVED = 3
    REFUSED = 4
    LAPSED = 5
    WITHDRAWN = 6
    EXPIRED = 7


class RefusalReason(IntEnum):
    """Why an application for data was refused."""

    NOT_HELD = 1
    STATE_SECRET = 2
    PUBLIC_SECURITY = 3
    TRADE_SECRET = 4
    PERSONAL_PRIVACY = 5
    NOT_WITHIN_PURPOSE = 6
    LIST_FORBIDS = 7
    REPEATED = 8
    MATERIAL_INCOMPLETE = 9
    SAFEGUARDS_LACKING = 10
    OPEN_ALREADY = 11
    INTERNAL_RECORD = 12


class Ruling(IntEnum):
    """What became of a dispute; 0 while nobody ruled."""

    UPHELD = 1
    DISMISSED = 2
    WITHDRAWN = 3
    UPHELD_ENDING = 4
    LAPSED = 5


class AcceptanceStatus(IntEnum):
    """What a consumer said of data it received; 0 while it may still say something."""

    ACCEPTED = 1
    OBJECTED = 2
    ANSWERED = 3


TABLE_OF: Final[dict[type[IntEnum], str]] = {
    DeliveryMode: "delivery_mode",
    SubjectMode: "subject_mode",
    LegalBasis: "legal_basis",
    Party: "party",
    Reason: "reason",
    MemberKind: "member_kind",
    Role: "role",
    Zone: "zone",
    PaymentKind: "payment_kind",
    FreezeGround: "freeze_ground",
    ContractKind: "contract_kind",
    RatePeriod: "rate_period",
    Mechanism: "mechanism",
    OwnerRight: "owner_right",
    PriceClass: "price_class",
    DelegationKind: "delegation_kind",
    AuthorizationStatus: "authorization_status",
    LeaseStatus: "lease_status",
    ProductStatus: "product_status",
    ReceiptKind: "receipt_kind",
    CorrectionCause: "correction_cause",
    ProposalKind: "proposal_kind",
    ProposalStatus: "proposal_status",
    Ballot: "ballot",
    Parameter: "parameter",
    VersionStatus: "version_status",
    ObligationKind: "obligation_kind",
    ObligationStatus: "obligation_status",
    ErasureGround: "erasure_ground",
    DisputeStatus: "dispute_status",
    Ruling: "ruling",
    AcceptanceStatus: "acceptance_status",
    ApplicationStatus: "application_status",
    RefusalReason: "refusal_reason",
}
"""Which table of the vocabulary each enum repeats."""


def mask(*members: IntEnum) -> int:
    """Return the mask with one bit for each member: of modes, parties or roles."""
    bits = 0
    for member in members:
        bits |= 1 << member
    return bits


def purpose(name: str) -> int:
    """Return a purpose's index by its DPV name; KeyError when there is none."""
    return load().index("purpose", name)


def purpose_covers(granted: int, wanted: int) -> bool:
    """Whether a granted purpose covers a wanted one: itself or an ancestor of it (R6)."""
    known = {term.index for term in load()["purpose"]}
    if granted not in known or wanted not in known:
        return False
    return granted == wanted or granted in ancestors(load(), wanted)


@cache
def covered_by(purpose: int) -> int:
    """Return the mask of a purpose and all that it covers, bit i for purpose i (R6)."""
    return covered(load(), purpose)


def field_kind(name: str) -> Term:
    """Return a kind of field with its floors; KeyError when there is none."""
    return load().term("field_kind", load().index("field_kind", name))


def label(table: str, index: int, language: str = "en") -> str:
    """Return the label of an entry in `en` or `zh`; an index unknown to this version by number."""
    try:
        term = load().term(table, index)
    except KeyError:
        return f"{table} {index}"
    return term.zh if language == "zh" else term.en
