# pragma version 0.4.3
# pragma evm-version prague
"""
@title Grants
@notice Terms and who must agree to them. Terms are one EIP-712 structure that every party signs; an
        authorization's id is their digest. Whoever approves shows the very terms, so state need not
        keep them: the whole of them is in calldata and in the event of the request (R1).
        Which approvals are required follows from the terms: provider and consumer always, the
        subject in subject mode `one` (R2), the exchange in platform trade, a regulator where the
        fields' levels, raw delivery or a destination abroad demand it (R4).
        This contract keeps nothing of an authorization; what stands and what is counted is in
        Authorizations.
"""

from interfaces import IAuthorizations
from interfaces import ICatalog
from interfaces import IERC1271
from interfaces import IMembers
from interfaces import ITemplates
import addresses
import signatures
import vocabulary

PROVIDER: constant(uint256) = 1 << vocabulary.PARTY_PROVIDER
CONSUMER: constant(uint256) = 1 << vocabulary.PARTY_CONSUMER
SUBJECT: constant(uint256) = 1 << vocabulary.PARTY_SUBJECT
EXCHANGE: constant(uint256) = 1 << vocabulary.PARTY_EXCHANGE
REGULATOR: constant(uint256) = 1 << vocabulary.PARTY_REGULATOR
OPERATOR: constant(uint256) = 1 << vocabulary.PARTY_OPERATOR
APPROVER: constant(uint256) = 1 << vocabulary.PARTY_APPROVER

RAW: constant(uint256) = 1 << vocabulary.DELIVERY_MODE_RAW
# Modes in which no record of a person leaves the provider: query, model, psi, mpc.
GUARDED: constant(uint256) = (
    (1 << vocabulary.DELIVERY_MODE_QUERY)
    | (1 << vocabulary.DELIVERY_MODE_MODEL)
    | (1 << vocabulary.DELIVERY_MODE_PSI)
    | (1 << vocabulary.DELIVERY_MODE_MPC)
)

UNSIGNED_MAX: constant(uint256) = 64
MINIMUM_GROUP_FLOOR: constant(uint256) = 5
DEADLINE_MAX: constant(uint256) = 7 * 86_400
VALIDITY_MAX: constant(uint256) = 10 * 366 * 86_400
APPROVALS_MAX: constant(uint256) = 16
PARTIES: constant(uint256) = vocabulary.PARTY_APPROVER + 1
# What ERC-1271 answers for a valid signature.
VALID: constant(bytes4) = 0x1626ba7e

TERMS_TYPE: constant(bytes32) = keccak256(
    "Terms(uint32 provider,uint32 consumer,uint32 exchange,uint32 operator,uint32 approver,bytes32 product,uint32 productVersion,uint8 subjectMode,address subject,bytes32 subjectReference,uint8 legalBasis,uint16 purpose,uint256 fields,uint8 modes,uint16 destination,uint8 mechanism,bytes32 mechanismReference,uint64 mechanismUntil,uint256 recipients,bytes32 parent,uint32 minimumGroup,uint32 maximumUses,uint8 ratePeriod,uint32 rateLimit,uint64 validFrom,uint64 validUntil,uint8 unsignedMaximum,uint32 answerWithin,uint32 settleWithin,bytes32 template,uint256 nonce)"
)
REVOCATION_TYPE: constant(bytes32) = keccak256("Revocation(bytes32 authorization,uint8 reason)")

