"""What an end obliges to belongs to the terms that ended: it is owed anew after each renewal."""

from dataclasses import replace

import pytest

from node.sdk import disputes
from node.sdk import obligations as calls
from node.spec import registry
from node.spec.terms import revocation_digest, words
from node.spec.types import ZERO_HASH
from node.spec.usage import close_digest
from node.spec.vocabulary import (
    AuthorizationStatus,
    DeliveryMode,
    ObligationKind,
    ObligationStatus,
    Reason,
    Ruling,
)
from tests.chaincode import world as w
from tests.chaincode.test_obligations import (
    PROOF,
    WITHIN,
    certify,
    due,
    hold,
    key,
    prepared,
    refused,
    state,
    used_up,
)

FIRST = w.terms(maximum_uses=1, retention_days=10)
IDENTITY = w.identifier(FIRST)
RENEWED = replace(
    FIRST,
    amends=IDENTITY,
    maximum_uses=2,
    retention_days=20,
    valid_until=FIRST.valid_until + 300 * w.DAY,
)
PERSONAL = w.personal_terms(retention_days=100)
PERSON = w.identifier(PERSONAL)
SALT = ObligationKind.DESTROY_SALT


@pytest.fixture
def world():
    return prepared()


def granted(world, terms=FIRST):
    identity = w.request(world, terms)
    signed = [w.signature("subject", identity)] if terms.subject_mode else []
    world.send("a.approver", *w.approving(terms, *signed))
    return identity


def exhausted(world):
    """An authorization whose one use was made, and its deletion opened."""
    identity = granted(world)
    used_up(world, identity, w.open_lease(world, identity, uses=1))
    world.carry_out("nobody", calls.open_deletion(identity))
    return identity


def renew(world, terms=RENEWED, before=FIRST):
    signed = [w.signature("subject", w.identifier(terms))] if terms.subject_mode else []
    world.send("b.approver", "grants", "requestUpon", words(terms), [words(before)], signed)
    return w.events(world.send("a.approver", *w.approving(terms)))


def revoke(world, identity, reason=Reason.PROVIDER_WITHDREW, sender="a.approver"):
    call = ("authorizations", "revoke", identity, reason, PROOF)
    return w.events(world.send(sender, *call))


# Renewal ----


def test_each_version_that_ends_obliges_to_its_own_deletion(world):
    identity = exhausted(world)
    world.carry_out("b.approver", certify(identity, 1))
    assert renew(world) == ["AuthorizationApproved", "AuthorizationAmended"]
    assert state(world, key(identity)).status == ObligationStatus.FULFILLED
    lease = w.open_lease(world, identity, 2, uses=1)
    digest = close_digest(lease, 0, lease, w.CHAIN_ID)
    world.send("a.gateway", "leases", "close", identity, 2, 0, lease, *w.both(digest))
    assert revoke(world, identity) == ["AuthorizationRevoked", "ObligationOpened"]
    owed = state(world, key(identity, version=2))
    assert (owed.status, owed.due) == (
        ObligationStatus.OWED,
        world.time + 20 * w.DAY + WITHIN,
    )
    assert refused(world, "b.approver", ("certifyDeletion", identity, 1, PROOF, PROOF)) == (
        "not all leases"
    )
    world.carry_out("b.approver", certify(identity, 2))
    assert state(world, key(identity, version=2)).status == ObligationStatus.FULFILLED


@pytest.mark.parametrize("is_late", [False, True])
def test_renewal_supersedes_what_its_former_end_obliged_to(world, is_late):
    identity = exhausted(world)
    first = due(world, key(identity))
    if is_late:
        world.time = first
        world.carry_out("nobody", calls.mark_overdue(key(identity)))
    terms = replace(RENEWED, valid_from=world.time)
    done = renew(world, terms)
    assert done == ["AuthorizationApproved", "ObligationSuperseded", "AuthorizationAmended"]
    assert state(world, key(identity)).status == ObligationStatus.SUPERSEDED
    for call in (
        ("certifyDeletion", identity, 1, PROOF, PROOF),
        ("markOverdue", key(identity)),
    ):
        assert refused(world, "b.approver", call) == "not owed"
    world.time = terms.valid_until
    world.carry_out("nobody", calls.open_deletion(identity))
    assert due(world, key(identity, version=2)) == terms.valid_until + 20 * w.DAY + WITHIN
    assert refused(world, "nobody", ("openDeletion", identity)) == "opened already"


