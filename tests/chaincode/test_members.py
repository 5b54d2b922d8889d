"""Members decides who may do anything at all, so each of its doors is tried from outside too."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.errors import ConfigError
from node.sdk.governance import (
    add_validator,
    reinstate_member,
    remove_validator,
    suspend_member,
)
from node.spec import registry
from node.spec.proposals import Proposal, encode_proposal
from node.spec.types import ZERO_ADDRESS
from node.spec.vocabulary import HOME, MemberKind, ProposalKind, Reason, Role, mask
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


def test_registry_reads_what_genesis_constructed(world, read):
    assert registry.validators(read) == nodes("a", "b", "c")
    assert registry.validator_set_version(read) == world.view("members", "validatorSetVersion") == 3
    assert registry.member_count(read) == world.view("members", "memberCount") == 5
    bank = registry.member(read, w.A)
    assert bank == registry.Member(
        w.A, "529900T8BM49AURSDO55", MemberKind.BANK, True, "Member a", HOME, 0
    )
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
        ({"founders": [(bytes(32), 1, "x", b"", 156, 0)]}, "not an LEI or USCC"),
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


def test_a_validator_joins_in_order(world, read):
    world.send("exchange.governor", "members", "admitNode", w.account("exchange.node"))
    done = w.govern(world, add_validator(w.account("exchange.node")), ("a", "b"))
    assert w.events(done) == ["ProposalEnacted", "ValidatorAdded"]
    assert registry.validators(read) == nodes("a", "b", "c", "exchange")
    assert registry.validator_set_version(read) == 4
    assert world.view("members", "electors") == 4


def asked(world, proposal: Proposal, reason: str) -> None:
    """The proposal is refused when it is made, with this reason of Members."""
    call = ("governance", "propose", int(proposal.kind), proposal.content)
    assert world.refused("a.governor", *call) == f"members: {reason}"


def test_a_validator_is_an_admitted_node_once(world):
    asked(world, add_validator(w.account("stranger")), "unknown node")
    asked(world, add_validator(w.account("b.node")), "already a validator")
    asked(world, remove_validator(w.account("exchange.node"), True), "not a validator")
    wide = Proposal(ProposalKind.ADD_VALIDATOR, b"\xff" * 32)
    asked(world, wide, "malformed content")
    for kind in ProposalKind:
        if kind <= ProposalKind.MANDATE:
            asked(world, Proposal(kind, b""), "malformed content")
            asked(world, Proposal(kind, bytes(1024)), "malformed content")


def test_what_was_carried_is_checked_again_when_enacted(world, read):
    """Two proposals to remove validators, each allowed alone: the set never empties."""
    world.send("exchange.governor", "members", "admitNode", w.account("exchange.node"))
    join = add_validator(w.account("exchange.node"))
    first, again = w.carry(world, join), w.carry(world, join)
    world.time += w.TIME_LOCK
    world.send("c.governor", "governance", "enact", first, join.content)
    refused = world.refused("c.governor", "governance", "enact", again, join.content)
    assert refused == "members: already a validator"


def test_only_governance_enacts(world):
    content = add_validator(w.account("x.node")).content
    for contract in ("members", "parameters", "holidays"):
        refused = world.refused("a.governor", contract, "enactProposal", 4, content)
        assert refused == f"{contract}: only governance"
        refused = world.refused("a.governor", contract, "checkProposal", 99, bytes(64))
        assert refused == f"{contract}: unknown kind of proposal"


def test_fewer_faults_are_borne_only_by_a_vote_that_says_so(world, read):
    """f = (n - 1) div 3 and never under four validators, unless voted as its own kind."""
    for name in ("exchange", "regulator"):
        world.send(f"{name}.governor", "members", "admitNode", w.account(f"{name}.node"))
        w.govern(world, add_validator(w.account(f"{name}.node")))
    world.send("a.governor", "members", "admitNode", w.account("a.second"))
    world.send("a.governor", "members", "admitNode", w.account("a.third"))
    for name in ("a.second", "a.third"):
        w.govern(world, add_validator(w.account(name)))
    lowers = "removal lowers fault tolerance"
    asked(world, remove_validator(w.account("a.third")), lowers)
    every = ("a", "b", "c", "exchange", "regulator")
    w.govern(world, remove_validator(w.account("a.third"), True), every)
    for name in ("a.second", "regulator.node"):
        w.govern(world, remove_validator(w.account(name)), every[:4])
    assert len(registry.validators(read)) == 4
    asked(world, remove_validator(w.account("exchange.node")), lowers)
    for name, voters in (("exchange", every[:4]), ("c", every[:3]), ("b", every[:2])):
        w.govern(world, remove_validator(w.account(f"{name}.node"), True), voters)
    assert registry.validators(read) == nodes("a")
    asked(world, remove_validator(w.account("a.node"), True), "empty validator set")


def test_the_set_never_exceeds_a_hundred():
    founders, accounts, _ = w.members_arguments()
    many = [(w.A, w.account(f"node {i}"), True) for i in range(100)]
    world = w.construct(founders, accounts, many)
    read = world.reader("members")
    assert registry.validators(read) == tuple(sorted(entry[1] for entry in many))
    world.send("b.governor", "members", "admitNode", w.account("b.node"))
    number = w.carry(world, add_validator(w.account("b.node")), ("a",))
    world.time += w.TIME_LOCK
    content = add_validator(w.account("b.node")).content
    refused = world.refused("a.governor", "governance", "enact", number, content)
    assert refused == "members: too many validators"


def newcomer(identifier: bytes = NEWCOMER, kind: int = MemberKind.GOVERNMENT_OFFICE) -> Proposal:
    values = (identifier, int(kind), w.account("tax.governor"), HOME, 0, "Tax office 税务局")
    return encode_proposal(ProposalKind.ADMIT_MEMBER, *values)


def test_members_are_admitted_by_proposal(world, read):
    assert w.events(w.govern(world, newcomer())) == [
        *("ProposalEnacted", "MemberAdmitted", "AccountAdmitted")
    ]
    found = registry.member(read, 6)
    assert (found.name, found.kind) == ("Tax office 税务局", MemberKind.GOVERNMENT_OFFICE)
    world.send("tax.governor", "members", "admitAccount", w.account("tax.gateway"), SENDER)
    asked(world, newcomer(), "already a member")
    taken = (NEWCOMER[:-2] + b"29", 1, w.account("b.governor"), HOME, 0, "x")
    asked(world, encode_proposal(ProposalKind.ADMIT_MEMBER, *taken), "not an LEI or USCC")
    other = (b"91350100M000100Y43"[:17] + b"3", 1, w.account("b.governor"), HOME, 0, "x")
    asked(world, encode_proposal(ProposalKind.ADMIT_MEMBER, *other), "already a member")


def test_a_newcomer_is_of_a_known_kind_with_an_account_of_its_own(world):
    for kind in (0, 7, 2**256 - 1):
        asked(world, newcomer(kind=kind), "unknown kind")
    for account, reason in (
        (ZERO_ADDRESS, "no account"),
        (w.account("b.gateway"), "account of another member"),
    ):
        values = (NEWCOMER, 1, account, HOME, 0, "x")
        asked(world, encode_proposal(ProposalKind.ADMIT_MEMBER, *values), reason)


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
    asked(world, newcomer(identifier), "not an LEI or USCC")


def test_a_suspended_member_does_nothing_until_reinstated(world, read):
    asked(world, suspend_member(w.C, Reason.SUPERSEDED), "member owns a validator")
    w.govern(world, remove_validator(w.account("c.node"), True))
    suspension = suspend_member(w.C, Reason.BREACH_OF_TERMS)
    values = (w.C, 99)
    asked(world, encode_proposal(ProposalKind.SUSPEND_MEMBER, *values), "unknown reason")
    done = w.govern(world, suspension, ("a", "b"))
    assert w.events(done) == ["ProposalEnacted", "MemberSuspended"]
    assert not registry.may_send(read, w.account("c.gateway"))
    assert registry.node_member(read, w.account("c.node")) == 0
    assert world.view("members", "standing", w.account("c.gateway")) == (0, 0, 0)
    for call in (
        ("members", "admitNode", w.account("x")),
        ("governance", "propose", int(suspension.kind), suspension.content),
    ):
        assert world.refused("c.governor", *call) == f"{call[0]}: not a governor"
    asked(world, suspension, "not an active member")
    asked(world, add_validator(w.account("c.node")), "member is suspended")
    done = w.govern(world, reinstate_member(w.C), ("a", "b"))
    assert w.events(done) == ["ProposalEnacted", "MemberReinstated"]
    assert registry.may_send(read, w.account("c.gateway"))
    asked(world, reinstate_member(w.C), "not a suspended member")


def test_a_node_without_a_governor_behind_it_never_validates():
    """A founder may be without a governor as long as it owns no validator."""
    founders, accounts, members_nodes = w.members_arguments()
    exchange = [entry for entry in accounts if entry[:2] != (3, w.account("exchange.governor"))]
    node = (w.EXCHANGE, w.account("exchange.node"), False)
    world = w.construct(founders, exchange, [*members_nodes, node])
    asked(
        world,
        add_validator(w.account("exchange.node")),
        "a member with a validator needs a governor",
    )


OWNERS = ("a", "b", "c", "exchange", "regulator")


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from(OWNERS),
            st.booleans(),
            st.booleans(),
            st.lists(st.sampled_from(OWNERS), min_size=1, max_size=5, unique=True),
        ),
        max_size=8,
    )
)
def test_invariant_of_the_set(changes):
    """Whatever is voted, the set stays sorted, unique and not empty; its version counts changes."""
    world = w.genesis()
    read = world.reader("members")
    for name in ("exchange", "regulator"):
        world.send(f"{name}.governor", "members", "admitNode", w.account(f"{name}.node"))
    before, version = registry.validators(read), registry.validator_set_version(read)
    for name, add, lowers, voters in changes:
        node = w.account(f"{name}.node")
        proposal = add_validator(node) if add else remove_validator(node, lowers)
        with suppress(w.Refusal):
            w.govern(world, proposal, tuple(voters))
        after = registry.validators(read)
        changed = registry.validator_set_version(read) - version
        assert changed == (after != before)
        assert len(set(before) ^ set(after)) == changed
        if len(after) < len(before):
            assert lowers or (len(after) >= 4 and (len(after) - 1) // 3 == (len(before) - 1) // 3)
        owned = {registry.node_member(read, validator) for validator in after}
        assert world.view("members", "electors") == len(owned)
        before, version = after, version + changed
