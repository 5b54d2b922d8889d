# pragma version 0.4.3
# pragma evm-version prague
"""
@title Authorizations
@notice Who allowed whom to use which fields of a product, for what and until when. Terms are one
        EIP-712 structure that every party signs; an authorization's id is their digest. State keeps
        the words that later checks need; the whole terms are in the event of the request (R1).
        Which approvals are required follows from the terms: provider and consumer always, the
        subject in subject mode `one` (R2), the exchange in platform trade, a regulator where the
        fields' levels, raw delivery or a destination abroad demand it (R4).
        Only the Leases contract moves the counters. Nothing here ever erases a use: ending an
        authorization stops new leases and dates the end (R11).
"""

from interfaces import IAuthorizations
from interfaces import ICatalog
from interfaces import IMembers
import addresses
import signatures
import vocabulary

implements: IAuthorizations


APPROVER: constant(uint256) = 1 << vocabulary.ROLE_APPROVER
PROVIDER: constant(uint256) = 1 << vocabulary.PARTY_PROVIDER
CONSUMER: constant(uint256) = 1 << vocabulary.PARTY_CONSUMER
SUBJECT: constant(uint256) = 1 << vocabulary.PARTY_SUBJECT
EXCHANGE: constant(uint256) = 1 << vocabulary.PARTY_EXCHANGE
REGULATOR: constant(uint256) = 1 << vocabulary.PARTY_REGULATOR

RAW: constant(uint256) = 1 << vocabulary.DELIVERY_MODE_RAW
# Modes in which no record of a person leaves the provider: query, model, psi, mpc.
GUARDED: constant(uint256) = (
    (1 << vocabulary.DELIVERY_MODE_QUERY)
    | (1 << vocabulary.DELIVERY_MODE_MODEL)
    | (1 << vocabulary.DELIVERY_MODE_PSI)
    | (1 << vocabulary.DELIVERY_MODE_MPC)
)

OPEN_LEASES_MAX: constant(uint256) = 8
UNSIGNED_MAX: constant(uint256) = 64
MINIMUM_GROUP_FLOOR: constant(uint256) = 5
DEADLINE_MAX: constant(uint256) = 7 * 86_400
VALIDITY_MAX: constant(uint256) = 10 * 366 * 86_400
NEVER: constant(uint256) = 2**64 - 1

TERMS_TYPE: constant(bytes32) = keccak256(
    "Terms(uint32 provider,uint32 consumer,uint32 exchange,bytes32 product,uint32 productVersion,uint8 subjectMode,address subject,bytes32 subjectReference,uint8 legalBasis,uint16 purpose,uint256 fields,uint8 modes,uint16 destination,uint32 minimumGroup,uint32 maximumUses,uint64 validFrom,uint64 validUntil,uint8 unsignedMaximum,uint32 answerWithin,uint32 settleWithin,bytes32 template,uint256 nonce)"
)
REVOCATION_TYPE: constant(bytes32) = keccak256("Revocation(bytes32 authorization,uint8 reason)")

struct Terms:
    # Member indices; exchange 0 is direct trade.
    provider: uint32
    consumer: uint32
    exchange: uint32
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
    # Fewest subjects behind one answer; 0 in subject mode `one`.
    minimumGroup: uint32
    maximumUses: uint32
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


struct Limits:
    purpose: uint256
    modes: uint256
    destination: uint256
    subjectMode: uint256
    validFrom: uint256
    validUntil: uint256
    answerWithin: uint256
    settleWithin: uint256
    unsignedMaximum: uint256
    productVersion: uint256


struct Standing:
    provider: uint256
    consumer: uint256
    exchange: uint256
    maximumUses: uint256
    # Uses that leases hold or have used.
    counted: uint256
    # Leases ever opened; the last one's number.
    leases: uint256
    open: uint256
    # Lapsed leases whose uses the two sides have not both stated.
    unaccounted: uint256
    # Parties by bit.
    required: uint256
    approved: uint256
    status: uint256
    reason: uint256
    # The block that ended it, 0 while nothing has.
    ended: uint256


