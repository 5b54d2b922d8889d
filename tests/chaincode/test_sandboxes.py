"""What is tried stays within what two officers signed, whoever tries to get round it."""

from dataclasses import replace

import pytest

from chaincode.vocabulary import load
from node.sdk import sandboxes as calls
from node.sdk.governance import set_mandate
from node.spec import sandboxes
from node.spec.amendments import refuse_amendment
from node.spec.crypto import keccak256
from node.spec.terms import words
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import (
    OwnerRight,
    Reason,
    Zone,
    mask,
)
from tests.chaincode import sandboxed as s
from tests.chaincode import world as w
from tests.chaincode.test_onward import shared_with_c

ONE, TWO = s.OFFICERS


@pytest.fixture
def world():
    return s.market()


@pytest.fixture
def bare():
    """A market with officers, and nothing tried."""
    world = w.market()
    s.officers(world)
    return world


def opening(**changes):
    said = s.plan(**changes)
    return ("open", *w.plain(said))


def amending(before, **changes):
    """Terms that amend those before, and the call that asks for them."""
    more = replace(before, amends=w.identifier(before), nonce=before.nonce + 1, **changes)
    return more, ("grants", "requestUpon", words(more), [words(before)], [])


# Opening ----


def test_two_officers_who_say_the_same_open_a_sandbox(bare):
    first = bare.carry_out(ONE, calls.open_sandbox(s.plan()))
    assert w.events(first) == ["SandboxProposed"]
    assert sandboxes.sandbox_count(bare.reader("sandboxes")) == 0
    assert s.refused(bare, ONE, *opening()) == "a second officer is needed"
    bare.carry_out(TWO, calls.open_sandbox(s.plan(uses_maximum=201)))
    assert sandboxes.sandbox_count(bare.reader("sandboxes")) == 0
    second = bare.carry_out(TWO, calls.open_sandbox(s.plan()))
    assert w.events(second) == ["SandboxOpened"]
    found = s.state(bare, 1)
    assert (found.zone, found.until, found.closed_in) == (Zone.FINANCE, s.END, 0)
    assert (found.authorizations_maximum, found.uses_maximum, found.uses_each) == (3, 200, 120)
    assert (found.authorizations, found.uses, found.admitted) == (0, 0, 0)
    assert sandboxes.sandbox(bare.reader("sandboxes"), 2) is None
    bare.carry_out(ONE, calls.open_sandbox(s.plan()))
    assert sandboxes.sandbox_count(bare.reader("sandboxes")) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"zone": 0}, "unknown zone"),
        ({"zone": 14}, "unknown zone"),
        ({"zone": Zone.WATER}, "outside the mandate"),
        ({"zone": max(Zone)}, "outside the mandate"),
        ({"purposes": 1}, "unknown purpose"),
        ({"purposes": 1 << 52}, "unknown purpose"),
        ({"authorizations_maximum": 0}, "caps out of range"),
        ({"authorizations_maximum": 33}, "caps out of range"),
        ({"uses_each": 0}, "caps out of range"),
        ({"uses_each": 201}, "caps out of range"),
        ({"uses_maximum": 2**32, "uses_each": 1}, "caps out of range"),
        ({"until": w.GENESIS_TIME}, "end out of range"),
        ({"until": w.GENESIS_TIME + 733 * w.DAY}, "end out of range"),
        ({"case_hash": ZERO_HASH}, "no case"),
    ],
)
def test_what_no_sandbox_is(bare, changes, reason):
    assert s.refused(bare, ONE, *opening(**changes)) == reason


def test_the_widest_and_the_narrowest_sandbox(bare):
    last = 1 << max(term.index for term in load()["purpose"])
    widest = {"authorizations_maximum": 32, "uses_maximum": 2**32 - 1, "uses_each": 2**32 - 1}
    until = bare.time + 2 * 366 * w.DAY
    number = s.open_one(bare, **widest, until=until, purposes=last)
    assert s.state(bare, number).uses_each == 2**32 - 1
    late = opening(until=bare.time + 2 * 366 * w.DAY + 2)
    assert s.refused(bare, ONE, *late) == "end out of range"
    narrow = {"authorizations_maximum": 1, "uses_maximum": 1, "uses_each": 1}
    number = s.open_one(bare, **narrow, until=bare.time + 3)
    assert s.state(bare, number).is_open(bare.time)
    at_once = opening(until=bare.time + 1)
    assert s.refused(bare, ONE, *at_once) == "end out of range"


def test_only_officers_rule_a_sandbox(world):
    rulings = (
        opening(uses_maximum=150),
        ("admit", s.SANDBOX, w.C),
        ("expel", s.SANDBOX, w.B, s.CASE),
        ("close", s.SANDBOX, s.CASE),
    )
    for sender in ("regulator.approver", "a.approver", "x"):
        for call in rulings:
            assert s.refused(world, sender, *call) == "not an officer"
    w.govern(world, set_mandate(w.REGULATOR, mask(Zone.WATER), 0))
    for call in rulings:
        assert s.refused(world, ONE, *call) == "outside the mandate"


