# pragma version 0.4.3
# pragma evm-version prague
"""
@title The vocabulary as contracts read it
@notice Generated from vocabulary.json by `python -m chaincode.build`; never edited by hand.
"""

VERSION: constant(uint256) = 6
HOME: constant(uint256) = 156

PURPOSE_LAST: constant(uint256) = 51
FIELD_KIND_LAST: constant(uint256) = 35
LEGAL_BASIS_LAST: constant(uint256) = 7
REASON_LAST: constant(uint256) = 12
MEMBER_KIND_LAST: constant(uint256) = 6
ZONE_LAST: constant(uint256) = 13
RATE_PERIOD_LAST: constant(uint256) = 5
MECHANISM_LAST: constant(uint256) = 5
CONTRACT_KIND_LAST: constant(uint256) = 4
FREEZE_GROUND_LAST: constant(uint256) = 5
PAYMENT_KIND_LAST: constant(uint256) = 3
PROPOSAL_KIND_LAST: constant(uint256) = 17
BALLOT_LAST: constant(uint256) = 2
PARAMETER_LAST: constant(uint256) = 9
OWNER_RIGHT_LAST: constant(uint256) = 3
PRICE_CLASS_LAST: constant(uint256) = 4
CORRECTION_CAUSE_LAST: constant(uint256) = 4
REFUSAL_REASON_LAST: constant(uint256) = 12