struct Authorization:
    fields: uint256
    # Limits, packed; see _pack_limits.
    limits: uint256
    # Standing, packed; see _pack_standing.
    standing: uint256
    product: bytes32
    subject: address


struct Record:
    fields: uint256
    limits: Limits
    standing: Standing
    product: bytes32
    subject: address


# Fixed positions: node/spec/registry.py reads them from storage proofs.
authorizations: HashMap[bytes32, Authorization]
deadline_floor: uint256

event AuthorizationRequested:
    authorization: indexed(bytes32)
    provider: indexed(uint256)
    consumer: indexed(uint256)
    required: uint256
    terms: Terms


event AuthorizationApproved:
    authorization: indexed(bytes32)
    parties: uint256
    account: indexed(address)
    approved: uint256


event AuthorizationActivated:
    authorization: indexed(bytes32)


event AuthorizationRejected:
    authorization: indexed(bytes32)
    parties: uint256
    reason: uint256
    evidence: bytes32


event AuthorizationRevoked:
    authorization: indexed(bytes32)
    parties: uint256
    reason: uint256
    evidence: bytes32


event AuthorizationTerminated:
    authorization: indexed(bytes32)
    reason: uint256
    evidence: bytes32


event UsesReserved:
    authorization: indexed(bytes32)
    lease: uint256
    counted: uint256


event UsesReturned:
    authorization: indexed(bytes32)
    counted: uint256


event LeasingBlocked:
    authorization: indexed(bytes32)
    unaccounted: uint256


event LeasingUnblocked:
    authorization: indexed(bytes32)
    unaccounted: uint256


@deploy
def __init__(deadlineFloor: uint256):
    """
    @notice The floor of `answerWithin` and `settleWithin` is a genesis constant: an hour, or seconds
            on a development network.
    """
    assert deadlineFloor != 0 and deadlineFloor <= DEADLINE_MAX, "authorizations: deadline floor"
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
    return self._required(
        terms, staticcall ICatalog(addresses.CATALOG).offer(terms.product, convert(terms.productVersion, uint256))
    )


@view
@external
def record(authorization: bytes32) -> Record:
    """
    @notice All that state keeps of an authorization, unpacked; all zero when there is none.
    """
    entry: Authorization = self.authorizations[authorization]
    return Record(
        fields=entry.fields,
        limits=self._unpack_limits(entry.limits),
        standing=self._unpack_standing(entry.standing),
        product=entry.product,
        subject=entry.subject,
    )


@view
@external
def statusOf(authorization: bytes32) -> uint256:
    """
    @notice The status as of this block, by vocabulary index: expired and exhausted follow from
            time and counters; 0 when there is no such authorization.
    """
    standing: Standing = self._unpack_standing(self.authorizations[authorization].standing)
    limits: Limits = self._unpack_limits(self.authorizations[authorization].limits)
    if standing.ended != 0 or standing.status == 0:
        return standing.status
    if block.timestamp >= limits.validUntil:
        return vocabulary.AUTHORIZATION_STATUS_EXPIRED
    if standing.counted == standing.maximumUses and standing.open == 0:
        return vocabulary.AUTHORIZATION_STATUS_EXHAUSTED
    return standing.status


@view
@external
def fieldsOf(authorization: bytes32) -> uint256:
    """
    @notice The mask of fields the authorization grants; 0 when there is none.
    """
    return self.authorizations[authorization].fields


@view
@external
def deadlines(authorization: bytes32) -> IAuthorizations.Deadlines:
    """
    @notice What settling and closing depend on. Neither status nor expiry is among it (R11).
    """
    standing: Standing = self._unpack_standing(self.authorizations[authorization].standing)
    limits: Limits = self._unpack_limits(self.authorizations[authorization].limits)
    return IAuthorizations.Deadlines(
        provider=standing.provider,
        consumer=standing.consumer,
        ended=standing.ended if standing.ended != 0 else NEVER,
        unsignedMaximum=limits.unsignedMaximum,
        answerWithin=limits.answerWithin,
        settleWithin=limits.settleWithin,
    )


