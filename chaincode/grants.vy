# pragma version 0.4.3
# pragma evm-version prague
"""
@title Grants
@notice Which terms may be agreed to, and who must agree. Terms are one EIP-712 structure that every
        party signs (agreements.vy). Whoever approves shows the very terms, so state need not keep them:
        the whole of them is in calldata and in the event of the request (R1).
        Which approvals are required follows from the terms: provider and consumer always, the
        subject in subject mode `one` (R2) or the agent it delegated to, the exchange in platform
        trade, a regulator where the fields' levels, raw delivery or a destination abroad demand it
        (R4). Where the product is open on application alone, the consumer holds an approved one at the
        request and at each approval; where it is tried in a sandbox, terms lie within that, and what
        becomes active is counted there. Terms that amend others are agreed to in the same way, by all that the new ones require.
        This contract keeps nothing of an authorization; what stands and what is counted is in
        Authorizations.
"""

from interfaces import IApplications
from interfaces import IAuthorizations
from interfaces import ICatalog
from interfaces import IDelegations
from interfaces import IERC1271
from interfaces import IGrants
from interfaces import ILineage
from interfaces import IMembers
from interfaces import ISandboxes
from interfaces import ITemplates
import addresses
import agreements
import sides
import signatures
import vocabulary

implements: IGrants

PROVIDER: constant(uint256) = 1 << vocabulary.PARTY_PROVIDER
CONSUMER: constant(uint256) = 1 << vocabulary.PARTY_CONSUMER
SUBJECT: constant(uint256) = 1 << vocabulary.PARTY_SUBJECT
EXCHANGE: constant(uint256) = 1 << vocabulary.PARTY_EXCHANGE
REGULATOR: constant(uint256) = 1 << vocabulary.PARTY_REGULATOR
OPERATOR: constant(uint256) = 1 << vocabulary.PARTY_OPERATOR
AGENT: constant(uint256) = 1 << vocabulary.PARTY_AGENT
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
RETENTION_DAYS_MAX: constant(uint256) = 3_660
LOOK_BACK_DAYS_MAX: constant(uint256) = 36_600
SHARE_MAX: constant(uint256) = 10_000
APPROVALS_MAX: constant(uint256) = 16
PARTIES: constant(uint256) = vocabulary.PARTY_AGENT + 1
# Fields up to this many lie in the word of limits.
INLINE_FIELDS: constant(uint256) = 42
# In a member's word of standing: it is active, the second its freeze is over, where it is at home.
ACTIVE: constant(uint256) = 1 << 8
FROZEN_AT: constant(uint256) = 24
JURISDICTION_AT: constant(uint256) = 88
# Conditions of a product version, in an offer from bit 0 and in a summary from bit 97.
CONDITIONS_AT: constant(uint256) = 97
OPEN: constant(uint256) = 1
ON_APPLICATION: constant(uint256) = 1 << 1
SANDBOX_AT: constant(uint256) = 3
SANDBOX: constant(uint256) = 2**32 - 1
# Where Authorizations keeps the required parties in the word of standing.
REQUIRED_AT: constant(uint256) = 174
# What ERC-1271 answers for a valid signature.
VALID: constant(bytes4) = 0x1626ba7e


deadline_floor: uint256

event AuthorizationRequested:
    authorization: indexed(bytes32)
    provider: indexed(uint256)
    consumer: indexed(uint256)
    required: uint256
    terms: agreements.Terms


event AmendmentRequested:
    authorization: indexed(bytes32)
    amendment: indexed(bytes32)


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
def authorizationId(terms: agreements.Terms) -> bytes32:
    """
    @notice The EIP-712 digest of the terms: what every party signs, and the authorization's id.
    """
    return agreements.id(terms)


@view
@external
def required(terms: agreements.Terms) -> uint256:
    """
    @notice The parties whose approval these terms require, by bit.
    """
    offer: ICatalog.Offer = self._offer(terms)
    return self._required(terms, offer) | self._check_templates(terms, offer)


@external
def request(terms: agreements.Terms, approvals: DynArray[Bytes[65], APPROVALS_MAX]) -> bytes32:
    """
    @notice An approver of the consumer asks for an authorization, and thereby approves it.
    @param approvals Signatures over the terms that others gave beforehand; may be empty.
    @return The authorization's id.
    """
    assert (
        terms.parent == empty(bytes32) and terms.amends == empty(bytes32)
    ), "grants: not the terms that these stand on"
    offer: ICatalog.Offer = self._offer(terms)
    assert convert(terms.provider, uint256) == offer.provider, "grants: not the provider"
    return self._request(terms, offer, approvals)


