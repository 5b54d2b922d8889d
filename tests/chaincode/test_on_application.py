"""Nobody uses data that are open on application before its office approved: each way is tried."""

from dataclasses import replace

import pytest

from node.errors import IntegrityError
from node.sdk import applications as calls
from node.spec import applications
from node.spec.terms import words
from node.spec.vocabulary import (
    AuthorizationStatus,
    MemberKind,
    OwnerRight,
    purpose,
)
from tests.chaincode import offices
from tests.chaincode import world as w
from tests.chaincode.offices import (
    CHECKING,
    DOCUMENT,
    SCORE,
    TEXT,
    apply,
    approve,
    refuse,
    request,
)
from tests.chaincode.test_onward import shared_with_c


@pytest.fixture
def world():
    return offices.market()


# Publication ----


@pytest.mark.parametrize("kind", [kind for kind in MemberKind if kind != MemberKind.AUDITOR])
def test_only_public_providers_open_on_application(kind):
    world = w.construct(*offices.kinds(a=kind))
    offered = (w.SALT, w.offering(on_application=True), *w.schema())
    told = world.attempt("a.approver", "catalog", "publish", *offered)
    public = kind in (MemberKind.GOVERNMENT_OFFICE, MemberKind.PUBLIC_SERVICE_OPERATOR)
    assert told == ("" if public else "catalog: only public data are open on application")
    world.send("a.approver", "catalog", "publish", w.SALT, w.offering(), *w.schema())


def test_a_version_says_that_it_is_open_on_application(world):
    summary = world.view("catalog", "summaryOf", w.product(), 1)
    assert applications.is_on_application(summary)
    version = offices.publish(world, on_application=False)
    summary = world.view("catalog", "summaryOf", w.product(), version)
    assert not applications.is_on_application(summary)


# What it guards ----


def test_nothing_is_granted_before_the_application_is_approved(world):
    missing = "grants: no approved application"
    assert request(world) == missing
    number = apply(world)
    assert request(world) == missing
    world.carry_out("a.approver", calls.ask_supplement(number, TEXT))
    assert request(world) == missing
    world.carry_out("b.approver", calls.file_supplement(number, DOCUMENT))
    approve(world, number)
    assert request(world) == ""
    world.send("a.approver", *w.approving(w.terms()))
    identity = w.identifier(w.terms())
    assert world.authorization(identity).status == AuthorizationStatus.ACTIVE
    w.open_lease(world, identity)


@pytest.mark.parametrize("end", ["refused", "lapsed", "withdrawn"])
def test_what_was_not_approved_lets_nothing_through(world, end):
    number = apply(world)
    if end == "refused":
        refuse(world, number)
    elif end == "withdrawn":
        world.carry_out("b.approver", calls.withdraw_application(number))
    else:
        world.carry_out("a.approver", calls.ask_supplement(number, TEXT))
        world.time += 60 * w.DAY
        world.carry_out("x", calls.lapse_application(number))
    until = world.time + 10 * w.DAY
    assert request(world, valid_until=until) == "grants: no approved application"


def test_an_approval_is_for_its_applicant_version_and_purpose(world):
    second = offices.publish(world)
    approve(world, apply(world, wanted=SCORE))
    assert request(world, purpose=SCORE) == ""
    missing = "grants: no approved application"
    assert request(world, purpose=CHECKING, nonce=1) == missing
    assert request(world, purpose=SCORE, product_version=second, nonce=1) == missing
    other = w.terms(consumer=w.C, purpose=SCORE)
    assert world.refused("c.approver", *w.requesting(other)) == missing


def test_an_approval_of_a_parent_purpose_covers_its_children(world):
    approve(world, apply(world, wanted=CHECKING))
    assert request(world, purpose=SCORE) == ""
    assert request(world, purpose=purpose("FraudManagement"), nonce=1) == (
        "grants: no approved application"
    )


def test_terms_end_no_later_than_the_approval(world):
    until = world.time + 10 * w.DAY
    approve(world, apply(world), until)
    assert request(world, valid_until=until + 1) == "grants: no approved application"
    assert request(world, valid_until=until) == ""