struct Terms:
    # Member indices; exchange 0 is direct trade.
    provider: uint32
    consumer: uint32
    exchange: uint32
    # The operator of the zone where it approves each authorization, and the member that the cautious
    # list names; 0 for none.
    operator: uint32
    approver: uint32
    product: bytes32
    productVersion: uint32
    # Vocabulary index; in mode `none` subject and reference are zero.
    subjectMode: uint8
    subject: address
    subjectReference: bytes32
    legalBasis: uint8
    purpose: uint16
    # Bit i: field i of the product version.
    fields: uint256
    # Bit i: delivery mode i of the vocabulary.
    modes: uint8
    # ISO 3166 numeric code of the one jurisdiction where results may go.
    destination: uint16
    # Vocabulary index: the ground on which results go abroad, with its reference and its end, Unix
    # seconds.
    mechanism: uint8
    mechanismReference: bytes32
    mechanismUntil: uint64
    # Bit i: the consumer may share onward to member i.
    recipients: uint256
    # The authorization that this one shares onward; zero for none.
    parent: bytes32
    # Fewest subjects behind one answer; 0 in subject mode `one`.
    minimumGroup: uint32
    maximumUses: uint32
    # At most `rateLimit` uses are reserved in one window; period 0 and limit 0 for no rate.
    ratePeriod: uint8
    rateLimit: uint32
    # Unix seconds, the first inside and the last outside.
    validFrom: uint64
    validUntil: uint64
    # Delivered receipts of a lease that may lack the countersignature (R10).
    unsignedMaximum: uint8
    # Seconds (R12).
    answerWithin: uint32
    settleWithin: uint32
    # Hash of the terms template's text.
    template: bytes32
    nonce: uint256


deadline_floor: uint256

event AuthorizationRequested:
    authorization: indexed(bytes32)
    provider: indexed(uint256)
    consumer: indexed(uint256)
    required: uint256
    terms: Terms


@deploy
def __init__(deadlineFloor: uint256):
    """
    @notice The floor of `answerWithin` and `settleWithin` is a genesis constant: an hour, or seconds
            on a development network.
    """
    assert deadlineFloor != 0 and deadlineFloor <= DEADLINE_MAX, "grants: deadline floor"
    self.deadline_floor = deadlineFloor


@view
@external
def deadlineFloor() -> uint256:
    """
    @notice The shortest `answerWithin` and `settleWithin` terms may hold, in seconds.
    """
    return self.deadline_floor


@view
@external
def authorizationId(terms: Terms) -> bytes32:
    """
    @notice The EIP-712 digest of the terms: what every party signs, and the authorization's id.
    """
    return self._id(terms)


@view
@external
def required(terms: Terms) -> uint256:
    """
    @notice The parties whose approval these terms require, by bit.
    """
    offer: ICatalog.Offer = self._offer(terms)
    return self._required(terms, offer) | self._check_templates(terms, offer)


@external
def request(terms: Terms, approvals: DynArray[Bytes[65], APPROVALS_MAX]) -> bytes32:
    """
    @notice An approver of the consumer asks for an authorization, and thereby approves it.
    @param approvals Signatures over the terms that others gave beforehand; may be empty.
    @return The authorization's id.
    """
    assert terms.parent == empty(bytes32), "grants: the parent's terms are not shown"
    offer: ICatalog.Offer = self._offer(terms)
    assert convert(terms.provider, uint256) == offer.provider, "grants: not the provider"
    return self._request(terms, offer, approvals)


@external
def requestOnward(
    terms: Terms, parent: Terms, approvals: DynArray[Bytes[65], APPROVALS_MAX]
) -> bytes32:
    """
    @notice Ask for an authorization to be shared onward: its provider is the parent's consumer, and in
            every dimension it lies within the parent, with which it dies.
    @param parent The terms of the parent, whose digest `terms.parent` is.
    """
    self._check_within(terms, parent)
    return self._request(terms, self._offer(terms), approvals)


@external
def approve(terms: Terms, approvals: DynArray[Bytes[65], APPROVALS_MAX]):
    """
    @notice Approve as what the sender is, an approver of a required member or the subject, and carry
            in signatures over the same terms. A sender who is no party only carries. Of a member as
            many approvers must agree at once as it demands.
    """
    authorization: bytes32 = self._id(terms)
    self._approve(
        authorization, terms, self._parties(terms, authorization, msg.sender, approvals)
    )


