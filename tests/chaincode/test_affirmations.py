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


def signed(world, terms, signer="subject", at=None):
    """Dated now, where no other time is given."""
    at = world.time if at is None else at
    digest = affirmations.affirmation_digest(w.identifier(terms), at, w.CHAIN_ID)
    assert world.view("affirmations", "affirmationHash", w.identifier(terms), at) == digest
    return calls.reaffirm_consent(terms, at, w.signature(signer, digest))


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
    at = world.time
    done = world.carry_out("c.gateway", signed(world, terms))
    assert w.events(done) == ["ConsentReaffirmed"]
    assert due(world, terms) == at + WITHIN
    world.time = terms.valid_from + WITHIN
    assert refused(world, "nobody", calls.suspend_unaffirmed(terms)) == "not overdue"


def test_a_signature_reaffirms_once(world, terms):
    call = signed(world, terms)
    world.carry_out("nobody", call)
    assert refused(world, "nobody", call) == "not later than the last"
    world.carry_out("nobody", signed(world, terms))


def test_a_signature_is_of_its_date_and_no_other(world, terms):
    at = world.time
    digest = affirmations.affirmation_digest(w.identifier(terms), at, w.CHAIN_ID)
    call = calls.reaffirm_consent(terms, at + 1, w.signature("subject", digest))
    assert refused(world, "nobody", call) == "not who consented"


def test_what_was_signed_before_the_last_counts_no_more(world, terms):
    """Carried in late it would put back what the subject has said since."""
    world.time += 1_000
    earlier = signed(world, terms, at=world.time - 500)
    world.carry_out("nobody", signed(world, terms))
    assert refused(world, "nobody", earlier) == "not later than the last"


@pytest.mark.parametrize("own", [False, True])
def test_a_signature_is_carried_in_within_seven_days_and_not_before_its_date(world, terms, own):
    """Its date is when consent was reaffirmed, not when somebody carried it in."""
    at = world.time + 1_000
    call = calls.reaffirm_consent(terms, at) if own else signed(world, terms, at=at)
    late = world.copy()
    world.time = at - 2
    assert refused(world, "subject", call) == "dated in the future"
    world.carry_out("subject", call)
    assert due(world, terms) == at + WITHIN
    late.time = at + 7 * w.DAY
    assert refused(late, "subject", call) == "dated too long ago"
    late.time = at + 7 * w.DAY - 1
    late.carry_out("subject", call)
    assert due(late, terms) == at + WITHIN


def test_the_subject_itself_needs_no_signature(world, terms):
    overdue(world, terms)
    world.carry_out("subject", calls.reaffirm_consent(terms, world.time))
    assert status(world, terms) == AuthorizationStatus.ACTIVE


def test_nobody_reaffirms_for_the_subject(world, terms):
    for sender in ("a.approver", "b.approver", "stranger"):
        own = calls.reaffirm_consent(terms, world.time)
        assert refused(world, sender, own) == "not who consented"
        assert refused(world, "nobody", signed(world, terms, sender)) == "not who consented"
    broken = calls.reaffirm_consent(terms, world.time, bytes(65))
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
    now = world.time
    for call in (calls.suspend_unaffirmed(w.terms()), calls.reaffirm_consent(w.terms(), now)):
        assert refused(world, "nobody", call) == "no subject consents"


def test_only_terms_in_force_are_reaffirmed(world, terms):
    other = replace(terms, nonce=77)
    call = calls.reaffirm_consent(other, world.time)
    assert refused(world, "subject", call) == "not terms in force"
    asked = replace(terms, nonce=78)
    w.request(world, asked)
    call = calls.reaffirm_consent(asked, world.time)
    assert refused(world, "subject", call) == "not terms in force"


def test_only_affirmations_speaks_for_subjects(world, terms):
    call = ("authorizations", "setAffirmed", w.identifier(terms), False)
    assert world.refused("a.approver", *call) == "authorizations: only affirmations"


def test_the_twin_reads_where_the_contract_writes():
    assert load("affirmations").layout["affirmed"] == affirmations.AFFIRMED