def test_it_is_asked_again_at_each_approval(world):
    until = world.time + 20 * w.DAY
    approve(world, apply(world), until)
    agreed = w.terms(valid_until=until)
    w.request(world, agreed)
    shorter = apply(world)
    approve(world, shorter, world.time + 5 * w.DAY)
    assert world.refused("a.approver", *w.approving(agreed)) == "grants: no approved application"
    approve(world, apply(world), until)
    world.send("a.approver", *w.approving(agreed))
    assert world.authorization(w.identifier(agreed)).status == AuthorizationStatus.ACTIVE


def test_what_is_shared_onward_needs_an_application_too(world):
    approve(world, apply(world))
    parent = w.terms(right=OwnerRight.OPERATING, recipients=1 << w.C)
    w.request(world, parent)
    world.send("a.approver", *w.approving(parent))
    child = shared_with_c(parent)
    asked = ("grants", "requestUpon", words(child), [words(parent)], [])
    assert world.refused("c.approver", *asked) == "grants: no approved application"
    approve(world, apply(world, "c.approver"))
    world.send("c.approver", *asked)


def test_a_renewal_outlasts_no_approval(world):
    until = world.time + 30 * w.DAY
    approve(world, apply(world), until)
    first = w.terms(valid_until=until - 100)
    w.request(world, first)
    world.send("a.approver", *w.approving(first))
    more = replace(first, amends=w.identifier(first), valid_until=until + 1, nonce=1)
    asked = ("grants", "requestUpon", words(more), [words(first)], [])
    assert world.refused("b.approver", *asked) == "grants: no approved application"
    approve(world, apply(world), until + w.DAY)
    world.send("b.approver", *asked)


def test_other_products_ask_for_no_application(world):
    version = offices.publish(world, on_application=False)
    assert request(world, product_version=version) == ""


# Reading ----


def test_the_decision_in_force_at_a_block_is_found_from_state(world):
    place = applications.place(w.product(), 1, w.B, CHECKING)
    read = world.reader("applications")

    def at(block):
        return [number for number, _ in applications.in_force(read, place, block)]

    assert at(world.number) == []
    first = apply(world)
    approve(world, first)
    decided = world.number
    refuse(world, apply(world))
    third = apply(world)
    short = world.time + 5 * w.DAY
    approve(world, third, short)
    assert (at(decided - 1), at(decided), at(decided + 1)) == ([], [first], [first])
    # Within a block state does not tell what came first, so both may have counted.
    assert (at(world.number), at(world.number + 1)) == ([third, first], [third])
    wanted = applications.places(w.product(), 1, w.B, SCORE)
    assert wanted[1:] == (place,)
    long = short + w.DAY
    for until, block, expected in (
        (short, world.number + 1, third),
        (long, world.number + 1, None),
        (long, world.number - 1, first),
        (short, decided - 1, None),
    ):
        found = applications.covering(read, wanted, until, block)
        assert (found and found[0]) == expected
    assert not applications.is_too_long(read, wanted)


def test_a_chain_that_is_too_long_says_so(world, monkeypatch):
    for _ in range(3):
        approve(world, apply(world))
    read, wanted = world.reader("applications"), applications.places(w.product(), 1, w.B, CHECKING)
    monkeypatch.setattr(applications, "CHAIN_MAX", 3)
    assert applications.is_too_long(read, wanted)
    assert applications.covering(read, wanted, world.time, 1) is None


def test_a_chain_of_applications_that_is_none_is_not_read(world):
    number = apply(world)
    place = applications.place(w.product(), 1, w.B, CHECKING)
    read = world.reader("applications")
    slots = applications.slots_of_application(number)
    for changed in ({slots[1]: w.C}, {slots[7]: number}, {slots[0]: 9}):
        with pytest.raises(IntegrityError, match="applications: "):
            list(applications.chain(lambda slot, c=changed: c.get(slot, read(slot)), place))