@external
def approveByContract(terms: Terms, account: address, signature: Bytes[1024]):
    """
    @notice Carry in the approval of an account that is a contract (ERC-1271).
    """
    assert account.is_contract, "grants: not a contract"
    authorization: bytes32 = self._id(terms)
    assert (
        staticcall IERC1271(account).isValidSignature(authorization, signature) == VALID
    ), "grants: the contract does not approve"
    party: uint256 = 0
    needed: uint256 = 0
    party, needed = self._party_of(terms, account)
    assert needed == 1, "grants: too few approvers"
    self._approve(authorization, terms, 1 << party)


@external
def decline(terms: Terms, reason: uint256):
    """
    @notice A party declines before the authorization is active; the subject may also end it after.
    """
    extcall IAuthorizations(addresses.AUTHORIZATIONS).end(
        self._id(terms), self._as_party(terms, msg.sender), reason, empty(bytes32)
    )


@external
def revokeSigned(terms: Terms, reason: uint256, signature: Bytes[65]):
    """
    @notice Carry in a party's signed Revocation: the subject's key, or an approver's. Before the
            authorization is active it rejects it.
    """
    authorization: bytes32 = self._id(terms)
    digest: bytes32 = signatures.digest(
        self, keccak256(abi_encode(REVOCATION_TYPE, authorization, reason))
    )
    account: address = signatures.signer(digest, signature)
    assert account != empty(address), "grants: malformed signature"
    extcall IAuthorizations(addresses.AUTHORIZATIONS).end(
        authorization, self._as_party(terms, account), reason, empty(bytes32)
    )


@internal
def _request(
    terms: Terms, offer: ICatalog.Offer, approvals: DynArray[Bytes[65], APPROVALS_MAX]
) -> bytes32:
    authorization: bytes32 = self._id(terms)
    self._check_parties(terms, offer)
    self._check_thawed(terms)
    self._check_offer(terms, offer)
    self._check_subject(terms)
    self._check_limits(terms)
    self._check_abroad(terms)
    parties: uint256 = self._parties(terms, authorization, msg.sender, approvals)
    assert parties & CONSUMER != 0, "grants: too few approvers"
    required: uint256 = self._required(terms, offer) | self._check_templates(terms, offer)
    log AuthorizationRequested(
        authorization=authorization,
        provider=convert(terms.provider, uint256),
        consumer=convert(terms.consumer, uint256),
        required=required,
        terms=terms,
    )
    extcall IAuthorizations(addresses.AUTHORIZATIONS).begin(
        authorization,
        convert(terms.provider, uint256),
        convert(terms.consumer, uint256),
        required,
        convert(terms.validUntil, uint256),
    )
    extcall IAuthorizations(addresses.AUTHORIZATIONS).approve(
        authorization, parties, self._limits(terms, offer.zone), terms.fields, terms.parent
    )
    return authorization


@internal
def _approve(authorization: bytes32, terms: Terms, parties: uint256):
    summary: uint256 = staticcall ICatalog(addresses.CATALOG).summaryOf(
        terms.product, convert(terms.productVersion, uint256)
    )
    assert (
        (summary >> 32) & 255 == vocabulary.PRODUCT_STATUS_APPROVED
    ), "grants: product is not approved"
    self._check_thawed(terms)
    assert not staticcall ITemplates(addresses.TEMPLATES).isRefused(
        (summary >> 48) & 255,
        convert(terms.purpose, uint256),
        convert(terms.destination, uint256),
    ), "grants: on the negative list"
    extcall IAuthorizations(addresses.AUTHORIZATIONS).approve(
        authorization,
        parties,
        self._limits(terms, (summary >> 48) & 255),
        terms.fields,
        terms.parent,
    )


