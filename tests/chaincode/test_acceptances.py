"""Who received bad data must be able to say so in time, and who says nothing has accepted."""

from dataclasses import replace

import pytest

from chaincode import load
from node.sdk import acceptances as calls
from node.spec import acceptances
from node.spec.crypto import keccak256
from node.spec.terms import words
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import AcceptanceStatus
from tests.chaincode import world as w

EVIDENCE = keccak256(b"a column is empty")
DAYS = 10
TERMS = w.terms()
DIGEST = w.identifier(TERMS)


@pytest.fixture
def world():
    return w.market()


@pytest.fixture
def granted(world):
    w.grant(world)
    return world


def status(world, terms=TERMS):
    """What stands, by the contract and by its Python twin."""
    told = world.view("acceptances", "statusOf", words(terms))
    read, digest = world.reader("acceptances"), w.identifier(terms)
    end = acceptances.deadline(terms.valid_from, acceptances.begun_at(read, digest), DAYS)
    assert world.view("acceptances", "deadlineOf", words(terms)) == end
    origin = world.view("authorizations", "authorizationOf", digest)
    was_in_force = world.view("authorizations", "limitsOf", origin) != 0
    found = acceptances.acceptance(read, digest, end if was_in_force else None, world.time)
    assert (found or 0) == told
    return told


def refused(world, sender, call):
    with pytest.raises(w.Refusal) as caught:
        world.carry_out(sender, call)
    return str(caught.value).removeprefix("acceptances: ")


def test_a_consumer_accepts_once(granted):
    assert status(granted) == 0
    done = granted.carry_out("b.approver", calls.accept_data(TERMS))
    assert w.events(done) == ["DataAccepted"]
    assert status(granted) == AcceptanceStatus.ACCEPTED
    assert refused(granted, "b.approver", calls.accept_data(TERMS)) == "accepted already"
    objection = calls.object_to_data(TERMS, EVIDENCE)
    assert refused(granted, "b.approver", objection) == "said already"


def test_an_objection_is_answered_and_then_accepted_after_all(granted):
    objection = calls.object_to_data(TERMS, EVIDENCE)
    done = granted.carry_out("b.approver", objection)
    assert w.events(done) == ["DataObjected"]
    assert status(granted) == AcceptanceStatus.OBJECTED
    counted = acceptances.objections_to(granted.reader("acceptances"), w.product(), 1)
    assert counted == granted.view("acceptances", "objectionsTo", w.product(), 1) == 1
    assert refused(granted, "b.approver", objection) == "said already"
    early = refused(granted, "b.approver", calls.accept_data(TERMS))
    assert early == "the objection awaits its answer"
    answer = calls.answer_objection(TERMS, EVIDENCE)
    assert w.events(granted.carry_out("a.approver", answer)) == ["ObjectionAnswered"]
    assert refused(granted, "a.approver", answer) == "awaits no answer"
    granted.time += 2 * DAYS * w.DAY
    assert status(granted) == AcceptanceStatus.ANSWERED
    granted.carry_out("b.approver", calls.accept_data(TERMS))
    assert status(granted) == AcceptanceStatus.ACCEPTED


def test_silence_is_acceptance_from_the_very_second_on(granted):
    end = acceptances.deadline(TERMS.valid_from, 0, DAYS)
    late = granted.copy()
    granted.time = end - 2
    granted.carry_out("b.approver", calls.object_to_data(TERMS, EVIDENCE))
    late.time = end - 1
    told = refused(late, "b.approver", calls.object_to_data(TERMS, EVIDENCE))
    assert told == "the period is over"
    late.time = end
    assert status(late) == AcceptanceStatus.ACCEPTED


def test_a_product_without_a_period_is_accepted_as_it_is(world):
    published = (w.SALT, w.offering(acceptance_days=0), *w.schema())
    world.send("a.approver", "catalog", "publish", *published)
    world.send("exchange.approver", "catalog", "approve", w.product(), 2)
    w.grant(world, product_version=2)
    terms = w.terms(product_version=2)
    told = refused(world, "b.approver", calls.object_to_data(terms, EVIDENCE))
    assert told == "the period is over"


