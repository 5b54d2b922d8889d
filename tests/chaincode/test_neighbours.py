"""A lease's id is a sum, so nobody may reach one authorization's leases through another's name.

Each of these sequences once worked: a number chosen as the difference of two ids, an authorization
that never was beside one that ended, a child asked for before its parent became narrower.
"""

from dataclasses import replace

import pytest

from node.sdk import sealed as sdk
from node.sdk.governance import set_mandate
from node.spec import obligations, usage
from node.spec.crypto import keccak256
from node.spec.terms import words
from node.spec.types import ZERO_HASH, Hash32
from node.spec.vocabulary import FreezeGround, MemberKind, ObligationKind, Reason, Role, Zone, mask
from tests.chaincode import sealed
from tests.chaincode import world as w
from tests.chaincode.test_closing import NONE
from tests.chaincode.test_onward import CHILD, PARENT, asking, opening, shared

EVIDENCE = keccak256(b"evidence")
REVOKE = (Reason.PROVIDER_WITHDREW, ZERO_HASH)


@pytest.fixture
def world():
    return w.market()


@pytest.fixture
def two(world):
    return w.grant(world), w.grant(world, nonce=1)


def distance(lease, authorization):
    """The number by which an authorization would name a lease of another."""
    return (int.from_bytes(lease) - int.from_bytes(authorization)) % 2**256


def before(authorization, steps):
    """The id of no authorization, so many steps before one."""
    return Hash32((int.from_bytes(authorization) - steps).to_bytes(32, "big"))


def test_no_number_reaches_another_authorizations_lease(world, two):
    one, other = two
    lease = w.open_lease(world, one, uses=60)
    number = distance(lease, other)
    receipt = w.receipt(world, lease, 1, lease)
    halves = w.both(w.hashed(receipt))
    closing = w.both(usage.close_digest(lease, 0, lease, w.CHAIN_ID))
    for sender, *call in (
        ("x", "leases", "settle", other, number, w.plain(receipt), *halves),
        ("x", "leases", "close", other, number, 0, lease, *closing),
        ("x", "leases", "lapse", other, number),
        ("c.gateway", "closings", "closeAlone", other, number, w.plain(NONE), b"", b""),
        ("c.gateway", "closings", "answer", other, number, w.plain(receipt), *halves),
        ("x", "closings", "finalize", other, number),
        ("b.gateway", "closings", "stateUses", other, number, 0),
    ):
        assert world.refused(sender, *call) == "usage: no such lease"
    assert world.authorization(other).open == 0
    assert world.authorization(one).open == 1


def test_numbers_end_where_the_contract_stops_to_give_them(world, two):
    for number in (2**24, 2**32, 2**256 - 1):
        refused = world.refused("x", "leases", "lapse", two[0], number)
        assert refused == "usage: no such lease"
    assert world.refused("x", "leases", "lapse", two[0], 2**24 - 1) == "leases: not open"


def test_no_number_reaches_anothers_sealed_lease():
    world = sealed.consortium()
    one = sealed.grant(world)
    keys = [sdk.derive_key(keccak256(b"another"), salt) for salt in (b"provider", b"consumer")]
    provider, consumer = keys
    terms = sealed.sealed_terms(provider=provider.address, consumer=consumer.address)
    granting = sealed.granting(terms, provider=provider.private, consumer=consumer.private)
    world.carry_out("regulator.approver", granting)
    lease = sealed.open_lease(world, one)
    world.time = sealed.lease_state(world, lease).deadline + 1
    other = sealed.identity(terms)
    with pytest.raises(w.Refusal, match="usage: no such lease"):
        world.carry_out("regulator.officer", sdk.lapse_sealed(other, distance(lease, other)))


def test_an_authorization_that_never_was_settles_nothing(world, two):
    one, _ = two
    lease = w.open_lease(world, one)
    world.send("a.approver", "authorizations", "revoke", one, *REVOKE)
    receipt = w.receipt(world, lease, 1, lease)
    halves = w.both(w.hashed(receipt))
    call = ("leases", "settle", before(one, 5), 6, w.plain(receipt), *halves)
    assert world.refused("x", *call).startswith("usage: ")
    for closes in (False, True):
        last = w.hashed(receipt)
        ranges = [usage.UseRange(before(one, 5), 6, 1, 1, last, closes)]
        refused = world.refused("x", *w.settling(w.batch_of(ranges, [receipt]), ranges))
        assert refused in (
            "leases: state block at which no use was permitted",
            "authorizations: fewer leases are open",
        )
    assert world.view("authorizations", "boundOf", before(one, 5)) == 0
    assert world.view("authorizations", "boundFor", before(one, 5), 1, 1) == 0