@view
@internal
def _parties(
    terms: Terms,
    authorization: bytes32,
    sender: address,
    approvals: DynArray[Bytes[65], APPROVALS_MAX],
) -> uint256:
    """
    @dev The parties for which the sender and the signers agree, by bit. Each signature must be of an
         account of some party, each account another, and of each member as many as it demands.
    """
    accounts: DynArray[address, APPROVALS_MAX + 1] = [sender]
    counts: uint256[PARTIES] = empty(uint256[PARTIES])
    demands: uint256[PARTIES] = empty(uint256[PARTIES])
    party: uint256 = 0
    needed: uint256 = 0
    party, needed = self._party_of(terms, sender)
    if needed != 0:
        counts[party] = 1
        demands[party] = needed
    for signature: Bytes[65] in approvals:
        account: address = signatures.signer(authorization, signature)
        assert account != empty(address), "grants: malformed signature"
        assert account not in accounts, "grants: approver counted twice"
        accounts.append(account)
        party, needed = self._party_of(terms, account)
        assert needed != 0, "grants: signature of no party"
        counts[party] += 1
        demands[party] = max(needed, demands[party])
    parties: uint256 = 0
    for i: uint256 in range(PARTIES):
        if counts[i] != 0:
            assert counts[i] >= demands[i], "grants: too few approvers"
            parties |= 1 << i
    return parties


@view
@internal
def _offer(terms: Terms) -> ICatalog.Offer:
    return staticcall ICatalog(addresses.CATALOG).offer(
        terms.product, convert(terms.productVersion, uint256)
    )


@view
@internal
def _id(terms: Terms) -> bytes32:
    return signatures.digest(self, keccak256(abi_encode(TERMS_TYPE, terms)))


@pure
@internal
def _required(terms: Terms, offer: ICatalog.Offer) -> uint256:
    parties: uint256 = PROVIDER | CONSUMER
    if convert(terms.subjectMode, uint256) == vocabulary.SUBJECT_MODE_ONE:
        parties |= SUBJECT
    if terms.exchange != 0:
        parties |= EXCHANGE
    if (
        terms.fields & (offer.level4 | offer.level5) != 0
        or convert(terms.modes, uint256) & RAW != 0
        or convert(terms.destination, uint256) != vocabulary.HOME
    ):
        parties |= REGULATOR
    if terms.operator != 0:
        parties |= OPERATOR
    return parties


@view
@internal
def _check_parties(terms: Terms, offer: ICatalog.Offer):
    consumer: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    consumer, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(msg.sender)
    assert consumer != 0, "grants: not an approver"
    assert consumer == convert(terms.consumer, uint256), "grants: not the consumer"
    assert terms.provider != terms.consumer, "grants: provider is the consumer"
    assert (
        staticcall IMembers(addresses.MEMBERS).kindOf(convert(terms.provider, uint256)) != 0
        and staticcall IMembers(addresses.MEMBERS).kindOf(offer.provider) != 0
    ), "grants: provider is suspended"
    if terms.exchange != 0:
        assert (
            terms.exchange != terms.provider and terms.exchange != terms.consumer
        ), "grants: exchange is a party"
        exchange: uint256 = staticcall IMembers(addresses.MEMBERS).kindOf(convert(terms.exchange, uint256))
        assert exchange == vocabulary.MEMBER_KIND_EXCHANGE, "grants: not an exchange"


@pure
@internal
def _check_offer(terms: Terms, offer: ICatalog.Offer):
    """
    @dev R4 on masks: what the fields are decides, not the highest level among them.
    """
    modes: uint256 = convert(terms.modes, uint256)
    assert (
        offer.status == vocabulary.PRODUCT_STATUS_APPROVED
    ), "grants: product is not approved"
    assert terms.template == offer.template, "grants: not the product's template"
    assert terms.fields != 0 and terms.fields & ~offer.fields == 0, "grants: unknown field"
    assert modes != 0 and modes & ~offer.modes == 0, "grants: mode is not offered"
    assert terms.fields & offer.class3 == 0, "grants: C3 field"
    if terms.fields & (offer.level4 | offer.level5) != 0:
        assert modes & ~GUARDED == 0, "grants: mode not allowed at this level"
    if terms.fields & offer.level5 != 0:
        assert (
            convert(terms.destination, uint256) == vocabulary.HOME
        ), "grants: level 5 never abroad"


