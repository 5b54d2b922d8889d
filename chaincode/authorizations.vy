# pragma version 0.4.3
# pragma evm-version prague
"""
@title Authorizations
@notice Where each authorization stands and what it still allows, in three words of state: standing
        (parties, counters, status), limits and fields. An authorization's id is the EIP-712 digest of
        its terms; Grants checks terms and approvals and is alone to begin one, Leases alone moves the
        counters. Limits and fields are written when the last required party has approved.
        Nothing here ever erases a use: ending an authorization stops new leases and dates the end
        (R11). Expiry and exhaustion are no stored states: they follow from time and counters.
"""

from interfaces import IAuthorizations
from interfaces import IMembers
from interfaces import ITemplates
import addresses
import calendar
import vocabulary

implements: IAuthorizations


PROVIDER: constant(uint256) = 1 << vocabulary.PARTY_PROVIDER
CONSUMER: constant(uint256) = 1 << vocabulary.PARTY_CONSUMER
SUBJECT: constant(uint256) = 1 << vocabulary.PARTY_SUBJECT
EXCHANGE: constant(uint256) = 1 << vocabulary.PARTY_EXCHANGE
REGULATOR: constant(uint256) = 1 << vocabulary.PARTY_REGULATOR

OPEN_LEASES_MAX: constant(uint256) = 8
LEASES_MAX: constant(uint256) = 2**24 - 1
NEVER: constant(uint256) = 2**64 - 1
UINT32: constant(uint256) = 2**32 - 1

# Places in the word of standing.
CONSUMER_AT: constant(uint256) = 16
COUNTED_AT: constant(uint256) = 32
LEASES_AT: constant(uint256) = 64
OPEN_AT: constant(uint256) = 88
UNACCOUNTED_AT: constant(uint256) = 92
STATUS_AT: constant(uint256) = 148
REASON_AT: constant(uint256) = 152
ENDED_AT: constant(uint256) = 160
REQUIRED_AT: constant(uint256) = 192
APPROVED_AT: constant(uint256) = 200
VALID_UNTIL_AT: constant(uint256) = 208
VERSION_AT: constant(uint256) = 248

# Places in the word of limits.
MODES_AT: constant(uint256) = 12
DESTINATION_AT: constant(uint256) = 20
SUBJECT_MODE_AT: constant(uint256) = 30
VALID_FROM_AT: constant(uint256) = 32
MAXIMUM_AT: constant(uint256) = 72
ANSWER_AT: constant(uint256) = 104
SETTLE_AT: constant(uint256) = 124
UNSIGNED_AT: constant(uint256) = 144
EXCHANGE_AT: constant(uint256) = 152
PERIOD_AT: constant(uint256) = 168
RATE_AT: constant(uint256) = 172
ZONE_AT: constant(uint256) = 204
ONWARD_AT: constant(uint256) = 212
FROZEN_AT: constant(uint256) = 213
FROZEN: constant(uint256) = 2**40 - 1

WINDOW_AT: constant(uint256) = 96
WINDOW_USED_AT: constant(uint256) = 116
WINDOW: constant(uint256) = 2**20 - 1
# Longest chain of onward sharing, the first authorization not counted.
DEPTH_MAX: constant(uint256) = 3

struct Authorization:
    # Bits: provider 0, consumer 16, counted 32, leases 64, open 88, unaccounted 92, window 96, used
    # in it 116, status 148, reason 152, ended 160, required 192, approved 200, validUntil 208,
    # version 248.
    standing: uint256
    # Bits: purpose 0, modes 12, destination 20, subjectMode 30, validFrom 32, maximumUses 72,
    # answerWithin 104, settleWithin 124, unsignedMaximum 144, exchange 152, ratePeriod 168,
    # rateLimit 172, zone 204, has a parent 212, frozen until 213. 0 before it is active.
    limits: uint256
    # Mask of granted fields; 0 before it is active.
    fields: uint256


# Fixed positions: node/spec/registry.py reads them from storage proofs.
authorizations: HashMap[bytes32, Authorization]
# The authorization that one shares onward; zero for most.
parents: HashMap[bytes32, bytes32]

event AuthorizationApproved:
    authorization: indexed(bytes32)
    parties: uint256
    approved: uint256