@external
def request(terms: Terms) -> bytes32:
    """
    @notice An approver of the consumer asks for an authorization, and thereby approves it.
    @return The authorization's id.
    """
    offer: ICatalog.Offer = staticcall ICatalog(addresses.CATALOG).offer(
        terms.product, convert(terms.productVersion, uint256)
    )
    self._check_parties(terms, offer)
    self._check_offer(terms, offer)
    self._check_subject(terms)
    self._check_limits(terms)
    authorization: bytes32 = self._id(terms)
    assert self.authorizations[authorization].standing == 0, "authorizations: requested already"
    required: uint256 = self._required(terms, offer)
    self.authorizations[authorization] = Authorization(
        fields=terms.fields,
        limits=self._pack_limits(terms),
        standing=self._pack_standing(
            Standing(
                provider=convert(terms.provider, uint256),
                consumer=convert(terms.consumer, uint256),
                exchange=convert(terms.exchange, uint256),
                maximumUses=convert(terms.maximumUses, uint256),
                counted=0,
                leases=0,
                open=0,
                unaccounted=0,
                required=required,
                approved=CONSUMER,
                status=vocabulary.AUTHORIZATION_STATUS_REQUESTED,
                reason=0,
                ended=0,
            )
        ),
        product=terms.product,
        subject=terms.subject,
    )
    log AuthorizationRequested(
        authorization=authorization,
        provider=convert(terms.provider, uint256),
        consumer=convert(terms.consumer, uint256),
        required=required,
        terms=terms,
    )
    return authorization


@external
def approve(authorization: bytes32):
    """
    @notice Approve as what the sender is: an approver of a required member, or the subject.
    """
    self._approve(authorization, msg.sender)


@external
def approveSigned(authorization: bytes32, signature: Bytes[65]):
    """
    @notice Carry in an approval: a signature over the terms, whose digest is the authorization's id,
            by the subject's key or an approver of a required member.
    """
    account: address = signatures.signer(authorization, signature)
    assert account != empty(address), "authorizations: malformed signature"
    self._approve(authorization, account)


@external
def reject(authorization: bytes32, reason: uint256):
    """
    @notice A party declines before the authorization is active.
    """
    self._reject(authorization, reason, self._party_of(authorization, msg.sender), empty(bytes32))


@external
def revoke(authorization: bytes32, reason: uint256, evidence: bytes32):
    """
    @notice A party ends an active authorization: a consumer terminates it, any other revokes it.
    @param evidence Hash of what supports the reason; needed where the provider says that the
           subject withdrew (R3).
    """
    self._end(authorization, reason, self._party_of(authorization, msg.sender), evidence)


@external
def revokeSigned(authorization: bytes32, reason: uint256, signature: Bytes[65]):
    """
    @notice Carry in a party's signed Revocation: the subject's key, or an approver's. Before the
            authorization is active it rejects it.
    """
    digest: bytes32 = signatures.digest(
        keccak256(abi_encode(REVOCATION_TYPE, authorization, reason))
    )
    account: address = signatures.signer(digest, signature)
    assert account != empty(address), "authorizations: malformed signature"
    parties: uint256 = self._party_of(authorization, account)
    status: uint256 = self._unpack_standing(self.authorizations[authorization].standing).status
    if status == vocabulary.AUTHORIZATION_STATUS_ACTIVE:
        self._end(authorization, reason, parties, empty(bytes32))
    else:
        self._reject(authorization, reason, parties, empty(bytes32))