@view
@internal
def _check_subject(terms: Terms):
    """
    @dev R2. In mode `one` the subject must not be an account of the two parties themselves.
    """
    mode: uint256 = convert(terms.subjectMode, uint256)
    basis: uint256 = convert(terms.legalBasis, uint256)
    assert basis != 0 and basis <= vocabulary.LEGAL_BASIS_LAST, "grants: unknown legal basis"
    if mode == vocabulary.SUBJECT_MODE_NONE:
        assert (
            terms.subject == empty(address) and terms.subjectReference == empty(bytes32)
        ), "grants: subject in mode none"
        assert convert(terms.modes, uint256) & ~GUARDED == 0, "grants: mode needs a subject"
        assert basis != vocabulary.LEGAL_BASIS_CONSENT, "grants: consent needs a subject"
        assert (
            convert(terms.minimumGroup, uint256) >= MINIMUM_GROUP_FLOOR
        ), "grants: minimum group too small"
        return
    assert mode == vocabulary.SUBJECT_MODE_ONE, "grants: unknown subject mode"
    assert (
        terms.subject != empty(address) and terms.subjectReference != empty(bytes32)
    ), "grants: no subject"
    assert terms.minimumGroup == 0, "grants: minimum group of one subject"
    owner: uint256 = staticcall IMembers(addresses.MEMBERS).memberOf(terms.subject)
    assert owner == 0 or (
        owner != convert(terms.provider, uint256) and owner != convert(terms.consumer, uint256)
    ), "grants: subject is an account of a party"


@view
@internal
def _check_limits(terms: Terms):
    purpose: uint256 = convert(terms.purpose, uint256)
    until: uint256 = convert(terms.validUntil, uint256)
    assert purpose != 0 and purpose <= vocabulary.PURPOSE_LAST, "grants: unknown purpose"
    assert vocabulary.is_jurisdiction(
        convert(terms.destination, uint256)
    ), "grants: unknown destination"
    assert terms.maximumUses != 0, "grants: no uses"
    assert (
        convert(terms.ratePeriod, uint256) <= vocabulary.RATE_PERIOD_LAST
        and (terms.ratePeriod == 0) == (terms.rateLimit == 0)
    ), "grants: no such rate"
    assert terms.validFrom < terms.validUntil, "grants: empty validity"
    assert until > block.timestamp, "grants: expired"
    assert until <= block.timestamp + VALIDITY_MAX, "grants: validity too long"
    assert (
        terms.unsignedMaximum != 0 and convert(terms.unsignedMaximum, uint256) <= UNSIGNED_MAX
    ), "grants: unsigned maximum out of range"
    self._check_deadline(convert(terms.answerWithin, uint256))
    self._check_deadline(convert(terms.settleWithin, uint256))


@view
@internal
def _check_deadline(seconds: uint256):
    assert (
        seconds >= self.deadline_floor and seconds <= DEADLINE_MAX
    ), "grants: deadline out of range"


@view
@internal
def _as_party(terms: Terms, account: address) -> uint256:
    """
    @dev What the account is to the terms, by bit; 0 for nothing.
    """
    party: uint256 = 0
    needed: uint256 = 0
    party, needed = self._party_of(terms, account)
    return 1 << party if needed != 0 else 0