event AuthorizationActivated:
    authorization: indexed(bytes32)
    version: uint256


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


event AuthorizationSuspended:
    authorization: indexed(bytes32)
    parties: uint256
    reason: uint256
    evidence: bytes32


event AuthorizationResumed:
    authorization: indexed(bytes32)
    parties: uint256
    approved: uint256


event UsesSharedOnward:
    authorization: indexed(bytes32)
    child: indexed(bytes32)
    uses: uint256


event AuthorizationFrozen:
    authorization: indexed(bytes32)
    until: uint256


event LeasingBlocked:
    authorization: indexed(bytes32)
    unaccounted: uint256


event LeasingUnblocked:
    authorization: indexed(bytes32)
    unaccounted: uint256


@deploy
def __init__():
    """
    @notice No authorizations at genesis.
    """
    pass


@view
@external
def record(authorization: bytes32) -> Authorization:
    """
    @notice The three words that state keeps of an authorization; all zero when there is none.
    """
    return self.authorizations[authorization]


@view
@external
def statusOf(authorization: bytes32) -> uint256:
    """
    @notice The status as of this block, by vocabulary index: expired and exhausted follow from
            time and counters; 0 when there is no such authorization.
    """
    standing: uint256 = self.authorizations[authorization].standing
    status: uint256 = (standing >> STATUS_AT) & 15
    if status == 0 or (standing >> ENDED_AT) & UINT32 != 0:
        return status
    if block.timestamp >= (standing >> VALID_UNTIL_AT) & (2**40 - 1):
        return vocabulary.AUTHORIZATION_STATUS_EXPIRED
    maximum: uint256 = (self.authorizations[authorization].limits >> MAXIMUM_AT) & UINT32
    if (
        status == vocabulary.AUTHORIZATION_STATUS_ACTIVE
        and (standing >> COUNTED_AT) & UINT32 == maximum
        and (standing >> OPEN_AT) & 15 == 0
    ):
        return vocabulary.AUTHORIZATION_STATUS_EXHAUSTED
    return status


@view
@external
def standingOf(authorization: bytes32) -> uint256:
    """
    @notice The packed word of parties, counters and status; 0 when there is no such authorization.
    """
    return self.authorizations[authorization].standing


@view
@external
def endOf(authorization: bytes32) -> uint256:
    """
    @notice The block that ended the authorization; the largest uint64 while nothing has.
    """
    return self._ended(self.authorizations[authorization].standing)


@view
@external
def limitsOf(authorization: bytes32) -> uint256:
    """
    @notice The packed word of limits; 0 when it never was active.
    """
    return self.authorizations[authorization].limits


@view
@external
def fieldsOf(authorization: bytes32) -> uint256:
    """
    @notice The mask of fields the authorization grants; 0 when it never was active.
    """
    return self.authorizations[authorization].fields


@view
@external
def deadlines(authorization: bytes32) -> IAuthorizations.Deadlines:
    """
    @notice What settling and closing depend on. Neither status nor expiry is among it (R11).
    """
    standing: uint256 = self.authorizations[authorization].standing
    limits: uint256 = self.authorizations[authorization].limits
    return IAuthorizations.Deadlines(
        provider=standing & 65535,
        consumer=(standing >> CONSUMER_AT) & 65535,
        ended=self._ended(standing),
        unsignedMaximum=(limits >> UNSIGNED_AT) & 255,
        answerWithin=(limits >> ANSWER_AT) & (2**20 - 1),
        settleWithin=(limits >> SETTLE_AT) & (2**20 - 1),
    )


@external
def begin(
    authorization: bytes32,
    provider: uint256,
    consumer: uint256,
    required: uint256,
    validUntil: uint256,
):
    """
    @notice Grants checked the terms of a new request.
    """
    assert msg.sender == addresses.GRANTS, "authorizations: only grants"
    assert (
        self.authorizations[authorization].standing == 0
    ), "authorizations: requested already"
    self.authorizations[authorization].standing = (
        provider
        | (consumer << CONSUMER_AT)
        | (vocabulary.AUTHORIZATION_STATUS_REQUESTED << STATUS_AT)
        | (required << REQUIRED_AT)
        | (validUntil << VALID_UNTIL_AT)
        | (1 << VERSION_AT)
    )


