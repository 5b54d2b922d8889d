# pragma version 0.4.3
# pragma evm-version prague
"""
@title Authorizations
@notice Where each authorization stands and what it still allows, in two words of state: standing
        (parties, counters, status) and limits; fields beyond the first 42 take a third. An
        authorization's id is the EIP-712 digest of its first terms; Grants checks terms and approvals
        and is alone to begin one, Leases alone moves the counters. Limits are written when the last
        required party has approved. An amendment is approved under its own digest, and then becomes the
        next version of the authorization, whose id stays.
        Nothing here ever erases a use: ending an authorization stops new leases and dates the end
        (R11). Expiry and exhaustion are no stored states: they follow from time and counters. A
        suspension or a freeze is an interruption: a span of blocks on whose state no use may stand.
"""

from interfaces import IAuthorizations
from interfaces import IDelegations
from interfaces import IExports
from interfaces import IMembers
from interfaces import IObligations
from interfaces import ITemplates
from interfaces import IVersions
import addresses
import calendar
import interruptions
import vocabulary

implements: IAuthorizations


PROVIDER: constant(uint256) = 1 << vocabulary.PARTY_PROVIDER
CONSUMER: constant(uint256) = 1 << vocabulary.PARTY_CONSUMER
SUBJECT: constant(uint256) = 1 << vocabulary.PARTY_SUBJECT
EXCHANGE: constant(uint256) = 1 << vocabulary.PARTY_EXCHANGE
REGULATOR: constant(uint256) = 1 << vocabulary.PARTY_REGULATOR
AGENT: constant(uint256) = 1 << vocabulary.PARTY_AGENT

OPEN_LEASES_MAX: constant(uint256) = 8
LEASES_MAX: constant(uint256) = 2**24 - 1
VERSIONS_MAX: constant(uint256) = 255
NEVER: constant(uint256) = 2**64 - 1
UINT32: constant(uint256) = 2**32 - 1
TIME: constant(uint256) = 2**36 - 1
# That of the contracts which genesis carries.
VERSION: constant(uint256) = 1
SECONDS: constant(uint256) = 2**20 - 1

# Places in the word of standing: provider 0, and
CONSUMER_AT: constant(uint256) = 8
COUNTED_AT: constant(uint256) = 16
LEASES_AT: constant(uint256) = 48
OPEN_AT: constant(uint256) = 72
UNACCOUNTED_AT: constant(uint256) = 76
WINDOW_AT: constant(uint256) = 80
WINDOW_USED_AT: constant(uint256) = 100
STATUS_AT: constant(uint256) = 132
REASON_AT: constant(uint256) = 136
# Whether it was ever interrupted. It stands right below `ended`, so that who settles asks for both at
# once, and looks further only where one of them is there.
INTERRUPTED_AT: constant(uint256) = 141
INTERRUPTED: constant(uint256) = 1 << INTERRUPTED_AT
UINT33: constant(uint256) = 2**33 - 1
ENDED_AT: constant(uint256) = 142
REQUIRED_AT: constant(uint256) = 174
APPROVED_AT: constant(uint256) = 182
VALID_UNTIL_AT: constant(uint256) = 190
DESTINATION_AT: constant(uint256) = 226
ZONE_AT: constant(uint256) = 236
VERSION_AT: constant(uint256) = 248
WINDOW: constant(uint256) = 2**20 - 1
WINDOWED: constant(uint256) = (WINDOW << WINDOW_AT) | (UINT32 << WINDOW_USED_AT)
# What an amendment replaces: required, approved, validUntil, destination, zone, version.
AMENDED: constant(uint256) = ((1 << 82) - 1) << REQUIRED_AT
# The same but for the version, which the authorization counts itself.
TAKEN: constant(uint256) = ((1 << 74) - 1) << REQUIRED_AT

# Places in the word of limits: purpose 0, and
MODES_AT: constant(uint256) = 8
SUBJECT_MODE_AT: constant(uint256) = 16
VALID_FROM_AT: constant(uint256) = 18
MAXIMUM_AT: constant(uint256) = 54
ANSWER_AT: constant(uint256) = 86
SETTLE_AT: constant(uint256) = 106
ACKNOWLEDGE_AT: constant(uint256) = 126
UNSIGNED_AT: constant(uint256) = 146
EXCHANGE_AT: constant(uint256) = 153
PERIOD_AT: constant(uint256) = 161
RATE_AT: constant(uint256) = 164
FLAGS_AT: constant(uint256) = 196
FIELDS_AT: constant(uint256) = 214
ONWARD: constant(uint256) = 1 << FLAGS_AT
SHARED: constant(uint256) = 1 << (FLAGS_AT + 1)
FROZEN: constant(uint256) = 1 << (FLAGS_AT + 2)
DELEGATED: constant(uint256) = 1 << (FLAGS_AT + 3)
WIDE: constant(uint256) = 1 << (FLAGS_AT + 4)
# In a member's word of standing: the second its freeze is over.
THAWS_AT: constant(uint256) = 24
# Of an acknowledgement: that it is overdue was put on record.
OVERDUE: constant(uint256) = 1 << 40
# Longest chain of onward sharing, the first authorization not counted.
DEPTH_MAX: constant(uint256) = 3
# Most approvers that a member may demand.
APPROVERS_MAX: constant(uint256) = 16

