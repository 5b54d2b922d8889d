# pragma version 0.4.3
# pragma evm-version prague
"""
@title Governance
@notice How the consortium changes its own rules: typed proposals and the ballots of the members that
        own a validator. A member's ballot stands when as many of its governors as must agree say the
        same, and may change until the proposal is enacted. A proposal is carried when more than its
        kind's share of the electors agree; then a time lock runs, in which ballots may still change;
        after it anyone enacts it, if it is carried still. What a kind means, and which contract
        enacts it, follows from the vocabulary; the receiver refuses what cannot be, when it is
        proposed and again when it is enacted.
        Shares are fixed at genesis and change only by a proposal that the changed kind's own share
        carries too. State keeps a proposal's hash; its content is in calldata and event.
"""

from interfaces import IGoverned
from interfaces import IMembers
from interfaces import IParameters
import addresses
import vocabulary

CONTENT_MAX: constant(uint256) = 1_024
GOVERNORS_MAX: constant(uint256) = 16
MEMBERS_MAX: constant(uint256) = 255
OPEN_MAX: constant(uint256) = 8
LIFETIME: constant(uint256) = 30 * 86_400
KINDS: constant(uint256) = vocabulary.PROPOSAL_KIND_LAST + 1
# Shares are in ten-thousandths of the electors; more than the share must agree.
WHOLE: constant(uint256) = 10_000
SHARE_MIN: constant(uint256) = 5_000

struct Proposal:
    kind: uint256
    # The member that proposed it.
    member: uint256
    # Vocabulary index; carried and expired follow from ballots and time.
    status: uint256
    # Unix seconds.
    openedAt: uint256
    # Unix seconds since when it has been carried without break; 0 while it is not.
    carriedAt: uint256
    # The kind whose share must carry it too; its own kind where none does.
    other: uint256
    # keccak256 of the content.
    content: bytes32


# Fixed positions: node/spec/proposals.py reads the first three.
proposal_count: uint256
proposals: HashMap[uint256, Proposal]
shares: HashMap[uint256, uint256]
# By proposal: the members of which some governor ever voted, by bit.
spoken: HashMap[uint256, uint256]
# By proposal and member: the governors who agreed, and who declined.
agreed: HashMap[uint256, HashMap[uint256, DynArray[address, GOVERNORS_MAX]]]
declined: HashMap[uint256, HashMap[uint256, DynArray[address, GOVERNORS_MAX]]]
# The proposals of a member that may still be open.
open_of: HashMap[uint256, DynArray[uint256, OPEN_MAX]]

event ProposalOpened:
    proposal: indexed(uint256)
    kind: indexed(uint256)
    member: indexed(uint256)
    content: Bytes[CONTENT_MAX]


event BallotCast:
    proposal: indexed(uint256)
    member: indexed(uint256)
    account: indexed(address)
    ballot: uint256
    # Members that agree, and how many must.
    count: uint256
    needed: uint256


event ProposalCarried:
    proposal: indexed(uint256)
    # Unix seconds, the first at which it can be enacted.
    enactableAt: uint256


event ProposalWithdrawn:
    proposal: indexed(uint256)
    member: indexed(uint256)


event ProposalRejected:
    proposal: indexed(uint256)


event ProposalEnacted:
    proposal: indexed(uint256)
    kind: indexed(uint256)


event ShareSet:
    kind: indexed(uint256)
    share: uint256


@deploy
def __init__(shares: DynArray[uint256, 64]):
    """
    @notice The share of each kind of proposal, from the vocabulary's first.
    """
    assert len(shares) == vocabulary.PROPOSAL_KIND_LAST, "governance: a share for each kind"
    kind: uint256 = 1
    for share: uint256 in shares:
        assert share >= SHARE_MIN and share < WHOLE, "governance: share out of range"
        self.shares[kind] = share
        kind += 1


@view
@external
def proposalCount() -> uint256:
    """
    @notice Proposals ever opened; their numbers are 1 to this number.
    """
    return self.proposal_count


@view
@external
def proposal(number: uint256) -> Proposal:
    """
    @notice A proposal as stored; all zero when there is none. `statusOf` says where it stands now.
    """
    return self.proposals[number]


@view
@external
def statusOf(number: uint256) -> uint256:
    """
    @notice Where a proposal stands, by vocabulary index: expired follows from time; 0 for none.
    """
    return self._status(number)


@view
@external
def shareOf(kind: uint256) -> uint256:
    """
    @notice The share of a kind in ten-thousandths: more of the electors must agree.
    """
    return self.shares[kind]


@view
@external
def tally(number: uint256) -> (uint256, uint256, uint256):
    """
    @notice Members that agree with a proposal and that decline it, by their governors and validators of
            now, and how many must agree.
    """
    return (
        self._count(number, True), self._count(number, False), self._needed(self.proposals[number])
    )