def test_members_are_admitted_once_and_expelled_for_a_case(world):
    admitted = 1 << w.A | 1 << w.B
    assert s.state(world).admitted == admitted
    assert s.refused(world, ONE, "admit", s.SANDBOX, w.A) == "admitted already"
    assert s.refused(world, ONE, "admit", s.SANDBOX, 99) == "not an active member"
    assert s.refused(world, ONE, "admit", s.SANDBOX, 0) == "not an active member"
    assert s.refused(world, ONE, "admit", 7, w.C) == "not open"
    assert s.refused(world, ONE, "expel", s.SANDBOX, w.C, s.CASE) == "not admitted"
    assert s.refused(world, ONE, "expel", s.SANDBOX, 300, s.CASE) == "not admitted"
    assert s.refused(world, ONE, "expel", s.SANDBOX, w.B, ZERO_HASH) == "no case"
    sent = world.carry_out(TWO, calls.admit_to_sandbox(s.SANDBOX, w.C))
    assert w.events(sent) == ["SandboxMemberAdmitted"]
    sent = world.carry_out(TWO, calls.expel_from_sandbox(s.SANDBOX, w.C, s.CASE))
    assert w.events(sent) == ["SandboxMemberExpelled"]
    assert s.state(world).admitted == admitted


# Publishing ----


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sandbox": 2}, "not open"),
        ({"sandbox": 2**32}, "not open"),
        ({"zone": Zone.WATER}, "sandbox of another zone"),
    ],
)
def test_a_product_is_tried_in_an_open_sandbox_of_its_zone(world, changes, reason):
    offered = w.offering(**{"sandbox": s.SANDBOX, **changes})
    call = ("catalog", "publish", w.SALT, offered, *w.schema())
    assert world.refused("a.approver", *call) == f"sandboxes: {reason}"


def test_only_who_is_admitted_publishes_in_it(world):
    call = ("catalog", "publish", w.SALT, w.offering(sandbox=s.SANDBOX), *w.schema())
    assert world.refused("c.approver", *call) == "sandboxes: not admitted"
    world.time = s.END
    assert world.refused("a.approver", *call) == "sandboxes: not open"


def test_a_version_names_its_sandbox(world):
    summary = world.view("catalog", "summaryOf", w.product(), s.VERSION)
    assert sandboxes.sandbox_of(summary) == s.SANDBOX
    assert sandboxes.sandbox_of(world.view("catalog", "summaryOf", w.product(), 1)) == 0


# Granting ----


def test_what_becomes_active_is_counted(world):
    agreed = s.terms()
    w.request(world, agreed)
    assert (s.state(world).authorizations, s.state(world).uses) == (0, 0)
    sent = world.send("a.approver", *w.approving(agreed))
    assert w.events(sent) == [
        *("AuthorizationApproved", "AuthorizationActivated", "SandboxCounted"),
    ]
    assert (s.state(world).authorizations, s.state(world).uses) == (1, 50)
    identity, read = w.identifier(agreed), world.reader("sandboxes")
    assert sandboxes.counted(read, identity) == world.view("sandboxes", "countedOf", identity) == 50
    assert sandboxes.authorizations(read, s.SANDBOX) == (identity,)
    assert world.view("sandboxes", "authorizationAt", s.SANDBOX, 0) == identity
    w.open_lease(world, identity)


def test_at_once_it_is_counted_as_well(world):
    agreed = s.terms()
    signed = w.signature("a.approver", w.identifier(agreed))
    sent = world.send("b.approver", *w.requesting(agreed, signed))
    assert w.events(sent)[-1] == "SandboxCounted"
    assert s.state(world).uses == 50


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"valid_until": s.END + 1}, "terms outlast the sandbox"),
        ({"maximum_uses": 121}, "more uses than one may have"),
    ],
)
def test_terms_lie_within_the_sandbox(world, changes, reason):
    assert s.request(world, **changes) == f"sandboxes: {reason}"
    fits = {"valid_until": s.END, "maximum_uses": 120}
    assert s.request(world, **{name: fits[name] for name in changes}) == ""


def test_both_sides_are_admitted(world):
    other = s.terms(consumer=w.C)
    assert world.refused("c.approver", *w.requesting(other)) == "sandboxes: not admitted"
    world.carry_out(ONE, calls.expel_from_sandbox(s.SANDBOX, w.A, s.CASE))
    assert s.request(world) == "sandboxes: not admitted"