@external
def requestUpon(
    terms: agreements.Terms,
    shown: DynArray[agreements.Terms, 2],
    approvals: DynArray[Bytes[65], APPROVALS_MAX],
) -> bytes32:
    """
    @notice Ask for terms that stand on others. Terms that amend are the next version of an
            authorization, changed or renewed for longer: they take effect under its id when all that
            they require have approved them. Terms with a parent share it onward: their provider is the
            parent's consumer, in every dimension they lie within it, and they die with it.
    @param shown The terms that these amend, if any; then those in force of the parent, if any.
    @return The digest of the terms, under which they are approved.
    """
    amends: uint256 = 0 if terms.amends == empty(bytes32) else 1
    shares: uint256 = 0 if terms.parent == empty(bytes32) else 1
    assert (
        amends + shares != 0 and len(shown) == amends + shares
    ), "grants: not the terms that these stand on"
    offer: ICatalog.Offer = self._offer(terms)
    if amends == 1:
        log AmendmentRequested(
            authorization=staticcall ILineage(addresses.LINEAGE).checkAmendment(terms, shown[0]),
            amendment=agreements.id(terms),
        )
    if shares == 1:
        fits: bool = staticcall ILineage(addresses.LINEAGE).checkChild(terms, shown[amends])
    else:
        assert convert(terms.provider, uint256) == offer.provider, "grants: not the provider"
    return self._request(terms, offer, approvals)


@external
def approve(terms: agreements.Terms, approvals: DynArray[Bytes[65], APPROVALS_MAX]):
    """
    @notice Approve as what the sender is, an approver of a required member or the subject, and carry
            in signatures over the same terms. A sender who is no party only carries. Of a member as
            many approvers must agree at once as it demands.
    """
    authorization: bytes32 = agreements.id(terms)
    self._approve(
        authorization, terms, self._parties(terms, authorization, approvals, False)
    )


@external
def approveByContract(terms: agreements.Terms, account: address, signature: Bytes[1024]):
    """
    @notice Carry in the approval of an account that is a contract (ERC-1271).
    """
    assert account.is_contract, "grants: not a contract"
    authorization: bytes32 = agreements.id(terms)
    assert (
        staticcall IERC1271(account).isValidSignature(authorization, signature) == VALID
    ), "grants: the contract does not approve"
    party: uint256 = 0
    needed: uint256 = 0
    party, needed = sides.of(terms, account)
    assert needed & 255 == 1, "grants: too few approvers"
    self._approve(authorization, terms, 1 << party)


@internal
def _request(
    terms: agreements.Terms, offer: ICatalog.Offer, approvals: DynArray[Bytes[65], APPROVALS_MAX]
) -> bytes32:
    authorization: bytes32 = agreements.id(terms)
    if offer.conditions != 0:
        self._check_conditions(terms, authorization, offer.conditions)
    self._check_members(terms, offer)
    self._check_price(terms, offer)
    self._check_offer(terms, offer)
    self._check_subject(terms)
    self._check_limits(terms)
    self._check_abroad(terms)
    required: uint256 = self._required(terms, offer) | self._check_templates(terms, offer)
    parties: uint256 = self._parties(terms, authorization, approvals, True)
    log AuthorizationRequested(
        authorization=authorization,
        provider=convert(terms.provider, uint256),
        consumer=convert(terms.consumer, uint256),
        required=required,
        terms=terms,
    )
    extcall IAuthorizations(addresses.AUTHORIZATIONS).begin(
        authorization,
        convert(terms.provider, uint256)
        | (convert(terms.consumer, uint256) << 8)
        | (required << REQUIRED_AT)
        | (convert(terms.validUntil, uint256) << 190)
        | (convert(terms.destination, uint256) << 226)
        | (offer.zone << 236),
        self._approval(terms, parties),
    )
    if offer.conditions >> SANDBOX_AT != 0:
        self._count(terms, authorization, offer.conditions)
    return authorization


