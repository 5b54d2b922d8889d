"""A disputed receipt is not paid for until somebody named has ruled, so each step is tried."""

import pytest

from node.sdk import disputes as calls
from node.sdk.governance import admit_member, set_parameter
from node.spec import disputes
from node.spec.crypto import keccak256
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import (
    AuthorizationStatus,
    DisputeStatus,
    MemberKind,
    Parameter,
    Reason,
    Role,
    Ruling,
    mask,
)
from tests.chaincode import world as w

EVIDENCE = keccak256(b"evidence")
WEEK = 168 * w.FLOOR
RULING = 13 * WEEK
"""In which an arbiter rules, seconds."""
SECOND = 6
"""A second regulator, for appeals."""


@pytest.fixture
def world():
    world = w.market()
    governor = w.account("second.governor")
    identifier = "5299000J2N45DDNE4Y28"
    w.govern(world, admit_member(identifier, MemberKind.REGULATOR, governor, "Second"))
    approver = (w.account("second.approver"), mask(Role.SENDER, Role.APPROVER))
    world.send("second.governor", "members", "admitAccount", *approver)
    return world


@pytest.fixture
def authorization(world):
    """With three receipts settled in its first lease; it outlasts what a dispute may take."""
    identity = w.grant(world, valid_until=w.GENESIS_TIME + 366 * w.DAY)
    lease = w.open_lease(world, identity)
    for receipt in w.chain(world, lease, 3):
        signed = w.both(w.hashed(receipt))
        world.send("a.gateway", "leases", "settle", identity, 1, w.plain(receipt), *signed)
    return identity


def opened(world, authorization, arbiter=w.EXCHANGE):
    call = calls.open_dispute(authorization, 1, range(2, 4), arbiter, EVIDENCE)
    return world.carry_out("b.approver", call)


def state(world, number=1):
    found = disputes.dispute(world.reader("disputes"), number)
    shown = world.view("disputes", "dispute", number)
    assert (0 if found is None else found.status) == shown[8]
    for receipt in range(5):
        told = world.view("disputes", "excludes", number, 1, receipt)
        assert told is (found is not None and found.excludes(1, receipt))
    return found


def refused(world, sender, method, *values):
    return world.refused(sender, "disputes", method, *values).removeprefix("disputes: ")


def payable(world, authorization):
    return disputes.payable([state(world)], authorization, 1, range(1, 4))


def test_a_dispute_is_opened_answered_ruled_and_ended(world, authorization):
    assert state(world) is None
    done = opened(world, authorization)
    assert w.events(done) == ["DeletionHeld", "DisputeOpened"]
    assert world.view("disputes", "disputeCount") == 1
    assert payable(world, authorization) == [1]
    early = refused(world, "exchange.approver", "rule", 1, Ruling.UPHELD, EVIDENCE)
    assert early == "the answer may still come"
    world.carry_out("a.approver", calls.answer_dispute(1, EVIDENCE))
    world.carry_out("exchange.approver", calls.rule_dispute(1, Ruling.UPHELD, EVIDENCE))
    assert state(world).status == DisputeStatus.RULED
    assert refused(world, "nobody", "end", 1) == "an appeal may still come"
    world.time += 2 * WEEK
    ended = world.carry_out("nobody", calls.end_dispute(1))
    assert w.events(ended) == ["DeletionHeld", "DisputeEnded"]
    assert payable(world, authorization) == [1]
    assert not world.view("obligations", "isHeld", authorization)
    assert refused(world, "nobody", "end", 1) == "none to end"


def test_what_is_dismissed_is_paid(world, authorization):
    opened(world, authorization)
    world.time += WEEK
    world.carry_out("exchange.approver", calls.rule_dispute(1, Ruling.DISMISSED, EVIDENCE))
    assert payable(world, authorization) == [1]
    world.time += 2 * WEEK
    world.carry_out("a.approver", calls.end_dispute(1))
    assert payable(world, authorization) == [1, 2, 3]


