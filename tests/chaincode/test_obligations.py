"""What is deleted late must show, and what is held must not count as late, so clocks are tried."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.sdk import disputes
from node.sdk import obligations as calls
from node.sdk.governance import set_mandate
from node.spec import obligations
from node.spec.crypto import keccak256
from node.spec.types import ZERO_HASH
from node.spec.usage import close_digest, lease_id
from node.spec.vocabulary import (
    FreezeGround,
    MemberKind,
    ObligationKind,
    ObligationStatus,
    Reason,
    Role,
    Zone,
    mask,
    purpose,
)
from tests.chaincode import world as w

PROOF = keccak256(b"proof")
WITHIN = 2 * 168 * w.FLOOR
DELETE = ObligationKind.DELETE_DATA


def prepared():
    """A market with an officer whose mandate has its zone."""
    world = w.market()
    officer = (w.account("regulator.officer"), mask(Role.SENDER, Role.OFFICER))
    world.send("regulator.governor", "members", "admitAccount", *officer)
    w.govern(world, set_mandate(w.REGULATOR, mask(Zone.FINANCE), mask(MemberKind.BANK)))
    return world


@pytest.fixture
def world():
    return prepared()


def ended(world, reason=Reason.PROVIDER_WITHDREW, **changes):
    """An authorization that the provider revoked, which opens its deletion."""
    identity = w.grant(world, **changes)
    evidence = PROOF if reason == Reason.SUBJECT_WITHDREW else ZERO_HASH
    world.send("a.approver", "authorizations", "revoke", identity, reason, evidence)
    return identity


def key(identity, kind=DELETE, member=w.B, version=1):
    return obligations.end_id(kind, identity, member, version)


def imposed(identity, kind):
    return obligations.obligation_id(kind, identity, w.A, PROOF)


def state(world, identifier):
    found = obligations.obligation(world.reader("obligations"), identifier)
    if found is not None:
        hold = obligations.hold(world.reader("obligations"), found.authorization)
        told = world.view("obligations", "dueOf", identifier)
        assert found.late_at(hold, world.time) == told
        assert hold.holds(world.time) is world.view("obligations", "isHeld", found.authorization)
    return found


def due(world, identifier):
    assert state(world, identifier) is not None
    return world.view("obligations", "dueOf", identifier)


def refused(world, sender, call):
    method, *values = call
    return world.refused(sender, "obligations", method, *values).removeprefix("obligations: ")


def certify(identity, leases=0):
    return calls.certify_deletion(identity, leases, PROOF, PROOF)


def test_deletion_is_due_after_retention_and_certified(world):
    identity = ended(world, retention_days=10)
    version = (1).to_bytes(32, "big")
    named = world.view("obligations", "obligationId", DELETE, identity, w.B, version)
    assert named == key(identity)
    owed = state(world, key(identity))
    assert (owed.kind, owed.member, owed.status) == (DELETE, w.B, ObligationStatus.OWED)
    assert owed.due == world.time + 10 * w.DAY + WITHIN
    done = world.carry_out("b.approver", certify(identity))
    assert w.events(done) == ["ObligationFulfilled", "DeletionCertified"]
    assert state(world, key(identity)).status == ObligationStatus.FULFILLED
    again = ("certifyDeletion", identity, 0, PROOF, PROOF)
    assert refused(world, "b.approver", again) == "not owed"
    assert refused(world, "nobody", ("markOverdue", key(identity))) == "not owed"


def test_after_expiry_retention_runs_from_the_end_of_validity(world):
    identity = w.grant(world, retention_days=3)
    assert refused(world, "nobody", ("openDeletion", identity)) == (
        "the authorization has not ended"
    )
    until = w.terms().valid_until
    world.time = until + 5 * w.DAY
    world.carry_out("nobody", calls.open_deletion(identity))
    assert state(world, key(identity)).due == until + 3 * w.DAY + WITHIN
    assert refused(world, "nobody", ("openDeletion", identity)) == "opened already"


def test_what_never_was_in_force_obliges_to_nothing(world):
    identity = w.request(world, w.terms())
    for wanted in (identity, ZERO_HASH):
        told = refused(world, "nobody", ("openDeletion", wanted))
        assert told == "the authorization has not ended"
    world.time = w.terms().valid_until
    assert refused(world, "nobody", ("openDeletion", identity)) == (
        "the authorization was never in force"
    )


def personal(world, reason, **changes):
    agreed = w.personal_terms(retention_days=100, **changes)
    identity = w.request(world, agreed)
    signed = w.signature("subject", identity)
    world.send("a.approver", *w.approving(agreed, signed))
    world.send("a.approver", "authorizations", "revoke", identity, reason, PROOF)
    return identity


def test_a_withdrawal_ends_retention_at_once_and_salts_stay_with_the_records(world):
    identity = personal(world, Reason.SUBJECT_WITHDREW)
    now = world.time
    assert state(world, key(identity)).due == now + WITHIN
    for member in (w.A, w.B):
        salt = state(world, key(identity, ObligationKind.DESTROY_SALT, member))
        assert salt.due == now + 3 * 366 * w.DAY + WITHIN
    identity = personal(world, Reason.PROVIDER_WITHDREW, nonce=1)
    assert state(world, key(identity)).due == world.time + 100 * w.DAY + WITHIN


def test_records_against_money_laundering_are_kept_ten_years(world):
    counter = purpose("CounterMoneyLaundering")
    identity = personal(world, Reason.PROVIDER_WITHDREW, purpose=counter)
    salt = state(world, key(identity, ObligationKind.DESTROY_SALT, w.A))
    assert salt.due == world.time + 10 * 366 * w.DAY + WITHIN


@pytest.mark.parametrize(
    "name",
    ["AntiMoneyLaunderingCompliance", "AntiMoneyLaunderingManagement", "CounterMoneyLaundering"],
)
def test_the_contract_knows_the_purposes_of_ten_years(name):
    assert purpose(name) in (2, 3, 44)


def test_a_certificate_covers_all_leases_once_they_are_closed(world):
    identity = w.grant(world)
    lease = w.open_lease(world, identity)
    revoke = ("authorizations", "revoke", identity, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    call = ("certifyDeletion", identity, 1, PROOF, PROOF)
    assert refused(world, "b.approver", call) == "leases are not closed"
    digest = close_digest(lease, 0, lease, w.CHAIN_ID)
    world.send("a.gateway", "leases", "close", identity, 1, 0, lease, *w.both(digest))
    for values, reason in (
        ((0, PROOF, PROOF), "not all leases"),
        ((2, PROOF, PROOF), "not all leases"),
        ((1, ZERO_HASH, PROOF), "no evidence"),
        ((1, PROOF, ZERO_HASH), "no evidence"),
    ):
        assert refused(world, "b.approver", ("certifyDeletion", identity, *values)) == reason
    assert refused(world, "a.approver", call) == "not the consumer"
    assert refused(world, "b.gateway", call) == "not an approver"
    world.carry_out("b.approver", certify(identity, 1))


def test_late_is_late_for_whoever_says_so_and_stays_late(world):
    identity = ended(world)
    late = due(world, key(identity))
    world.time = late - 2
    assert refused(world, "nobody", ("markOverdue", key(identity))) == "not late"
    done = world.carry_out("nobody", calls.mark_overdue(key(identity)))
    assert w.events(done) == ["ObligationOverdue"]
    assert state(world, key(identity)).status == ObligationStatus.OVERDUE
    assert refused(world, "nobody", ("markOverdue", key(identity))) == "not owed"
    world.carry_out("b.approver", certify(identity))
    assert state(world, key(identity)).status == ObligationStatus.FULFILLED_LATE
    other = ended(world, nonce=1, valid_until=world.time + 9 * w.DAY)
    world.time = due(world, key(other))
    world.carry_out("b.approver", certify(other))
    assert state(world, key(other)).status == ObligationStatus.FULFILLED_LATE


def hold(world, identity, until):
    return world.carry_out("regulator.officer", calls.hold_deletion(identity, PROOF, until))


def test_an_officers_hold_stops_the_clock_and_ends_by_itself(world):
    identity = ended(world)
    before = due(world, key(identity))
    assert w.events(hold(world, identity, world.time + 30 * w.DAY)) == ["DeletionHeld"]
    began = world.time
    call = ("certifyDeletion", identity, 0, PROOF, PROOF)
    assert refused(world, "b.approver", call) == "deletion is held"
    world.time = began + 30 * w.DAY - 3
    assert refused(world, "nobody", ("markOverdue", key(identity))) == "deletion is held"
    world.time += 1
    held = 30 * w.DAY - 1
    assert due(world, key(identity)) == before + held
    world.time = before + held - 2
    assert refused(world, "nobody", ("markOverdue", key(identity))) == "not late"
    world.carry_out("nobody", calls.mark_overdue(key(identity)))


def test_a_hold_is_lifted_and_laid_on_again(world):
    identity = ended(world)
    before = due(world, key(identity))
    hold(world, identity, world.time + 30 * w.DAY)
    world.time += 99
    hold(world, identity, 0)
    assert due(world, key(identity)) == before + 100
    world.time += 500
    hold(world, identity, world.time + 50)
    world.time += 500
    assert due(world, key(identity)) == before + 100 + 49
    hold(world, identity, 0)
    assert due(world, key(identity)) == before + 100 + 49


def used_up(world, identity, lease):
    """Settle one use of a lease and close it."""
    receipt = w.receipt(world, lease, 1, lease)
    signed = w.both(w.hashed(receipt))
    world.send("a.gateway", "leases", "settle", identity, 1, w.plain(receipt), *signed)
    digest = close_digest(lease, 1, w.hashed(receipt), w.CHAIN_ID)
    last = w.hashed(receipt)
    world.send("a.gateway", "leases", "close", identity, 1, 1, last, *w.both(digest))


def test_a_dispute_holds_until_it_is_over(world):
    identity = w.grant(world)
    lease = w.open_lease(world, identity)
    used_up(world, identity, lease)
    revoke = ("authorizations", "revoke", identity, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    before = due(world, key(identity))
    opening = disputes.open_dispute(identity, 1, range(1, 2), w.EXCHANGE, PROOF)
    world.carry_out("b.approver", opening)
    world.time += 1_000
    call = ("certifyDeletion", identity, 1, PROOF, PROOF)
    assert refused(world, "b.approver", call) == "deletion is held"
    world.carry_out("b.approver", disputes.withdraw_dispute(1))
    assert due(world, key(identity)) == before + 1_002
    world.carry_out("b.approver", certify(identity, 1))
    assert lease_id(identity, 1) == lease


def test_only_officers_within_their_mandate_hold(world):
    identity = ended(world)
    until = world.time + w.DAY
    assert refused(world, "a.approver", ("hold", identity, PROOF, until)) == "not an officer"
    for wanted, case, end, reason in (
        (ZERO_HASH, PROOF, until, "outside the mandate"),
        (identity, ZERO_HASH, until, "no case"),
        (identity, PROOF, world.time + 367 * w.DAY, "date out of range"),
    ):
        assert refused(world, "regulator.officer", ("hold", wanted, case, end)) == reason
    w.govern(world, set_mandate(w.REGULATOR, mask(Zone.MEDICAL), 0))
    call = ("hold", identity, PROOF, world.time + 1)
    assert refused(world, "regulator.officer", call) == "outside the mandate"
    assert refused(world, "a.approver", ("holdForDispute", identity, True)) == "only disputes"


def test_a_regulator_imposes_informing_and_compensating(world):
    identity = w.grant(world)
    for kind in (ObligationKind.INFORM, ObligationKind.COMPENSATE):
        call = calls.impose_obligation(kind, identity, w.A, world.time + w.DAY, PROOF)
        assert w.events(world.carry_out("regulator.approver", call)) == ["ObligationOpened"]
        owed = imposed(identity, kind)
        assert refused(world, "b.approver", ("fulfil", owed, PROOF)) == "owed by another member"
        assert refused(world, "a.approver", ("fulfil", owed, ZERO_HASH)) == "no evidence"
        hold(world, identity, world.time + 30 * w.DAY)
        late = world.time + w.DAY
        assert due(world, owed) < late
    world.carry_out("a.approver", calls.fulfil_obligation(owed, PROOF))
    assert state(world, owed).status == ObligationStatus.FULFILLED
    inform = imposed(identity, ObligationKind.INFORM)
    world.time += w.DAY
    world.carry_out("nobody", calls.mark_overdue(inform))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": ObligationKind.DELETE_DATA}, "not a kind that is imposed"),
        ({"kind": 9}, "not a kind that is imposed"),
        ({"authorization": ZERO_HASH}, "not a side"),
        ({"member": w.C}, "not a side"),
        ({"evidence": ZERO_HASH}, "no evidence"),
        ({"due": 1}, "date out of range"),
        ({"due": 2**40}, "date out of range"),
    ],
)
def test_an_obligation_that_cannot_be_imposed(world, changes, reason):
    given = {
        "kind": ObligationKind.INFORM,
        "authorization": w.grant(world),
        "member": w.A,
        "due": world.time + w.DAY,
        "evidence": PROOF,
    }
    values = tuple({**given, **changes}.values())
    assert refused(world, "regulator.approver", ("impose", *values)) == reason
    told = refused(world, "a.approver", ("impose", *values))
    assert told == "not an approver of a regulator"


def test_salts_are_destroyed_by_each_holder_and_not_while_held(world):
    identity = personal(world, Reason.PROVIDER_WITHDREW)
    salt = key(identity, ObligationKind.DESTROY_SALT, w.A)
    hold(world, identity, world.time + w.DAY)
    assert refused(world, "a.approver", ("fulfil", salt, PROOF)) == "deletion is held"
    hold(world, identity, 0)
    world.carry_out("a.approver", calls.fulfil_obligation(salt, PROOF))
    deletion = ("fulfil", key(identity), PROOF)
    assert refused(world, "b.approver", deletion) == "deletion is certified"


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=8))
def test_invariant_of_the_clock(steps):
    """Whatever is held and lifted, a deletion is late exactly as much later as it was held."""
    world = _held_world.copy()
    identity = w.identifier(w.terms())
    first, held = due(world, key(identity)), 0
    for pause, seconds in steps:
        world.time += pause
        hold(world, identity, world.time + 1 + seconds)
        world.time += seconds
        hold(world, identity, 0)
        held += seconds
        assert due(world, key(identity)) == first + held


def _held():
    world = prepared()
    ended(world)
    return world


_held_world = _held()


def test_an_end_opens_deletion_once(world):
    identity = w.grant(world, maximum_uses=1)
    lease = w.open_lease(world, identity, uses=1)
    used_up(world, identity, lease)
    world.carry_out("nobody", calls.open_deletion(identity))
    opened = due(world, key(identity))
    done = world.send(
        "b.approver", "authorizations", "revoke", identity, Reason.CONSUMER_TERMINATED, ZERO_HASH
    )
    assert w.events(done) == ["AuthorizationTerminated"]
    assert due(world, key(identity)) == opened
    for method in ("openAtEnd", "openDeletion"):
        told = refused(world, "nobody", (method, identity))
        assert told == {"openAtEnd": "only authorizations"}.get(method, "opened already")


def test_a_freeze_of_the_authorization_holds_until_it_is_over_or_lifted(world):
    identity = w.grant(world)
    until = world.time + 1_000
    freeze = ("freezeAuthorization", identity, FreezeGround.FRAUD, PROOF, until)
    done = world.send("regulator.officer", "supervision", *freeze)
    assert w.events(done) == ["FreezeOrdered", "AuthorizationFrozen", "DeletionHeld"]
    revoke = ("authorizations", "revoke", identity, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    opened = world.send("a.approver", *revoke)
    assert w.events(opened) == ["AuthorizationRevoked", "ObligationOpened"]
    before = due(world, key(identity))
    assert refused(world, "b.approver", ("certifyDeletion", identity, 0, PROOF, PROOF)) == (
        "deletion is held"
    )
    world.time += 100
    assert due(world, key(identity)) == before + 101, "a refused call takes a second too"
    lift = ("supervision", "lift", "authorization", int.from_bytes(identity))
    world.send("regulator.officer", *lift)
    held = due(world, key(identity))
    world.time += 100
    assert due(world, key(identity)) == held
    world.carry_out("b.approver", certify(identity))
    call = ("holdForFreeze", identity, w.REGULATOR, PROOF, 0)
    assert refused(world, "regulator.officer", call) == "only supervision"
