"""A person's consent must not stand for years unsaid, nor be reaffirmed by anybody else."""

from dataclasses import replace

import pytest

from chaincode import load
from node.sdk import affirmations as calls
from node.sdk.governance import set_parameter
from node.spec import affirmations
from node.spec.terms import words
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import AuthorizationStatus, Parameter, Reason
from tests.chaincode import world as w

WITHIN = 100 * w.FLOOR


@pytest.fixture
def world():
    world = w.market()
    w.govern(world, set_parameter(Parameter.REAFFIRM_WITHIN, WITHIN))
    return world


@pytest.fixture
def terms(world):
    """In force since now, by the consent of one subject."""
    agreed = w.personal_terms(valid_from=world.time, valid_until=world.time + 20 * w.DAY)
    identity = w.request(world, agreed)
    world.send("a.approver", *w.approving(agreed, w.signature("subject", identity)))
    return agreed


def status(world, terms):
    return world.view("authorizations", "statusOf", w.identifier(terms))


def due(world, terms):
    """When consent is overdue, by the contract and by its Python twin."""
    told = world.view("affirmations", "dueOf", words(terms))
    since = affirmations.affirmed_at(world.reader("affirmations"), w.identifier(terms))
    assert affirmations.due(since, terms.valid_from, WITHIN) == told
    return told


def signed(world, terms, signer="subject"):
    since = affirmations.affirmed_at(world.reader("affirmations"), w.identifier(terms))
    digest = affirmations.affirmation_digest(w.identifier(terms), since, w.CHAIN_ID)
    assert world.view("affirmations", "affirmationHash", w.identifier(terms), since) == digest
    return calls.reaffirm_consent(terms, w.signature(signer, digest))


def refused(world, sender, call):
    with pytest.raises(w.Refusal) as caught:
        world.carry_out(sender, call)
    return str(caught.value).removeprefix("affirmations: ")


def overdue(world, terms):
    world.time = due(world, terms)
    return world.carry_out("nobody", calls.suspend_unaffirmed(terms))


def lease(world, terms, seconds=600):
    opening = w.opening(w.identifier(terms), world, mode=0, expires_at=world.time + seconds)
    return world.attempt("b.gateway", "leases", "open", opening, w.account("a.gateway"))


def test_what_nobody_reaffirmed_is_suspended_until_the_subject_does(world, terms):
    assert due(world, terms) == terms.valid_from + WITHIN
    world.time = due(world, terms) - 2
    assert refused(world, "nobody", calls.suspend_unaffirmed(terms)) == "not overdue"
    done = overdue(world, terms)
    assert w.events(done) == ["AuthorizationSuspended", "ConsentUnaffirmed"]
    assert status(world, terms) == AuthorizationStatus.SUSPENDED
    assert lease(world, terms) == "authorizations: not active"
    again = refused(world, "nobody", calls.suspend_unaffirmed(terms))
    assert again == "authorizations: not an approving party"
    done = world.carry_out("nobody", signed(world, terms))
    assert w.events(done) == ["AuthorizationResumed", "ConsentReaffirmed"]
    assert status(world, terms) == AuthorizationStatus.ACTIVE
    assert lease(world, terms) == ""


def test_reaffirmed_in_time_it_goes_on_and_the_time_begins_anew(world, terms):
    world.time += WITHIN // 2
    done = world.carry_out("c.gateway", signed(world, terms))
    assert w.events(done) == ["ConsentReaffirmed"]
    assert due(world, terms) == world.time + WITHIN
    world.time = terms.valid_from + WITHIN
    assert refused(world, "nobody", calls.suspend_unaffirmed(terms)) == "not overdue"


def test_a_signature_reaffirms_once(world, terms):
    call = signed(world, terms)
    world.carry_out("nobody", call)
    assert refused(world, "nobody", call) == "not who consented"
    world.carry_out("nobody", signed(world, terms))


def test_the_subject_itself_needs_no_signature(world, terms):
    overdue(world, terms)
    world.carry_out("subject", calls.reaffirm_consent(terms))
    assert status(world, terms) == AuthorizationStatus.ACTIVE


def test_nobody_reaffirms_for_the_subject(world, terms):
    for sender in ("a.approver", "b.approver", "stranger"):
        assert refused(world, sender, calls.reaffirm_consent(terms)) == "not who consented"
        assert refused(world, "nobody", signed(world, terms, sender)) == "not who consented"
    broken = calls.reaffirm_consent(terms, bytes(65))
    assert refused(world, "subject", broken) == "malformed signature"


def test_another_party_that_is_away_stays_away(world, terms):
    identity = w.identifier(terms)
    suspend = ("authorizations", "suspend", identity, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *suspend)
    overdue(world, terms)
    world.carry_out("nobody", signed(world, terms))
    assert status(world, terms) == AuthorizationStatus.SUSPENDED
    world.send("a.approver", "authorizations", "resume", identity)
    assert status(world, terms) == AuthorizationStatus.ACTIVE


def test_no_use_stands_on_a_block_in_which_consent_was_overdue(world, terms):
    assert lease(world, terms, seconds=2 * WITHIN) == ""
    identity = w.identifier(terms)
    overdue(world, terms)
    identifier = w.usage.lease_id(identity, 1)
    receipt = w.receipt(world, identifier, 1, identifier, used_at=terms.valid_from + 1)
    halves = w.both(w.hashed(receipt))
    told = world.refused("a.gateway", "leases", "settle", identity, 1, w.plain(receipt), *halves)
    assert told == "usage: used while suspended or frozen"


def test_an_authorization_that_ended_is_not_suspended(world, terms):
    world.time = due(world, terms)
    revoke = ("authorizations", "revoke", w.identifier(terms), Reason.CONSUMER_TERMINATED)
    world.send("b.approver", *revoke, ZERO_HASH)
    told = refused(world, "nobody", calls.suspend_unaffirmed(terms))
    assert told == "authorizations: not active"


def test_without_a_subject_there_is_nothing_to_reaffirm(world):
    w.grant(world)
    for call in (calls.suspend_unaffirmed(w.terms()), calls.reaffirm_consent(w.terms())):
        assert refused(world, "nobody", call) == "no subject consents"


def test_only_terms_in_force_are_reaffirmed(world, terms):
    other = replace(terms, nonce=77)
    assert refused(world, "subject", calls.reaffirm_consent(other)) == "not terms in force"
    asked = replace(terms, nonce=78)
    w.request(world, asked)
    assert refused(world, "subject", calls.reaffirm_consent(asked)) == "not terms in force"


def test_only_affirmations_speaks_for_subjects(world, terms):
    call = ("authorizations", "setAffirmed", w.identifier(terms), False)
    assert world.refused("a.approver", *call) == "authorizations: only affirmations"


def test_the_twin_reads_where_the_contract_writes():
    assert load("affirmations").layout["affirmed"] == affirmations.AFFIRMED