def test_either_side_appeals_once_to_another_regulator(world, authorization):
    opened(world, authorization, w.REGULATOR)
    world.carry_out("a.approver", calls.answer_dispute(1, EVIDENCE))
    assert refused(world, "a.approver", "appeal", 1, SECOND, EVIDENCE) == "no ruling to appeal"
    world.carry_out("regulator.approver", calls.rule_dispute(1, Ruling.UPHELD, EVIDENCE))
    for sender, arbiter, evidence, reason in (
        ("c.approver", SECOND, EVIDENCE, "not a side"),
        ("a.approver", SECOND, ZERO_HASH, "no evidence"),
        ("a.approver", w.REGULATOR, EVIDENCE, "the arbiter has ruled"),
        ("a.approver", w.EXCHANGE, EVIDENCE, "no arbiter"),
    ):
        assert refused(world, sender, "appeal", 1, arbiter, evidence) == reason
    world.carry_out("a.approver", calls.appeal_dispute(1, SECOND, EVIDENCE))
    assert state(world).before == w.REGULATOR
    again = refused(world, "b.approver", "appeal", 1, w.REGULATOR, EVIDENCE)
    assert again == "no ruling to appeal"
    first = refused(world, "regulator.approver", "rule", 1, Ruling.UPHELD, EVIDENCE)
    assert first == "not the arbiter"
    call = calls.rule_dispute(1, Ruling.DISMISSED, EVIDENCE)
    done = world.carry_out("second.approver", call)
    assert w.events(done) == ["DisputeRuled", "DeletionHeld", "DisputeEnded"]
    assert payable(world, authorization) == [1, 2, 3]


def test_an_appeal_comes_in_time(world, authorization):
    opened(world, authorization)
    world.time += WEEK
    world.carry_out("exchange.approver", calls.rule_dispute(1, Ruling.UPHELD, EVIDENCE))
    until = state(world).until
    world.time = until - 2
    world.copy().carry_out("a.approver", calls.appeal_dispute(1, w.REGULATOR, EVIDENCE))
    world.time = until - 1
    late = refused(world, "a.approver", "appeal", 1, w.REGULATOR, EVIDENCE)
    assert late == "no ruling to appeal"


def test_a_claimant_takes_a_dispute_back_before_the_ruling(world, authorization):
    opened(world, authorization)
    assert refused(world, "a.approver", "withdraw", 1) == "not the claimant"
    world.carry_out("b.approver", calls.withdraw_dispute(1))
    assert state(world).ruling == Ruling.WITHDRAWN
    assert payable(world, authorization) == [1, 2, 3]
    assert refused(world, "b.approver", "withdraw", 1) == "awaits no ruling"
    rule = refused(world, "exchange.approver", "rule", 1, Ruling.UPHELD, EVIDENCE)
    assert rule == "awaits no ruling"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lease": 0}, "no such receipts"),
        ({"lease": 2**24}, "no such receipts"),
        ({"lease": 2}, "no such receipts"),
        ({"first": 0}, "no such receipts"),
        ({"first": 3, "last": 2}, "no such receipts"),
        ({"last": 4}, "no such receipts"),
        ({"arbiter": w.C}, "no arbiter"),
        ({"arbiter": 99}, "no arbiter"),
        ({"evidence": ZERO_HASH}, "no evidence"),
        ({"authorization": ZERO_HASH}, "not a side"),
    ],
)
def test_a_dispute_that_cannot_be(world, authorization, changes, reason):
    given = {
        "authorization": authorization,
        "lease": 1,
        "first": 1,
        "last": 3,
        "arbiter": w.EXCHANGE,
        "evidence": EVIDENCE,
    }
    values = tuple({**given, **changes}.values())
    assert refused(world, "b.approver", "open", *values) == reason