@external
def propose(kind: uint256, content: Bytes[CONTENT_MAX]) -> uint256:
    """
    @notice A governor of any member proposes; if its member is an elector, this is its voice too.
    @return The proposal's number.
    """
    member: uint256 = self._governor()
    assert kind != 0 and kind < KINDS, "governance: unknown kind"
    other: uint256 = kind
    if kind == vocabulary.PROPOSAL_KIND_SHARE:
        other = self._check_share(content)
    else:
        # It reverts with its own reason where it does not allow what is asked.
        allowed: bool = staticcall IGoverned(self._receiver(kind)).checkProposal(kind, content)
    number: uint256 = self.proposal_count + 1
    self.proposal_count = number
    self._note_open(member, number)
    self.proposals[number] = Proposal(
        kind=kind,
        member=member,
        status=vocabulary.PROPOSAL_STATUS_OPEN,
        openedAt=block.timestamp,
        carriedAt=0,
        other=other,
        content=keccak256(content),
    )
    log ProposalOpened(proposal=number, kind=kind, member=member, content=content)
    if staticcall IMembers(addresses.MEMBERS).isElector(member):
        self._cast(number, member, vocabulary.BALLOT_AGREE)
    return number


@external
def vote(number: uint256, ballot: uint256):
    """
    @notice A governor of an elector agrees, declines, or takes back what it said.
    """
    member: uint256 = self._governor()
    assert ballot <= vocabulary.BALLOT_LAST, "governance: unknown ballot"
    assert staticcall IMembers(
        addresses.MEMBERS
    ).isElector(member), "governance: only owners of a validator vote"
    self._check_open(number)
    self._cast(number, member, ballot)


@external
def withdraw(number: uint256):
    """
    @notice A governor of the member that proposed takes the proposal back.
    """
    member: uint256 = self._governor()
    self._check_open(number)
    assert self.proposals[number].member == member, "governance: proposal of another member"
    self.proposals[number].status = vocabulary.PROPOSAL_STATUS_WITHDRAWN
    log ProposalWithdrawn(proposal=number, member=member)


@external
def enact(number: uint256, content: Bytes[CONTENT_MAX]):
    """
    @notice Anyone enacts a proposal that is carried, once its time lock is over, by its content.
    """
    self._check_open(number)
    proposal: Proposal = self.proposals[number]
    assert keccak256(content) == proposal.content, "governance: not the proposal's content"
    assert (
        proposal.carriedAt != 0 and self._count(number, True) >= self._needed(proposal)
    ), "governance: not carried"
    assert (
        block.timestamp >= proposal.carriedAt + self._lock(proposal.kind)
    ), "governance: time lock is running"
    self.proposals[number].status = vocabulary.PROPOSAL_STATUS_ENACTED
    log ProposalEnacted(proposal=number, kind=proposal.kind)
    if proposal.kind == vocabulary.PROPOSAL_KIND_SHARE:
        kind: uint256 = self._check_share(content)
        self.shares[kind] = convert(slice(content, 32, 32), uint256)
        log ShareSet(kind=kind, share=self.shares[kind])
    else:
        extcall IGoverned(self._receiver(proposal.kind)).enactProposal(proposal.kind, content)


@view
@internal
def _governor() -> uint256:
    """
    @dev The member whose governor the sender is.
    """
    member: uint256 = staticcall IMembers(addresses.MEMBERS).governorOf(msg.sender)
    assert member != 0, "governance: not a governor"
    return member


@pure
@internal
def _receiver(kind: uint256) -> address:
    """
    @dev The contract that enacts a kind; Governance itself enacts a change of shares.
    """
    if kind <= vocabulary.PROPOSAL_KIND_MANDATE:
        return addresses.MEMBERS
    if kind == vocabulary.PROPOSAL_KIND_HOLIDAY_TABLE:
        return addresses.HOLIDAYS
    if (
        kind == vocabulary.PROPOSAL_KIND_CONTRACT_VERSION
        or kind == vocabulary.PROPOSAL_KIND_HALT
    ):
        return addresses.VERSIONS
    if (
        kind == vocabulary.PROPOSAL_KIND_TEMPLATE
        or kind == vocabulary.PROPOSAL_KIND_LIST_ENTRY
    ):
        return addresses.TEMPLATES
    return addresses.PARAMETERS


@view
@internal
def _check_share(content: Bytes[CONTENT_MAX]) -> uint256:
    """
    @dev Words: kind, share. Gives the kind, whose own share must carry the change.
    """
    assert len(content) == 64, "governance: malformed content"
    kind: uint256 = convert(slice(content, 0, 32), uint256)
    share: uint256 = convert(slice(content, 32, 32), uint256)
    assert kind != 0 and kind < KINDS, "governance: unknown kind"
    assert share >= SHARE_MIN and share < WHOLE, "governance: share out of range"
    return kind


