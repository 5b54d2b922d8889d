"""Who approves: several of a member that demands it, contracts by ERC-1271; and who takes back."""

import pytest

from node.spec.crypto import keccak256
from node.spec.types import ZERO_HASH, Address
from node.spec.vocabulary import AuthorizationStatus, Party, Reason, Role, mask
from tests.chaincode import world as w

APPROVER = mask(Role.SENDER, Role.APPROVER)


@pytest.fixture
def world():
    world = w.market()
    for name in ("a.second", "a.third"):
        world.send("a.governor", "members", "admitAccount", w.account(name), APPROVER)
    return world


def status(world, agreed):
    return world.authorization(w.identifier(agreed)).status


def test_as_many_approvers_as_the_member_demands(world):
    world.send("a.governor", "members", "setApprovals", 3)
    agreed = w.terms()
    w.request(world, agreed)
    half, other = (w.signature(name, w.identifier(agreed)) for name in ("a.second", "a.third"))
    assert world.refused("a.approver", *w.approving(agreed)) == "grants: too few approvers"
    assert world.refused("a.approver", *w.approving(agreed, half)) == "grants: too few approvers"
    twice = w.approving(agreed, half, half)
    assert world.refused("a.approver", *twice) == "grants: approver counted twice"
    own = w.signature("a.approver", w.identifier(agreed))
    assert world.refused("a.approver", *w.approving(agreed, own, half)) == (
        "grants: approver counted twice"
    )
    world.send("a.approver", *w.approving(agreed, half, other))
    assert status(world, agreed) == AuthorizationStatus.ACTIVE


def test_a_consumer_that_demands_two_requests_with_two(world):
    second = w.account("b.second")
    world.send("b.governor", "members", "admitAccount", second, APPROVER)
    world.send("b.governor", "members", "setApprovals", 2)
    agreed = w.terms()
    assert world.refused("b.approver", *w.requesting(agreed)) == "grants: too few approvers"
    half = w.signature("b.second", w.identifier(agreed))
    world.send("b.approver", *w.requesting(agreed, half))
    assert status(world, agreed) == AuthorizationStatus.REQUESTED


def test_anyone_carries_all_approvals_at_once(world):
    agreed = w.personal_terms(exchange=w.EXCHANGE)
    names = ("a.approver", "exchange.approver", "subject")
    halves = [w.signature(name, w.identifier(agreed)) for name in names]
    outcome = world.send("b.approver", *w.requesting(agreed, *halves))
    assert w.events(outcome) == [
        "AuthorizationRequested",
        "AuthorizationApproved",
        "AuthorizationActivated",
    ]
    assert world.authorization(w.identifier(agreed)).approved == mask(
        Party.PROVIDER, Party.CONSUMER, Party.SUBJECT, Party.EXCHANGE
    )


def test_how_many_are_demanded_is_bounded_and_the_governors(world):
    for needed in (0, 17, 2**255):
        refused = world.refused("a.governor", "members", "setApprovals", needed)
        assert refused == "members: approvals out of range"
    refused = world.refused("a.approver", "members", "setApprovals", 2)
    assert refused == "members: not a governor"
    assert w.events(world.send("a.governor", "members", "setApprovals", 2)) == ["ApprovalsSet"]
    assert world.view("members", "approver", w.account("a.approver")) == (w.A, 1, 2)
    assert world.view("members", "approver", w.account("a.gateway")) == (0, 0, 0)
    assert world.view("members", "member", w.A)[1] & 0x1FF == 0x101


YES = bytes.fromhex("7f1626ba7e" + "00" * 28 + "60005260206000f3")
"""A contract that answers ERC-1271's value to every call."""
NO = bytes.fromhex("60206000f3")


def deployed(world, code, number):
    address = Address(keccak256(code + bytes([number]))[12:])
    length = len(code)
    initcode = bytes([0x60, length, 0x60, 12, 0x60, 0, 0x39, 0x60, length, 0x60, 0, 0xF3]) + code
    world.state.apply(world.engine.construct(world.environment(), address, initcode, world.state))
    return address


def test_a_contract_approves_by_erc_1271(world):
    agreed = w.terms()
    w.request(world, agreed)
    yes, no = deployed(world, YES, 1), deployed(world, NO, 2)
    call = ("grants", "approveByContract", w.words(agreed))
    assert world.refused("c.gateway", *call, yes, b"") == "grants: too few approvers"
    for address in (yes, no):
        world.send("a.governor", "members", "admitAccount", address, APPROVER)
    assert world.refused("c.gateway", *call, no, b"") == "grants: the contract does not approve"
    nobody = w.account("a.second")
    assert world.refused("c.gateway", *call, nobody, b"") == "grants: not a contract"
    world.send("a.governor", "members", "setApprovals", 2)
    assert world.refused("c.gateway", *call, yes, b"") == "grants: too few approvers"
    world.send("a.governor", "members", "setApprovals", 1)
    world.send("c.gateway", *call, yes, b"anything")
    assert status(world, agreed) == AuthorizationStatus.ACTIVE


SUSPEND = (Reason.FRAUD_SUSPECTED, ZERO_HASH)


def test_who_suspends_resumes_and_nothing_is_leased_between(world):
    authorization = w.grant(world)
    suspend, resume = ("authorizations", "suspend"), ("authorizations", "resume")
    refused = world.refused("c.approver", *suspend, authorization, *SUSPEND)
    assert refused == "authorizations: not an approving party"
    wrong = (Reason.REGULATOR_ORDER, ZERO_HASH)
    assert world.refused("a.approver", *suspend, authorization, *wrong) == (
        "authorizations: not a reason of this party"
    )
    assert world.refused("a.approver", *resume, authorization) == "authorizations: not suspended"
    world.send("a.approver", *suspend, authorization, *SUSPEND)
    assert world.view("authorizations", "statusOf", authorization) == AuthorizationStatus.SUSPENDED
    opening = w.opening(authorization, world)
    refused = world.refused("b.gateway", "leases", "open", opening, w.account("a.gateway"))
    assert refused == "authorizations: not active"
    assert world.refused("a.approver", *suspend, authorization, *SUSPEND) == (
        "authorizations: not an approving party"
    )
    assert world.refused("b.approver", *resume, authorization) == (
        "authorizations: not an awaited party"
    )
    world.send("b.approver", *suspend, authorization, *SUSPEND)
    world.send("a.approver", *resume, authorization)
    assert world.view("authorizations", "statusOf", authorization) == AuthorizationStatus.SUSPENDED
    assert w.events(world.send("b.approver", *resume, authorization)) == ["AuthorizationResumed"]
    w.open_lease(world, authorization)


def test_what_is_suspended_can_be_ended_and_then_neither(world):
    authorization = w.grant(world)
    suspend = ("authorizations", "suspend", authorization, *SUSPEND)
    world.send("a.approver", *suspend)
    revoke = ("authorizations", "revoke", authorization, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    assert world.authorization(authorization).status == AuthorizationStatus.REVOKED
    assert world.refused("b.approver", *suspend) == "authorizations: not active"
    refused = world.refused("a.approver", "authorizations", "resume", authorization)
    assert refused == "authorizations: not suspended"
