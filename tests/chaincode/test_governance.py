"""No rule changes but by the ballots of the members, so each way around them is tried."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import ConfigError
from node.sdk.governance import (
    add_validator,
    enact,
    remove_validator,
    set_mandate,
    set_parameter,
    set_share,
    vote,
    withdraw_proposal,
)
from node.spec import proposals
from node.spec.crypto import keccak256
from node.spec.vocabulary import (
    Ballot,
    MemberKind,
    Parameter,
    ProposalKind,
    ProposalStatus,
    Reason,
    Role,
    Zone,
    mask,
)
from tests.chaincode import world as w

MANDATE = set_mandate(w.REGULATOR, mask(Zone.FINANCE), mask(MemberKind.BANK))


@pytest.fixture
def world():
    return w.genesis()


def status(world, number=1):
    """Where a proposal stands, by the contract and by its Python twin."""
    state = proposals.proposal_state(world.reader("governance"), number)
    told = world.view("governance", "statusOf", number)
    assert (0 if state is None else proposals.status_at(state, world.time)) == told
    return told


def refused(world, sender, call):
    return world.refused(sender, "governance", *call).removeprefix("governance: ")


def test_a_proposal_is_carried_locked_and_enacted(world):
    assert w.carry(world, MANDATE, ("a",)) == 1
    assert status(world) == ProposalStatus.OPEN
    assert refused(world, "c.governor", ("enact", 1, MANDATE.content)) == "not carried"
    cast = world.carry_out("b.governor", vote(1, Ballot.AGREE))
    assert w.events(cast) == ["BallotCast", "ProposalCarried"]
    carried_at = world.time
    assert status(world) == ProposalStatus.CARRIED
    world.time = carried_at + w.TIME_LOCK - 2
    assert refused(world, "c.governor", ("enact", 1, MANDATE.content)) == "time lock is running"
    done = world.carry_out("nobody", enact(1, MANDATE))
    assert w.events(done) == ["ProposalEnacted", "MandateSet"]
    assert status(world) == ProposalStatus.ENACTED
    state = proposals.proposal_state(world.reader("governance"), 1)
    assert (state.kind, state.member, state.carried_at) == (MANDATE.kind, w.A, carried_at)
    assert state.content_hash == keccak256(MANDATE.content)
    assert refused(world, "c.governor", ("enact", 1, MANDATE.content)) == "no open proposal"


def test_only_its_own_content_is_enacted(world):
    number = w.carry(world, MANDATE)
    world.time += w.TIME_LOCK
    other = set_mandate(w.REGULATOR, mask(Zone.MEDICAL), 0)
    refusal = refused(world, "a.governor", ("enact", number, other.content))
    assert refusal == "not the proposal's content"
    assert refused(world, "a.governor", ("enact", 2, MANDATE.content)) == "no open proposal"


def test_only_governors_of_owners_of_a_validator_vote(world):
    w.carry(world, MANDATE, ("a",))
    for sender in ("a.approver", "stranger"):
        for call in (("vote", 1, 1), ("propose", 8, MANDATE.content), ("withdraw", 1)):
            assert refused(world, sender, call) == "not a governor"
    assert refused(world, "exchange.governor", ("vote", 1, 1)) == "only owners of a validator vote"
    assert refused(world, "b.governor", ("vote", 1, 3)) == "unknown ballot"
    assert refused(world, "b.governor", ("vote", 2, 1)) == "no open proposal"
    world.carry_out("a.governor", vote(1, Ballot.AGREE))
    assert world.view("governance", "tally", 1) == (1, 0, 2)


def test_a_member_without_a_validator_proposes_and_has_no_voice(world):
    opened = world.send("exchange.governor", "governance", "propose", 8, MANDATE.content)
    assert w.events(opened) == ["ProposalOpened"]
    assert world.view("governance", "tally", 1) == (0, 0, 2)


def test_kinds_are_those_of_the_vocabulary(world):
    for kind in (0, len(ProposalKind) + 1, 2**256 - 1):
        call = ("propose", kind, MANDATE.content)
        assert refused(world, "a.governor", call) == "unknown kind"


def test_a_ballot_changes_until_enacted_and_stops_the_lock(world):
    w.carry(world, MANDATE, ("a", "b"))
    world.time += w.TIME_LOCK
    world.carry_out("b.governor", vote(1, Ballot.DECLINE))
    assert status(world) == ProposalStatus.OPEN
    assert refused(world, "a.governor", ("enact", 1, MANDATE.content)) == "not carried"
    again = world.carry_out("c.governor", vote(1, Ballot.AGREE))
    assert w.events(again) == ["BallotCast", "ProposalCarried"]
    assert refused(world, "a.governor", ("enact", 1, MANDATE.content)) == "time lock is running"
    assert w.events(world.carry_out("b.governor", vote(1, Ballot.AGREE))) == ["BallotCast"]
    world.time += w.TIME_LOCK
    world.carry_out("a.governor", enact(1, MANDATE))


def test_what_can_no_longer_be_carried_is_rejected(world):
    w.carry(world, MANDATE, ("a",))
    assert w.events(world.carry_out("b.governor", vote(1, Ballot.DECLINE))) == ["BallotCast"]
    world.carry_out("b.governor", vote(1, Ballot.SILENT))
    assert world.view("governance", "tally", 1) == (1, 0, 2)
    world.carry_out("b.governor", vote(1, Ballot.DECLINE))
    last = world.carry_out("c.governor", vote(1, Ballot.DECLINE))
    assert w.events(last) == ["BallotCast", "ProposalRejected"]
    assert status(world) == ProposalStatus.REJECTED
    assert refused(world, "a.governor", ("vote", 1, 1)) == "no open proposal"


def test_a_proposal_is_withdrawn_by_its_member_alone(world):
    w.carry(world, MANDATE, ("a", "b"))
    assert refused(world, "b.governor", ("withdraw", 1)) == "proposal of another member"
    withdrawn = world.carry_out("a.governor", withdraw_proposal(1))
    assert w.events(withdrawn) == ["ProposalWithdrawn"]
    assert status(world) == ProposalStatus.WITHDRAWN
    world.time += w.TIME_LOCK
    assert refused(world, "a.governor", ("enact", 1, MANDATE.content)) == "no open proposal"


def test_a_proposal_expires_thirty_days_after_it_was_opened_or_carried(world):
    w.carry(world, MANDATE, ("a",))
    opened = world.time
    world.time = opened + 30 * w.DAY - 1
    world.carry_out("b.governor", vote(1, Ballot.AGREE))
    carried = world.time
    world.time = carried + 30 * w.DAY
    assert status(world) == ProposalStatus.CARRIED
    world.time += 1
    assert status(world) == ProposalStatus.EXPIRED
    assert refused(world, "a.governor", ("enact", 1, MANDATE.content)) == "no open proposal"
    assert refused(world, "c.governor", ("vote", 1, 1)) == "no open proposal"


def test_only_electors_of_the_end_count(world):
    """A vote of a member that lost its validator meanwhile carries nothing."""
    w.carry(world, MANDATE, ("b", "c"))
    w.govern(world, remove_validator(w.account("c.node"), lowers_tolerance=True))
    assert world.view("governance", "tally", 1) == (1, 0, 2)
    assert refused(world, "a.governor", ("enact", 1, MANDATE.content)) == "not carried"
    cast = world.carry_out("a.governor", vote(1, Ballot.AGREE))
    assert w.events(cast) == ["BallotCast", "ProposalCarried"]


def test_a_ballot_takes_as_many_governors_as_the_member_demands(world):
    roles = mask(Role.SENDER, Role.GOVERNOR)
    for name in ("a.second", "a.third"):
        world.send("a.governor", "members", "admitAccount", w.account(name), roles)
    world.send("a.governor", "members", "setGovernors", 2)
    w.carry(world, MANDATE, ("a", "b"))
    assert world.view("governance", "tally", 1) == (1, 0, 2)
    world.carry_out("a.governor", vote(1, Ballot.AGREE))
    assert world.view("governance", "tally", 1)[0] == 1
    world.carry_out("a.second", vote(1, Ballot.AGREE))
    assert world.view("governance", "tally", 1)[0] == 2
    for name in ("a.governor", "a.third"):
        revoke = ("members", "revokeAccount", w.account("a.second"), Reason.KEY_COMPROMISED)
        world.send(name, *revoke)
    assert world.view("governance", "tally", 1)[0] == 1
    world.carry_out("a.third", vote(1, Ballot.AGREE))
    assert world.view("governance", "tally", 1)[0] == 2


def test_a_member_floods_nobody(world):
    for _ in range(8):
        w.carry(world, MANDATE, ("a",))
    call = ("propose", int(MANDATE.kind), MANDATE.content)
    assert refused(world, "a.governor", call) == "too many open proposals"
    world.send("b.governor", "governance", *call)
    world.carry_out("a.governor", withdraw_proposal(3))
    w.carry(world, MANDATE, ("a",))
    assert refused(world, "a.governor", call) == "too many open proposals"
    world.time += 31 * w.DAY
    w.carry(world, MANDATE, ("a",))


def test_a_share_changes_only_as_its_own_share_demands(world):
    """Admitting takes half; to change that takes what changing shares takes, and to lower the
    share of a stricter kind takes the stricter."""
    strict = set_share(ProposalKind.ADMIT_MEMBER, 9_999)
    number = w.carry(world, strict, ("a", "b"))
    assert world.view("governance", "tally", number) == (2, 0, 3)
    world.carry_out("c.governor", vote(number, Ballot.AGREE))
    world.time += w.TIME_LOCK
    assert w.events(world.carry_out("a.governor", enact(number, strict))) == [
        *("ProposalEnacted", "ShareSet")
    ]
    read = world.reader("governance")
    assert proposals.share_of(read, ProposalKind.ADMIT_MEMBER) == 9_999
    assert world.view("governance", "shareOf", ProposalKind.ADMIT_MEMBER) == 9_999
    w.govern(world, set_share(ProposalKind.SHARE, 5_000))
    weak = w.carry(world, set_share(ProposalKind.ADMIT_MEMBER, 5_000), ("a", "b"))
    assert world.view("governance", "tally", weak) == (2, 0, 3)
    mandate = w.carry(world, set_share(ProposalKind.MANDATE, 6_000), ("a",))
    assert world.view("governance", "tally", mandate) == (1, 0, 2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "malformed content"),
        (bytes(64), "unknown kind"),
        (set_share(ProposalKind.SHARE, 4_999).content, "share out of range"),
        (set_share(ProposalKind.SHARE, 10_000).content, "share out of range"),
        ((99).to_bytes(32, "big") + (6_000).to_bytes(32, "big"), "unknown kind"),
    ],
)
def test_a_share_that_cannot_be(world, content, reason):
    assert refused(world, "a.governor", ("propose", ProposalKind.SHARE, content)) == reason


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        ([], "a share for each kind"),
        ([5_000] * (len(ProposalKind) + 1), "a share for each kind"),
        ([4_999] * len(ProposalKind), "share out of range"),
        ([10_000] * len(ProposalKind), "share out of range"),
    ],
)
def test_a_genesis_without_shares_is_refused(shares, reason):
    with pytest.raises(ConfigError) as caught:
        w.construct(*w.members_arguments(), governance=(shares,))
    assert reason in caught.value.diagnostics()


def test_the_lock_is_the_parameter_in_force(world):
    w.govern(world, set_parameter(Parameter.TIME_LOCK, 10 * w.TIME_LOCK))
    number = w.carry(world, MANDATE)
    world.time += w.TIME_LOCK
    call = ("enact", number, MANDATE.content)
    assert refused(world, "a.governor", call) == "time lock is running"
    world.time += 9 * w.TIME_LOCK
    world.send("a.governor", "governance", *call)


@given(electors=st.integers(1, 100), share=st.integers(5_000, 9_999))
def test_more_than_the_share_must_agree(electors, share):
    needed = proposals.needed(share, electors)
    assert needed == electors or needed * proposals.WHOLE > share * electors
    assert (needed - 1) * proposals.WHOLE <= share * electors


@settings(max_examples=15, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(("a", "b", "c", "exchange")),
            st.sampled_from((*Ballot, "enact", "wait", "withdraw")),
        ),
        max_size=14,
    )
)
def test_invariant_of_a_proposal(steps):
    """Nothing is enacted without more than half of the electors agreeing then, after the lock."""
    world, said = w.genesis(), {"a": Ballot.AGREE}
    world.send("exchange.governor", "members", "admitNode", w.account("exchange.node"))
    proposal = add_validator(w.account("exchange.node"))
    w.carry(world, proposal, ("a",))
    for name, step in steps:
        if step == "wait":
            world.time += w.TIME_LOCK
            continue
        before = world.view("governance", "proposal", 1)
        if step == "enact":
            call = ("enact", 1, proposal.content)
        else:
            call = ("withdraw", 1) if step == "withdraw" else ("vote", 1, int(step))
        told = world.attempt(f"{name}.governor", "governance", *call)
        assert told == "" or told.startswith("governance: ")
        if told == "" and step in tuple(Ballot):
            said[name] = step
        if told == "" and step == "enact":
            assert sum(ballot == Ballot.AGREE for ballot in said.values()) >= 2
            assert world.time >= before[4] + w.TIME_LOCK
            break
        if told == "":
            agreeing = sum(ballot == Ballot.AGREE for ballot in said.values())
            assert world.view("governance", "tally", 1)[0] == agreeing