@internal
def _approve(authorization: bytes32, terms: agreements.Terms, parties: uint256):
    summary: uint256 = staticcall ICatalog(addresses.CATALOG).summaryOf(
        terms.product, convert(terms.productVersion, uint256)
    )
    assert (
        (summary >> 32) & 255 == vocabulary.PRODUCT_STATUS_APPROVED
    ), "grants: product is not approved"
    conditions: uint256 = summary >> CONDITIONS_AT
    if conditions != 0:
        self._check_conditions(terms, authorization, conditions)
    self._check_standings(terms)
    if terms.agent != empty(address):
        self._check_agent(terms)
    assert not staticcall ITemplates(addresses.TEMPLATES).isRefused(
        (summary >> 48) & 255,
        convert(terms.purpose, uint256),
        convert(terms.destination, uint256),
    ), "grants: on the negative list"
    self._check_cautions(terms, authorization, (summary >> 48) & 255)
    extcall IAuthorizations(addresses.AUTHORIZATIONS).approve(
        authorization, self._approval(terms, parties)
    )
    if conditions >> SANDBOX_AT != 0:
        self._count(terms, authorization, conditions)


@internal
def _count(terms: agreements.Terms, digest: bytes32, conditions: uint256):
    """
    @dev Count in its sandbox what has just become active, or an amendment that has just taken effect.
    """
    status: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).statusOf(digest)
    if (
        status == vocabulary.AUTHORIZATION_STATUS_ACTIVE
        or status == vocabulary.AUTHORIZATION_STATUS_APPLIED
    ):
        extcall ISandboxes(addresses.SANDBOXES).take(self._trial(terms, digest, conditions))


@view
@internal
def _trial(
    terms: agreements.Terms, digest: bytes32, conditions: uint256
) -> ISandboxes.Trial:
    authorization: bytes32 = digest
    if terms.amends != empty(bytes32):
        authorization = staticcall IAuthorizations(addresses.AUTHORIZATIONS).authorizationOf(
            terms.amends
        )
    return ISandboxes.Trial(
        sandbox=(conditions >> SANDBOX_AT) & SANDBOX,
        authorization=authorization,
        provider=convert(terms.provider, uint256),
        consumer=convert(terms.consumer, uint256),
        validUntil=convert(terms.validUntil, uint256),
        uses=convert(terms.maximumUses, uint256),
    )


@view
@internal
def _parties(
    terms: agreements.Terms,
    authorization: bytes32,
    approvals: DynArray[Bytes[65], APPROVALS_MAX],
    requested: bool,
) -> uint256:
    """
    @dev The parties for which the sender and the signers agree, by bit. Each signature must be of an
         account of some party, each account another, and of each member as many as it demands. Who
         requests must be the consumer's approver.
    """
    accounts: DynArray[address, APPROVALS_MAX + 1] = [msg.sender]
    counts: uint256[PARTIES] = empty(uint256[PARTIES])
    demands: uint256[PARTIES] = empty(uint256[PARTIES])
    party: uint256 = 0
    needed: uint256 = 0
    party, needed = sides.of(terms, msg.sender)
    if needed != 0:
        counts[party] = 1
        demands[party] = needed
    assert not requested or counts[vocabulary.PARTY_CONSUMER] != 0, "grants: not the consumer"
    for signature: Bytes[65] in approvals:
        account: address = signatures.signer(authorization, signature)
        assert account != empty(address), "grants: malformed signature"
        assert account not in accounts, "grants: approver counted twice"
        accounts.append(account)
        party, needed = sides.of(terms, account)
        assert needed != 0, "grants: signature of no party"
        counts[party] += 1
        assert (
            demands[party] == 0 or demands[party] == needed
        ), "grants: approvers of two regulators"
        demands[party] = needed
    agreed: uint256 = 0
    for i: uint256 in range(PARTIES):
        if counts[i] != 0:
            assert counts[i] >= demands[i] & 255, "grants: too few approvers"
            agreed |= 1 << i
    return agreed


@view
@internal
def _offer(terms: agreements.Terms) -> ICatalog.Offer:
    return staticcall ICatalog(addresses.CATALOG).offer(
        terms.product,
        convert(terms.productVersion, uint256),
        terms.template,
        terms.pricePlan,
        terms.fields,
    )


@pure
@internal
def _required(terms: agreements.Terms, offer: ICatalog.Offer) -> uint256:
    parties: uint256 = PROVIDER | CONSUMER
    if convert(terms.subjectMode, uint256) == vocabulary.SUBJECT_MODE_ONE:
        parties |= SUBJECT if terms.agent == empty(address) else AGENT
    if terms.exchange != 0:
        parties |= EXCHANGE
    if (
        terms.fields & offer.guarded != 0
        or convert(terms.modes, uint256) & RAW != 0
        or convert(terms.destination, uint256) != vocabulary.HOME
    ):
        parties |= REGULATOR
    if terms.operator != 0:
        parties |= OPERATOR
    return parties


