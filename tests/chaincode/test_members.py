"""Members decides who may do anything at all, so each of its doors is tried from outside too."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.errors import ConfigError
from node.spec import registry
from node.spec.types import ZERO_ADDRESS
from node.spec.vocabulary import MemberKind, Reason, Role, mask
from tests.chaincode import world as w

NEWCOMER = b"5299000J2N45DDNE4Y28"
SENDER = mask(Role.SENDER)


@pytest.fixture
def world():
    return w.genesis()


@pytest.fixture
def read(world):
    return lambda slot: world.state.storage(registry.MEMBERS, slot)


def nodes(*names: str) -> tuple[bytes, ...]:
    return tuple(sorted(w.account(f"{name}.node") for name in names))


def add_validator(world, name: str, voters: tuple[str, ...] = ("a", "b")) -> None:
    for voter in voters:
        world.send(f"{voter}.governor", "members", "voteValidator", w.account(f"{name}.node"), True)


def test_registry_reads_what_genesis_constructed(world, read):
    assert registry.validators(read) == nodes("a", "b", "c")
    assert registry.validator_set_version(read) == world.view("members", "validatorSetVersion") == 3
    assert registry.member_count(read) == world.view("members", "memberCount") == 5
    bank = registry.member(read, w.A)
    assert bank == registry.Member(w.A, "529900T8BM49AURSDO55", MemberKind.BANK, True, "Member a")
    assert registry.member(read, 6) is None
    assert registry.may_send(read, w.account("a.gateway"))
    assert not registry.may_send(read, w.account("stranger"))
    assert registry.has_role(read, w.account("a.gateway"), Role.GATEWAY)
    assert not registry.has_role(read, w.account("a.gateway"), Role.GOVERNOR)
    assert registry.member_of(read, w.account("c.approver")) == w.C
    assert registry.node_member(read, w.account("b.node")) == w.B
    assert registry.node_member(read, w.account("stranger")) == 0


def test_validators_answers_as_the_storage_does(world, read):
    answered = world.view("members", "getValidators")
    assert tuple(bytes.fromhex(address[2:]) for address in answered) == registry.validators(read)


def founding(**changes):
    founders, accounts, members_nodes = w.members_arguments()
    parts = {"founders": founders, "accounts": accounts, "nodes": members_nodes, **changes}
    return parts["founders"], parts["accounts"], parts["nodes"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"nodes": []}, "empty validator set"),
        ({"nodes": [(w.A, w.account("a.node"), True)] * 2}, "node is admitted already"),
        ({"nodes": [(9, w.account("a.node"), True)]}, "unknown member"),
        ({"accounts": []}, "a member with a validator needs a governor"),
        ({"accounts": [(0, w.account("x"), SENDER)]}, "unknown member"),
        ({"founders": [(bytes(32), 1, "x", b"")]}, "not an LEI or USCC"),
    ],
)
def test_a_genesis_that_makes_no_consortium_is_refused(changes, reason):
    with pytest.raises(ConfigError) as caught:
        w.construct(*founding(**changes))
    assert reason in caught.value.diagnostics()


def test_certificates_overlap_in_two_slots(world, read):
    for slot, length in ((0, 700), (1, 1024)):
        world.send("a.governor", "members", "setCertificate", slot, b"\x30" * length)
    assert registry.certificates(read, w.A) == (b"\x30" * 700, b"\x30" * 1024)
    world.send("a.governor", "members", "setCertificate", 0, b"")
    assert registry.certificates(read, w.A) == (b"\x30" * 1024,)
    assert world.view("members", "certificate", w.A, 1) == b"\x30" * 1024
    assert registry.certificates(read, w.B) == ()
    refused = world.refused("a.governor", "members", "setCertificate", 2, b"\x30")
    assert refused == "members: no such certificate slot"


def test_only_a_governor_changes_its_members_entries(world):
    account = w.account("new")
    for sender in ("a.approver", "stranger"):
        refused = world.refused(sender, "members", "admitAccount", account, SENDER)
        assert refused == "members: not a governor"
    outcome = world.send("a.governor", "members", "admitAccount", account, SENDER)
    assert w.events(outcome) == ["AccountAdmitted"]
    refused = world.refused("b.governor", "members", "admitAccount", account, SENDER)
    assert refused == "members: account of another member"
    refused = world.refused("b.governor", "members", "revokeAccount", account, Reason.SUPERSEDED)
    assert refused == "members: account of another member"


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        (0, "unknown role"),
        (1 << 6, "unknown role"),
        (1 << 15, "unknown role"),
        (mask(Role.GOVERNOR), "a governor must be a sender"),
        (mask(Role.SENDER, Role.OFFICER), "only a regulator has officers"),
    ],
)
def test_roles_that_cannot_be(world, roles, reason):
    refused = world.refused("a.governor", "members", "admitAccount", w.account("new"), roles)
    assert refused == f"members: {reason}"


def test_a_regulator_has_officers(world):
    roles = mask(Role.SENDER, Role.OFFICER)
    world.send("regulator.governor", "members", "admitAccount", w.account("officer"), roles)
    assert world.view("members", "standing", "0x" + w.account("officer").hex())[2] == roles


def test_a_revoked_account_acts_no_more(world, read):
    gateway = w.account("a.gateway")
    world.send("a.governor", "members", "revokeAccount", gateway, Reason.SUPERSEDED)
    assert not registry.may_send(read, gateway)
    assert registry.member_of(read, gateway) == w.A
    assert not world.view("members", "isCompromised", gateway)
    world.send("a.governor", "members", "admitAccount", gateway, SENDER)
    assert registry.may_send(read, gateway)


def test_a_compromised_key_never_returns(world, read):
    gateway = w.account("a.gateway")
    world.send("a.governor", "members", "revokeAccount", gateway, Reason.KEY_COMPROMISED)
    assert registry.account_standing(read, gateway) == registry.AccountStanding(w.A, 0, True)
    refused = world.refused("a.governor", "members", "admitAccount", gateway, SENDER)
    assert refused == "members: key is compromised"
    world.send("a.governor", "members", "revokeAccount", gateway, Reason.SUPERSEDED)
    assert world.view("members", "isCompromised", gateway)


def test_the_last_governor_stays(world):
    governor = w.account("a.governor")
    refused = world.refused("a.governor", "members", "revokeAccount", governor, Reason.SUPERSEDED)
    assert refused == "members: last governor"
    refused = world.refused("a.governor", "members", "admitAccount", governor, SENDER)
    assert refused == "members: last governor"
    second = mask(Role.SENDER, Role.GOVERNOR)
    world.send("a.governor", "members", "admitAccount", w.account("second"), second)
    world.send("a.governor", "members", "revokeAccount", governor, Reason.SUPERSEDED)
    assert (
        world.refused("a.governor", "members", "admitNode", governor) == "members: not a governor"
    )


def test_nodes_come_and_go_but_validators_stay(world, read):
    node = w.account("a.second")
    world.send("a.governor", "members", "admitNode", node)
    assert registry.node_member(read, node) == w.A
    assert world.refused("b.governor", "members", "admitNode", node) == (
        "members: node is admitted already"
    )
    assert world.refused("b.governor", "members", "revokeNode", node) == (
        "members: node of another member"
    )
    world.send("a.governor", "members", "revokeNode", node)
    assert registry.node_member(read, node) == 0
    assert world.refused("a.governor", "members", "revokeNode", w.account("a.node")) == (
        "members: node is a validator"
    )


def test_a_majority_adds_a_validator_in_order(world, read):
    world.send("exchange.governor", "members", "admitNode", w.account("exchange.node"))
    first = world.send("a.governor", "members", "voteValidator", w.account("exchange.node"), True)
    assert w.events(first) == ["BallotCast"]
    second = world.send("b.governor", "members", "voteValidator", w.account("exchange.node"), True)
    assert w.events(second) == ["BallotCast", "ValidatorAdded"]
    assert registry.validators(read) == nodes("a", "b", "c", "exchange")
    assert registry.validator_set_version(read) == 4
    assert world.view("members", "electors") == 4


def test_one_vote_each_and_only_of_owners(world):
    world.send("exchange.governor", "members", "admitNode", w.account("exchange.node"))
    vote = ("members", "voteValidator", w.account("exchange.node"), True)
    world.send("a.governor", *vote)
    assert world.refused("a.governor", *vote) == "members: already voted"
    assert world.refused("exchange.governor", *vote) == ("members: only owners of a validator vote")
    assert world.refused("a.approver", *vote) == "members: not a governor"
    assert world.refused("a.governor", "members", "voteValidator", w.account("stranger"), True) == (
        "members: unknown node"
    )
    assert world.refused("a.governor", "members", "voteValidator", w.account("b.node"), True) == (
        "members: already a validator"
    )
    assert world.refused(
        "a.governor", "members", "voteValidator", w.account("exchange.node"), False
    ) == ("members: not a validator")


def test_votes_under_another_set_do_not_count(world, read):
    for name in ("exchange", "regulator"):
        world.send(f"{name}.governor", "members", "admitNode", w.account(f"{name}.node"))
    stale = ("members", "voteValidator", w.account("regulator.node"), True)
    world.send("c.governor", *stale)
    add_validator(world, "exchange")
    assert w.events(world.send("a.governor", *stale)) == ["BallotCast"]
    assert w.events(world.send("c.governor", *stale)) == ["BallotCast"]
    assert w.events(world.send("b.governor", *stale)) == ["BallotCast", "ValidatorAdded"]
    assert len(registry.validators(read)) == 5


def test_votes_older_than_thirty_days_do_not_count(world):
    remove = ("members", "voteValidator", w.account("c.node"), False)
    world.send("a.governor", *remove)
    world.time += 30 * w.DAY
    assert w.events(world.send("b.governor", *remove)) == ["BallotCast"]
    assert w.events(world.send("a.governor", *remove)) == ["BallotCast", "ValidatorRemoved"]


def test_the_set_never_empties(world, read):
    for name, voters in (("c", "ab"), ("b", "ab")):
        for voter in voters:
            world.send(
                f"{voter}.governor", "members", "voteValidator", w.account(f"{name}.node"), False
            )
    assert registry.validators(read) == nodes("a")
    last = world.refused("a.governor", "members", "voteValidator", w.account("a.node"), False)
    assert last == "members: empty validator set"


def test_the_set_never_exceeds_a_hundred():
    founders, accounts, _ = w.members_arguments()
    many = [(w.A, w.account(f"node {i}"), True) for i in range(100)]
    world = w.construct(founders, accounts, many)
    read = world.reader("members")
    assert registry.validators(read) == tuple(sorted(entry[1] for entry in many))
    world.send("b.governor", "members", "admitNode", w.account("b.node"))
    refused = world.refused("a.governor", "members", "voteValidator", w.account("b.node"), True)
    assert refused == "members: too many validators"


def test_members_are_admitted_by_ballot(world, read):
    proposal = (
        "members",
        "voteMember",
        NEWCOMER.ljust(32, b"\0"),
        MemberKind.GOVERNMENT_OFFICE,
        "Tax office",
        w.account("tax.governor"),
    )
    world.send("a.governor", *proposal)
    world.send("b.governor", *proposal)
    assert registry.member(read, 6).name == "Tax office"
    world.send("tax.governor", "members", "admitAccount", w.account("tax.gateway"), SENDER)
    assert world.refused("c.governor", *proposal) == "members: already a member"


@pytest.mark.parametrize(
    "identifier",
    [
        b"",
        b"5299000J2N45DDNE4Y29",
        b"5299000J2N45DDNE4y28",
        b"5299000J2N45DDNE4Y280",
        b"91350100M000100Y44",
    ],
)
def test_an_identifier_with_wrong_check_digits_is_refused(world, identifier):
    refused = world.refused(
        "a.governor", "members", "voteMember", identifier.ljust(32, b"\0"), 1, "x", ZERO_ADDRESS
    )
    assert refused == "members: not an LEI or USCC"


def test_a_suspended_member_does_nothing_until_reinstated(world, read):
    assert world.refused("a.governor", "members", "voteSuspension", w.C, 1) == (
        "members: member owns a validator"
    )
    for voter in ("a", "b"):
        world.send(f"{voter}.governor", "members", "voteValidator", w.account("c.node"), False)
    suspension = ("members", "voteSuspension", w.C, Reason.BREACH_OF_TERMS)
    for voter in ("a", "b"):
        world.send(f"{voter}.governor", *suspension)
    assert not registry.may_send(read, w.account("c.gateway"))
    assert registry.node_member(read, w.account("c.node")) == 0
    assert world.view("members", "standing", w.account("c.gateway")) == (0, 0, 0)
    assert world.refused("c.governor", "members", "admitNode", w.account("x")) == (
        "members: not a governor"
    )
    assert world.refused("a.governor", *suspension) == "members: not an active member"
    for voter in ("a", "b"):
        world.send(f"{voter}.governor", "members", "voteReinstatement", w.C)
    assert registry.may_send(read, w.account("c.gateway"))
    assert world.refused("a.governor", "members", "voteReinstatement", w.C) == (
        "members: not a suspended member"
    )


OWNERS = ("a", "b", "c", "exchange", "regulator")


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    votes=st.lists(
        st.tuples(st.sampled_from(OWNERS), st.sampled_from(OWNERS), st.booleans()), max_size=14
    )
)
def test_invariant_of_the_set(votes):
    """Whatever is voted, the set stays sorted, unique and not empty; its version counts changes."""
    world = w.genesis()
    read = world.reader("members")
    for name in ("exchange", "regulator"):
        world.send(f"{name}.governor", "members", "admitNode", w.account(f"{name}.node"))
    before, version = registry.validators(read), registry.validator_set_version(read)
    for voter, name, add in votes:
        node = w.account(f"{name}.node")
        told = world.attempt(f"{voter}.governor", "members", "voteValidator", node, add)
        assert told == "" or told.startswith("members: ")
        after = registry.validators(read)
        changed = registry.validator_set_version(read) - version
        assert changed == (after != before)
        assert len(set(before) ^ set(after)) == changed
        owned = {registry.node_member(read, validator) for validator in after}
        assert world.view("members", "electors") == len(owned)
        before, version = after, version + changed