RATE_PERIOD_NONE: constant(uint256) = 0
RATE_PERIOD_HOUR: constant(uint256) = 1
RATE_PERIOD_DAY: constant(uint256) = 2
RATE_PERIOD_WEEK: constant(uint256) = 3
RATE_PERIOD_MONTH: constant(uint256) = 4
RATE_PERIOD_YEAR: constant(uint256) = 5
MECHANISM_NONE: constant(uint256) = 0
MECHANISM_EXEMPT: constant(uint256) = 1
MECHANISM_SECURITY_ASSESSMENT: constant(uint256) = 2
MECHANISM_STANDARD_CONTRACT: constant(uint256) = 3
MECHANISM_CERTIFICATION: constant(uint256) = 4
MECHANISM_FREE_TRADE_ZONE_LIST: constant(uint256) = 5
OWNER_RIGHT_HOLDING: constant(uint256) = 1
OWNER_RIGHT_PROCESSING: constant(uint256) = 2
OWNER_RIGHT_OPERATING: constant(uint256) = 3
PRICE_CLASS_FREE: constant(uint256) = 0
PRICE_CLASS_FIXED: constant(uint256) = 1
PRICE_CLASS_PER_USE: constant(uint256) = 2
PRICE_CLASS_TIERED: constant(uint256) = 3
PRICE_CLASS_PERIOD: constant(uint256) = 4
DELEGATION_KIND_AGENT: constant(uint256) = 1
DELEGATION_KIND_GUARDIAN: constant(uint256) = 2
DELIVERY_MODE_FIELDS: constant(uint256) = 0
DELIVERY_MODE_RAW: constant(uint256) = 1
DELIVERY_MODE_QUERY: constant(uint256) = 2
DELIVERY_MODE_MODEL: constant(uint256) = 3
DELIVERY_MODE_PSI: constant(uint256) = 4
DELIVERY_MODE_MPC: constant(uint256) = 5
SUBJECT_MODE_NONE: constant(uint256) = 0
SUBJECT_MODE_ONE: constant(uint256) = 1
SUBJECT_MODE_PER_USE: constant(uint256) = 2
LEGAL_BASIS_CONSENT: constant(uint256) = 1
LEGAL_BASIS_CONTRACT: constant(uint256) = 2
LEGAL_BASIS_LEGAL_OBLIGATION: constant(uint256) = 3
LEGAL_BASIS_LEGITIMATE_INTEREST: constant(uint256) = 4
LEGAL_BASIS_OFFICIAL_AUTHORITY: constant(uint256) = 5
LEGAL_BASIS_PUBLIC_INTEREST: constant(uint256) = 6
LEGAL_BASIS_VITAL_INTEREST: constant(uint256) = 7
PARTY_PROVIDER: constant(uint256) = 0
PARTY_CONSUMER: constant(uint256) = 1
PARTY_SUBJECT: constant(uint256) = 2
PARTY_EXCHANGE: constant(uint256) = 3
PARTY_REGULATOR: constant(uint256) = 4
PARTY_OPERATOR: constant(uint256) = 5
PARTY_APPROVER: constant(uint256) = 6
PARTY_AGENT: constant(uint256) = 7
REASON_SUBJECT_WITHDREW: constant(uint256) = 1
REASON_PROVIDER_WITHDREW: constant(uint256) = 2
REASON_CONSUMER_TERMINATED: constant(uint256) = 3
REASON_REGULATOR_ORDER: constant(uint256) = 4
REASON_FRAUD_SUSPECTED: constant(uint256) = 5
REASON_KEY_COMPROMISED: constant(uint256) = 6
REASON_TEMPLATE_RETIRED: constant(uint256) = 7
REASON_CREDENTIAL_EXPIRED: constant(uint256) = 8
REASON_SUPERSEDED: constant(uint256) = 9
REASON_BREACH_OF_TERMS: constant(uint256) = 10
REASON_DECLINED: constant(uint256) = 11
REASON_NOT_REAFFIRMED: constant(uint256) = 12
MEMBER_KIND_BANK: constant(uint256) = 1
MEMBER_KIND_PUBLIC_SERVICE_OPERATOR: constant(uint256) = 2
MEMBER_KIND_GOVERNMENT_OFFICE: constant(uint256) = 3
MEMBER_KIND_EXCHANGE: constant(uint256) = 4
MEMBER_KIND_REGULATOR: constant(uint256) = 5
MEMBER_KIND_AUDITOR: constant(uint256) = 6
ROLE_SENDER: constant(uint256) = 0
ROLE_APPROVER: constant(uint256) = 1
ROLE_GATEWAY: constant(uint256) = 2
ROLE_GOVERNOR: constant(uint256) = 3
ROLE_OFFICER: constant(uint256) = 4
ROLE_READER: constant(uint256) = 5
AUTHORIZATION_STATUS_REQUESTED: constant(uint256) = 1
AUTHORIZATION_STATUS_PARTIALLY_APPROVED: constant(uint256) = 2
AUTHORIZATION_STATUS_ACTIVE: constant(uint256) = 3
AUTHORIZATION_STATUS_REJECTED: constant(uint256) = 4
AUTHORIZATION_STATUS_REVOKED: constant(uint256) = 5
AUTHORIZATION_STATUS_TERMINATED: constant(uint256) = 6
AUTHORIZATION_STATUS_EXPIRED: constant(uint256) = 7
AUTHORIZATION_STATUS_EXHAUSTED: constant(uint256) = 8
AUTHORIZATION_STATUS_SUSPENDED: constant(uint256) = 9
AUTHORIZATION_STATUS_APPLIED: constant(uint256) = 10
LEASE_STATUS_OPEN: constant(uint256) = 1
LEASE_STATUS_CLOSING: constant(uint256) = 2
LEASE_STATUS_CLOSED: constant(uint256) = 3
LEASE_STATUS_LAPSED: constant(uint256) = 4
PRODUCT_STATUS_PROPOSED: constant(uint256) = 1
PRODUCT_STATUS_APPROVED: constant(uint256) = 2
PRODUCT_STATUS_RETIRED: constant(uint256) = 3
RECEIPT_KIND_DELIVERED: constant(uint256) = 0
RECEIPT_KIND_VOID: constant(uint256) = 1
PROPOSAL_KIND_ADMIT_MEMBER: constant(uint256) = 1
PROPOSAL_KIND_SUSPEND_MEMBER: constant(uint256) = 2
PROPOSAL_KIND_REINSTATE_MEMBER: constant(uint256) = 3
PROPOSAL_KIND_ADD_VALIDATOR: constant(uint256) = 4
PROPOSAL_KIND_REMOVE_VALIDATOR: constant(uint256) = 5
PROPOSAL_KIND_LOWER_FAULT_TOLERANCE: constant(uint256) = 6
PROPOSAL_KIND_ROLE_THRESHOLD: constant(uint256) = 7
PROPOSAL_KIND_MANDATE: constant(uint256) = 8
PROPOSAL_KIND_SHARE: constant(uint256) = 9
PROPOSAL_KIND_PARAMETER: constant(uint256) = 10
PROPOSAL_KIND_FEATURE: constant(uint256) = 11
PROPOSAL_KIND_HOLIDAY_TABLE: constant(uint256) = 12
PROPOSAL_KIND_VOCABULARY_VERSION: constant(uint256) = 13
PROPOSAL_KIND_CONTRACT_VERSION: constant(uint256) = 14
PROPOSAL_KIND_HALT: constant(uint256) = 15
PROPOSAL_KIND_TEMPLATE: constant(uint256) = 16
PROPOSAL_KIND_LIST_ENTRY: constant(uint256) = 17
PROPOSAL_STATUS_OPEN: constant(uint256) = 1
PROPOSAL_STATUS_CARRIED: constant(uint256) = 2
PROPOSAL_STATUS_ENACTED: constant(uint256) = 3
PROPOSAL_STATUS_WITHDRAWN: constant(uint256) = 4
PROPOSAL_STATUS_REJECTED: constant(uint256) = 5
PROPOSAL_STATUS_EXPIRED: constant(uint256) = 6
BALLOT_SILENT: constant(uint256) = 0
BALLOT_AGREE: constant(uint256) = 1
BALLOT_DECLINE: constant(uint256) = 2
PARAMETER_TIME_LOCK: constant(uint256) = 1
PARAMETER_DELETION_WITHIN: constant(uint256) = 2
PARAMETER_ANSWER_WITHIN: constant(uint256) = 3
PARAMETER_APPEAL_WITHIN: constant(uint256) = 4
PARAMETER_DECIDE_WITHIN: constant(uint256) = 5
PARAMETER_EXTEND_BY: constant(uint256) = 6
PARAMETER_SUPPLEMENT_WITHIN: constant(uint256) = 7
PARAMETER_REAFFIRM_WITHIN: constant(uint256) = 8
PARAMETER_RULING_WITHIN: constant(uint256) = 9
VERSION_STATUS_OPEN: constant(uint256) = 1
VERSION_STATUS_CLOSED: constant(uint256) = 2
OBLIGATION_KIND_DELETE_DATA: constant(uint256) = 1
OBLIGATION_KIND_DESTROY_SALT: constant(uint256) = 2
OBLIGATION_KIND_INFORM: constant(uint256) = 3
OBLIGATION_KIND_COMPENSATE: constant(uint256) = 4
OBLIGATION_STATUS_OWED: constant(uint256) = 1
OBLIGATION_STATUS_FULFILLED: constant(uint256) = 2
OBLIGATION_STATUS_OVERDUE: constant(uint256) = 3
OBLIGATION_STATUS_FULFILLED_LATE: constant(uint256) = 4
OBLIGATION_STATUS_SUPERSEDED: constant(uint256) = 5
ERASURE_GROUND_NOTHING: constant(uint256) = 1
ERASURE_GROUND_AGREED_RETENTION: constant(uint256) = 2
ERASURE_GROUND_RECORD_KEEPING: constant(uint256) = 3
ERASURE_GROUND_OPEN_DISPUTE: constant(uint256) = 4
ERASURE_GROUND_RUNNING_FREEZE: constant(uint256) = 5
ERASURE_GROUND_OPEN_INSPECTION: constant(uint256) = 6
ERASURE_GROUND_ERASED: constant(uint256) = 7
DISPUTE_STATUS_OPEN: constant(uint256) = 1
DISPUTE_STATUS_ANSWERED: constant(uint256) = 2
DISPUTE_STATUS_RULED: constant(uint256) = 3
DISPUTE_STATUS_APPEALED: constant(uint256) = 4
DISPUTE_STATUS_ENDED: constant(uint256) = 5
RULING_UPHELD: constant(uint256) = 1
RULING_DISMISSED: constant(uint256) = 2
RULING_WITHDRAWN: constant(uint256) = 3
RULING_UPHELD_ENDING: constant(uint256) = 4
RULING_LAPSED: constant(uint256) = 5
ACCEPTANCE_STATUS_ACCEPTED: constant(uint256) = 1
ACCEPTANCE_STATUS_OBJECTED: constant(uint256) = 2
ACCEPTANCE_STATUS_ANSWERED: constant(uint256) = 3
APPLICATION_STATUS_UNDER_REVIEW: constant(uint256) = 1
APPLICATION_STATUS_AWAITING_SUPPLEMENT: constant(uint256) = 2
APPLICATION_STATUS_APPROVED: constant(uint256) = 3
APPLICATION_STATUS_REFUSED: constant(uint256) = 4
APPLICATION_STATUS_LAPSED: constant(uint256) = 5
APPLICATION_STATUS_WITHDRAWN: constant(uint256) = 6
APPLICATION_STATUS_EXPIRED: constant(uint256) = 7