@external
def reserve(
    authorization: bytes32,
    uses: uint256,
    purpose: uint256,
    fields: uint256,
    mode: uint256,
    destination: uint256,
    expiresAt: uint256,
) -> IAuthorizations.Reservation:
    """
    @notice Count `uses` against the limits and number a lease, or revert with the rule that refuses.
    """
    assert msg.sender == addresses.LEASES, "authorizations: only leases"
    standing: Standing = self._unpack_standing(self.authorizations[authorization].standing)
    limits: Limits = self._unpack_limits(self.authorizations[authorization].limits)
    granted: uint256 = self.authorizations[authorization].fields
    assert (
        standing.status == vocabulary.AUTHORIZATION_STATUS_ACTIVE
    ), "authorizations: not active"
    assert block.timestamp >= limits.validFrom, "authorizations: not yet valid"
    assert block.timestamp < limits.validUntil, "authorizations: expired"
    assert expiresAt <= limits.validUntil, "authorizations: lease ends after the authorization"
    assert standing.unaccounted == 0, "authorizations: a lapsed lease is unaccounted"
    assert standing.open < OPEN_LEASES_MAX, "authorizations: too many open leases"
    assert vocabulary.purpose_covers(limits.purpose, purpose), "authorizations: purpose not granted"
    assert fields != 0 and fields & ~granted == 0, "authorizations: field not granted"
    assert mode < 8 and (limits.modes >> mode) & 1 == 1, "authorizations: mode not granted"
    assert destination == limits.destination, "authorizations: destination not granted"
    assert uses != 0, "authorizations: no uses"
    assert uses <= standing.maximumUses - standing.counted, "authorizations: uses exhausted"
    assert standing.leases < 2**32 - 1, "authorizations: too many leases"
    standing.counted += uses
    standing.leases += 1
    standing.open += 1
    self.authorizations[authorization].standing = self._pack_standing(standing)
    log UsesReserved(authorization=authorization, lease=standing.leases, counted=standing.counted)
    return IAuthorizations.Reservation(
        number=standing.leases,
        provider=standing.provider,
        consumer=standing.consumer,
        fields=granted,
    )


@external
def giveBack(authorization: bytes32, uses: uint256):
    """
    @notice A lease closed: its unused uses return to `maximumUses`.
    """
    assert msg.sender == addresses.LEASES, "authorizations: only leases"
    standing: Standing = self._unpack_standing(self.authorizations[authorization].standing)
    standing.counted -= uses
    standing.open -= 1
    self.authorizations[authorization].standing = self._pack_standing(standing)
    log UsesReturned(authorization=authorization, counted=standing.counted)


@external
def leaseLapsed(authorization: bytes32):
    """
    @notice A lease lapsed: its uses stay counted, and no new lease until both sides stated its uses.
    """
    assert msg.sender == addresses.LEASES, "authorizations: only leases"
    standing: Standing = self._unpack_standing(self.authorizations[authorization].standing)
    standing.open -= 1
    standing.unaccounted += 1
    self.authorizations[authorization].standing = self._pack_standing(standing)
    log LeasingBlocked(authorization=authorization, unaccounted=standing.unaccounted)


@external
def lapseStated(authorization: bytes32):
    """
    @notice Both sides stated the uses of a lapsed lease.
    """
    assert msg.sender == addresses.LEASES, "authorizations: only leases"
    standing: Standing = self._unpack_standing(self.authorizations[authorization].standing)
    standing.unaccounted -= 1
    self.authorizations[authorization].standing = self._pack_standing(standing)
    log LeasingUnblocked(authorization=authorization, unaccounted=standing.unaccounted)


@view
@internal
def _id(terms: Terms) -> bytes32:
    return signatures.digest(keccak256(abi_encode(TERMS_TYPE, terms)))


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
    return parties