@external
def approve(
    authorization: bytes32, parties: uint256, limits: uint256, fields: uint256, parent: bytes32
):
    """
    @notice Grants saw these parties approve. With the last one required the authorization is active.
            What it may use of a parent that it shares onward is taken out of the parent at once.
    @param limits The packed word of limits, which follows from the terms.
    """
    assert msg.sender == addresses.GRANTS, "authorizations: only grants"
    standing: uint256 = self.authorizations[authorization].standing
    self._check_awaiting(standing)
    required: uint256 = (standing >> REQUIRED_AT) & 255
    given: uint256 = parties & required & ~((standing >> APPROVED_AT) & 255)
    assert given != 0, "authorizations: not an awaited party"
    assert (
        block.timestamp < (standing >> VALID_UNTIL_AT) & (2**40 - 1)
    ), "authorizations: expired"
    standing |= given << APPROVED_AT
    approved: uint256 = (standing >> APPROVED_AT) & 255
    log AuthorizationApproved(authorization=authorization, parties=given, approved=approved)
    if approved == required:
        standing = self._with_status(standing, vocabulary.AUTHORIZATION_STATUS_ACTIVE)
        self.authorizations[authorization].limits = limits
        self.authorizations[authorization].fields = fields
        if parent != empty(bytes32):
            self.parents[authorization] = parent
            self._share(parent, authorization, (limits >> MAXIMUM_AT) & UINT32)
        log AuthorizationActivated(authorization=authorization, version=standing >> VERSION_AT)
    elif approved != CONSUMER:
        standing = self._with_status(
            standing, vocabulary.AUTHORIZATION_STATUS_PARTIALLY_APPROVED
        )
    self.authorizations[authorization].standing = standing


@external
def revoke(authorization: bytes32, reason: uint256, evidence: bytes32):
    """
    @notice A party ends an active authorization: a consumer terminates it, any other revokes it.
    @param evidence Hash of what supports the reason; needed where the provider says that the
           subject withdrew (R3).
    """
    parties: uint256 = self._party_of(authorization, msg.sender)
    standing: uint256 = self.authorizations[authorization].standing
    assert self._is_in_force(standing), "authorizations: not active"
    self._end(authorization, standing, parties, reason, evidence)


@external
def suspend(authorization: bytes32, reason: uint256, evidence: bytes32):
    """
    @notice A party takes its approval back until it resumes: no lease is opened and nothing served.
            Several may; it is active again when all that are required approve again.
    """
    parties: uint256 = self._party_of(authorization, msg.sender)
    standing: uint256 = self.authorizations[authorization].standing
    assert self._is_in_force(standing), "authorizations: not active"
    assert (
        parties & (standing >> APPROVED_AT) & 255 != 0
    ), "authorizations: not an approving party"
    assert (
        vocabulary.givers_of(reason) & parties != 0
    ), "authorizations: not a reason of this party"
    self.authorizations[authorization].standing = self._with_status(
        standing & ~(parties << APPROVED_AT), vocabulary.AUTHORIZATION_STATUS_SUSPENDED
    )
    log AuthorizationSuspended(
        authorization=authorization, parties=parties, reason=reason, evidence=evidence
    )


@external
def resume(authorization: bytes32):
    """
    @notice A party that suspended approves again.
    """
    parties: uint256 = self._party_of(authorization, msg.sender)
    standing: uint256 = self.authorizations[authorization].standing
    assert (
        (standing >> STATUS_AT) & 15 == vocabulary.AUTHORIZATION_STATUS_SUSPENDED
    ), "authorizations: not suspended"
    required: uint256 = (standing >> REQUIRED_AT) & 255
    assert (
        parties & required & ~((standing >> APPROVED_AT) & 255) != 0
    ), "authorizations: not an awaited party"
    self._check_thawed(self.authorizations[authorization].limits)
    standing |= parties << APPROVED_AT
    approved: uint256 = (standing >> APPROVED_AT) & 255
    if approved == required:
        standing = self._with_status(standing, vocabulary.AUTHORIZATION_STATUS_ACTIVE)
    self.authorizations[authorization].standing = standing
    log AuthorizationResumed(authorization=authorization, parties=parties, approved=approved)