@view
@internal
def _party_of(terms: Terms, account: address) -> (uint256, uint256):
    """
    @dev What the account is to the terms, by vocabulary index, and how many of its like must agree;
         two zeros for nothing. A member is one party.
    """
    if account == terms.subject:
        return vocabulary.PARTY_SUBJECT, 1
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(account)
    if member == 0:
        return 0, 0
    if member == convert(terms.provider, uint256):
        return vocabulary.PARTY_PROVIDER, needed
    if member == convert(terms.consumer, uint256):
        return vocabulary.PARTY_CONSUMER, needed
    if member == convert(terms.exchange, uint256):
        return vocabulary.PARTY_EXCHANGE, needed
    if member == convert(terms.operator, uint256):
        return vocabulary.PARTY_OPERATOR, needed
    if member == convert(terms.approver, uint256):
        return vocabulary.PARTY_APPROVER, needed
    if kind == vocabulary.MEMBER_KIND_REGULATOR:
        return vocabulary.PARTY_REGULATOR, needed
    return 0, 0


@pure
@internal
def _is_named(terms: Terms, member: uint256) -> bool:
    """
    @dev Whether a member is a party of the terms already.
    """
    return (
        member == convert(terms.provider, uint256)
        or member == convert(terms.consumer, uint256)
        or member == convert(terms.exchange, uint256)
    )


@pure
@internal
def _check_zone(terms: Terms, offer: ICatalog.Offer):
    """
    @dev R5: what the zone of the product demands. Its operator is a party where it approves each
         authorization and is none already.
    """
    operator: uint256 = offer.zoneRule & 65535
    if (offer.zoneRule >> 16) & 1 == 0 or self._is_named(terms, operator):
        operator = 0
    assert convert(terms.operator, uint256) == operator, "grants: not the zone's operator"
    allowed: uint256 = (offer.zoneRule >> 24) & 255
    assert (
        allowed == 0 or convert(terms.modes, uint256) & ~allowed == 0
    ), "grants: mode not allowed in the zone"
    assert (
        offer.purposes == 0 or (offer.purposes >> convert(terms.purpose, uint256)) & 1 == 1
    ), "grants: purpose not allowed in the zone"
    assert offer.admitted == 0 or (
        (offer.admitted >> convert(terms.provider, uint256)) & 1 == 1
        and (offer.admitted >> convert(terms.consumer, uint256)) & 1 == 1
    ), "grants: not admitted to the zone"


@view
@internal
def _check_templates(terms: Terms, offer: ICatalog.Offer) -> uint256:
    """
    @dev Hold the terms to their template and to both lists; the parties that the cautious list adds.
    """
    self._check_zone(terms, offer)
    parties: uint256 = 0
    member: uint256 = 0
    parties, member = staticcall ITemplates(addresses.TEMPLATES).check(
        ITemplates.Wanted(
            template=terms.template,
            category=offer.zone,
            purpose=convert(terms.purpose, uint256),
            destination=convert(terms.destination, uint256),
            modes=convert(terms.modes, uint256),
            maximumUses=convert(terms.maximumUses, uint256),
            validSeconds=convert(terms.validUntil - terms.validFrom, uint256),
            minimumGroup=convert(terms.minimumGroup, uint256),
            onward=terms.recipients != 0,
        )
    )
    if member != 0 and (
        self._is_named(terms, member) or member == convert(terms.operator, uint256)
    ):
        parties &= ~APPROVER
        member = 0
    assert convert(terms.approver, uint256) == member, "grants: not the named approver"
    return parties


@view
@internal
def _check_thawed(terms: Terms):
    """
    @dev Nothing is granted while a regulator's freeze lies over a side (R22); what goes to a consumer
         abroad goes where it is.
    """
    frozen: bool = False
    home: uint256 = 0
    frozen, home = staticcall IMembers(addresses.MEMBERS).sides(
        convert(terms.provider, uint256), convert(terms.consumer, uint256)
    )
    assert not frozen, "grants: a party is frozen"
    assert (
        home == vocabulary.HOME or home == convert(terms.destination, uint256)
    ), "grants: consumer is in another jurisdiction"