@view
@internal
def _check_parties(terms: Terms, offer: ICatalog.Offer):
    consumer: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    consumer, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(msg.sender)
    assert roles & APPROVER != 0, "authorizations: not an approver"
    assert consumer == convert(terms.consumer, uint256), "authorizations: not the consumer"
    assert terms.provider != terms.consumer, "authorizations: provider is the consumer"
    assert convert(terms.provider, uint256) == offer.provider, "authorizations: not the provider"
    assert (
        staticcall IMembers(addresses.MEMBERS).kindOf(offer.provider) != 0
    ), "authorizations: provider is suspended"
    if terms.exchange != 0:
        assert (
            terms.exchange != terms.provider and terms.exchange != terms.consumer
        ), "authorizations: exchange is a party"
        exchange: uint256 = staticcall IMembers(addresses.MEMBERS).kindOf(convert(terms.exchange, uint256))
        assert exchange == vocabulary.MEMBER_KIND_EXCHANGE, "authorizations: not an exchange"


@pure
@internal
def _check_offer(terms: Terms, offer: ICatalog.Offer):
    """
    @dev R4 on masks: what the fields are decides, not the highest level among them.
    """
    modes: uint256 = convert(terms.modes, uint256)
    assert (
        offer.status == vocabulary.PRODUCT_STATUS_APPROVED
    ), "authorizations: product is not approved"
    assert terms.template == offer.template, "authorizations: not the product's template"
    assert terms.fields != 0 and terms.fields & ~offer.fields == 0, "authorizations: unknown field"
    assert modes != 0 and modes & ~offer.modes == 0, "authorizations: mode is not offered"
    assert terms.fields & offer.class3 == 0, "authorizations: C3 field"
    if terms.fields & (offer.level4 | offer.level5) != 0:
        assert modes & ~GUARDED == 0, "authorizations: mode not allowed at this level"
    if terms.fields & offer.level5 != 0:
        assert (
            convert(terms.destination, uint256) == vocabulary.HOME
        ), "authorizations: level 5 never abroad"


@view
@internal
def _check_subject(terms: Terms):
    """
    @dev R2. In mode `one` the subject must not be an account of the two parties themselves.
    """
    mode: uint256 = convert(terms.subjectMode, uint256)
    basis: uint256 = convert(terms.legalBasis, uint256)
    assert basis != 0 and basis <= vocabulary.LEGAL_BASIS_LAST, "authorizations: unknown legal basis"
    if mode == vocabulary.SUBJECT_MODE_NONE:
        assert (
            terms.subject == empty(address) and terms.subjectReference == empty(bytes32)
        ), "authorizations: subject in mode none"
        assert convert(terms.modes, uint256) & ~GUARDED == 0, "authorizations: mode needs a subject"
        assert basis != vocabulary.LEGAL_BASIS_CONSENT, "authorizations: consent needs a subject"
        assert (
            convert(terms.minimumGroup, uint256) >= MINIMUM_GROUP_FLOOR
        ), "authorizations: minimum group too small"
        return
    assert mode == vocabulary.SUBJECT_MODE_ONE, "authorizations: unknown subject mode"
    assert (
        terms.subject != empty(address) and terms.subjectReference != empty(bytes32)
    ), "authorizations: no subject"
    assert terms.minimumGroup == 0, "authorizations: minimum group of one subject"
    owner: uint256 = staticcall IMembers(addresses.MEMBERS).memberOf(terms.subject)
    assert owner == 0 or (
        owner != convert(terms.provider, uint256) and owner != convert(terms.consumer, uint256)
    ), "authorizations: subject is an account of a party"


@view
@internal
def _check_limits(terms: Terms):
    purpose: uint256 = convert(terms.purpose, uint256)
    until: uint256 = convert(terms.validUntil, uint256)
    assert purpose != 0 and purpose <= vocabulary.PURPOSE_LAST, "authorizations: unknown purpose"
    assert vocabulary.is_jurisdiction(
        convert(terms.destination, uint256)
    ), "authorizations: unknown destination"
    assert terms.maximumUses != 0, "authorizations: no uses"
    assert terms.validFrom < terms.validUntil, "authorizations: empty validity"
    assert until > block.timestamp, "authorizations: expired"
    assert until <= block.timestamp + VALIDITY_MAX, "authorizations: validity too long"
    assert (
        terms.unsignedMaximum != 0 and convert(terms.unsignedMaximum, uint256) <= UNSIGNED_MAX
    ), "authorizations: unsigned maximum out of range"
    self._check_deadline(convert(terms.answerWithin, uint256))
    self._check_deadline(convert(terms.settleWithin, uint256))