@internal
@pure
def parent_of(purpose: uint256) -> uint256:
    if purpose < 32:
        word: uint256 = convert(0x05270c19191b00170d19191914171414000d00000c0c25050505000c00250c00, uint256)
        return (word >> (8 * (purpose % 32))) & 255
    if purpose < 64:
        word: uint256 = convert(0x000000000000000000000000000000002e00002e0c250d25000000220d272705, uint256)
        return (word >> (8 * (purpose % 32))) & 255
    return 0


@internal
@pure
def floor_of(kind: uint256) -> uint256:
    if kind < 32:
        word: uint256 = convert(0x4343422032213010323232323232323232323232323232323232323221211000, uint256)
        return (word >> (8 * (kind % 32))) & 255
    if kind < 64:
        word: uint256 = convert(0x0000000000000000000000000000000000000000000000000000000032205043, uint256)
        return (word >> (8 * (kind % 32))) & 255
    return 0


@internal
@pure
def givers_of(reason: uint256) -> uint256:
    if reason < 32:
        word: uint256 = convert(0x00000000000000000000000000000000000000009f9f030309879f1002018500, uint256)
        return (word >> (8 * (reason % 32))) & 255
    return 0


@internal
@pure
def is_jurisdiction(code: uint256) -> bool:
    if code < 256:
        word: uint256 = convert(0x0400000000000000000000005000000010000000000010000000001000000000, uint256)
        return (word >> (code % 256)) & 1 == 1
    if code < 512:
        word: uint256 = convert(0x0000000000000400440000000400010000000110010000000000000000100000, uint256)
        return (word >> (code % 256)) & 1 == 1
    if code < 768:
        word: uint256 = convert(0x1010000000000001400000000000000000000000000000000000000000000000, uint256)
        return (word >> (code % 256)) & 1 == 1
    if code < 1024:
        word: uint256 = convert(0x0000000000000000000000000000000000000000000001000400000000010000, uint256)
        return (word >> (code % 256)) & 1 == 1
    return False


@internal
@pure
def purpose_covers(granted: uint256, wanted: uint256) -> bool:
    """
    @notice Whether a granted purpose covers a wanted one: itself, or an ancestor of it (R6).
    """
    purpose: uint256 = wanted
    for _: uint256 in range(4 + 1):
        if purpose == granted:
            return granted != 0
        purpose = self.parent_of(purpose)
    return False


@internal
@pure
def covered_by(purpose: uint256) -> uint256:
    """
    @notice The mask of a purpose and all that it covers, bit i for purpose i (R6).
    """
    if (71073296035872 >> purpose) & 1 == 1:
        if purpose == 5:
            return 6442451424
        if purpose == 12:
            return 8796629900306
        if purpose == 13:
            return 2233408446464
        if purpose == 20:
            return 1769472
        if purpose == 23:
            return 25427968
        if purpose == 25:
            return 511377408
        if purpose == 27:
            return 201326592
        if purpose == 34:
            return 85899345920
        if purpose == 37:
            return 5634997092868
        if purpose == 39:
            return 645318836224
        if purpose == 46:
            return 228698418577408
    return 1 << purpose