def test_a_suspension_does_not_hide_that_the_subject_withdrew(world):
    agreed = w.personal_terms(retention_days=30)
    identity = w.request(world, agreed)
    world.send("a.approver", *w.approving(agreed, w.signature("subject", identity)))
    suspend = ("authorizations", "suspend", identity, Reason.FRAUD_SUSPECTED, ZERO_HASH)
    world.send("a.approver", *suspend)
    world.send("a.approver", "authorizations", "resume", identity)
    withdraw = ("authorizations", "revoke", identity, Reason.SUBJECT_WITHDREW, EVIDENCE)
    world.send("a.approver", *withdraw)
    owed = obligations.end_id(ObligationKind.DELETE_DATA, identity, w.B, 1)
    assert world.view("obligations", "dueOf", owed) == world.time + 2 * 168 * w.FLOOR


def parent(world):
    w.request(world, PARENT)
    world.send("a.approver", *w.approving(PARENT))
    return w.identifier(PARENT)


def test_a_child_takes_effect_under_the_parent_that_it_was_asked_for_within(world):
    identity = parent(world)
    world.send("c.approver", *asking(replace(CHILD, fields=0b111)))
    narrow = replace(PARENT, amends=identity, fields=0b1, recipients=0, nonce=5)
    signed = [w.signature("a.approver", w.identifier(narrow))]
    call = ("grants", "requestUpon", words(narrow), [words(PARENT)], signed)
    world.send("b.approver", *call)
    refused = world.refused("b.approver", *w.approving(replace(CHILD, fields=0b111)))
    assert refused == "authorizations: parent was amended since"


@pytest.mark.parametrize("how", ["revoke", "suspend"])
def test_a_childs_uses_stand_on_no_state_in_which_its_parent_was_away(world, how):
    identity = parent(world)
    child = shared(world)
    world.send("c.gateway", "leases", "open", *opening(world, child, expires_at=world.time + 9_000))
    lease = usage.lease_id(child, 1)
    kept = w.receipt(world, lease, 1, lease)
    halves = [w.signature(f"{x}.gateway", w.hashed(kept)) for x in "bc"]
    world.send("b.gateway", "leases", "settle", child, 1, w.plain(kept), *halves)
    world.send("a.approver", "authorizations", how, identity, *REVOKE)
    late = w.receipt(world, lease, 2, w.hashed(kept))
    halves = [w.signature(f"{x}.gateway", w.hashed(late)) for x in "bc"]
    call = ("leases", "settle", child, 1, w.plain(late), *halves)
    assert world.refused("b.gateway", *call).startswith("usage: ")
    assert world.view("authorizations", "boundOf", child) == world.number - 1


def test_while_a_freeze_lasts_no_receipt_dates_its_use_behind_it(world):
    officer = (w.account("regulator.officer"), mask(Role.SENDER, Role.OFFICER))
    world.send("regulator.governor", "members", "admitAccount", *officer)
    w.govern(world, set_mandate(w.REGULATOR, mask(Zone.FINANCE), mask(MemberKind.BANK)))
    identity = w.grant(world)
    lease = w.open_lease(world, identity, expires_at=world.time + w.DAY)
    until = world.time + 1_000
    freeze = ("freezeAuthorization", identity, FreezeGround.FRAUD, EVIDENCE, until)
    world.send("regulator.officer", "supervision", *freeze)
    receipt = w.receipt(world, lease, 1, lease, used_at=until)
    call = ("leases", "settle", identity, 1, w.plain(receipt), *w.both(w.hashed(receipt)))
    assert world.refused("a.gateway", *call) == "usage: used while suspended or frozen"
    world.time = until
    world.send("a.gateway", *call)


def test_a_leaf_in_anothers_batch_does_not_void_the_receipt_itself(world):
    identity = w.grant(world)
    lease = w.open_lease(world, identity)
    receipt = w.receipt(world, lease, 1, lease)
    ranges = [usage.UseRange(identity, 1, 1, 1, w.hashed(receipt), False)]
    good = w.batch_of(ranges, [receipt])
    w.anchor(world, good, ranges)
    agreed = w.terms(consumer=w.C)
    world.send("c.approver", *w.requesting(agreed))
    world.send("a.approver", *w.approving(agreed))
    mine = w.identifier(agreed)
    call = ("leases", "open", w.opening(mine, world), w.account("a.gateway"))
    world.send("c.gateway", *call)
    ranges = [usage.UseRange(mine, 1, 1, 1, w.hashed(receipt), False)]
    bad = w.batch_of(ranges, [receipt], consumer=w.C, highest_state_block=world.number)
    lists = w.plain(usage.pack_ranges(ranges))
    digest = usage.batch_id(bad, w.CHAIN_ID)
    halves = [w.signature(f"{x}.gateway", digest) for x in "ac"]
    world.send("x", "leases", "settleBatch", w.plain(bad), *lists, *halves)
    challenge = ("challenges", "challenge", w.plain(bad), *lists, w.plain(receipt), 0, [])
    assert w.events(world.send("x", *challenge)) == ["ReceiptVoided"]
    assert world.refused("x", *challenge) == "challenges: void already"
    assert not world.view("challenges", "isVoid", w.hashed(receipt))
    assert world.view("challenges", "isAnchored", w.plain(good), w.plain(receipt), 0, [])
    assert not world.view("challenges", "isAnchored", w.plain(bad), w.plain(receipt), 0, [])