@view
@internal
def _check_deadline(seconds: uint256):
    assert (
        seconds >= self.deadline_floor and seconds <= DEADLINE_MAX
    ), "authorizations: deadline out of range"


@view
@internal
def _party_of(authorization: bytes32, account: address) -> uint256:
    """
    @dev What the account is to the authorization, by bit; 0 for nothing. A member is one party.
    """
    if account == self.authorizations[authorization].subject:
        return SUBJECT
    member: uint256 = 0
    kind: uint256 = 0
    roles: uint256 = 0
    member, kind, roles = staticcall IMembers(addresses.MEMBERS).standing(account)
    if roles & APPROVER == 0:
        return 0
    standing: Standing = self._unpack_standing(self.authorizations[authorization].standing)
    if member == standing.provider:
        return PROVIDER
    if member == standing.consumer:
        return CONSUMER
    if member == standing.exchange:
        return EXCHANGE
    if kind == vocabulary.MEMBER_KIND_REGULATOR:
        return REGULATOR
    return 0


@internal
def _approve(authorization: bytes32, account: address):
    standing: Standing = self._unpack_standing(self.authorizations[authorization].standing)
    limits: Limits = self._unpack_limits(self.authorizations[authorization].limits)
    self._check_awaiting(standing)
    party: uint256 = self._party_of(authorization, account)
    assert party & standing.required & ~standing.approved != 0, "authorizations: not an awaited party"
    assert block.timestamp < limits.validUntil, "authorizations: expired"
    product: uint256 = staticcall ICatalog(addresses.CATALOG).statusOf(
        self.authorizations[authorization].product, limits.productVersion
    )
    assert (
        product == vocabulary.PRODUCT_STATUS_APPROVED
    ), "authorizations: product is not approved"
    standing.approved |= party
    complete: bool = standing.approved == standing.required
    standing.status = vocabulary.AUTHORIZATION_STATUS_PARTIALLY_APPROVED
    if complete:
        standing.status = vocabulary.AUTHORIZATION_STATUS_ACTIVE
    self.authorizations[authorization].standing = self._pack_standing(standing)
    log AuthorizationApproved(
        authorization=authorization, parties=party, account=account, approved=standing.approved
    )
    if complete:
        log AuthorizationActivated(authorization=authorization)


@internal
def _reject(authorization: bytes32, reason: uint256, parties: uint256, evidence: bytes32):
    standing: Standing = self._unpack_standing(self.authorizations[authorization].standing)
    self._check_awaiting(standing)
    self._check_reason(standing, reason, parties)
    standing.status = vocabulary.AUTHORIZATION_STATUS_REJECTED
    standing.reason = reason
    standing.ended = block.number
    self.authorizations[authorization].standing = self._pack_standing(standing)
    log AuthorizationRejected(
        authorization=authorization, parties=parties, reason=reason, evidence=evidence
    )


@internal
def _end(authorization: bytes32, reason: uint256, parties: uint256, evidence: bytes32):
    standing: Standing = self._unpack_standing(self.authorizations[authorization].standing)
    assert (
        standing.status == vocabulary.AUTHORIZATION_STATUS_ACTIVE
    ), "authorizations: not active"
    self._check_reason(standing, reason, parties)
    if reason == vocabulary.REASON_SUBJECT_WITHDREW and parties != SUBJECT:
        assert standing.required & SUBJECT != 0, "authorizations: there is no subject"
        assert evidence != empty(bytes32), "authorizations: no evidence"
    standing.reason = reason
    standing.ended = block.number
    standing.status = vocabulary.AUTHORIZATION_STATUS_REVOKED
    if parties == CONSUMER:
        standing.status = vocabulary.AUTHORIZATION_STATUS_TERMINATED
    self.authorizations[authorization].standing = self._pack_standing(standing)
    if parties == CONSUMER:
        log AuthorizationTerminated(authorization=authorization, reason=reason, evidence=evidence)
    else:
        log AuthorizationRevoked(
            authorization=authorization, parties=parties, reason=reason, evidence=evidence
        )


