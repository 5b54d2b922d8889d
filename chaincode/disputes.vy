# pragma version 0.4.3
# pragma evm-version prague
"""
@title Disputes
@notice One side of an authorization disputes receipts of a lease, by hashes of its evidence; the other
        answers; the arbiter named, an exchange or a regulator that is no side, rules; either side may
        appeal once, to a regulator that has not ruled yet. From opening on the disputed receipts are
        left out of statements of fees: for good where the dispute is upheld, until it is over where not.
        A ruling may end the authorization for breach of its terms. While a dispute is open, deletion is
        held (R21), so nobody's silence keeps it open: once the voted time to rule is over, anyone ends
        it, and who lost too many on an authorization opens no more there. It gates nothing else (R11).
"""

from interfaces import IAuthorizations
from interfaces import ILeases
from interfaces import IMembers
from interfaces import IObligations
from interfaces import IParameters
import addresses
import usage
import vocabulary

# Disputes of one side of an authorization: open at once, and ended without being upheld. The second
# bounds for how long a side can hold deletion by opening one after another; receipts it is right about
# it may dispute without end.
OPEN_MAX: constant(uint256) = 16
LOST_MAX: constant(uint256) = 32

struct Dispute:
    authorization: bytes32
    # Number of the lease, and the first and last of its receipts that are disputed.
    lease: uint256
    first: uint256
    last: uint256
    # Members: who opened, who answers, who rules now, who ruled before an appeal.
    claimant: uint256
    respondent: uint256
    arbiter: uint256
    before: uint256
    # Vocabulary indices.
    status: uint256
    ruling: uint256
    # Unix seconds: until then the respondent may answer before anyone rules; once it has, or a side
    # appealed, the arbiter is to rule; once it ruled, a side may appeal.
    until: uint256


# Fixed positions: node/spec/disputes.py reads them.
dispute_count: uint256
disputes: HashMap[uint256, Dispute]
# By authorization and claimant.
open_count: HashMap[bytes32, HashMap[uint256, uint256]]
lost_count: HashMap[bytes32, HashMap[uint256, uint256]]

event DisputeOpened:
    dispute: indexed(uint256)
    authorization: indexed(bytes32)
    member: indexed(uint256)
    arbiter: uint256
    lease: uint256
    first: uint256
    last: uint256
    evidence: bytes32


event DisputeAnswered:
    dispute: indexed(uint256)
    member: indexed(uint256)
    evidence: bytes32


event DisputeRuled:
    dispute: indexed(uint256)
    arbiter: indexed(uint256)
    ruling: uint256
    grounds: bytes32
    # Unix seconds up to which a side may appeal; 0 where it is final.
    until: uint256


event DisputeAppealed:
    dispute: indexed(uint256)
    member: indexed(uint256)
    arbiter: uint256
    evidence: bytes32


event DisputeEnded:
    dispute: indexed(uint256)
    authorization: indexed(bytes32)
    # What stands; withdrawn where the claimant took it back, lapsed where nobody ruled in time.
    ruling: uint256


@deploy
def __init__():
    """
    @notice No disputes at genesis.
    """
    pass


@view
@external
def disputeCount() -> uint256:
    """
    @notice Disputes ever opened; their numbers are 1 to this number.
    """
    return self.dispute_count


@view
@external
def dispute(number: uint256) -> Dispute:
    """
    @notice A dispute as stored; all zero when there is none.
    """
    return self.disputes[number]


@view
@external
def excludes(number: uint256, lease: uint256, receipt: uint256) -> bool:
    """
    @notice Whether a dispute leaves a receipt of its authorization's lease out of statements of fees.
    """
    held: Dispute = self.disputes[number]
    if held.lease != lease or receipt < held.first or receipt > held.last:
        return False
    return held.status != vocabulary.DISPUTE_STATUS_ENDED or self._is_upheld(held.ruling)