def test_renewal_supersedes_salts_too_and_not_one_that_is_destroyed(world):
    granted(world, PERSONAL)
    world.time = PERSONAL.valid_until
    world.carry_out("nobody", calls.open_deletion(PERSON))
    world.carry_out("a.approver", calls.fulfil_obligation(key(PERSON, SALT, w.A), PROOF))
    later = replace(PERSONAL, amends=PERSON, nonce=1, valid_until=PERSONAL.valid_until + 30 * w.DAY)
    done = renew(world, later, PERSONAL)
    assert done.count("ObligationSuperseded") == 2
    assert state(world, key(PERSON, SALT, w.A)).status == ObligationStatus.FULFILLED
    salt = key(PERSON, SALT, w.B)
    assert state(world, salt).status == ObligationStatus.SUPERSEDED
    assert refused(world, "b.approver", ("fulfil", salt, PROOF)) == "not owed"
    revoke(world, PERSON)
    for member in (w.A, w.B):
        assert state(world, key(PERSON, SALT, member, 2)).status == ObligationStatus.OWED


def test_an_amendment_in_force_supersedes_nothing(world):
    identity = granted(world)
    assert renew(world) == ["AuthorizationApproved", "AuthorizationAmended"]
    assert state(world, key(identity)) is None
    for sender in ("nobody", "a.approver"):
        assert refused(world, sender, ("supersede", identity, 1 << 248)) == "only authorizations"


# After expiry ----


def test_nobody_ends_what_has_expired_but_a_withdrawal(world):
    granted(world, PERSONAL)
    world.time = PERSONAL.valid_until
    for sender, reason in (
        ("a.approver", Reason.PROVIDER_WITHDREW),
        ("b.approver", Reason.CONSUMER_TERMINATED),
    ):
        call = ("authorizations", "revoke", PERSON, reason, ZERO_HASH)
        assert world.refused(sender, *call) == "authorizations: expired"
    signed = w.signature(
        "b.approver", revocation_digest(PERSON, Reason.CONSUMER_TERMINATED, w.CHAIN_ID)
    )
    call = ("refusals", "revokeSigned", words(PERSONAL), Reason.CONSUMER_TERMINATED, signed)
    assert world.refused("x", *call) == "authorizations: expired"
    found = world.authorization(PERSON)
    assert registry.status_at(found, world.time) == AuthorizationStatus.EXPIRED
    done = revoke(world, PERSON, Reason.SUBJECT_WITHDREW)
    assert done == ["AuthorizationRevoked", *["ObligationOpened"] * 3]


@pytest.mark.parametrize(("days", "counts_from"), [(30, 30), (400, 100)])
def test_a_withdrawal_after_expiry_ends_retention_and_never_lengthens_it(world, days, counts_from):
    granted(world, PERSONAL)
    until = PERSONAL.valid_until
    world.time = until + days * w.DAY - 1
    revoke(world, PERSON, Reason.SUBJECT_WITHDREW)
    assert state(world, key(PERSON)).due == until + counts_from * w.DAY + WITHIN
    assert state(world, key(PERSON, SALT, w.A)).due == until + 3 * 366 * w.DAY + WITHIN