@pure
@internal
def _check_awaiting(standing: Standing):
    assert (
        standing.status == vocabulary.AUTHORIZATION_STATUS_REQUESTED
        or standing.status == vocabulary.AUTHORIZATION_STATUS_PARTIALLY_APPROVED
    ), "authorizations: not awaiting approval"


@pure
@internal
def _check_reason(standing: Standing, reason: uint256, parties: uint256):
    assert parties & standing.required != 0, "authorizations: not a party"
    assert vocabulary.givers_of(reason) & parties != 0, "authorizations: not a reason of this party"


@pure
@internal
def _pack_limits(terms: Terms) -> uint256:
    """
    @dev Bits: purpose 0, modes 16, destination 24, subjectMode 40, validFrom 48, validUntil 96,
         answerWithin 144, settleWithin 176, unsignedMaximum 208, productVersion 216. Both times fit
         48 bits because validity is bounded from now.
    """
    return (
        convert(terms.purpose, uint256)
        | (convert(terms.modes, uint256) << 16)
        | (convert(terms.destination, uint256) << 24)
        | (convert(terms.subjectMode, uint256) << 40)
        | (convert(terms.validFrom, uint256) << 48)
        | (convert(terms.validUntil, uint256) << 96)
        | (convert(terms.answerWithin, uint256) << 144)
        | (convert(terms.settleWithin, uint256) << 176)
        | (convert(terms.unsignedMaximum, uint256) << 208)
        | (convert(terms.productVersion, uint256) << 216)
    )


@pure
@internal
def _unpack_limits(word: uint256) -> Limits:
    return Limits(
        purpose=word & (2**16 - 1),
        modes=(word >> 16) & (2**8 - 1),
        destination=(word >> 24) & (2**16 - 1),
        subjectMode=(word >> 40) & (2**8 - 1),
        validFrom=(word >> 48) & (2**48 - 1),
        validUntil=(word >> 96) & (2**48 - 1),
        answerWithin=(word >> 144) & (2**32 - 1),
        settleWithin=(word >> 176) & (2**32 - 1),
        unsignedMaximum=(word >> 208) & (2**8 - 1),
        productVersion=(word >> 216) & (2**32 - 1),
    )


@pure
@internal
def _pack_standing(standing: Standing) -> uint256:
    """
    @dev Bits: provider 0, consumer 16, exchange 32, maximumUses 48, counted 80, leases 112, open
         144, unaccounted 152, required 160, approved 168, status 176, reason 184, ended 192.
    """
    return (
        standing.provider
        | (standing.consumer << 16)
        | (standing.exchange << 32)
        | (standing.maximumUses << 48)
        | (standing.counted << 80)
        | (standing.leases << 112)
        | (standing.open << 144)
        | (standing.unaccounted << 152)
        | (standing.required << 160)
        | (standing.approved << 168)
        | (standing.status << 176)
        | (standing.reason << 184)
        | (standing.ended << 192)
    )


@pure
@internal
def _unpack_standing(word: uint256) -> Standing:
    return Standing(
        provider=word & (2**16 - 1),
        consumer=(word >> 16) & (2**16 - 1),
        exchange=(word >> 32) & (2**16 - 1),
        maximumUses=(word >> 48) & (2**32 - 1),
        counted=(word >> 80) & (2**32 - 1),
        leases=(word >> 112) & (2**32 - 1),
        open=(word >> 144) & (2**8 - 1),
        unaccounted=(word >> 152) & (2**8 - 1),
        required=(word >> 160) & (2**8 - 1),
        approved=(word >> 168) & (2**8 - 1),
        status=(word >> 176) & (2**8 - 1),
        reason=(word >> 184) & (2**8 - 1),
        ended=word >> 192,
    )