@view
@internal
def _check_members(terms: agreements.Terms, offer: ICatalog.Offer):
    provider: uint256 = convert(terms.provider, uint256)
    assert provider != convert(terms.consumer, uint256), "grants: provider is the consumer"
    self._check_standings(terms)
    if offer.provider != provider:
        assert (
            staticcall IMembers(addresses.MEMBERS).kindOf(offer.provider) != 0
        ), "grants: provider is suspended"
    if terms.exchange != 0:
        assert (
            terms.exchange != terms.provider and terms.exchange != terms.consumer
        ), "grants: exchange is a party"
        assert (
            staticcall IMembers(addresses.MEMBERS).kindOf(convert(terms.exchange, uint256))
            == vocabulary.MEMBER_KIND_EXCHANGE
        ), "grants: not an exchange"


@view
@internal
def _check_standings(terms: agreements.Terms):
    """
    @dev Nothing is granted by a member that is suspended, nor while a regulator's freeze lies over one
         that the terms name (R22). Consumers that are suspended have no approver. What goes to a consumer abroad goes
         where it is.
    """
    one: uint256 = 0
    other: uint256 = 0
    one, other = staticcall IMembers(addresses.MEMBERS).standings(
        convert(terms.provider, uint256), convert(terms.consumer, uint256)
    )
    assert one & ACTIVE != 0, "grants: provider is suspended"
    assert (
        block.timestamp >= (one >> FROZEN_AT) & (2**40 - 1)
        and block.timestamp >= (other >> FROZEN_AT) & (2**40 - 1)
    ), "grants: a party is frozen"
    if terms.exchange != 0:
        self._check_thawed(convert(terms.exchange, uint256))
    if terms.operator != 0:
        self._check_thawed(convert(terms.operator, uint256))
    if terms.approver != 0:
        self._check_thawed(convert(terms.approver, uint256))
    home: uint256 = (other >> JURISDICTION_AT) & 1_023
    assert (
        home == vocabulary.HOME or home == convert(terms.destination, uint256)
    ), "grants: consumer is in another jurisdiction"


@view
@internal
def _check_thawed(member: uint256):
    standing: uint256 = 0
    same: uint256 = 0
    standing, same = staticcall IMembers(addresses.MEMBERS).standings(member, member)
    assert (
        block.timestamp >= (standing >> FROZEN_AT) & (2**40 - 1)
    ), "grants: a party is frozen"


@pure
@internal
def _check_offer(terms: agreements.Terms, offer: ICatalog.Offer):
    """
    @dev R4 on masks: what the fields are decides, not the highest level among them.
    """
    modes: uint256 = convert(terms.modes, uint256)
    assert (
        offer.status == vocabulary.PRODUCT_STATUS_APPROVED
    ), "grants: product is not approved"
    assert offer.conditions & OPEN == 0, "grants: an open product is not granted"
    # What is shared onward has its parent's template and its own price: Lineage holds it to that.
    assert (
        offer.hasDocuments or terms.parent != empty(bytes32)
    ), "grants: not the product's template and price plan"
    assert offer.isTemplateAllowed, "grants: template not allowed in the zone"
    assert convert(terms.right, uint256) == offer.right or (
        terms.parent != empty(bytes32) or convert(terms.right, uint256) == vocabulary.OWNER_RIGHT_PROCESSING
    ), "grants: right is not offered"
    assert (
        terms.recipients == 0
        or convert(terms.right, uint256) == vocabulary.OWNER_RIGHT_OPERATING
    ), "grants: sharing onward is operating"
    assert terms.fields != 0 and terms.fields & ~offer.fields == 0, "grants: unknown field"
    assert modes != 0 and modes & ~offer.modes == 0, "grants: mode is not offered"
    assert terms.fields & offer.class3 == 0, "grants: C3 field"
    if terms.fields & offer.guarded != 0:
        assert modes & ~GUARDED == 0, "grants: mode not allowed at this level"
    if terms.fields & offer.level5 != 0:
        assert (
            convert(terms.destination, uint256) == vocabulary.HOME
        ), "grants: level 5 never abroad"