struct Authorization:
    # Bits: provider 0, consumer 8, counted 16, leases 48, open 72, unaccounted 76, window 80, used in
    # it 100, status 132, reason 136, was interrupted 141, ended 142, required 174, approved 182,
    # validUntil 190, destination 226, zone 236, version 248.
    standing: uint256
    # Bits: purpose 0, modes 8, subjectMode 16, validFrom 18, maximumUses 54, answerWithin 86,
    # settleWithin 106, acknowledgeWithin 126, unsignedMaximum 146, exchange 153, ratePeriod 161,
    # rateLimit 164, shares a parent onward 196, is shared onward 197, was frozen 198, approved by an
    # agent 199, fields in a word of their own 200, retentionDays 201, else fields 214. 0 before it is
    # active.
    limits: uint256
    # Mask of granted fields where they reach beyond the 42 that limits hold.
    fields: uint256


struct Version:
    # The digest of the terms, of version 2 on.
    terms: bytes32
    # What limits were, once another version took their place: its leases settle by them.
    limits: uint256


# Fixed positions: node/spec/registry.py reads them from storage proofs.
authorizations: HashMap[bytes32, Authorization]
# The authorization that one shares onward; zero for most.
parents: HashMap[bytes32, bytes32]
# Unix seconds, the first at which an authorization's freeze is over (R22).
freezes: HashMap[bytes32, uint256]
versions: HashMap[bytes32, HashMap[uint256, Version]]
# The authorization of an amendment's digest; zero for first terms, whose digest it is.
origins: HashMap[bytes32, bytes32]
# The delegation that an authorization stands on; zero for most.
delegations: HashMap[bytes32, bytes32]
# Unix seconds up to which an end is to be acknowledged by closing all leases; bit 40: it was overdue.
acknowledgements: HashMap[bytes32, uint256]
initializes: interruptions
# By digest of terms that share onward, those of the parent in force when they were requested.
awaited: HashMap[bytes32, bytes32]
# By authorization and party: the approvers of its member that said it resumes, while more are demanded.
resuming: HashMap[bytes32, HashMap[uint256, DynArray[address, APPROVERS_MAX]]]

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


# It resumes once as many approvers of its member said so as that demands.
event ResumptionAgreed:
    authorization: indexed(bytes32)
    account: indexed(address)
    parties: uint256
    count: uint256
    needed: uint256


event UsesSharedOnward:
    authorization: indexed(bytes32)
    child: indexed(bytes32)
    uses: uint256


event AuthorizationAmended:
    authorization: indexed(bytes32)
    amendment: indexed(bytes32)
    version: uint256


event AcknowledgementDue:
    authorization: indexed(bytes32)
    until: uint256


event EndAcknowledged:
    authorization: indexed(bytes32)


event AcknowledgementOverdue:
    authorization: indexed(bytes32)
    until: uint256


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
    @notice The words that state keeps of an authorization; all zero when there is none.
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
    if (
        status == 0
        or status == vocabulary.AUTHORIZATION_STATUS_APPLIED
        or (standing >> ENDED_AT) & UINT32 != 0
    ):
        return status
    if block.timestamp >= (standing >> VALID_UNTIL_AT) & TIME:
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
def boundOf(authorization: bytes32) -> uint256:
    """
    @notice The first block on whose state no use may stand: that which ended it, or began an
            interruption that lies over it now, or did so to one it shares onward; the largest uint64 for
            none, 0 where there is no such authorization.
    """
    return self._bound(authorization, self.authorizations[authorization].standing)