@view
@internal
def _check_abroad(terms: Terms):
    """
    @dev What leaves the country does so on a ground that outlasts the terms.
    """
    mechanism: uint256 = convert(terms.mechanism, uint256)
    assert mechanism <= vocabulary.MECHANISM_LAST, "grants: unknown mechanism"
    if convert(terms.destination, uint256) == vocabulary.HOME:
        assert (
            mechanism == vocabulary.MECHANISM_NONE
            and terms.mechanismReference == empty(bytes32)
            and terms.mechanismUntil == 0
        ), "grants: mechanism without export"
        return
    assert mechanism != vocabulary.MECHANISM_NONE, "grants: export without mechanism"
    assert terms.mechanismReference != empty(bytes32), "grants: mechanism without reference"
    assert terms.mechanismUntil >= terms.validUntil, "grants: mechanism ends before the terms"


@view
@internal
def _check_within(terms: Terms, parent: Terms):
    """
    @dev A child is within its parent in every dimension, and its provider is the parent's consumer.
    """
    assert self._id(parent) == terms.parent, "grants: not the parent's terms"
    assert (
        staticcall IAuthorizations(addresses.AUTHORIZATIONS).statusOf(terms.parent)
        == vocabulary.AUTHORIZATION_STATUS_ACTIVE
    ), "grants: parent is not active"
    assert terms.provider == parent.consumer, "grants: not the parent's consumer"
    assert (
        convert(terms.consumer, uint256) < 256
        and (parent.recipients >> convert(terms.consumer, uint256)) & 1 == 1
    ), "grants: not a recipient"
    assert (
        terms.product == parent.product and terms.productVersion == parent.productVersion
    ), "grants: not the parent's product"
    assert (
        terms.subjectMode == parent.subjectMode
        and terms.subject == parent.subject
        and terms.subjectReference == parent.subjectReference
        and terms.legalBasis == parent.legalBasis
    ), "grants: not the parent's subject"
    assert terms.fields & ~parent.fields == 0, "grants: field beyond the parent"
    assert (
        convert(terms.modes, uint256) & ~convert(parent.modes, uint256) == 0
    ), "grants: mode beyond the parent"
    assert vocabulary.purpose_covers(
        convert(parent.purpose, uint256), convert(terms.purpose, uint256)
    ), "grants: purpose beyond the parent"
    assert terms.destination == parent.destination, "grants: destination beyond the parent"
    assert terms.recipients & ~parent.recipients == 0, "grants: recipient beyond the parent"
    assert terms.minimumGroup >= parent.minimumGroup, "grants: smaller group than the parent"
    assert (
        terms.validFrom >= parent.validFrom and terms.validUntil <= parent.validUntil
    ), "grants: validity beyond the parent"
    assert terms.maximumUses <= parent.maximumUses, "grants: uses beyond the parent"
    if parent.ratePeriod != 0:
        assert (
            terms.ratePeriod == parent.ratePeriod and terms.rateLimit <= parent.rateLimit
        ), "grants: rate beyond the parent"


@pure
@internal
def _limits(terms: Terms, zone: uint256) -> uint256:
    """
    @dev The word of limits that Authorizations keeps. Every part fits: the checks of a request bound it.
    """
    return (
        convert(terms.purpose, uint256)
        | (convert(terms.modes, uint256) << 12)
        | (convert(terms.destination, uint256) << 20)
        | (convert(terms.subjectMode, uint256) << 30)
        | (convert(terms.validFrom, uint256) << 32)
        | (convert(terms.maximumUses, uint256) << 72)
        | (convert(terms.answerWithin, uint256) << 104)
        | (convert(terms.settleWithin, uint256) << 124)
        | (convert(terms.unsignedMaximum, uint256) << 144)
        | (convert(terms.exchange, uint256) << 152)
        | (convert(terms.ratePeriod, uint256) << 168)
        | (convert(terms.rateLimit, uint256) << 172)
        | (zone << 204)
        | ((1 << 212) if terms.parent != empty(bytes32) else 0)
    )
