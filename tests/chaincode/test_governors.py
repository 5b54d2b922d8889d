"""One governor alone must not do what its member wants several to agree to: each way is tried."""

import pytest

from node.sdk.governance import set_role_threshold
from node.spec import registry
from node.spec.proposals import Proposal
from node.spec.vocabulary import Reason, Role, mask
from tests.chaincode import world as w

SENDER = mask(Role.SENDER)


@pytest.fixture
def world():
    return w.genesis()


@pytest.fixture
def read(world):
    return world.reader("members")


def asked(world, proposal: Proposal, reason: str) -> None:
    """The proposal is refused when it is made, with this reason of Members."""
    call = ("governance", "propose", int(proposal.kind), proposal.content)
    assert world.refused("a.governor", *call) == f"members: {reason}"


def three_governors(world, needed: int = 2) -> tuple[str, str, str]:
    roles = mask(Role.SENDER, Role.GOVERNOR)
    for name in ("a.second", "a.third"):
        world.send("a.governor", "members", "admitAccount", w.account(name), roles)
    done = world.send("a.governor", "members", "setGovernors", needed)
    assert w.events(done) == ["GovernorsSet"]
    return "a.governor", "a.second", "a.third"


def test_as_many_governors_act_together_as_their_member_demands(world, read):
    first, second, third = three_governors(world)
    assert world.view("members", "governance", w.A) == (3, 2)
    account = w.account("new")
    call = ("members", "admitAccount", account, SENDER)
    assert w.events(world.send(first, *call)) == ["GovernorAgreed"]
    assert not registry.may_send(read, account)
    assert world.refused(first, *call) == "members: agreed already"
    other = ("members", "admitAccount", account, mask(Role.SENDER, Role.APPROVER))
    assert w.events(world.send(second, *other)) == ["GovernorAgreed"]
    done = world.send(third, *call)
    assert w.events(done) == ["GovernorAgreed", "AccountAdmitted"]
    assert registry.account_standing(read, account).roles == SENDER
    assert w.events(world.send(first, *call)) == ["GovernorAgreed"]


def test_agreement_is_older_than_a_week_never(world):
    first, second, _ = three_governors(world)
    call = ("members", "admitNode", w.account("a.other"))
    world.send(first, *call)
    world.time += 7 * w.DAY
    assert w.events(world.send(second, *call)) == ["GovernorAgreed"]
    assert w.events(world.send(first, *call)) == ["GovernorAgreed", "NodeAdmitted"]


def test_who_is_no_governor_any_more_does_not_count(world):
    first, second, third = three_governors(world)
    call = ("members", "admitNode", w.account("a.other"))
    world.send(third, *call)
    for name in (first, second):
        world.send(name, "members", "revokeAccount", w.account(third), Reason.KEY_COMPROMISED)
    assert w.events(world.send(first, *call)) == ["GovernorAgreed"]
    assert w.events(world.send(second, *call)) == ["GovernorAgreed", "NodeAdmitted"]


def test_all_a_governor_does_takes_as_many(world):
    first, second, _ = three_governors(world)
    world.send(first, "members", "admitNode", w.account("a.other"))
    for method, values in (
        ("admitAccount", (w.account("new"), SENDER)),
        ("revokeAccount", (w.account("a.gateway"), Reason.SUPERSEDED)),
        ("setApprovals", (1,)),
        ("setGovernors", (2,)),
        ("setCertificate", (0, b"\x30")),
        ("admitNode", (w.account("a.fourth"),)),
    ):
        assert w.events(world.send(first, "members", method, *values)) == ["GovernorAgreed"]
        assert len(w.events(world.send(second, "members", method, *values))) == 2
    leave = ("members", "revokeNode", w.account("a.fourth"))
    assert w.events(world.send(first, *leave)) == ["GovernorAgreed"]
    assert w.events(world.send(second, *leave)) == ["GovernorAgreed", "NodeRevoked"]


def test_governors_are_never_fewer_than_must_agree(world):
    first, second, third = three_governors(world, 3)
    for value in (0, 17):
        refused = world.refused(first, "members", "setGovernors", value)
        assert refused == "members: governors out of range"
    call = ("members", "setGovernors", 4)
    world.send(first, *call)
    world.send(second, *call)
    assert world.refused(third, *call) == "members: fewer governors than must agree"
    call = ("members", "revokeAccount", w.account(third), Reason.SUPERSEDED)
    world.send(first, *call)
    world.send(second, *call)
    assert world.refused(third, *call) == "members: fewer governors than must agree"


def test_a_member_has_sixteen_governors_at_most(world):
    roles = mask(Role.SENDER, Role.GOVERNOR)
    for number in range(15):
        account = w.account(f"governor {number}")
        world.send("a.governor", "members", "admitAccount", account, roles)
    refused = world.refused("a.governor", "members", "admitAccount", w.account("more"), roles)
    assert refused == "members: too many governors"


def test_role_thresholds_are_voted_and_bind_the_member(world):
    world.send("b.governor", "members", "setApprovals", 3)
    done = w.govern(world, set_role_threshold(w.B, Role.APPROVER, 2))
    assert w.events(done) == ["ProposalEnacted", "RoleThresholdSet"]
    assert world.view("members", "approver", w.account("b.approver"))[2] == 3
    lower = world.refused("b.governor", "members", "setApprovals", 1)
    assert lower == "members: fewer than the consortium demands"
    world.send("b.governor", "members", "setApprovals", 2)
    three_governors(world, 1)
    w.govern(world, set_role_threshold(w.A, Role.GOVERNOR, 2))
    assert world.view("members", "governance", w.A) == (3, 2)
    world.send("a.governor", "members", "setGovernors", 1)
    lower = world.refused("a.second", "members", "setGovernors", 1)
    assert lower == "members: fewer than the consortium demands"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((99, Role.APPROVER, 2), "not an active member"),
        ((w.A, Role.GATEWAY, 2), "role without a threshold"),
        ((w.A, Role.APPROVER, 17), "threshold out of range"),
        ((w.A, Role.GOVERNOR, 2), "fewer governors than must agree"),
    ],
)
def test_a_role_threshold_that_cannot_be(world, values, reason):
    asked(world, set_role_threshold(*values), reason)