def test_only_who_is_named_speaks(world, authorization):
    opened(world, authorization)
    values = (authorization, 1, 1, 1, w.EXCHANGE, EVIDENCE)
    assert refused(world, "c.approver", "open", *values) == "not a side"
    assert refused(world, "b.gateway", "open", *values) == "not an approver"
    assert refused(world, "b.approver", "answer", 1, EVIDENCE) == "not the respondent"
    assert refused(world, "a.approver", "answer", 1, ZERO_HASH) == "no evidence"
    world.carry_out("a.approver", calls.answer_dispute(1, EVIDENCE))
    assert refused(world, "a.approver", "answer", 1, EVIDENCE) == "awaits no answer"
    rule = (1, Ruling.UPHELD, EVIDENCE)
    assert refused(world, "regulator.approver", "rule", *rule) == "not the arbiter"
    for ruling in (0, Ruling.WITHDRAWN, Ruling.LAPSED, 6):
        told = refused(world, "exchange.approver", "rule", 1, ruling, EVIDENCE)
        assert told == "unknown ruling"
    told = refused(world, "exchange.approver", "rule", 1, Ruling.UPHELD, ZERO_HASH)
    assert told == "no grounds"


def test_a_side_is_not_its_own_arbiter(world):
    """A regulator may be a side itself; then another rules."""
    agreed = w.terms(consumer=w.REGULATOR)
    world.send("regulator.approver", *w.requesting(agreed))
    world.send("a.approver", *w.approving(agreed))
    identity = w.identifier(agreed)
    opening = ("leases", "open", w.opening(identity, world), w.account("a.gateway"))
    world.send("regulator.gateway", *opening)
    receipt = w.receipt(world, w.usage.lease_id(identity, 1), 1, w.usage.lease_id(identity, 1))
    signed = (w.signature("a.gateway", w.hashed(receipt)),)
    signed += (w.signature("regulator.gateway", w.hashed(receipt)),)
    world.send("a.gateway", "leases", "settle", identity, 1, w.plain(receipt), *signed)
    values = (identity, 1, 1, 1, w.REGULATOR, EVIDENCE)
    assert refused(world, "a.approver", "open", *values) == "arbiter is a side"


def test_a_side_has_sixteen_open_disputes_at_most_and_takes_none_from_the_other(
    world, authorization
):
    for _ in range(16):
        opened(world, authorization)
    values = (authorization, 1, 1, 1, w.EXCHANGE, EVIDENCE)
    assert refused(world, "b.approver", "open", *values) == "too many open disputes"
    world.send("a.approver", "disputes", "open", *values)
    world.carry_out("b.approver", calls.withdraw_dispute(3))
    world.send("b.approver", "disputes", "open", *values)


def test_a_side_that_lost_too_often_holds_deletion_no_longer(world, authorization):
    for number in range(1, 33):
        opened(world, authorization)
        world.carry_out("b.approver", calls.withdraw_dispute(number))
    values = (authorization, 1, 1, 1, w.EXCHANGE, EVIDENCE)
    assert refused(world, "b.approver", "open", *values) == "too many lost disputes"
    assert not world.view("obligations", "isHeld", authorization)
    world.send("a.approver", "disputes", "open", *values)


def test_who_is_right_may_dispute_without_end(world, authorization):
    for number in range(1, 34):
        opened(world, authorization)
        world.carry_out("a.approver", calls.answer_dispute(number, EVIDENCE))
        ruling = calls.rule_dispute(number, Ruling.UPHELD, EVIDENCE)
        world.carry_out("exchange.approver", ruling)
        world.time += 2 * WEEK
        world.carry_out("nobody", calls.end_dispute(number))


def lapsed(world, due):
    """End the dispute when its ruling is overdue, not a second before; return what stands."""
    early = world.copy()
    early.time = due - 2
    assert refused(early, "nobody", "end", 1) == "a ruling may still come"
    world.time = due - 1
    world.carry_out("nobody", calls.end_dispute(1))
    return state(world).ruling


@pytest.mark.parametrize("answers", [False, True])
def test_a_silent_arbiter_holds_deletion_no_longer_than_it_may(world, authorization, answers):
    opened(world, authorization)
    due = state(world).until + RULING
    if answers:
        world.carry_out("a.approver", calls.answer_dispute(1, EVIDENCE))
        due = world.time + RULING
        assert state(world).until == due
    assert lapsed(world, due) == Ruling.LAPSED
    assert payable(world, authorization) == [1, 2, 3]
    assert not world.view("obligations", "isHeld", authorization)
    rule = refused(world, "exchange.approver", "rule", 1, Ruling.UPHELD, EVIDENCE)
    assert rule == "awaits no ruling"
    opened(world, authorization, w.REGULATOR)


