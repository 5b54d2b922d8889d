"""Who asks to be erased is told dates and grounds, and what stood on consent goes sooner."""

from dataclasses import replace

import pytest

from node.sdk import disputes
from node.sdk import obligations as calls
from node.sdk.abi import decode_event
from node.spec.obligations import erasure_digest
from node.spec.terms import words
from node.spec.vocabulary import (
    ErasureGround,
    FreezeGround,
    LegalBasis,
    ObligationKind,
)
from tests.chaincode import world as w
from tests.chaincode.test_authorizations import malleable
from tests.chaincode.test_ends import PERSON, PERSONAL, granted, renew, revoke
from tests.chaincode.test_obligations import (
    PROOF,
    WITHIN,
    certify,
    due,
    hold,
    key,
    prepared,
    refused,
)

YEAR = 366 * w.DAY
SALT = ObligationKind.DESTROY_SALT


@pytest.fixture
def world():
    return prepared()


def wish(identity=PERSON, signer="subject"):
    return w.signature(signer, erasure_digest(identity, w.CHAIN_ID))


def asked(world, terms=PERSONAL, signature=None):
    """The answer to a subject's wish, which a stranger carries in."""
    identity = world.view("authorizations", "authorizationOf", w.identifier(terms))
    sent = world.carry_out("nobody", calls.ask_erasure(terms, signature or wish(identity)))
    event = decode_event("obligations", sent.logs[-1])
    assert event.name == "ErasureAnswered"
    return event.values


def ended(world, terms=PERSONAL):
    """An authorization of a person that the provider revoked."""
    identity = granted(world, terms)
    revoke(world, identity)
    return identity


def test_a_wish_ends_the_retention_of_what_stood_on_consent(world):
    identity = ended(world)
    assert due(world, key(identity)) == world.time + 100 * w.DAY + WITHIN
    salts = due(world, key(identity, SALT))
    answer = asked(world)
    assert answer["account"] == "0x" + w.account("subject").hex()
    assert answer["data"] == ErasureGround.NOTHING
    assert answer["dataDue"] == due(world, key(identity)) == world.time + WITHIN
    assert answer["records"] == ErasureGround.RECORD_KEEPING
    assert answer["recordsDue"] == due(world, key(identity, SALT)) == salts


def test_a_wish_opens_what_an_end_by_time_obliges_to(world):
    identity = granted(world, PERSONAL)
    world.time = PERSONAL.valid_until + w.DAY
    answer = asked(world)
    assert answer["dataDue"] == due(world, key(identity)) == world.time + WITHIN


def test_what_stood_on_another_ground_stays_as_long_as_agreed(world):
    terms = replace(PERSONAL, legal_basis=LegalBasis.CONTRACT)
    identity = ended(world, terms)
    until = due(world, key(identity))
    answer = asked(world, terms)
    assert (answer["data"], answer["dataDue"]) == (ErasureGround.AGREED_RETENTION, until)
    world.time = until - WITHIN
    assert asked(world, terms)["data"] == ErasureGround.NOTHING


def test_a_wish_is_answered_again_and_moves_nothing_again(world):
    ended(world)
    first = asked(world)
    world.time += w.DAY
    assert asked(world) == first


def test_what_holds_deletion_is_the_ground(world):
    identity = granted(world, PERSONAL)
    lease = w.open_lease(world, identity, mode=0)
    receipt = w.receipt(world, lease, 1, lease, record_count=1)
    settle = (identity, 1, w.plain(receipt), *w.both(w.hashed(receipt)))
    world.send("a.gateway", "leases", "settle", *settle)
    freeze = (identity, FreezeGround.FRAUD, PROOF, world.time + w.DAY)
    world.send("regulator.officer", "supervision", "freezeAuthorization", *freeze)
    revoke(world, identity)
    hold(world, identity, world.time + YEAR)
    world.carry_out(
        "b.approver", disputes.open_dispute(identity, 1, range(1, 2), w.REGULATOR, PROOF)
    )
    assert asked(world)["data"] == ErasureGround.OPEN_DISPUTE
    world.carry_out("b.approver", disputes.withdraw_dispute(1))
    assert asked(world)["data"] == ErasureGround.RUNNING_FREEZE
    world.time += w.DAY
    answer = asked(world)
    assert answer["data"] == answer["records"] == ErasureGround.OPEN_INSPECTION


def test_what_is_erased_is_said_to_be(world):
    identity = ended(world)
    world.carry_out("b.approver", certify(identity, 0))
    assert asked(world)["data"] == ErasureGround.ERASED
    for name, member in (("a", w.A), ("b", w.B)):
        assert asked(world)["records"] == ErasureGround.RECORD_KEEPING
        salt = key(identity, SALT, member)
        world.carry_out(f"{name}.approver", calls.fulfil_obligation(salt, PROOF))
    assert asked(world)["records"] == ErasureGround.ERASED


def test_what_is_in_force_is_withdrawn_from_instead(world):
    granted(world, PERSONAL)
    assert denied(world, PERSONAL, wish()) == "the authorization has not ended"


def denied(world, terms, signature):
    return refused(world, "nobody", ("askErasure", words(terms), signature))


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        malleable(wish()),
        wish(signer="b.approver"),
        wish(identity=w.identifier(w.terms())),
        w.signature("subject", PERSON),
    ],
)
def test_nobody_else_asks(world, signature):
    ended(world)
    assert denied(world, PERSONAL, signature) == "not the subject"


def test_the_subject_itself_asks_unsigned_and_where_there_is_none_nobody(world):
    ended(world)
    sent = world.carry_out("subject", calls.ask_erasure(PERSONAL))
    assert w.events(sent) == ["DeletionBroughtForward", "ErasureAnswered"]
    firm = w.terms(nonce=3)
    ended(world, firm)
    assert denied(world, firm, wish(w.identifier(firm))) == "not the subject"


def test_only_the_terms_in_force_at_the_end_are_shown(world):
    identity = granted(world, PERSONAL)
    more = replace(PERSONAL, amends=identity, nonce=9, retention_days=30)
    renew(world, more, PERSONAL)
    revoke(world, identity)
    assert denied(world, PERSONAL, wish()) == "not terms in force"
    assert asked(world, more)["data"] == ErasureGround.NOTHING


def test_the_twin_signs_what_the_contract_asks(world):
    assert world.view("obligations", "erasureHash", PERSON) == erasure_digest(PERSON, w.CHAIN_ID)