def test_caps_hold_and_nothing_gives_back(world):
    s.grant(world, maximum_uses=120)
    identity = s.grant(world, maximum_uses=79, nonce=1)
    assert s.request(world, maximum_uses=2, nonce=2) == "sandboxes: uses exhausted"
    reason = Reason.PROVIDER_WITHDREW
    world.send("a.approver", "authorizations", "revoke", identity, reason, ZERO_HASH)
    assert s.request(world, maximum_uses=2, nonce=2) == "sandboxes: uses exhausted"
    s.grant(world, maximum_uses=1, nonce=3)
    assert s.request(world, maximum_uses=1, nonce=4) == "sandboxes: too many authorizations"
    found = s.state(world)
    assert (found.authorizations, found.uses) == (3, 200)


def test_what_was_asked_before_the_cap_was_reached_does_not_pass_it(world):
    waiting = s.terms(maximum_uses=100, nonce=9)
    w.request(world, waiting)
    s.grant(world, maximum_uses=110)
    told = world.refused("a.approver", *w.approving(waiting))
    assert told == "sandboxes: uses exhausted"


def test_an_expelled_or_late_request_is_not_approved(world):
    agreed = s.terms()
    w.request(world, agreed)
    world.carry_out(ONE, calls.expel_from_sandbox(s.SANDBOX, w.B, s.CASE))
    assert world.refused("a.approver", *w.approving(agreed)) == "sandboxes: not admitted"
    world.carry_out(ONE, calls.admit_to_sandbox(s.SANDBOX, w.B))
    world.carry_out(ONE, calls.close_sandbox(s.SANDBOX, s.CASE))
    assert world.refused("a.approver", *w.approving(agreed)) == "sandboxes: not open"


# Amending ----


def test_an_amendment_counts_what_it_adds_and_no_authorization(world):
    first = s.terms()
    s.grant(world)
    more, call = amending(first, maximum_uses=80)
    world.send("b.approver", *call)
    sent = world.send("a.approver", *w.approving(more))
    assert w.events(sent)[-1] == "SandboxCounted"
    found = s.state(world)
    assert (found.authorizations, found.uses) == (1, 80)
    assert sandboxes.counted(world.reader("sandboxes"), w.identifier(first)) == 80


def test_fewer_uses_and_then_more_are_not_counted_twice_nor_given_back(world):
    first = s.terms(maximum_uses=100)
    s.grant(world, maximum_uses=100)
    for number, (uses, counted) in enumerate(((20, 100), (90, 100), (110, 110))):
        more, call = amending(first, maximum_uses=uses)
        world.send("b.approver", *call)
        world.send("a.approver", *w.approving(more))
        assert s.state(world).uses == counted, number
        # The next one amends this.
        first = more
    assert s.state(world).authorizations == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"maximum_uses": 121}, "sandboxes: more uses than one may have"),
        ({"maximum_uses": 101}, "sandboxes: uses exhausted"),
        ({"valid_until": s.END + 1}, "sandboxes: terms outlast the sandbox"),
        ({"product_version": 1}, "lineage: another sandbox than before"),
    ],
)
def test_no_amendment_gets_round_the_bounds(world, changes, reason):
    s.grant(world, maximum_uses=100, nonce=5)
    s.grant(world)
    _, call = amending(s.terms(), **changes)
    assert world.refused("b.approver", *call) == reason


def test_nothing_enters_a_sandbox_by_an_amendment(world):
    outside = w.terms(nonce=7)
    w.request(world, outside)
    world.send("a.approver", *w.approving(outside))
    terms, call = amending(outside, product_version=s.VERSION, maximum_uses=10)
    told = refuse_amendment(terms, outside, w.identifier(outside), (s.SANDBOX, 0), w.CHAIN_ID)
    assert world.refused("b.approver", *call) == "lineage: another sandbox than before" == told
    second = s.open_one(world, case_hash=keccak256(b"another case"))
    s.admit(world, second, w.A, w.B)
    version = s.publish(world, second)
    s.grant(world)
    _, call = amending(s.terms(), product_version=version)
    assert world.refused("b.approver", *call) == "lineage: another sandbox than before"


def test_the_next_version_in_the_same_sandbox_goes_on(world):
    version = s.publish(world, s.SANDBOX)
    s.grant(world)
    more, call = amending(s.terms(), product_version=version)
    world.send("b.approver", *call)
    world.send("a.approver", *w.approving(more))
    assert (s.state(world).authorizations, s.state(world).uses) == (1, 50)


def test_what_is_shared_onward_counts_again_and_needs_its_consumer_admitted(world):
    parent = s.terms(right=OwnerRight.OPERATING, recipients=1 << w.C)
    w.request(world, parent)
    world.send("a.approver", *w.approving(parent))
    child = shared_with_c(parent)
    call = ("grants", "requestUpon", words(child), [words(parent)], [])
    assert world.refused("c.approver", *call) == "sandboxes: not admitted"
    s.admit(world, s.SANDBOX, w.C)
    world.send("c.approver", *call)
    world.send("b.approver", *w.approving(child))
    assert (s.state(world).authorizations, s.state(world).uses) == (2, 55)