@external
def end(authorization: bytes32, parties: uint256, reason: uint256, evidence: bytes32):
    """
    @notice Grants saw a party end it or decline it, by transaction or carried signature.
    """
    assert msg.sender == addresses.GRANTS, "authorizations: only grants"
    standing: uint256 = self.authorizations[authorization].standing
    if not self._is_in_force(standing):
        self._check_awaiting(standing)
    self._end(authorization, standing, parties, reason, evidence)


@external
def reserve(
    authorization: bytes32,
    uses: uint256,
    purpose: uint256,
    fields: uint256,
    mode: uint256,
    expiresAt: uint256,
) -> IAuthorizations.Reservation:
    """
    @notice Count `uses` against the limits and number a lease, or revert with the rule that refuses.
    @param fields Mask of fields; 0 stands for all that are granted.
    """
    assert msg.sender == addresses.LEASES, "authorizations: only leases"
    standing: uint256 = self.authorizations[authorization].standing
    limits: uint256 = self.authorizations[authorization].limits
    assert (
        (standing >> STATUS_AT) & 15 == vocabulary.AUTHORIZATION_STATUS_ACTIVE
    ), "authorizations: not active"
    until: uint256 = (standing >> VALID_UNTIL_AT) & (2**40 - 1)
    assert (
        block.timestamp >= (limits >> VALID_FROM_AT) & (2**40 - 1)
    ), "authorizations: not yet valid"
    assert block.timestamp < until, "authorizations: expired"
    self._check_thawed(limits)
    assert expiresAt <= until, "authorizations: lease ends after the authorization"
    assert (standing >> UNACCOUNTED_AT) & 15 == 0, "authorizations: a lapsed lease is unaccounted"
    assert (standing >> OPEN_AT) & 15 < OPEN_LEASES_MAX, "authorizations: too many open leases"
    assert vocabulary.purpose_covers(
        limits & (2**12 - 1), purpose
    ), "authorizations: purpose not granted"
    if fields != 0:
        assert (
            fields & ~self.authorizations[authorization].fields == 0
        ), "authorizations: field not granted"
    assert mode < 8 and (limits >> (MODES_AT + mode)) & 1 == 1, "authorizations: mode not granted"
    assert not staticcall ITemplates(addresses.TEMPLATES).isRefused(
        (limits >> ZONE_AT) & 255, purpose, (limits >> DESTINATION_AT) & (2**10 - 1)
    ), "authorizations: on the negative list"
    assert uses != 0, "authorizations: no uses"
    maximum: uint256 = (limits >> MAXIMUM_AT) & UINT32
    counted: uint256 = (standing >> COUNTED_AT) & UINT32
    assert uses <= maximum - counted, "authorizations: uses exhausted"
    if (limits >> ONWARD_AT) & 1 == 1:
        self._check_parents(authorization)
    period: uint256 = (limits >> PERIOD_AT) & 15
    if period != 0:
        standing = self._reserve_in_window(standing, limits, period, uses, expiresAt)
    number: uint256 = ((standing >> LEASES_AT) & LEASES_MAX) + 1
    assert number < LEASES_MAX, "authorizations: too many leases"
    standing = unsafe_add(
        standing, (uses << COUNTED_AT) | (1 << LEASES_AT) | (1 << OPEN_AT)
    )
    self.authorizations[authorization].standing = standing
    return IAuthorizations.Reservation(
        number=number,
        provider=standing & 65535,
        consumer=(standing >> CONSUMER_AT) & 65535,
        version=standing >> VERSION_AT,
        settleWithin=(limits >> SETTLE_AT) & (2**20 - 1),
        isRated=1 if period != 0 else 0,
    )


@external
def release(authorization: bytes32, closed: uint256, returned: uint256) -> uint256:
    """
    @notice Leases were closed: their unused uses return to `maximumUses`.
    @return The block that ended the authorization; the largest uint64 while nothing has.
    """
    assert msg.sender == addresses.LEASES, "authorizations: only leases"
    standing: uint256 = self.authorizations[authorization].standing
    assert closed <= (standing >> OPEN_AT) & 15, "authorizations: fewer leases are open"
    assert returned <= (standing >> COUNTED_AT) & UINT32, "authorizations: fewer uses are counted"
    self.authorizations[authorization].standing = unsafe_sub(
        standing, (closed << OPEN_AT) | (returned << COUNTED_AT)
    )
    return self._ended(standing)