@pytest.mark.parametrize("ruling", [Ruling.DISMISSED, Ruling.UPHELD_ENDING])
def test_a_ruling_stands_that_nobody_ruled_on_again(world, authorization, ruling):
    opened(world, authorization)
    world.carry_out("a.approver", calls.answer_dispute(1, EVIDENCE))
    world.carry_out("exchange.approver", calls.rule_dispute(1, ruling, EVIDENCE))
    world.carry_out("a.approver", calls.appeal_dispute(1, w.REGULATOR, EVIDENCE))
    due = world.time + RULING
    assert state(world).until == due
    assert lapsed(world, due) == ruling
    ends = world.authorization(authorization).status == AuthorizationStatus.REVOKED
    assert ends == (ruling == Ruling.UPHELD_ENDING)
    assert payable(world, authorization) == ([1] if ends else [1, 2, 3])


def test_an_arbiter_may_rule_late_until_somebody_ends_it(world, authorization):
    opened(world, authorization)
    world.time = state(world).until + 2 * RULING
    world.carry_out("exchange.approver", calls.rule_dispute(1, Ruling.UPHELD, EVIDENCE))
    assert refused(world, "nobody", "end", 1) == "an appeal may still come"


def test_there_is_no_end_of_what_was_not_opened(world):
    assert refused(world, "nobody", "end", 1) == "none to end"


def test_times_are_those_voted(world, authorization):
    w.govern(world, set_parameter(Parameter.ANSWER_WITHIN, w.FLOOR))
    w.govern(world, set_parameter(Parameter.RULING_WITHIN, 2 * w.FLOOR))
    opened(world, authorization)
    ended = world.copy()
    assert lapsed(ended, state(world).until + 2 * w.FLOOR) == Ruling.LAPSED
    world.time += w.FLOOR
    world.carry_out("exchange.approver", calls.rule_dispute(1, Ruling.UPHELD, EVIDENCE))


def test_a_ruling_may_end_the_authorization_once_it_is_final(world, authorization):
    opened(world, authorization)
    world.carry_out("a.approver", calls.answer_dispute(1, EVIDENCE))
    world.carry_out("exchange.approver", calls.rule_dispute(1, Ruling.UPHELD_ENDING, EVIDENCE))
    assert world.authorization(authorization).status == AuthorizationStatus.ACTIVE
    assert payable(world, authorization) == [1]
    world.time += 2 * WEEK
    done = world.carry_out("nobody", calls.end_dispute(1))
    assert "AuthorizationRevoked" in w.events(done)
    assert "ObligationOpened" in w.events(done)
    assert world.authorization(authorization).status == AuthorizationStatus.REVOKED
    assert world.authorization(authorization).reason == Reason.BREACH_OF_TERMS
    assert payable(world, authorization) == [1]


def test_a_ruling_leaves_what_has_ended_as_it_ended(world, authorization):
    opened(world, authorization)
    world.carry_out("a.approver", calls.answer_dispute(1, EVIDENCE))
    world.carry_out("exchange.approver", calls.rule_dispute(1, Ruling.UPHELD_ENDING, EVIDENCE))
    revoke = ("authorizations", "revoke", authorization, Reason.CONSUMER_TERMINATED, ZERO_HASH)
    world.send("b.approver", *revoke)
    world.time += 2 * WEEK
    assert "AuthorizationRevoked" not in w.events(world.carry_out("nobody", calls.end_dispute(1)))
    assert world.authorization(authorization).status == AuthorizationStatus.TERMINATED


def test_only_a_ruling_ends_what_is_not_ones_own(world, authorization):
    call = ("authorizations", "endByRuling", authorization, EVIDENCE)
    assert world.refused("exchange.approver", *call) == "authorizations: only disputes"