@view
@internal
def _check_conditions(terms: agreements.Terms, digest: bytes32, conditions: uint256):
    """
    @dev What few products ask beside. Whoever shares onward needs an application approved as well.
    """
    assert conditions & ON_APPLICATION == 0 or staticcall IApplications(
        addresses.APPLICATIONS
    ).isApproved(
        terms.product,
        convert(terms.productVersion, uint256),
        convert(terms.consumer, uint256),
        convert(terms.purpose, uint256),
        convert(terms.validUntil, uint256),
    ), "grants: no approved application"
    if conditions >> SANDBOX_AT != 0:
        fits: bool = staticcall ISandboxes(addresses.SANDBOXES).check(
            self._trial(terms, digest, conditions)
        )


@view
@internal
def _check_subject(terms: agreements.Terms):
    """
    @dev R2. In mode `one` the subject must not be an account of the two parties themselves.
    """
    mode: uint256 = convert(terms.subjectMode, uint256)
    basis: uint256 = convert(terms.legalBasis, uint256)
    assert basis != 0 and basis <= vocabulary.LEGAL_BASIS_LAST, "grants: unknown legal basis"
    assert mode <= vocabulary.SUBJECT_MODE_PER_USE, "grants: unknown subject mode"
    if mode != vocabulary.SUBJECT_MODE_ONE:
        assert (
            terms.subject == empty(address)
            and terms.subjectReference == empty(bytes32)
            and terms.agent == empty(address)
            and terms.delegation == empty(bytes32)
        ), "grants: subject in another mode"
    if mode == vocabulary.SUBJECT_MODE_NONE:
        assert terms.notice == empty(bytes32), "grants: notice without a subject"
        assert convert(terms.modes, uint256) & ~GUARDED == 0, "grants: mode needs a subject"
        assert basis != vocabulary.LEGAL_BASIS_CONSENT, "grants: consent needs a subject"
        assert (
            convert(terms.minimumGroup, uint256) >= MINIMUM_GROUP_FLOOR
        ), "grants: minimum group too small"
        return
    assert terms.notice != empty(bytes32), "grants: no notice to the subject"
    assert terms.minimumGroup == 0, "grants: minimum group of one subject"
    if mode == vocabulary.SUBJECT_MODE_PER_USE:
        assert basis == vocabulary.LEGAL_BASIS_CONSENT, "grants: each use needs consent"
        return
    assert (
        terms.subject != empty(address) and terms.subjectReference != empty(bytes32)
    ), "grants: no subject"
    self._check_stranger(terms, terms.subject)
    if terms.agent == empty(address):
        assert terms.delegation == empty(bytes32), "grants: delegation without an agent"
        return
    self._check_stranger(terms, terms.agent)
    self._check_agent(terms)


@view
@internal
def _check_stranger(terms: agreements.Terms, account: address):
    """
    @dev Who agrees for the subject is no account of the two sides.
    """
    owner: uint256 = staticcall IMembers(addresses.MEMBERS).memberOf(account)
    assert owner == 0 or (
        owner != convert(terms.provider, uint256) and owner != convert(terms.consumer, uint256)
    ), "grants: subject is an account of a party"


@view
@internal
def _check_agent(terms: agreements.Terms):
    stands: bool = staticcall IDelegations(addresses.DELEGATIONS).check(
        terms.delegation,
        terms.subject,
        terms.agent,
        convert(terms.purpose, uint256),
        convert(terms.provider, uint256),
    )


@view
@internal
def _check_limits(terms: agreements.Terms):
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
    self._check_deadline(convert(terms.acknowledgeWithin, uint256))
    assert (
        convert(terms.retentionDays, uint256) <= RETENTION_DAYS_MAX
    ), "grants: retention too long"
    assert (
        convert(terms.lookBackDays, uint256) <= LOOK_BACK_DAYS_MAX
    ), "grants: look-back too long"


@pure
@internal
def _check_price(terms: agreements.Terms, offer: ICatalog.Offer):
    """
    @dev The price is the product's; whoever shares onward sets its own. The exchange has its share in
         platform trade alone.
    """
    assert (terms.priceClass == 0) == (
        terms.pricePlan == empty(bytes32)
    ), "grants: price plan and class differ"
    assert (
        convert(terms.priceClass, uint256) <= vocabulary.PRICE_CLASS_LAST
    ), "grants: unknown price class"
    assert terms.parent != empty(bytes32) or (
        convert(terms.priceClass, uint256) == offer.priceClass
    ), "grants: not the product's price class"
    assert (
        convert(terms.exchangeShare, uint256) <= SHARE_MAX
    ), "grants: share above the whole"
    assert (
        terms.exchange != 0 or terms.exchangeShare == 0
    ), "grants: share without an exchange"


@view
@internal
def _check_deadline(seconds: uint256):
    assert (
        seconds >= self.deadline_floor and seconds <= DEADLINE_MAX
    ), "grants: deadline out of range"


