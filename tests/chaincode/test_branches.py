"""A branch abroad must not be a way around the rules of export, nor an auditor a party."""

import pytest

from node.sdk.governance import admit_member
from node.spec import registry
from node.spec.proposals import Proposal
from node.spec.vocabulary import HOME, MemberKind, Role, mask
from tests.chaincode import world as w


@pytest.fixture
def world():
    return w.market()


@pytest.fixture
def read(world):
    return world.reader("members")


def asked(world, proposal: Proposal, reason: str) -> None:
    """The proposal is refused when it is made, with this reason of Members."""
    call = ("governance", "propose", int(proposal.kind), proposal.content)
    assert world.refused("a.governor", *call) == f"members: {reason}"


BRANCH = "5299000J2N45DDNE4Y28"
HONG_KONG = 344


def branch(**changes) -> Proposal:
    given = {
        "identifier": BRANCH,
        "kind": MemberKind.BANK,
        "governor": w.account("branch.governor"),
        "name": "Bank B, Hong Kong branch",
        "jurisdiction": HONG_KONG,
        "head_office": w.B,
    }
    return admit_member(**{**given, **changes})


def test_a_branch_abroad_is_a_member_of_its_own(world, read):
    w.govern(world, branch())
    found = registry.member(read, 6)
    assert (found.jurisdiction, found.head_office) == (HONG_KONG, w.B)
    assert world.view("members", "homeOf", 6) == (HONG_KONG, w.B)
    home, abroad = world.view("members", "standings", w.A, 6)
    assert (home >> 88 & 1_023, abroad >> 88 & 1_023) == (HOME, HONG_KONG)
    for name, role in (("approver", Role.APPROVER), ("gateway", Role.GATEWAY)):
        account = (w.account(f"branch.{name}"), mask(Role.SENDER, role))
        world.send("branch.governor", "members", "admitAccount", *account)
    assert world.refused("branch.governor", "members", "revokeAccount", w.account("b.gateway"), 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"jurisdiction": 0}, "unknown jurisdiction"),
        ({"jurisdiction": 1_000}, "unknown jurisdiction"),
        ({"jurisdiction": 2**255}, "unknown jurisdiction"),
        ({"head_office": 6}, "unknown head office"),
        ({"head_office": 2**255}, "unknown head office"),
        ({"head_office": w.EXCHANGE}, "not a branch abroad"),
        ({"jurisdiction": HOME}, "not a branch abroad"),
    ],
)
def test_a_branch_that_cannot_be(world, changes, reason):
    asked(world, branch(**changes), reason)


def test_an_auditor_only_reads(world):
    auditor = branch(kind=MemberKind.AUDITOR, jurisdiction=HOME, head_office=0)
    w.govern(world, auditor)
    admit = ("members", "admitAccount", w.account("branch.reader"))
    for role in (Role.APPROVER, Role.GATEWAY):
        refused = world.refused("branch.governor", *admit, mask(Role.SENDER, role))
        assert refused == "members: an auditor only reads"
    world.send("branch.governor", *admit, mask(Role.SENDER, Role.READER))


def test_a_consumer_abroad_receives_where_it_is(world):
    """Bank B's branch in Hong Kong cannot take data home as if it never left the country."""
    branch = w.account("branch.governor")
    name, home = "Branch", 344
    proposal = admit_member("5299000J2N45DDNE4Y28", MemberKind.BANK, branch, name, home, w.B)
    w.govern(world, proposal)
    account = (w.account("branch.approver"), mask(Role.SENDER, Role.APPROVER))
    world.send("branch.governor", "members", "admitAccount", *account)
    refused = world.refused("branch.approver", *w.requesting(w.terms(consumer=6)))
    assert refused == "grants: consumer is in another jurisdiction"
    abroad = w.terms(consumer=6, **w.ABROAD)
    world.send("branch.approver", *w.requesting(abroad))
