"""Closing is where money and limits are decided: every door, both sides, every deadline."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from node.spec import usage, versions
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import LeaseStatus
from tests.chaincode import world as w
from tests.chaincode.test_versions import HOUR, halt

NONE = usage.Receipt(
    ZERO_HASH, 0, ZERO_HASH, ZERO_HASH, 0, 0, 0, 0, 0, ZERO_HASH, ZERO_HASH, ZERO_HASH
)


@pytest.fixture
def world():
    return w.market()


@pytest.fixture
def authorization(world):
    return w.grant(world)


@pytest.fixture
def lease(world, authorization):
    return w.open_lease(world, authorization)


def state(world, lease):
    return world.lease(lease)


def granted(world, authorization):
    return world.authorization(authorization)


def close(authorization, lease, number, last, number_of_lease=1):
    digest = usage.close_digest(lease, number, last, w.CHAIN_ID)
    return ("leases", "close", authorization, number_of_lease, number, last, *w.both(digest))


def shown(method, authorization, receipt):
    signatures = w.both(w.hashed(receipt)) if receipt.number else (b"", b"")
    contract = "leases" if method == "settle" else "closings"
    return (contract, method, authorization, 1, w.plain(receipt), *signatures)


def claim(authorization, receipt, **changes):
    fields = {
        "lease": receipt.lease,
        "number": receipt.number,
        "request_hash": receipt.request_hash,
        "previous": receipt.previous,
        **changes,
    }
    request = usage.Request(**fields)
    asked = w.signature("b.gateway", usage.request_digest(request, w.CHAIN_ID))
    served = w.signature("a.gateway", w.hashed(receipt))
    return (
        "closings",
        "claim",
        authorization,
        1,
        w.plain(request),
        asked,
        w.plain(receipt),
        served,
    )


def test_both_close_at_once_and_unused_uses_return(world, authorization, lease):
    one = w.receipt(world, lease, 1, lease)
    world.send("a.gateway", *shown("settle", authorization, one))
    refused = world.refused("a.gateway", *close(authorization, lease, 0, lease))
    assert refused == "leases: not all uses are settled"
    refused = world.refused("a.gateway", *close(authorization, lease, 1, lease))
    assert refused == "leases: not the last receipt"
    outcome = world.send("a.gateway", *close(authorization, lease, 1, w.hashed(one)))
    assert w.events(outcome) == ["LeaseClosed"]
    assert state(world, lease).status == LeaseStatus.CLOSED
    assert (granted(world, authorization).counted, granted(world, authorization).open) == (1, 0)
    again = world.refused("a.gateway", *close(authorization, lease, 1, w.hashed(one)))
    assert again == "leases: not open"


def test_an_unused_lease_closes_on_its_own_id(world, authorization, lease):
    world.send("c.gateway", *close(authorization, lease, 0, lease))
    assert granted(world, authorization).counted == 0


def test_closing_needs_both_signatures(world, authorization, lease):
    call = list(close(authorization, lease, 0, lease))
    call[-1] = call[-2]
    assert world.refused("a.gateway", *call) == "usage: not the consumer's signature"


def test_one_side_closes_with_the_highest_receipt_it_has(world, authorization, lease):
    receipts = w.chain(world, lease, 5)
    outcome = world.send("a.gateway", *shown("closeAlone", authorization, receipts[2]))
    assert w.events(outcome) == ["LeaseClosing"]
    assert (state(world, lease).settled, state(world, lease).status) == (3, LeaseStatus.CLOSING)
    answered = world.send("b.gateway", *shown("answer", authorization, receipts[4]))
    assert w.events(answered) == ["LeaseAnswered"]
    refused = world.refused("b.gateway", *shown("answer", authorization, receipts[3]))
    assert refused == "closings: not a higher use"
    until = state(world, lease).deadline + 1
    world.time = until - 2
    refused = world.refused("a.gateway", "closings", "finalize", authorization, 1)
    assert refused == "closings: time to answer is not over"
    refused = world.refused("b.gateway", "closings", "finalize", authorization, 1)
    assert refused == "closings: time to claim is not over"
    world.send("a.gateway", "closings", "finalize", authorization, 1)
    assert granted(world, authorization).counted == 5


def test_an_answer_after_its_time_is_refused(world, authorization, lease):
    receipts = w.chain(world, lease, 2)
    world.send("b.gateway", *shown("closeAlone", authorization, NONE))
    world.time = state(world, lease).deadline + 1 - 1
    for method, reason in (
        ("answer", "closings: time to answer is over"),
        ("settle", "leases: past the settling deadline"),
    ):
        assert world.refused("a.gateway", *shown(method, authorization, receipts[0])) == reason


def test_settling_goes_on_while_an_answer_may_come(world, authorization, lease):
    one = w.receipt(world, lease, 1, lease)
    world.send("b.gateway", *shown("closeAlone", authorization, NONE))
    world.send("a.gateway", *shown("settle", authorization, one))
    assert state(world, lease).settled == 1
    world.send("a.gateway", *close(authorization, lease, 1, w.hashed(one)))
    assert state(world, lease).status == LeaseStatus.CLOSED


def test_only_the_two_sides_close_alone_and_in_time(world, authorization, lease):
    alone = shown("closeAlone", authorization, NONE)
    assert world.refused("c.gateway", *alone) == "closings: not a party"
    assert world.refused("a.governor", *alone) == "closings: neither gateway nor approver"
    world.send("a.approver", *alone)
    assert world.refused("b.gateway", *alone) == "closings: not open"
    second = w.open_lease(world, authorization, 2)
    world.time = state(world, second).expires_at + w.FLOOR
    late = ("closings", "closeAlone", authorization, 2, w.plain(NONE), b"", b"")
    assert world.refused("a.approver", *late) == "leases: past the settling deadline"


def test_the_provider_claims_what_was_requested(world, authorization, lease):
    receipts = w.chain(world, lease, 4)
    assert world.refused("a.gateway", *claim(authorization, receipts[0])) == "closings: not closing"
    world.send("b.gateway", *shown("closeAlone", authorization, receipts[0]))
    early = world.refused("a.gateway", *claim(authorization, receipts[1]))
    assert early == "closings: time to answer is not over"
    world.time = state(world, lease).deadline + 1
    for wrong, reason in (
        (claim(authorization, receipts[2]), "not the next use"),
        (claim(authorization, receipts[1], number=3), "receipt does not answer the request"),
        (
            claim(authorization, receipts[1], request_hash=ZERO_HASH),
            "receipt does not answer the request",
        ),
    ):
        assert world.refused("a.gateway", *wrong) == f"closings: {reason}"
    forged = list(claim(authorization, receipts[1]))
    forged[5] = forged[7]
    assert world.refused("a.gateway", *forged) == "usage: not the consumer's signature"
    for receipt in receipts[1:3]:
        assert w.events(world.send("a.gateway", *claim(authorization, receipt))) == ["UseClaimed"]
    assert world.refused("a.gateway", *claim(authorization, receipts[3])) == (
        "closings: claims exhausted"
    )
    world.send("c.gateway", "closings", "finalize", authorization, 1)
    found = state(world, lease)
    assert (found.settled, found.claimed, found.last) == (1, 2, w.hashed(receipts[2]))
    assert granted(world, authorization).counted == 3


def closing(world, *halts, receipts=2):
    """A lease that the consumer begins to close, halted after so many seconds for so many.

    Its sides have two days each. Returns authorization, receipts, and when it began.
    """
    authorization = w.grant(world, nonce=7, answer_within=2 * w.DAY)
    lease = w.open_lease(world, authorization)
    shown_later = w.chain(world, lease, receipts)
    world.send("b.gateway", *shown("closeAlone", authorization, NONE))
    began = world.time
    for after, seconds in halts:
        world.time = began + after - 3
        assert halt(world, seconds) == began + after
        world.time += seconds
    return authorization, shown_later, began


def turns(world, began):
    halts = versions.halts_of(world.reader("versions"), 1)
    return versions.running(halts, began, world.time + 1) // (2 * w.DAY)


@pytest.mark.parametrize(
    "halts",
    [
        [(w.DAY, 36 * HOUR)],
        [(47 * HOUR, 2 * HOUR)],
        [(HOUR, 72 * HOUR)],
        [(2 * w.DAY - 1, 72 * HOUR)],
    ],
    ids=["within", "over its end", "longer than it", "at its last second"],
)
def test_a_halt_costs_nobody_time_to_answer(world, halts):
    authorization, receipts, began = closing(world, *halts)
    over = began + 2 * w.DAY + halts[0][1]
    late = world.copy()
    world.time = over - 2
    assert turns(world, began) == 0
    refused = world.refused("a.gateway", "closings", "finalize", authorization, 1)
    assert refused == "closings: time to answer is not over"
    world.time = over - 2
    world.send("a.gateway", *shown("answer", authorization, receipts[0]))
    late.time = over - 1
    assert turns(late, began) == 1
    refused = late.refused("a.gateway", *shown("answer", authorization, receipts[0]))
    assert refused == "closings: time to answer is over"
    late.time = over - 1
    late.send("a.gateway", *claim(authorization, receipts[0]))


@pytest.mark.parametrize(
    "halts",
    [
        [(49 * HOUR, 72 * HOUR)],
        [(2 * w.DAY, HOUR)],
        [(4 * w.DAY - 1, HOUR)],
        [(HOUR, 10 * HOUR), (90 * HOUR, 20 * HOUR)],
    ],
    ids=["all of it", "its first second", "its last second", "one in each time"],
)
def test_a_halt_costs_the_provider_no_time_to_claim(world, halts):
    authorization, receipts, began = closing(world, *halts)
    over = began + 4 * w.DAY + sum(seconds for _, seconds in halts)
    late = world.copy()
    world.time = over - 2
    assert turns(world, began) == 1
    refused = world.refused("b.gateway", "closings", "finalize", authorization, 1)
    assert refused == "closings: time to claim is not over"
    world.time = over - 2
    world.send("a.gateway", *claim(authorization, receipts[0]))
    late.time = over - 1
    assert turns(late, began) == 2
    refused = late.refused("a.gateway", *claim(authorization, receipts[0]))
    assert refused == "closings: time to claim is over"
    late.time = over - 1
    late.send("b.gateway", "closings", "finalize", authorization, 1)


def test_an_answer_after_a_halt_does_not_buy_time(world):
    authorization, receipts, began = closing(world, (HOUR, 30 * HOUR))
    world.send("a.gateway", *shown("answer", authorization, receipts[0]))
    world.time = began + 78 * HOUR - 1
    refused = world.refused("a.gateway", *shown("answer", authorization, receipts[1]))
    assert refused == "closings: time to answer is over"


def test_claims_end_with_their_time(world, authorization, lease):
    receipts = w.chain(world, lease, 1)
    world.send("b.gateway", *shown("closeAlone", authorization, NONE))
    world.time = state(world, lease).deadline + 1 + w.FLOOR
    assert world.refused("a.gateway", *claim(authorization, receipts[0])) == (
        "closings: time to claim is over"
    )
    world.send("c.gateway", "closings", "finalize", authorization, 1)
    assert state(world, lease).status == LeaseStatus.CLOSED


def test_a_lapsed_lease_stays_counted_and_blocks_until_both_stated(world, authorization, lease):
    lapse = ("leases", "lapse", authorization, 1)
    world.time = state(world, lease).expires_at + w.FLOOR - 1
    assert world.refused("c.gateway", *lapse) == "leases: settling deadline is not over"
    outcome = world.send("c.gateway", *lapse)
    assert w.events(outcome) == ["LeasingBlocked", "LeaseUnaccounted"]
    assert world.refused("c.gateway", *lapse) == "leases: not open"
    found = granted(world, authorization)
    assert (found.counted, found.open, found.unaccounted) == (10, 0, 1)
    opening = w.opening(authorization, world)
    refused = world.refused("b.gateway", "leases", "open", opening, w.account("a.gateway"))
    assert refused == "authorizations: a lapsed lease is unaccounted"
    says = ("closings", "stateUses", authorization, 1)
    assert world.refused("c.gateway", *says, 1) == "closings: not a party"
    assert world.refused("a.gateway", *says, 11) == "closings: uses out of range"
    world.send("a.gateway", *says, 4)
    assert world.refused("a.gateway", *says, 5) == "closings: stated already"
    assert granted(world, authorization).unaccounted == 1
    outcome = world.send("b.gateway", *says, 3)
    assert w.events(outcome) == ["UsesStated", "LeasingUnblocked", "StatementsDiffer"]
    assert state(world, lease).stated == (4, 3)
    assert granted(world, authorization).unaccounted == 0
    w.open_lease(world, authorization, 2)


def test_statements_that_agree_differ_in_nothing(world, authorization, lease):
    says = ("closings", "stateUses", authorization, 1)
    assert world.refused("a.gateway", *says, 0) == "closings: not lapsed"
    world.time = state(world, lease).expires_at + w.FLOOR
    world.send("c.gateway", "leases", "lapse", authorization, 1)
    world.send("a.gateway", *says, 0)
    assert w.events(world.send("b.gateway", *says, 0)) == ["UsesStated", "LeasingUnblocked"]


def test_answers_and_claims_of_an_open_lease_are_refused(world, authorization, lease):
    receipt = w.receipt(world, lease, 1, lease)
    assert world.refused("a.gateway", *shown("answer", authorization, receipt)) == (
        "closings: not closing"
    )
    assert world.refused("a.gateway", "closings", "finalize", authorization, 1) == (
        "closings: not closing"
    )


class Closing(RuleBasedStateMachine):
    """Whatever both sides do in whatever order, the counters are those of the leases."""

    @initialize()
    def begin(self):
        self.world = w.market()
        self.authorization = w.grant(self.world, maximum_uses=30)
        self.leases = []

    def attempt(self, *call):
        reason = self.world.attempt(*call)
        assert reason == "" or reason.startswith(
            ("leases: ", "closings: ", "usage: ", "authorizations: ")
        ), reason
        return reason == ""

    def number(self, pick):
        return pick % (len(self.leases) + 1) + 1

    def signed(self, method, number, skip):
        lease = usage.lease_id(self.authorization, number)
        found = state(self.world, lease)
        if found is None:
            return
        receipt = w.receipt(self.world, lease, found.settled + skip, found.last)
        signatures = w.both(w.hashed(receipt))
        contract = "leases" if method == "settle" else "closings"
        self.attempt(
            "a.gateway", contract, method, self.authorization, number, w.plain(receipt), *signatures
        )

    @rule(uses=st.integers(1, 12))
    def open(self, uses):
        opening = w.opening(self.authorization, self.world, uses=uses)
        gateway = w.account("a.gateway")
        if self.attempt("b.gateway", "leases", "open", opening, gateway):
            self.leases.append(uses)

    @rule(pick=st.integers(0, 9))
    def settle(self, pick):
        self.signed("settle", self.number(pick), 1)

    @rule(pick=st.integers(0, 9), skip=st.integers(1, 3))
    def close_alone(self, pick, skip):
        self.signed("closeAlone", self.number(pick), skip)

    @rule(pick=st.integers(0, 9))
    def finalize(self, pick):
        self.attempt("a.gateway", "closings", "finalize", self.authorization, self.number(pick))

    @rule(pick=st.integers(0, 9))
    def close_together(self, pick):
        number = self.number(pick)
        lease = usage.lease_id(self.authorization, number)
        found = state(self.world, lease)
        if found is not None:
            used = found.settled + found.claimed
            self.attempt("a.gateway", *close(self.authorization, lease, used, found.last, number))

    @rule(pick=st.integers(0, 9), used=st.integers(0, 3), side=st.sampled_from("ab"))
    def lapse_and_state(self, pick, used, side):
        number = self.number(pick)
        self.attempt("c.gateway", "leases", "lapse", self.authorization, number)
        self.attempt(f"{side}.gateway", "closings", "stateUses", self.authorization, number, used)

    @rule(seconds=st.sampled_from([60, w.FLOOR, w.DAY]))
    def wait(self, seconds):
        self.world.time += seconds

    @invariant()
    def counters_are_those_of_the_leases(self):
        if not hasattr(self, "leases"):
            return
        found = granted(self.world, self.authorization)
        states = [
            state(self.world, usage.lease_id(self.authorization, number))
            for number in range(1, found.leases + 1)
        ]
        assert found.leases == len(self.leases)
        held = (s.settled + s.claimed if s.status == LeaseStatus.CLOSED else s.uses for s in states)
        assert found.counted == sum(held) <= found.maximum_uses
        live = (LeaseStatus.OPEN, LeaseStatus.CLOSING)
        assert found.open == sum(s.status in live for s in states) <= 8
        silent = (s.status == LeaseStatus.LAPSED and None in s.stated for s in states)
        assert found.unaccounted == sum(silent)
        assert all(s.settled + s.claimed <= s.uses for s in states)


TestClosing = Closing.TestCase
TestClosing.settings = settings(max_examples=8, stateful_step_count=14, deadline=None)