@external
def returnToWindow(authorization: bytes32, expiresAt: uint256, returned: uint256):
    """
    @notice A lease under a rate closed: its unused uses return to its window while that is open (R8).
    """
    assert msg.sender == addresses.LEASES, "authorizations: only leases"
    standing: uint256 = self.authorizations[authorization].standing
    period: uint256 = (self.authorizations[authorization].limits >> PERIOD_AT) & 15
    window: uint256 = (standing >> WINDOW_AT) & WINDOW
    if (
        calendar.window_of(period, block.timestamp) == window
        and calendar.window_of(period, expiresAt - 1) == window
    ):
        self.authorizations[authorization].standing = standing - (returned << WINDOW_USED_AT)


@external
def setFrozen(subject: bytes32, until: uint256):
    """
    @notice Supervision freezes an authorization in force up to a second, the first at which it is over;
            0 lifts. What stands below is unchanged (R22).
    """
    assert msg.sender == addresses.SUPERVISION, "authorizations: only supervision"
    assert self._is_in_force(self.authorizations[subject].standing), "authorizations: not active"
    limits: uint256 = self.authorizations[subject].limits & ~(FROZEN << FROZEN_AT)
    self.authorizations[subject].limits = limits | (until << FROZEN_AT)
    log AuthorizationFrozen(authorization=subject, until=until)


@external
def leaseLapsed(authorization: bytes32):
    """
    @notice A lease lapsed: its uses stay counted, and no new lease until both sides stated its uses.
    """
    assert msg.sender == addresses.LEASES, "authorizations: only leases"
    standing: uint256 = self.authorizations[authorization].standing
    standing = standing - (1 << OPEN_AT) + (1 << UNACCOUNTED_AT)
    self.authorizations[authorization].standing = standing
    log LeasingBlocked(
        authorization=authorization, unaccounted=(standing >> UNACCOUNTED_AT) & 15
    )


@external
def lapseStated(authorization: bytes32):
    """
    @notice Both sides stated the uses of a lapsed lease.
    """
    assert msg.sender == addresses.CLOSINGS, "authorizations: only closings"
    standing: uint256 = self.authorizations[authorization].standing
    standing -= 1 << UNACCOUNTED_AT
    self.authorizations[authorization].standing = standing
    log LeasingUnblocked(
        authorization=authorization, unaccounted=(standing >> UNACCOUNTED_AT) & 15
    )


@internal
def _share(parent: bytes32, child: bytes32, uses: uint256):
    """
    @dev Take a child's uses out of its parent, which must be in force itself.
    """
    standing: uint256 = self.authorizations[parent].standing
    maximum: uint256 = (self.authorizations[parent].limits >> MAXIMUM_AT) & UINT32
    assert (
        (standing >> STATUS_AT) & 15 == vocabulary.AUTHORIZATION_STATUS_ACTIVE
    ), "authorizations: parent is not active"
    assert (
        uses <= maximum - ((standing >> COUNTED_AT) & UINT32)
    ), "authorizations: parent's uses exhausted"
    self.authorizations[parent].standing = standing + (uses << COUNTED_AT)
    self._check_parents(child)
    log UsesSharedOnward(authorization=parent, child=child, uses=uses)


@view
@internal
def _check_parents(authorization: bytes32):
    """
    @dev What shares onward dies with any of those above it.
    """
    parent: bytes32 = self.parents[authorization]
    for _: uint256 in range(DEPTH_MAX):
        standing: uint256 = self.authorizations[parent].standing
        assert (
            (standing >> STATUS_AT) & 15 == vocabulary.AUTHORIZATION_STATUS_ACTIVE
            and block.timestamp < (standing >> VALID_UNTIL_AT) & (2**40 - 1)
        ), "authorizations: parent is not active"
        self._check_thawed(self.authorizations[parent].limits)
        parent = self.parents[parent]
        if parent == empty(bytes32):
            return
    raise "authorizations: shared onward too often"