@external
def open(
    authorization: bytes32,
    lease: uint256,
    first: uint256,
    last: uint256,
    arbiter: uint256,
    evidence: bytes32,
) -> uint256:
    """
    @notice An approver of a side disputes receipts of a lease, settled or claimed.
    @return The dispute's number.
    """
    member: uint256 = self._approver()
    standing: uint256 = staticcall IAuthorizations(addresses.AUTHORIZATIONS).standingOf(authorization)
    provider: uint256 = standing & 255
    consumer: uint256 = (standing >> 8) & 255
    assert standing != 0 and (
        member == provider or member == consumer
    ), "disputes: not a side"
    assert evidence != empty(bytes32), "disputes: no evidence"
    self._check_receipts(authorization, lease, first, last)
    self._check_arbiter(arbiter, provider, consumer, True)
    assert self.open_count[authorization][member] < OPEN_MAX, "disputes: too many open disputes"
    assert self.lost_count[authorization][member] < LOST_MAX, "disputes: too many lost disputes"
    self.open_count[authorization][member] += 1
    number: uint256 = self.dispute_count + 1
    self.dispute_count = number
    self.disputes[number] = Dispute(
        authorization=authorization,
        lease=lease,
        first=first,
        last=last,
        claimant=member,
        respondent=provider + consumer - member,
        arbiter=arbiter,
        before=0,
        status=vocabulary.DISPUTE_STATUS_OPEN,
        ruling=0,
        until=block.timestamp + self._within(vocabulary.PARAMETER_ANSWER_WITHIN),
    )
    extcall IObligations(addresses.OBLIGATIONS).holdForDispute(authorization, True)
    log DisputeOpened(
        dispute=number,
        authorization=authorization,
        member=member,
        arbiter=arbiter,
        lease=lease,
        first=first,
        last=last,
        evidence=evidence,
    )
    return number


@external
def answer(number: uint256, evidence: bytes32):
    """
    @notice An approver of the other side answers, once; then the arbiter may rule.
    """
    held: Dispute = self.disputes[number]
    assert held.status == vocabulary.DISPUTE_STATUS_OPEN, "disputes: awaits no answer"
    assert self._approver() == held.respondent, "disputes: not the respondent"
    assert evidence != empty(bytes32), "disputes: no evidence"
    self.disputes[number].status = vocabulary.DISPUTE_STATUS_ANSWERED
    self.disputes[number].until = block.timestamp + self._within(vocabulary.PARAMETER_RULING_WITHIN)
    log DisputeAnswered(dispute=number, member=held.respondent, evidence=evidence)


@external
def withdraw(number: uint256):
    """
    @notice An approver of the side that opened it takes it back before anyone ruled.
    """
    held: Dispute = self.disputes[number]
    assert (
        held.status == vocabulary.DISPUTE_STATUS_OPEN
        or held.status == vocabulary.DISPUTE_STATUS_ANSWERED
    ), "disputes: awaits no ruling"
    assert self._approver() == held.claimant, "disputes: not the claimant"
    self._end(number, vocabulary.RULING_WITHDRAWN)


@external
def rule(number: uint256, ruling: uint256, grounds: bytes32):
    """
    @notice An approver of the arbiter rules, after the answer or the time for it, until somebody ends
            what it was too late for. On an appeal this is final; else a side may appeal for a time.
    """
    held: Dispute = self.disputes[number]
    appealed: bool = held.status == vocabulary.DISPUTE_STATUS_APPEALED
    assert (
        held.status == vocabulary.DISPUTE_STATUS_OPEN
        or held.status == vocabulary.DISPUTE_STATUS_ANSWERED
        or appealed
    ), "disputes: awaits no ruling"
    assert self._approver() == held.arbiter, "disputes: not the arbiter"
    assert (
        held.status != vocabulary.DISPUTE_STATUS_OPEN or block.timestamp >= held.until
    ), "disputes: the answer may still come"
    assert (
        ruling == vocabulary.RULING_UPHELD
        or ruling == vocabulary.RULING_UPHELD_ENDING
        or ruling == vocabulary.RULING_DISMISSED
    ), "disputes: unknown ruling"
    assert grounds != empty(bytes32), "disputes: no grounds"
    until: uint256 = 0
    if not appealed:
        until = block.timestamp + self._within(vocabulary.PARAMETER_APPEAL_WITHIN)
        self.disputes[number].status = vocabulary.DISPUTE_STATUS_RULED
        self.disputes[number].until = until
        self.disputes[number].ruling = ruling
    log DisputeRuled(
        dispute=number, arbiter=held.arbiter, ruling=ruling, grounds=grounds, until=until
    )
    if appealed:
        self._end(number, ruling)


