"""Both sides state a period once; a difference is on record, and no amount is ever on chain."""

from dataclasses import replace

import pytest

from node.sdk import statements as calls
from node.spec.crypto import keccak256
from node.spec.statements import FeeStatement, fee_commitment, statement_id, uses_root
from node.spec.types import ZERO_HASH, Hash32
from node.spec.vocabulary import PaymentKind
from tests.chaincode import world as w

SINCE, UNTIL = w.GENESIS_TIME - 40 * w.DAY, w.GENESIS_TIME - 10 * w.DAY
ONE, OTHER = keccak256(b"one"), keccak256(b"other")
FEES = FeeStatement(w.A, w.B, 0, SINCE, UNTIL, fee_commitment(b"salt", b"1 x 200 CNY"))


@pytest.fixture
def world():
    return w.genesis()


def uses(counts, **changes):
    period = {"provider": w.A, "consumer": w.B, "since": SINCE, "until": UNTIL, **changes}
    return calls.state_uses_of_period(**period, counts=counts)


def stating(total, root, *pair):
    provider, consumer = pair or (w.A, w.B)
    return ("statements", "stateUses", provider, consumer, SINCE, UNTIL, total, root)


def test_totals_that_agree_differ_in_nothing(world):
    counts = {ONE: 3, OTHER: 4}
    assert w.events(world.carry_out("a.gateway", uses(counts))) == ["UsesOfPeriodStated"]
    assert w.events(world.carry_out("b.approver", uses(counts))) == ["UsesOfPeriodStated"]
    key = world.view("statements", "pairPeriod", w.A, w.B, SINCE, UNTIL)
    assert world.view("statements", "stated", key) == 3 | 7 << 32 | 7 << 96


def test_totals_that_differ_are_on_record(world):
    world.carry_out("b.gateway", uses({ONE: 3}))
    outcome = world.carry_out("a.gateway", uses({ONE: 4}))
    assert w.events(outcome) == ["UsesOfPeriodStated", "TotalsDiffer"]


def test_nothing_used_is_stated_too(world):
    world.carry_out("a.gateway", uses({ONE: 0}))
    assert uses_root({ONE: 0}) == ZERO_HASH
    assert uses_root({ONE: 1, OTHER: 2}) == uses_root({OTHER: 2, ONE: 1}) != ZERO_HASH


@pytest.mark.parametrize(
    ("sender", "call", "reason"),
    [
        ("c.gateway", stating(1, ONE), "not a party"),
        ("a.governor", stating(1, ONE), "neither gateway nor approver"),
        ("a.gateway", stating(0, ONE), "root without uses"),
        ("a.gateway", stating(1, ZERO_HASH), "root without uses"),
        ("a.gateway", stating(2**64, ONE), "total out of range"),
        ("a.gateway", stating(1, ONE, w.A, w.A), "provider is the consumer"),
    ],
)
def test_a_statement_of_uses_that_cannot_be(world, sender, call, reason):
    assert world.refused(sender, *call) == f"statements: {reason}"


@pytest.mark.parametrize(
    ("since", "until", "reason"),
    [
        (UNTIL, UNTIL, "no such period"),
        (UNTIL, SINCE, "no such period"),
        (UNTIL - 367 * w.DAY, UNTIL, "no such period"),
        (SINCE, w.GENESIS_TIME + w.DAY, "period is not over"),
    ],
)
def test_a_period_is_over_and_no_longer_than_a_year(world, since, until, reason):
    call = ("statements", "stateUses", w.A, w.B, since, until, 1, ONE)
    assert world.refused("a.gateway", *call) == f"statements: {reason}"


def test_a_side_states_a_period_once(world):
    world.carry_out("a.gateway", uses({ONE: 3}))
    refused = world.refused("a.gateway", *stating(4, ONE))
    assert refused == "statements: stated already"


def signed(statement, *names):
    digest = statement_id(statement, w.CHAIN_ID)
    return [w.signature(f"{name}.approver", digest) for name in names]


def fees(statement, *signatures):
    halves = (*signatures, b"")[:3]
    return ("statements", "stateFees", w.plain(statement), *halves)


def test_fees_are_a_commitment_that_both_signed(world):
    assert world.view("statements", "statementId", w.plain(FEES)) == statement_id(FEES, w.CHAIN_ID)
    world.carry_out("c.gateway", calls.state_fees(FEES, *signed(FEES, "a", "b")))
    key = world.view("statements", "pairPeriod", w.A, w.B, SINCE, UNTIL)
    assert world.view("statements", "feesOf", key) == FEES.commitment
    other = replace(FEES, commitment=ONE)
    refused = world.refused("a.gateway", *fees(other, *signed(other, "a", "b")))
    assert refused == "statements: stated already"


@pytest.mark.parametrize(
    ("changes", "signers", "reason"),
    [
        ({}, ("a", "a"), "signature of another"),
        ({}, ("b", "a"), "signature of another"),
        ({}, ("c", "b"), "signature of another"),
        ({"consumer": w.A}, ("a", "a"), "provider is the consumer"),
        ({"commitment": ZERO_HASH}, ("a", "b"), "no commitment"),
        ({"until": SINCE}, ("a", "b"), "no such period"),
        ({"exchange": w.EXCHANGE}, ("a", "b", "b"), "signature of another"),
        ({"exchange": w.C}, ("a", "b", "c"), "not an exchange"),
    ],
)
def test_fees_that_not_all_signed(world, changes, signers, reason):
    statement = replace(FEES, **changes)
    refused = world.refused("a.gateway", *fees(statement, *signed(statement, *signers)))
    assert refused == f"statements: {reason}"


def test_in_platform_trade_the_exchange_signs_too(world):
    statement = replace(FEES, exchange=w.EXCHANGE)
    two = fees(statement, *signed(statement, "a", "b"))
    assert world.refused("a.gateway", *two) == "statements: malformed signature"
    world.send("a.gateway", *fees(statement, *signed(statement, "a", "b", "exchange")))


def test_the_provider_marks_what_was_paid_once(world):
    world.send("a.gateway", *fees(FEES, *signed(FEES, "a", "b")))
    paid = ("statements", "markPaid", w.plain(FEES))
    for sender in ("b.approver", "a.gateway"):
        assert world.refused(sender, *paid, 1, ONE) == "statements: not the provider's approver"
    for kind in (0, 4):
        assert world.refused("a.approver", *paid, kind, ONE) == (
            "statements: unknown kind of payment"
        )
    assert world.refused("a.approver", *paid, 1, ZERO_HASH) == "statements: no reference"
    other = w.plain(replace(FEES, commitment=ONE))
    assert world.refused("a.approver", "statements", "markPaid", other, 1, ONE) == (
        "statements: no such statement"
    )
    call = calls.mark_paid(FEES, PaymentKind.DIGITAL_YUAN, Hash32(ONE))
    assert w.events(world.carry_out("a.approver", call)) == ["FeesPaid"]
    assert world.view("statements", "paymentOf", statement_id(FEES, w.CHAIN_ID)) == 2
    assert world.refused("a.approver", *paid, 1, ONE) == "statements: paid already"


def test_a_statement_that_was_not_stated_is_not_paid(world):
    """Else one could be marked paid for each exchange that never signed it."""
    world.send("a.gateway", *fees(FEES, *signed(FEES, "a", "b")))
    other = w.plain(replace(FEES, exchange=w.EXCHANGE))
    assert world.refused("a.approver", "statements", "markPaid", other, 1, ONE) == (
        "statements: no such statement"
    )