@pure
@internal
def _is_named(terms: agreements.Terms, member: uint256) -> bool:
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
def _check_zone(terms: agreements.Terms, offer: ICatalog.Offer):
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
        (offer.purposes >> convert(terms.purpose, uint256)) & 1 == 1
    ), "grants: purpose not allowed in the zone"
    assert (
        (offer.admitted >> convert(terms.provider, uint256)) & 1 == 1
        and (offer.admitted >> convert(terms.consumer, uint256)) & 1 == 1
    ), "grants: not admitted to the zone"


@view
@internal
def _check_templates(terms: agreements.Terms, offer: ICatalog.Offer) -> uint256:
    """
    @dev Hold the terms to their template and to both lists; the parties that the cautious list adds.
    """
    self._check_zone(terms, offer)
    parties: uint256 = 0
    member: uint256 = 0
    parties, member = staticcall ITemplates(addresses.TEMPLATES).check(
        self._wanted(terms, offer.zone)
    )
    if member != 0 and self._is_party(terms, member):
        parties &= ~APPROVER
        member = 0
    assert convert(terms.approver, uint256) == member, "grants: not the named approver"
    return parties


@view
@internal
def _check_cautions(terms: agreements.Terms, digest: bytes32, zone: uint256):
    """
    @dev R23: the cautious list is asked at the grant, not at the request alone. What it asks beyond what
         was requested takes a request anew.
    """
    parties: uint256 = 0
    member: uint256 = 0
    parties, member = staticcall ITemplates(addresses.TEMPLATES).cautionsFor(
        self._wanted(terms, zone)
    )
    if member != 0 and self._is_party(terms, member):
        parties &= ~APPROVER
        member = 0
    assert member == 0 or member == convert(
        terms.approver, uint256
    ), "grants: not the named approver"
    standing: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(digest)
    assert parties & ~(standing >> REQUIRED_AT) == 0, "grants: more parties are required by now"


@pure
@internal
def _wanted(terms: agreements.Terms, zone: uint256) -> ITemplates.Wanted:
    return ITemplates.Wanted(
        template=terms.template,
        category=zone,
        purpose=convert(terms.purpose, uint256),
        destination=convert(terms.destination, uint256),
        modes=convert(terms.modes, uint256),
        maximumUses=convert(terms.maximumUses, uint256),
        validSeconds=convert(terms.validUntil - terms.validFrom, uint256),
        minimumGroup=convert(terms.minimumGroup, uint256),
        onward=terms.recipients != 0,
    )


@pure
@internal
def _is_party(terms: agreements.Terms, member: uint256) -> bool:
    """
    @dev Whether a member that the cautious list names is a party already.
    """
    return self._is_named(terms, member) or member == convert(terms.operator, uint256)


@view
@internal
def _check_abroad(terms: agreements.Terms):
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


@pure
@internal
def _approval(terms: agreements.Terms, parties: uint256) -> IAuthorizations.Approval:
    return IAuthorizations.Approval(
        parties=parties,
        limits=self._limits(terms),
        fields=terms.fields,
        parent=terms.parent,
        amends=terms.amends,
        delegation=terms.delegation,
    )


@pure
@internal
def _limits(terms: agreements.Terms) -> uint256:
    """
    @dev The word of limits that Authorizations keeps. Every part fits: the checks of a request bound it.
    """
    limits: uint256 = (
        convert(terms.purpose, uint256)
        | (convert(terms.modes, uint256) << 8)
        | (convert(terms.subjectMode, uint256) << 16)
        | (convert(terms.validFrom, uint256) << 18)
        | (convert(terms.maximumUses, uint256) << 54)
        | (convert(terms.answerWithin, uint256) << 86)
        | (convert(terms.settleWithin, uint256) << 106)
        | (convert(terms.acknowledgeWithin, uint256) << 126)
        | (convert(terms.unsignedMaximum, uint256) << 146)
        | (convert(terms.exchange, uint256) << 153)
        | (convert(terms.ratePeriod, uint256) << 161)
        | (convert(terms.rateLimit, uint256) << 164)
        | (convert(terms.retentionDays, uint256) << 201)
    )
    if terms.parent != empty(bytes32):
        limits |= 1 << 196
    if terms.agent != empty(address):
        limits |= 1 << 199
    if terms.fields >> INLINE_FIELDS != 0:
        return limits | (1 << 200)
    return limits | (terms.fields << 214)