@external
def appeal(number: uint256, arbiter: uint256, evidence: bytes32):
    """
    @notice An approver of a side appeals in time, once, to a regulator that has not ruled.
    """
    held: Dispute = self.disputes[number]
    assert (
        held.status == vocabulary.DISPUTE_STATUS_RULED and block.timestamp < held.until
    ), "disputes: no ruling to appeal"
    member: uint256 = self._approver()
    assert member == held.claimant or member == held.respondent, "disputes: not a side"
    assert evidence != empty(bytes32), "disputes: no evidence"
    assert arbiter != held.arbiter, "disputes: the arbiter has ruled"
    self._check_arbiter(arbiter, held.claimant, held.respondent, False)
    self.disputes[number].status = vocabulary.DISPUTE_STATUS_APPEALED
    self.disputes[number].before = held.arbiter
    self.disputes[number].arbiter = arbiter
    self.disputes[number].until = block.timestamp + self._within(vocabulary.PARAMETER_RULING_WITHIN)
    log DisputeAppealed(dispute=number, member=member, arbiter=arbiter, evidence=evidence)


@external
def end(number: uint256):
    """
    @notice Anyone ends a dispute in which nobody spoke in time: a ruling that nobody appealed stands,
            and so does one that was appealed and not ruled on again; without any it has lapsed, and
            the claimant may turn to another arbiter.
    """
    held: Dispute = self.disputes[number]
    assert (
        held.status != 0 and held.status != vocabulary.DISPUTE_STATUS_ENDED
    ), "disputes: none to end"
    if held.status == vocabulary.DISPUTE_STATUS_RULED:
        assert block.timestamp >= held.until, "disputes: an appeal may still come"
    else:
        due: uint256 = held.until
        if held.status == vocabulary.DISPUTE_STATUS_OPEN:
            due += self._within(vocabulary.PARAMETER_RULING_WITHIN)
        assert block.timestamp >= due, "disputes: a ruling may still come"
    self._end(number, held.ruling if held.ruling != 0 else vocabulary.RULING_LAPSED)


@view
@internal
def _approver() -> uint256:
    member: uint256 = 0
    kind: uint256 = 0
    needed: uint256 = 0
    member, kind, needed = staticcall IMembers(addresses.MEMBERS).approver(msg.sender)
    assert member != 0, "disputes: not an approver"
    return member


@view
@internal
def _within(parameter: uint256) -> uint256:
    return staticcall IParameters(addresses.PARAMETERS).valueOf(parameter)


@view
@internal
def _check_receipts(authorization: bytes32, lease: uint256, first: uint256, last: uint256):
    word: uint256 = 0
    hashed: bytes32 = empty(bytes32)
    assert lease != 0 and lease < 2**24, "disputes: no such receipts"
    word, hashed = staticcall ILeases(addresses.LEASES).place(usage.id(authorization, lease))
    assert (
        first != 0 and first <= last and last <= usage.settled(word) + usage.claimed(word)
    ), "disputes: no such receipts"


@view
@internal
def _check_arbiter(arbiter: uint256, one: uint256, other: uint256, exchange: bool):
    kind: uint256 = staticcall IMembers(addresses.MEMBERS).kindOf(arbiter)
    assert (
        kind == vocabulary.MEMBER_KIND_REGULATOR
        or (exchange and kind == vocabulary.MEMBER_KIND_EXCHANGE)
    ), "disputes: no arbiter"
    assert arbiter != one and arbiter != other, "disputes: arbiter is a side"


@pure
@internal
def _is_upheld(ruling: uint256) -> bool:
    return ruling == vocabulary.RULING_UPHELD or ruling == vocabulary.RULING_UPHELD_ENDING


@internal
def _end(number: uint256, ruling: uint256):
    self.disputes[number].status = vocabulary.DISPUTE_STATUS_ENDED
    self.disputes[number].ruling = ruling
    authorization: bytes32 = self.disputes[number].authorization
    claimant: uint256 = self.disputes[number].claimant
    self.open_count[authorization][claimant] -= 1
    if not self._is_upheld(ruling):
        self.lost_count[authorization][claimant] += 1
    if ruling == vocabulary.RULING_UPHELD_ENDING:
        extcall IAuthorizations(addresses.AUTHORIZATIONS).endByRuling(
            authorization, convert(number, bytes32)
        )
    extcall IObligations(addresses.OBLIGATIONS).holdForDispute(authorization, False)
    log DisputeEnded(dispute=number, authorization=authorization, ruling=ruling)