@view
@external
def boundFor(authorization: bytes32, stateBlock: uint256, usedAt: uint256) -> uint256:
    """
    @notice The block that ended it or one it shares onward, the largest uint64 while nothing has, for a
            use that stands on the state of a block; 0 where an interruption lies over the use, and where
            there is no such authorization.
    """
    standing: uint256 = self.authorizations[authorization].standing
    if standing == 0:
        return 0
    bound: uint256 = self._ended(standing)
    if standing & INTERRUPTED == 0:
        return bound
    above: bytes32 = authorization
    for _: uint256 in range(DEPTH_MAX + 1):
        if interruptions.covers(above, stateBlock, usedAt):
            return 0
        bound = min(bound, self._ended(self.authorizations[above].standing))
        above = self.parents[above]
        if above == empty(bytes32):
            break
    return bound


@view
@external
def interruption(authorization: bytes32, number: uint256) -> uint256:
    """
    @notice The packed word of an interruption by its number from 1; under 0 how many there were.
    """
    return interruptions.interruptions[authorization][number]


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
    return self._fields(authorization, self.authorizations[authorization].limits)


@view
@external
def authorizationOf(terms: bytes32) -> bytes32:
    """
    @notice The authorization that the digest of terms belongs to; of first terms their own digest.
    """
    origin: bytes32 = self.origins[terms]
    return terms if origin == empty(bytes32) else origin


@view
@external
def termsOf(authorization: bytes32) -> bytes32:
    """
    @notice The digest of the terms in force, or last in force.
    """
    return self._terms_of(
        authorization, self.authorizations[authorization].standing >> VERSION_AT
    )


@view
@external
def version(authorization: bytes32, number: uint256) -> Version:
    """
    @notice A version of the terms: its digest, and the limits it had if another has replaced it.
    """
    return Version(
        terms=self._terms_of(authorization, number),
        limits=self.versions[authorization][number].limits,
    )


@view
@external
def acknowledgementOf(authorization: bytes32) -> uint256:
    """
    @notice Unix seconds up to which an end is to be acknowledged, bit 40 that this is overdue; 0 for
            nothing due.
    """
    return self.acknowledgements[authorization]


@view
@external
def deadlines(authorization: bytes32, version: uint256) -> IAuthorizations.Deadlines:
    """
    @notice What settling and closing depend on. Neither status nor expiry is among it (R11).
    @param version That of the lease's terms: it settles under these (R23).
    """
    standing: uint256 = self.authorizations[authorization].standing
    limits: uint256 = self.versions[authorization][version].limits
    if limits == 0:
        limits = self.authorizations[authorization].limits
    return IAuthorizations.Deadlines(
        provider=standing & 255,
        consumer=(standing >> CONSUMER_AT) & 255,
        ended=self._ended(standing),
        unsignedMaximum=(limits >> UNSIGNED_AT) & 127,
        answerWithin=(limits >> ANSWER_AT) & SECONDS,
        settleWithin=(limits >> SETTLE_AT) & SECONDS,
    )


@external
def begin(authorization: bytes32, fixed: uint256, approval: IAuthorizations.Approval):
    """
    @notice Grants checked the terms of a new request, which some parties approve at once.
    @param fixed Of the word of standing: provider, consumer, required, validUntil, destination, zone.
    """
    assert msg.sender == addresses.GRANTS, "authorizations: only grants"
    assert (
        self.authorizations[authorization].standing == 0
    ), "authorizations: requested already"
    standing: uint256 = fixed | (1 << VERSION_AT)
    if approval.parent != empty(bytes32):
        self._await(authorization, approval.parent)
        # What interrupts or ends a parent lies over its children too.
        standing |= INTERRUPTED
    self._approve(
        authorization,
        standing | (vocabulary.AUTHORIZATION_STATUS_REQUESTED << STATUS_AT),
        approval,
    )


@external
def approve(authorization: bytes32, approval: IAuthorizations.Approval):
    """
    @notice Grants saw these parties approve. With the last one required the authorization is active.
    """
    assert msg.sender == addresses.GRANTS, "authorizations: only grants"
    standing: uint256 = self.authorizations[authorization].standing
    self._check_awaiting(standing)
    self._approve(authorization, standing, approval)


@external
def revoke(authorization: bytes32, reason: uint256, evidence: bytes32):
    """
    @notice A party ends an active authorization: a consumer terminates it, any other revokes it. Once
            it has expired only a withdrawal of the subject does, which brings deletion forward (R21).
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
    self._suspend(authorization, standing, parties, reason, evidence)


@external
def resume(authorization: bytes32):
    """
    @notice A party that suspended approves again: of a member as many different approvers as it demands,
            each by a call of its own. Not while a freeze lies over it, a side, or its purpose in its
            zone (R22).
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
    if self._has_agreed(authorization, parties):
        self._resume(authorization, standing, parties)