def test_terms_that_amend_have_a_period_of_their_own(granted):
    granted.carry_out("b.approver", calls.accept_data(TERMS))
    more = replace(TERMS, amends=DIGEST, maximum_uses=200, nonce=9)
    signed = [w.signature("a.approver", w.identifier(more))]
    granted.send("b.approver", "grants", "requestUpon", words(more), [words(TERMS)], signed)
    assert status(granted, more) == 0
    done = granted.carry_out("b.approver", calls.object_to_data(more, EVIDENCE))
    assert w.events(done) == ["DataObjected"]
    assert status(granted) == AcceptanceStatus.ACCEPTED


@pytest.mark.parametrize("sender", ["a.approver", "c.approver", "b.gateway", "nobody"])
def test_only_the_consumer_speaks_of_what_it_received(granted, sender):
    begin = calls.begin_acceptance(TERMS)
    for call in (begin, calls.accept_data(TERMS), calls.object_to_data(TERMS, EVIDENCE)):
        assert refused(granted, sender, call) == "not an approver of that side"


def test_only_the_provider_answers_and_with_evidence(granted):
    answer = calls.answer_objection(TERMS, EVIDENCE)
    assert refused(granted, "a.approver", answer) == "awaits no answer"
    empty = calls.object_to_data(TERMS, ZERO_HASH)
    assert refused(granted, "b.approver", empty) == "no evidence"
    granted.carry_out("b.approver", calls.object_to_data(TERMS, EVIDENCE))
    assert refused(granted, "b.approver", answer) == "not an approver of that side"
    empty = calls.answer_objection(TERMS, ZERO_HASH)
    assert refused(granted, "a.approver", empty) == "no evidence"


def test_what_never_was_in_force_is_not_accepted(world):
    w.request(world, TERMS)
    world.time = TERMS.valid_from + (DAYS + 1) * w.DAY
    for terms in (TERMS, replace(TERMS, nonce=5)):
        for call in (calls.accept_data(terms), calls.begin_acceptance(terms)):
            told = refused(world, "b.approver", call)
            assert told == "terms that never were in force"
        assert status(world, terms) == 0


def test_an_amendment_that_was_never_approved_is_not_accepted(granted):
    more = replace(TERMS, amends=DIGEST, maximum_uses=200, nonce=9)
    granted.time = TERMS.valid_from + (DAYS + 1) * w.DAY
    assert status(granted) == AcceptanceStatus.ACCEPTED
    assert status(granted, more) == 0


def approved_late(world):
    """The last party approves once the period would be over."""
    w.request(world, TERMS)
    world.time = TERMS.valid_from + (DAYS + 1) * w.DAY
    world.send("a.approver", *w.approving(TERMS))


def test_a_consumer_begins_a_period_that_was_over_before_the_terms_took_effect(world):
    approved_late(world)
    assert status(world) == AcceptanceStatus.ACCEPTED
    done = world.carry_out("b.approver", calls.begin_acceptance(TERMS))
    assert w.events(done) == ["AcceptanceBegun"]
    assert status(world) == 0
    end = world.time + DAYS * w.DAY
    late = world.copy()
    w.open_lease(world, DIGEST)
    world.time = end - 2
    world.carry_out("b.approver", calls.object_to_data(TERMS, EVIDENCE))
    late.time = end
    assert status(late) == AcceptanceStatus.ACCEPTED


def test_a_period_is_not_begun_once_data_may_have_come_or_something_was_said(world):
    approved_late(world)
    said = world.copy()
    w.open_lease(world, DIGEST)
    begin = calls.begin_acceptance(TERMS)
    assert refused(world, "b.approver", begin) == "a lease was opened"
    said.carry_out("b.approver", calls.accept_data(TERMS))
    assert refused(said, "b.approver", begin) == "said already"


def test_a_period_does_not_begin_before_the_terms(world):
    terms = w.terms(valid_from=world.time + w.DAY)
    w.grant(world, valid_from=terms.valid_from)
    world.carry_out("b.approver", calls.begin_acceptance(terms))
    world.time = terms.valid_from + DAYS * w.DAY - 1
    assert status(world, terms) == 0
    world.time += 1
    assert status(world, terms) == AcceptanceStatus.ACCEPTED


def test_the_twin_reads_where_the_contract_writes():
    layout = load("acceptances").layout
    assert layout["statuses"] == acceptances.STATUSES
    assert layout["objections"] == acceptances.OBJECTIONS
    assert layout["begun"] == acceptances.BEGUN