@view
@internal
def _reserve_in_window(
    standing: uint256, limits: uint256, period: uint256, uses: uint256, expiresAt: uint256
) -> uint256:
    """
    @dev A lease belongs to the window it is opened in and ends no later than it (R8).
    """
    window: uint256 = calendar.window_of(period, block.timestamp)
    assert (
        calendar.window_of(period, expiresAt - 1) == window
    ), "authorizations: lease ends after its window"
    used: uint256 = 0
    if (standing >> WINDOW_AT) & WINDOW == window:
        used = (standing >> WINDOW_USED_AT) & UINT32
    assert uses <= ((limits >> RATE_AT) & UINT32) - used, "authorizations: rate exhausted"
    kept: uint256 = standing & ~((WINDOW << WINDOW_AT) | (UINT32 << WINDOW_USED_AT))
    return kept | (window << WINDOW_AT) | ((used + uses) << WINDOW_USED_AT)


@view
@internal
def _check_thawed(limits: uint256):
    assert block.timestamp >= (limits >> FROZEN_AT) & FROZEN, "authorizations: frozen"


@pure
@internal
def _is_in_force(standing: uint256) -> bool:
    """
    @dev Approved by all, and not ended; it may be suspended.
    """
    status: uint256 = (standing >> STATUS_AT) & 15
    return (
        status == vocabulary.AUTHORIZATION_STATUS_ACTIVE
        or status == vocabulary.AUTHORIZATION_STATUS_SUSPENDED
    )


@pure
@internal
def _ended(standing: uint256) -> uint256:
    ended: uint256 = (standing >> ENDED_AT) & UINT32
    return ended if ended != 0 else NEVER


@pure
@internal
def _with_status(standing: uint256, status: uint256) -> uint256:
    return (standing & ~(15 << STATUS_AT)) | (status << STATUS_AT)


@pure
@internal
def _check_awaiting(standing: uint256):
    status: uint256 = (standing >> STATUS_AT) & 15
    assert (
        status == vocabulary.AUTHORIZATION_STATUS_REQUESTED
        or status == vocabulary.AUTHORIZATION_STATUS_PARTIALLY_APPROVED
    ), "authorizations: not awaiting approval"


@view
@internal
def _party_of(authorization: bytes32, account: address) -> uint256:
    """
    @dev What an approver is to an active authorization, by bit; 0 for nothing. A member is one party.
    """
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(account)
    if member == 0:
        return 0
    standing: uint256 = self.authorizations[authorization].standing
    if member == standing & 65535:
        return PROVIDER
    if member == (standing >> CONSUMER_AT) & 65535:
        return CONSUMER
    if member == (self.authorizations[authorization].limits >> EXCHANGE_AT) & 65535:
        return EXCHANGE
    if kind == vocabulary.MEMBER_KIND_REGULATOR:
        return REGULATOR
    return 0


@internal
def _end(
    authorization: bytes32, standing: uint256, parties: uint256, reason: uint256, evidence: bytes32
):
    """
    @dev Before it is active it is rejected; else a consumer terminates it, any other revokes it.
    """
    required: uint256 = (standing >> REQUIRED_AT) & 255
    assert parties & required != 0, "authorizations: not a party"
    assert (
        vocabulary.givers_of(reason) & parties != 0
    ), "authorizations: not a reason of this party"
    status: uint256 = vocabulary.AUTHORIZATION_STATUS_REJECTED
    if self._is_in_force(standing):
        if reason == vocabulary.REASON_SUBJECT_WITHDREW and parties != SUBJECT:
            assert required & SUBJECT != 0, "authorizations: there is no subject"
            assert evidence != empty(bytes32), "authorizations: no evidence"
        status = vocabulary.AUTHORIZATION_STATUS_REVOKED
        if parties == CONSUMER:
            status = vocabulary.AUTHORIZATION_STATUS_TERMINATED
    self.authorizations[authorization].standing = self._with_status(standing, status) | (
        reason << REASON_AT
    ) | (block.number << ENDED_AT)
    if status == vocabulary.AUTHORIZATION_STATUS_TERMINATED:
        log AuthorizationTerminated(authorization=authorization, reason=reason, evidence=evidence)
    elif status == vocabulary.AUTHORIZATION_STATUS_REVOKED:
        log AuthorizationRevoked(
            authorization=authorization, parties=parties, reason=reason, evidence=evidence
        )
    else:
        log AuthorizationRejected(
            authorization=authorization, parties=parties, reason=reason, evidence=evidence
        )