@external
def setAffirmed(authorization: bytes32, affirmed: bool):
    """
    @notice Affirmations suspends in the name of a subject, or of the agent in its place, that did not
            reaffirm its consent in time; or it has reaffirmed.
    """
    assert msg.sender == addresses.AFFIRMATIONS, "authorizations: only affirmations"
    standing: uint256 = self.authorizations[authorization].standing
    assert self._is_in_force(standing), "authorizations: not active"
    parties: uint256 = (standing >> REQUIRED_AT) & (SUBJECT | AGENT)
    away: uint256 = parties & ~(standing >> APPROVED_AT)
    if affirmed:
        if away != 0:
            self._resume(authorization, standing, away)
        return
    assert away == 0, "authorizations: not an approving party"
    # Nothing is served any more, and terms that renew it are consented to anew.
    assert not self._has_expired(standing), "authorizations: expired"
    self._suspend(
        authorization, standing, parties, vocabulary.REASON_NOT_REAFFIRMED, empty(bytes32)
    )


@external
def end(authorization: bytes32, parties: uint256, reason: uint256, evidence: bytes32):
    """
    @notice Refusals saw a party end it or decline it, by transaction or carried signature.
    """
    assert msg.sender == addresses.REFUSALS, "authorizations: only refusals"
    standing: uint256 = self.authorizations[authorization].standing
    if not self._is_in_force(standing):
        self._check_awaiting(standing)
    self._end(authorization, standing, parties, reason, evidence)


@external
def endByRuling(authorization: bytes32, evidence: bytes32):
    """
    @notice Disputes has a final ruling that the terms were breached and ends it. Its event names no
            party; what has ended already, or expired, stays as it ended.
    @param evidence The dispute's number.
    """
    assert msg.sender == addresses.DISPUTES, "authorizations: only disputes"
    standing: uint256 = self.authorizations[authorization].standing
    if self._is_in_force(standing) and not self._has_expired(standing):
        self._finish(
            authorization,
            standing,
            vocabulary.AUTHORIZATION_STATUS_REVOKED,
            0,
            vocabulary.REASON_BREACH_OF_TERMS,
            evidence,
        )


@external
def endInSandbox(authorization: bytes32, caseHash: bytes32):
    """
    @notice Sandboxes closed early, or expelled a side: what is in force is revoked by a regulator's
            order. What is over by itself stays as it is.
    """
    assert msg.sender == addresses.SANDBOXES, "authorizations: only sandboxes"
    standing: uint256 = self.authorizations[authorization].standing
    if self._is_in_force(standing) and not self._has_expired(standing):
        self._finish(
            authorization,
            standing,
            vocabulary.AUTHORIZATION_STATUS_REVOKED,
            REGULATOR,
            vocabulary.REASON_REGULATOR_ORDER,
            caseHash,
        )


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
    until: uint256 = (standing >> VALID_UNTIL_AT) & TIME
    assert (
        block.timestamp >= (limits >> VALID_FROM_AT) & TIME
    ), "authorizations: not yet valid"
    assert block.timestamp < until, "authorizations: expired"
    self._check_thawed(authorization, limits)
    assert expiresAt <= until, "authorizations: lease ends after the authorization"
    assert (standing >> UNACCOUNTED_AT) & 15 == 0, "authorizations: a lapsed lease is unaccounted"
    assert (standing >> OPEN_AT) & 15 < OPEN_LEASES_MAX, "authorizations: too many open leases"
    assert vocabulary.purpose_covers(
        limits & 255, purpose
    ), "authorizations: purpose not granted"
    if fields != 0:
        assert (
            fields & ~self._fields(authorization, limits) == 0
        ), "authorizations: field not granted"
    assert mode < 8 and (limits >> (MODES_AT + mode)) & 1 == 1, "authorizations: mode not granted"
    assert not staticcall ITemplates(addresses.TEMPLATES).isRefused(
        (standing >> ZONE_AT) & 255, purpose, (standing >> DESTINATION_AT) & 1023
    ), "authorizations: on the negative list"
    assert uses != 0, "authorizations: no uses"
    maximum: uint256 = (limits >> MAXIMUM_AT) & UINT32
    counted: uint256 = (standing >> COUNTED_AT) & UINT32
    assert uses <= maximum - counted, "authorizations: uses exhausted"
    if limits & ONWARD != 0:
        self._check_parents(authorization)
    self._check_delegated(authorization, limits)
    if (standing >> DESTINATION_AT) & 1023 != vocabulary.HOME:
        self._check_export(self._terms_of(authorization, standing >> VERSION_AT), limits, expiresAt)
    period: uint256 = (limits >> PERIOD_AT) & 7
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
        provider=standing & 255,
        consumer=(standing >> CONSUMER_AT) & 255,
        version=standing >> VERSION_AT,
        settleWithin=(limits >> SETTLE_AT) & SECONDS,
        isRated=1 if period != 0 else 0,
        isPerUse=1 if (limits >> SUBJECT_MODE_AT) & 3 == vocabulary.SUBJECT_MODE_PER_USE else 0,
    )