def test_a_withdrawal_brings_forward_a_deletion_that_is_open(world):
    granted(world, PERSONAL)
    world.time = PERSONAL.valid_until
    world.carry_out("nobody", calls.open_deletion(PERSON))
    hold(world, PERSON, world.time + 5 * w.DAY)
    world.time += 6 * w.DAY
    done = revoke(world, PERSON, Reason.SUBJECT_WITHDREW)
    assert done == ["AuthorizationRevoked", "DeletionBroughtForward"]
    assert due(world, key(PERSON)) == world.time + WITHIN, "what held it before is counted"
    began = world.time
    hold(world, PERSON, world.time + w.DAY)
    world.time += 2 * w.DAY
    assert due(world, key(PERSON)) == began + WITHIN + w.DAY - 1


def test_a_withdrawal_moves_no_deletion_that_is_due_sooner_or_done(world):
    granted(world, PERSONAL)
    world.time = PERSONAL.valid_until
    world.carry_out("nobody", calls.open_deletion(PERSON))
    first = due(world, key(PERSON))
    certified = world.copy()
    certified.carry_out("b.approver", certify(PERSON))
    assert revoke(certified, PERSON, Reason.SUBJECT_WITHDREW) == ["AuthorizationRevoked"]
    assert state(certified, key(PERSON)).status == ObligationStatus.FULFILLED
    world.time = first - 10
    assert revoke(world, PERSON, Reason.SUBJECT_WITHDREW) == ["AuthorizationRevoked"]
    assert due(world, key(PERSON)) == first


def test_a_withdrawal_after_all_uses_brings_deletion_forward(world):
    terms = replace(PERSONAL, maximum_uses=1)
    identity = granted(world, terms)
    lease = w.open_lease(world, identity, uses=1, mode=DeliveryMode.FIELDS)
    receipt = w.receipt(world, lease, 1, lease, record_count=1)
    last = w.hashed(receipt)
    world.send("a.gateway", "leases", "settle", identity, 1, w.plain(receipt), *w.both(last))
    digest = close_digest(lease, 1, last, w.CHAIN_ID)
    world.send("a.gateway", "leases", "close", identity, 1, 1, last, *w.both(digest))
    world.carry_out("nobody", calls.open_deletion(identity))
    assert due(world, key(identity)) == world.time + 100 * w.DAY + WITHIN
    assert "DeletionBroughtForward" in revoke(world, identity, Reason.SUBJECT_WITHDREW)
    assert due(world, key(identity)) == world.time + WITHIN


def test_a_ruling_leaves_what_has_expired_and_is_final_all_the_same(world):
    identity = granted(world)
    used_up(world, identity, w.open_lease(world, identity, uses=1))
    opening = disputes.open_dispute(identity, 1, range(1, 2), w.EXCHANGE, PROOF)
    world.carry_out("b.approver", opening)
    world.carry_out("a.approver", disputes.answer_dispute(1, PROOF))
    ruling = disputes.rule_dispute(1, Ruling.UPHELD_ENDING, PROOF)
    world.carry_out("exchange.approver", ruling)
    world.time = FIRST.valid_until
    done = w.events(world.carry_out("nobody", disputes.end_dispute(1)))
    assert done == ["DeletionHeld", "DisputeEnded"]
    assert world.authorization(identity).ended is None


# Lapsed leases ----


@pytest.mark.parametrize("stated", [(), ("b",), ("a", "b")])
def test_a_lapsed_lease_bars_no_certificate_whoever_stated_its_uses(world, stated):
    identity = granted(world, replace(FIRST, maximum_uses=9))
    w.open_lease(world, identity, uses=1)
    revoke(world, identity)
    call = ("certifyDeletion", identity, 1, PROOF, PROOF)
    assert refused(world, "b.approver", call) == "leases are not closed"
    world.time += 2 * w.DAY
    world.send("nobody", "leases", "lapse", identity, 1)
    for side in stated:
        world.send(f"{side}.gateway", "closings", "stateUses", identity, 1, 1)
    assert world.authorization(identity).unaccounted == (len(stated) < 2)
    world.carry_out("b.approver", certify(identity, 1))
    assert state(world, key(identity)).status == ObligationStatus.FULFILLED