@view
@internal
def _lock(kind: uint256) -> uint256:
    """
    @dev Seconds between carrying and enacting; a halt waits for nothing.
    """
    if kind == vocabulary.PROPOSAL_KIND_HALT:
        return 0
    return staticcall IParameters(addresses.PARAMETERS).valueOf(vocabulary.PARAMETER_TIME_LOCK)


@view
@internal
def _needed(proposal: Proposal) -> uint256:
    """
    @dev The least number that is more than the share of the electors of now; all at most.
    """
    electors: uint256 = staticcall IMembers(addresses.MEMBERS).electors()
    share: uint256 = max(self.shares[proposal.kind], self.shares[proposal.other])
    return min(electors * share // WHOLE + 1, electors)


@view
@internal
def _status(number: uint256) -> uint256:
    proposal: Proposal = self.proposals[number]
    if proposal.status != vocabulary.PROPOSAL_STATUS_OPEN:
        return proposal.status
    since: uint256 = max(proposal.openedAt, proposal.carriedAt)
    if block.timestamp > since + LIFETIME:
        return vocabulary.PROPOSAL_STATUS_EXPIRED
    return (
        vocabulary.PROPOSAL_STATUS_OPEN
        if proposal.carriedAt == 0
        else vocabulary.PROPOSAL_STATUS_CARRIED
    )


@view
@internal
def _is_open(number: uint256) -> bool:
    status: uint256 = self._status(number)
    return (
        status == vocabulary.PROPOSAL_STATUS_OPEN or status == vocabulary.PROPOSAL_STATUS_CARRIED
    )


@view
@internal
def _check_open(number: uint256):
    assert self._is_open(number), "governance: no open proposal"


@internal
def _note_open(member: uint256, number: uint256):
    """
    @dev A member has a few proposals open at a time: nobody floods the electors.
    """
    still: DynArray[uint256, OPEN_MAX] = []
    for earlier: uint256 in self.open_of[member]:
        if self._is_open(earlier):
            still.append(earlier)
    assert len(still) < OPEN_MAX, "governance: too many open proposals"
    still.append(number)
    self.open_of[member] = still


@internal
def _cast(number: uint256, member: uint256, ballot: uint256):
    """
    @dev Keep what a governor says, count anew, and start, keep or stop the time lock.
    """
    proposal: Proposal = self.proposals[number]
    needed: uint256 = self._needed(proposal)
    was_carried: bool = proposal.carriedAt != 0 and self._count(number, True) >= needed
    self.agreed[number][member] = self._voices(
        self.agreed[number][member], ballot == vocabulary.BALLOT_AGREE
    )
    self.declined[number][member] = self._voices(
        self.declined[number][member], ballot == vocabulary.BALLOT_DECLINE
    )
    self.spoken[number] |= 1 << member
    count: uint256 = self._count(number, True)
    log BallotCast(
        proposal=number,
        member=member,
        account=msg.sender,
        ballot=ballot,
        count=count,
        needed=needed,
    )
    if count < needed:
        self.proposals[number].carriedAt = 0
    elif not was_carried:
        self.proposals[number].carriedAt = block.timestamp
        log ProposalCarried(
            proposal=number, enactableAt=block.timestamp + self._lock(proposal.kind)
        )
    electors: uint256 = staticcall IMembers(addresses.MEMBERS).electors()
    if electors - min(self._count(number, False), electors) < needed:
        self.proposals[number].status = vocabulary.PROPOSAL_STATUS_REJECTED
        log ProposalRejected(proposal=number)


@view
@internal
def _voices(
    before: DynArray[address, GOVERNORS_MAX], speaks: bool
) -> DynArray[address, GOVERNORS_MAX]:
    """
    @dev The voices of one side and member with the sender's, or without it. Whoever is no governor
         any more leaves, so they are never more than a member may have governors.
    """
    after: DynArray[address, GOVERNORS_MAX] = []
    for account: address in before:
        if (
            account != msg.sender
            and staticcall IMembers(addresses.MEMBERS).governorOf(account) != 0
        ):
            after.append(account)
    if speaks:
        after.append(msg.sender)
    return after


@view
@internal
def _count(number: uint256, agreeing: bool) -> uint256:
    """
    @dev The electors of now of whom enough governors of now say the same.
    """
    mask: uint256 = self.spoken[number]
    count: uint256 = 0
    for member: uint256 in range(MEMBERS_MAX + 1):
        if mask == 0:
            break
        if mask & 1 == 1:
            voices: DynArray[address, GOVERNORS_MAX] = (
                self.agreed[number][member] if agreeing else self.declined[number][member]
            )
            if staticcall IMembers(addresses.MEMBERS).agrees(member, voices):
                count += 1
        mask >>= 1
    return count