@external
def release(authorization: bytes32, closed: uint256, returned: uint256) -> uint256:
    """
    @notice Leases were closed: their unused uses return to `maximumUses`.
    @return The first block on whose state no use may stand; see `boundOf`.
    """
    assert msg.sender == addresses.LEASES, "authorizations: only leases"
    standing: uint256 = self.authorizations[authorization].standing
    assert closed <= (standing >> OPEN_AT) & 15, "authorizations: fewer leases are open"
    assert returned <= (standing >> COUNTED_AT) & UINT32, "authorizations: fewer uses are counted"
    standing = unsafe_sub(standing, (closed << OPEN_AT) | (returned << COUNTED_AT))
    self.authorizations[authorization].standing = standing
    if (standing >> INTERRUPTED_AT) & UINT33 == 0:
        return NEVER
    if self._ended(standing) != NEVER:
        self._acknowledge(authorization, standing)
    return self._bound(authorization, standing)


@external
def returnToWindow(
    authorization: bytes32, version: uint256, expiresAt: uint256, returned: uint256
):
    """
    @notice A lease under a rate closed: its unused uses return to its window while that is open (R8)
            and the terms are still those it was opened under.
    """
    assert msg.sender == addresses.LEASES, "authorizations: only leases"
    standing: uint256 = self.authorizations[authorization].standing
    if version != standing >> VERSION_AT:
        return
    period: uint256 = (self.authorizations[authorization].limits >> PERIOD_AT) & 7
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
            0 lifts, also from one that has ended since. What stands below is unchanged (R22).
    """
    assert msg.sender == addresses.SUPERVISION, "authorizations: only supervision"
    standing: uint256 = self.authorizations[subject].standing
    assert until == 0 or self._is_in_force(standing), "authorizations: not active"
    self.authorizations[subject].standing = standing | INTERRUPTED
    self.authorizations[subject].limits |= FROZEN
    self.freezes[subject] = until
    # While some party is away, or was when it ended, that lasts longer than any freeze.
    if (standing >> APPROVED_AT) & 255 == (standing >> REQUIRED_AT) & 255:
        if until == 0:
            interruptions.end(subject)
        else:
            interruptions.begin(subject, until)
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
    if self._ended(standing) != NEVER:
        self._acknowledge(authorization, standing)


@external
def markOverdue(authorization: bytes32):
    """
    @notice Anyone puts on record that an end was not acknowledged in time: leases are not all closed. In
            a halt none could be, so it is no time of theirs (R23).
    """
    due: uint256 = self.acknowledgements[authorization]
    assert due != 0, "authorizations: no acknowledgement is due"
    assert due & OVERDUE == 0, "authorizations: overdue already"
    assert (
        block.timestamp >= self._behind_halt(due)
    ), "authorizations: acknowledgement is not overdue"
    self.acknowledgements[authorization] = due | OVERDUE
    log AcknowledgementOverdue(authorization=authorization, until=due)


@internal
def _approve(
    authorization: bytes32, before: uint256, approval: IAuthorizations.Approval
):
    required: uint256 = (before >> REQUIRED_AT) & 255
    given: uint256 = approval.parties & required & ~((before >> APPROVED_AT) & 255)
    assert given != 0, "authorizations: not an awaited party"
    assert block.timestamp < (before >> VALID_UNTIL_AT) & TIME, "authorizations: expired"
    standing: uint256 = before | (given << APPROVED_AT)
    approved: uint256 = (standing >> APPROVED_AT) & 255
    log AuthorizationApproved(authorization=authorization, parties=given, approved=approved)
    if approved == required:
        if approval.amends == empty(bytes32):
            standing = self._with_status(standing, vocabulary.AUTHORIZATION_STATUS_ACTIVE)
            self._activate(authorization, standing, approval)
        else:
            standing = self._with_status(standing, vocabulary.AUTHORIZATION_STATUS_APPLIED)
            self._amend(authorization, standing, approval)
    elif approved != CONSUMER:
        standing = self._with_status(
            standing, vocabulary.AUTHORIZATION_STATUS_PARTIALLY_APPROVED
        )
    self.authorizations[authorization].standing = standing


@internal
def _activate(authorization: bytes32, standing: uint256, approval: IAuthorizations.Approval):
    """
    @dev What it may use of a parent that it shares onward is taken out of the parent at once.
    """
    self._write_limits(authorization, approval, 0)
    if approval.parent != empty(bytes32):
        self.parents[authorization] = approval.parent
        uses: uint256 = (approval.limits >> MAXIMUM_AT) & UINT32
        self._share(approval.parent, authorization, authorization, uses)
    log AuthorizationActivated(authorization=authorization, version=standing >> VERSION_AT)


@internal
def _amend(amendment: bytes32, approved: uint256, approval: IAuthorizations.Approval):
    """
    @dev All agreed: the terms become the next version. What was counted stays counted, and leases that
         are open settle under the version they were opened under.
    """
    authorization: bytes32 = self.origins[approval.amends]
    if authorization == empty(bytes32):
        authorization = approval.amends
    standing: uint256 = self.authorizations[authorization].standing
    limits: uint256 = self.authorizations[authorization].limits
    number: uint256 = standing >> VERSION_AT
    assert (
        (standing >> STATUS_AT) & 15 == vocabulary.AUTHORIZATION_STATUS_ACTIVE
    ), "authorizations: not active"
    assert (
        self._terms_of(authorization, number) == approval.amends
    ), "authorizations: amends terms that are not in force"
    self._check_thawed(authorization, limits)
    # What shares it onward lasts no longer than it: once it has expired, nothing lives beneath it.
    assert (
        limits & SHARED == 0 or self._has_expired(standing)
    ), "authorizations: shared onward"
    assert number < VERSIONS_MAX, "authorizations: too many versions"
    maximum: uint256 = (approval.limits >> MAXIMUM_AT) & UINT32
    assert (
        maximum >= (standing >> COUNTED_AT) & UINT32
    ), "authorizations: fewer uses than are counted"
    if limits & ONWARD != 0:
        before: uint256 = (limits >> MAXIMUM_AT) & UINT32
        assert maximum >= before, "authorizations: fewer uses than the parent gave"
        self._share(approval.parent, amendment, authorization, maximum - before)
    extcall IObligations(addresses.OBLIGATIONS).supersede(authorization, standing)
    self.versions[authorization][number].limits = limits
    self.versions[authorization][number + 1].terms = amendment
    self.origins[amendment] = authorization
    self._write_limits(authorization, approval, limits)
    if (limits >> PERIOD_AT) & 7 != (approval.limits >> PERIOD_AT) & 7:
        standing &= ~WINDOWED
    self.authorizations[authorization].standing = (
        (standing & ~AMENDED) | (approved & TAKEN) | ((number + 1) << VERSION_AT)
    )
    log AuthorizationAmended(
        authorization=authorization, amendment=amendment, version=number + 1
    )


@internal
def _write_limits(
    authorization: bytes32, approval: IAuthorizations.Approval, before: uint256
):
    limits: uint256 = approval.limits | (before & FROZEN)
    if (limits | before) & DELEGATED != 0:
        self.delegations[authorization] = approval.delegation
    if limits & WIDE != 0:
        self.authorizations[authorization].fields = approval.fields
    self.authorizations[authorization].limits = limits


@internal
def _acknowledge(authorization: bytes32, standing: uint256):
    """
    @dev Closing all leases is the acknowledgement of an end (R12); lapsed ones must be stated too.
    """
    if (standing >> OPEN_AT) & 255 == 0 and self.acknowledgements[authorization] != 0:
        self.acknowledgements[authorization] = 0
        log EndAcknowledged(authorization=authorization)


@view
@internal
def _terms_of(authorization: bytes32, version: uint256) -> bytes32:
    return authorization if version == 1 else self.versions[authorization][version].terms


@view
@internal
def _fields(authorization: bytes32, limits: uint256) -> uint256:
    if limits & WIDE != 0:
        return self.authorizations[authorization].fields
    return limits >> FIELDS_AT


@internal
def _await(asked: bytes32, parent: bytes32):
    """
    @dev Remember the terms that a request was found to lie within: it takes effect under no others.
    """
    version: uint256 = self.authorizations[parent].standing >> VERSION_AT
    self.awaited[asked] = self._terms_of(parent, version)


@internal
def _share(parent: bytes32, asked: bytes32, child: bytes32, uses: uint256):
    """
    @dev Take a child's uses out of its parent, which must be in force itself, under the terms that the
         child was asked for within.
    """
    standing: uint256 = self.authorizations[parent].standing
    maximum: uint256 = (self.authorizations[parent].limits >> MAXIMUM_AT) & UINT32
    assert (
        (standing >> STATUS_AT) & 15 == vocabulary.AUTHORIZATION_STATUS_ACTIVE
    ), "authorizations: parent is not active"
    assert (
        self.awaited[asked] == self._terms_of(parent, standing >> VERSION_AT)
    ), "authorizations: parent was amended since"
    assert (
        uses <= maximum - ((standing >> COUNTED_AT) & UINT32)
    ), "authorizations: parent's uses exhausted"
    self.authorizations[parent].standing = standing + (uses << COUNTED_AT)
    self.authorizations[parent].limits |= SHARED
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
            and block.timestamp < (standing >> VALID_UNTIL_AT) & TIME
        ), "authorizations: parent is not active"
        limits: uint256 = self.authorizations[parent].limits
        self._check_thawed(parent, limits)
        self._check_delegated(parent, limits)
        parent = self.parents[parent]
        if parent == empty(bytes32):
            return
    raise "authorizations: shared onward too often"


@view
@internal
def _check_export(terms: bytes32, limits: uint256, expiresAt: uint256):
    """
    @dev R20: persons' data leave once the exporter has them on record for the year, under these terms;
         where no person is told apart there is nobody to record.
    """
    if (limits >> SUBJECT_MODE_AT) & 3 == vocabulary.SUBJECT_MODE_NONE:
        return
    assert staticcall IExports(addresses.EXPORTS).isRecorded(
        terms
    ), "authorizations: no export on record for the year"
    assert calendar.window_of(
        vocabulary.RATE_PERIOD_YEAR, expiresAt - 1
    ) == calendar.window_of(
        vocabulary.RATE_PERIOD_YEAR, block.timestamp
    ), "authorizations: lease ends after its export's year"


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
    # An amendment may have lowered the rate below what the window has used.
    assert used + uses <= (limits >> RATE_AT) & UINT32, "authorizations: rate exhausted"
    return (standing & ~WINDOWED) | (window << WINDOW_AT) | ((used + uses) << WINDOW_USED_AT)


@view
@internal
def _check_thawed(authorization: bytes32, limits: uint256):
    if limits & FROZEN != 0:
        assert block.timestamp >= self.freezes[authorization], "authorizations: frozen"


@view
@internal
def _check_unfrozen(standing: uint256, purpose: uint256):
    """
    @dev What a grant asks as well: no freeze lies over a side, or over the purpose in its zone (R22).
    """
    one: uint256 = 0
    other: uint256 = 0
    one, other = staticcall IMembers(addresses.MEMBERS).standings(
        standing & 255, (standing >> CONSUMER_AT) & 255
    )
    assert (
        block.timestamp >= (one >> THAWS_AT) & (2**40 - 1)
        and block.timestamp >= (other >> THAWS_AT) & (2**40 - 1)
    ), "authorizations: a party is frozen"
    covered: uint256 = vocabulary.covered_by(purpose)
    for zone: uint256 in [(standing >> ZONE_AT) & 255, 0]:
        frozen: uint256 = 0
        until: uint256 = 0
        frozen, until = staticcall ITemplates(addresses.TEMPLATES).freezeOf(zone)
        assert (
            frozen & covered == 0 or block.timestamp >= until
        ), "authorizations: purpose is frozen"


@view
@internal
def _check_delegated(authorization: bytes32, limits: uint256):
    if limits & DELEGATED != 0:
        assert staticcall IDelegations(addresses.DELEGATIONS).isLive(
            self.delegations[authorization]
        ), "authorizations: the delegation has ended"


@view
@internal
def _behind_halt(due: uint256) -> uint256:
    """
    @dev As far behind the end of a halt as it was behind its beginning, like a deadline for settling.
    """
    isOpen: bool = False
    since: uint256 = 0
    until: uint256 = 0
    isOpen, since, until = staticcall IVersions(addresses.VERSIONS).gateOf(VERSION)
    if due < since or due >= until:
        return due
    return due - since + until


@view
@internal
def _bound(authorization: bytes32, standing: uint256) -> uint256:
    if standing == 0:
        return 0
    bound: uint256 = self._ended(standing)
    if standing & INTERRUPTED == 0:
        return bound
    above: bytes32 = authorization
    for _: uint256 in range(DEPTH_MAX + 1):
        bound = min(bound, self._ended(self.authorizations[above].standing))
        bound = min(bound, interruptions.open_since(above))
        above = self.parents[above]
        if above == empty(bytes32):
            break
    return bound


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


@view
@internal
def _has_expired(standing: uint256) -> bool:
    return block.timestamp >= (standing >> VALID_UNTIL_AT) & TIME


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


@internal
def _suspend(
    authorization: bytes32, standing: uint256, parties: uint256, reason: uint256, evidence: bytes32
):
    self.authorizations[authorization].standing = INTERRUPTED | self._with_status(
        standing & ~(parties << APPROVED_AT), vocabulary.AUTHORIZATION_STATUS_SUSPENDED
    )
    interruptions.begin(authorization, interruptions.ENDLESS)
    log AuthorizationSuspended(
        authorization=authorization, parties=parties, reason=reason, evidence=evidence
    )


@internal
def _resume(authorization: bytes32, before: uint256, parties: uint256):
    limits: uint256 = self.authorizations[authorization].limits
    self._check_thawed(authorization, limits)
    self._check_unfrozen(before, limits & 255)
    standing: uint256 = before | (parties << APPROVED_AT)
    approved: uint256 = (standing >> APPROVED_AT) & 255
    if approved == (standing >> REQUIRED_AT) & 255:
        standing = self._with_status(standing, vocabulary.AUTHORIZATION_STATUS_ACTIVE)
        interruptions.end(authorization)
    self.authorizations[authorization].standing = standing
    log AuthorizationResumed(authorization=authorization, parties=parties, approved=approved)


@internal
def _has_agreed(authorization: bytes32, party: uint256) -> bool:
    """
    @dev Whether with the sender as many approvers of its member want to resume as that demands. Whoever is
         none any more, or of another regulator, does not count, and nobody counts twice.
    """
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(msg.sender)
    accounts: DynArray[address, APPROVERS_MAX] = []
    for account: address in self.resuming[authorization][party]:
        owner: uint256 = 0
        unused: uint256 = 0
        owner, kind, unused = staticcall IMembers(addresses.MEMBERS).approver(account)
        if owner == member and account != msg.sender:
            accounts.append(account)
    accounts.append(msg.sender)
    count: uint256 = len(accounts)
    if count >= needed:
        self.resuming[authorization][party] = []
        return True
    self.resuming[authorization][party] = accounts
    log ResumptionAgreed(
        authorization=authorization,
        account=msg.sender,
        parties=party,
        count=count,
        needed=needed,
    )
    return False


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
    if member == standing & 255:
        return PROVIDER
    if member == (standing >> CONSUMER_AT) & 255:
        return CONSUMER
    if member == (self.authorizations[authorization].limits >> EXCHANGE_AT) & 255:
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
    if required & AGENT != 0:
        # Who acts in the subject's place does not take the subject's say away.
        required |= SUBJECT
    assert parties & required != 0, "authorizations: not a party"
    assert (
        vocabulary.givers_of(reason) & parties != 0
    ), "authorizations: not a reason of this party"
    status: uint256 = vocabulary.AUTHORIZATION_STATUS_REJECTED
    if self._is_in_force(standing):
        if reason != vocabulary.REASON_SUBJECT_WITHDREW:
            assert not self._has_expired(standing), "authorizations: expired"
        elif parties & (SUBJECT | AGENT) == 0:
            assert required & SUBJECT != 0, "authorizations: there is no subject"
            assert evidence != empty(bytes32), "authorizations: no evidence"
        status = vocabulary.AUTHORIZATION_STATUS_REVOKED
        if parties == CONSUMER:
            status = vocabulary.AUTHORIZATION_STATUS_TERMINATED
    self._finish(authorization, standing, status, parties, reason, evidence)


@internal
def _finish(
    authorization: bytes32,
    standing: uint256,
    status: uint256,
    parties: uint256,
    reason: uint256,
    evidence: bytes32,
):
    """
    @dev Date the end, and the acknowledgement that it asks for while leases are open.
    """
    self.authorizations[authorization].standing = self._with_status(standing, status) | (
        reason << REASON_AT
    ) | (block.number << ENDED_AT)
    if (standing >> OPEN_AT) & 255 != 0:
        limits: uint256 = self.authorizations[authorization].limits
        until: uint256 = block.timestamp + ((limits >> ACKNOWLEDGE_AT) & SECONDS)
        self.acknowledgements[authorization] = until
        log AcknowledgementDue(authorization=authorization, until=until)
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
    if status != vocabulary.AUTHORIZATION_STATUS_REJECTED:
        extcall IObligations(addresses.OBLIGATIONS).openAtEnd(authorization)
