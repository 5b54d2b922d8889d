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
    end = acceptances.deadline(terms.valid_from, DAYS)
    assert world.view("acceptances", "deadlineOf", words(terms)) == end
    read = world.reader("acceptances")
    assert (acceptances.acceptance(read, w.identifier(terms), end, world.time) or 0) == told
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
    end = acceptances.deadline(TERMS.valid_from, DAYS)
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
    for call in (calls.accept_data(TERMS), calls.object_to_data(TERMS, EVIDENCE)):
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
    for terms in (TERMS, replace(TERMS, nonce=5)):
        told = refused(world, "b.approver", calls.accept_data(terms))
        assert told == "terms that never were in force"


def test_the_twin_reads_where_the_contract_writes():
    layout = load("acceptances").layout
    assert (layout["statuses"], layout["objections"]) == (
        acceptances.STATUSES,
        acceptances.OBJECTIONS,
    )
