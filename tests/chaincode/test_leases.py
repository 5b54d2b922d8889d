"""A lease must never count less than what was used, nor allow more than what was granted."""

import pytest

from node.spec import registry, usage
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import DeliveryMode, LeaseStatus, Reason, Role, mask, purpose
from tests.chaincode import world as w


@pytest.fixture
def world():
    return w.market()


@pytest.fixture
def authorization(world):
    return w.grant(world)


@pytest.fixture
def lease(world, authorization):
    return w.open_lease(world, authorization)


def state(world, lease):
    return world.lease(lease)


def counted(world, authorization):
    return world.authorization(authorization).counted


def settle(authorization, receipt, signatures=None):
    signed = signatures or w.both(w.hashed(receipt))
    return ("leases", "settle", authorization, 1, w.plain(receipt), *signed)


def test_what_opening_fixes(world, authorization, lease):
    found = state(world, lease)
    assert found.lease == world.view("leases", "leaseId", authorization, 1) == lease
    assert (found.uses, found.settled, found.claimed) == (10, 0, 0)
    assert (found.purpose, found.mode) == (purpose("CreditScoreEvaluation"), DeliveryMode.QUERY)
    assert (found.opened_at, found.status) == (world.number, LeaseStatus.OPEN)
    assert (found.provider, found.consumer) == (w.A, w.B)
    assert found.provider_key == w.account("a.gateway")
    assert found.consumer_key == w.account("b.gateway")
    assert (found.fields, found.last, found.stated) == (0, lease, (None, None))
    assert counted(world, authorization) == 10
    word, fields, last = world.view("leases", "record", lease)
    assert (word & 0xFFFFFFFF, fields, last) == (10, 0, ZERO_HASH)
    assert world.view("leases", "place", lease) == (word, lease)
    assert (found.version, found.deadline) == (1, found.expires_at + w.FLOOR)
    assert registry.serves(found, world.time)
    assert not registry.serves(found, found.expires_at)
    assert world.lease(ZERO_HASH) is None


def test_a_narrower_lease_keeps_its_fields(world, authorization):
    lease = w.open_lease(world, authorization, fields=0b10)
    assert state(world, lease).fields == 0b10


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"uses": 0}, "no uses"),
        ({"uses": 101}, "uses exhausted"),
        ({"uses": 2**256 - 1}, "uses exhausted"),
        ({"purpose": purpose("FraudManagement")}, "purpose not granted"),
        ({"purpose": 0}, "purpose not granted"),
        ({"purpose": 2**200}, "purpose not granted"),
        ({"fields": 0b1000}, "field not granted"),
        ({"fields": 0b1111}, "field not granted"),
        ({"mode": DeliveryMode.MODEL}, "mode not granted"),
        ({"mode": 255}, "mode not granted"),
        ({"authorization": ZERO_HASH}, "not active"),
        ({"expires_at": w.GENESIS_TIME + 31 * w.DAY}, "lease ends after the authorization"),
    ],
)
def test_a_lease_outside_the_terms_is_refused(world, authorization, changes, reason):
    opening = w.opening(authorization, world, **changes)
    refused = world.refused("b.gateway", "leases", "open", opening, w.account("a.gateway"))
    assert refused == f"authorizations: {reason}"


def test_a_granted_child_purpose_does_not_cover_its_parent(world):
    authorization = w.grant(world, purpose=purpose("CreditScoreEvaluation"))
    wrong = w.opening(authorization, world, purpose=purpose("CreditChecking"))
    refused = world.refused("b.gateway", "leases", "open", wrong, w.account("a.gateway"))
    assert refused == "authorizations: purpose not granted"
    w.open_lease(world, authorization)


def test_only_gateways_of_the_two_open(world, authorization):
    opening = w.opening(authorization, world)
    for sender, provider, reason in (
        ("b.approver", "a.gateway", "not a gateway"),
        ("b.gateway", "a.approver", "not a gateway"),
        ("c.gateway", "a.gateway", "not the consumer's gateway"),
        ("b.gateway", "c.gateway", "not the provider's gateway"),
    ):
        refused = world.refused(sender, "leases", "open", opening, w.account(provider))
        assert refused == f"leases: {reason}"
    past = w.opening(authorization, world, expires_at=world.time)
    assert world.refused("b.gateway", "leases", "open", past, w.account("a.gateway")) == (
        "leases: ends before it begins"
    )


def test_eight_open_leases_at_most(world, authorization):
    for number in range(1, 9):
        w.open_lease(world, authorization, number, uses=1)
    opening = w.opening(authorization, world, uses=1)
    refused = world.refused("b.gateway", "leases", "open", opening, w.account("a.gateway"))
    assert refused == "authorizations: too many open leases"


def test_many_leases_open_in_one_transaction_or_none(world):
    grants = [w.grant(world, nonce=nonce) for nonce in range(3)]
    openings = [w.opening(grant, world) for grant in grants]
    bad = [*openings[:2], w.opening(grants[2], world, uses=101)]
    many = ("leases", "openMany")
    assert world.refused("b.gateway", *many, bad, w.account("a.gateway")) == (
        "authorizations: uses exhausted"
    )
    assert world.refused("b.gateway", *many, [], w.account("a.gateway")) == (
        "leases: nothing to open"
    )
    world.send("b.gateway", *many, openings, w.account("a.gateway"))
    assert all(state(world, usage.lease_id(grant, 1)).uses == 10 for grant in grants)


def test_not_before_validity_nor_after_it(world):
    early = w.grant(world, valid_from=world.time + w.DAY, nonce=1)
    opening = w.opening(early, world)
    assert world.refused("b.gateway", "leases", "open", opening, w.account("a.gateway")) == (
        "authorizations: not yet valid"
    )
    world.time += 30 * w.DAY
    opening = w.opening(early, world)
    assert world.refused("b.gateway", "leases", "open", opening, w.account("a.gateway")) == (
        "authorizations: expired"
    )


def test_receipts_settle_one_after_another(world, authorization, lease):
    first, second = w.chain(world, lease, 2)
    assert world.refused("a.gateway", *settle(authorization, second)) == "leases: not the next use"
    outcome = world.send("a.gateway", *settle(authorization, first))
    assert w.events(outcome) == ["ReceiptSettled"]
    assert world.refused("a.gateway", *settle(authorization, first)) == "leases: not the next use"
    world.send("c.gateway", *settle(authorization, second))
    assert (state(world, lease).settled, state(world, lease).last) == (2, w.hashed(second))
    broken = w.receipt(world, lease, 3, w.hashed(first))
    assert world.refused("a.gateway", *settle(authorization, broken)) == (
        "leases: does not follow the last receipt"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lease": ZERO_HASH}, "receipt of another lease"),
        ({"kind": 2}, "unknown kind of receipt"),
        ({"kind": 1}, "a void use delivered records"),
        ({"state_block": 1}, "state block before the lease opened"),
        ({"state_block": 10**6}, "state block in the future"),
        ({"used_at": w.GENESIS_TIME + 5 * w.DAY}, "used after the lease expired"),
    ],
)
def test_a_receipt_that_contradicts_its_lease(world, authorization, lease, changes, reason):
    bad = w.receipt(world, lease, 1, lease, **changes)
    assert world.refused("a.gateway", *settle(authorization, bad)) == f"usage: {reason}"


def test_one_record_in_a_use_of_fields(world):
    authorization = w.request(world, w.personal_terms())
    signed = w.signature("subject", authorization)
    world.send("a.approver", *w.approving(w.personal_terms(), signed))
    lease = w.open_lease(world, authorization, mode=DeliveryMode.FIELDS)
    two = w.receipt(world, lease, 1, lease, record_count=2)
    assert world.refused("a.gateway", *settle(authorization, two)) == (
        "usage: more than one record in a use of fields"
    )
    world.send(
        "a.gateway", *settle(authorization, w.receipt(world, lease, 1, lease, record_count=1))
    )


def test_no_more_uses_than_reserved(world, authorization):
    lease = w.open_lease(world, authorization, uses=1)
    first, second = w.chain(world, lease, 2)
    world.send("a.gateway", *settle(authorization, first))
    assert world.refused("a.gateway", *settle(authorization, second)) == (
        "usage: more uses than the lease reserved"
    )


def test_both_keys_of_the_lease_must_sign(world, authorization, lease):
    receipt = w.receipt(world, lease, 1, lease)
    good = w.both(w.hashed(receipt))
    stranger = w.signature("c.gateway", w.hashed(receipt))
    for pair, reason in (
        ((stranger, good[1]), "not the provider's signature"),
        ((good[0], stranger), "not the consumer's signature"),
        ((good[1], good[0]), "not the provider's signature"),
        ((b"", good[1]), "not the provider's signature"),
        ((good[0], bytes(65)), "not the consumer's signature"),
    ):
        refused = world.refused("a.gateway", *settle(authorization, receipt, pair))
        assert refused == f"usage: {reason}"


@pytest.mark.parametrize(("side", "word"), [("a", "provider's"), ("b", "consumer's")])
def test_nothing_settles_by_a_compromised_key(world, authorization, lease, side, word):
    gateway = w.account(f"{side}.gateway")
    revoke = (f"{side}.governor", "members", "revokeAccount", gateway)
    receipts = w.chain(world, lease, 2)
    world.send(*revoke, Reason.CREDENTIAL_EXPIRED)
    world.send("c.gateway", *settle(authorization, receipts[0]))
    world.send(*revoke, Reason.KEY_COMPROMISED)
    refused = world.refused("c.gateway", *settle(authorization, receipts[1]))
    assert refused == f"usage: {word} key is compromised"


@pytest.mark.parametrize(("side", "word"), [("a", "provider's"), ("b", "consumer's")])
def test_a_new_key_of_the_member_seconds_a_compromised_one(world, authorization, lease, side, word):
    """R17: whoever stole a key settles nothing with it; its member still can, with a new key."""
    receipts = w.chain(world, lease, 2)
    revoke = ("members", "revokeAccount", w.account(f"{side}.gateway"), Reason.KEY_COMPROMISED)
    world.send(f"{side}.governor", *revoke)
    for name, role in (("new", Role.GATEWAY), ("other", Role.APPROVER)):
        admit = (w.account(f"{side}.{name}"), mask(Role.SENDER, role))
        world.send(f"{side}.governor", "members", "admitAccount", *admit)

    def signed(receipt, second):
        digest = w.hashed(receipt)
        pair = dict(zip("ab", w.both(digest), strict=True))
        pair[side] += second(digest)
        return settle(authorization, receipt, tuple(pair.values()))

    seconds = (
        lambda digest: bytes(65),
        lambda digest: w.signature(f"{side}.gateway", digest),
        lambda digest: w.signature(f"{side}.other", digest),
        lambda digest: w.signature("c.gateway", digest),
        lambda digest: w.signature(f"{side}.new", w.hashed(receipts[1])),
        lambda digest: w.signature(f"{side}.new", digest)[:-1],
    )
    for second in seconds[:-1]:
        refused = world.refused("c.gateway", *signed(receipts[0], second))
        assert refused == f"usage: {word} key is compromised"
    refused = world.refused("c.gateway", *signed(receipts[0], seconds[-1]))
    assert refused == f"usage: not the {word} signature"
    for receipt in receipts:
        sound = signed(receipt, lambda digest: w.signature(f"{side}.new", digest))
        world.send("c.gateway", *sound)
    assert world.lease(lease).settled == 2


def test_a_second_signature_beside_a_sound_key_is_refused(world, authorization, lease):
    receipt = w.receipt(world, lease, 1, lease)
    good = w.both(w.hashed(receipt))
    refused = world.refused("a.gateway", *settle(authorization, receipt, (good[0] * 2, good[1])))
    assert refused == "usage: not the provider's signature"


def test_a_use_before_the_end_settles_after_it_and_none_after(world, authorization, lease):
    before = w.receipt(world, lease, 1, lease)
    revoke = ("authorizations", "revoke", authorization, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    opening = w.opening(authorization, world)
    assert world.refused("b.gateway", "leases", "open", opening, w.account("a.gateway")) == (
        "authorizations: not active"
    )
    world.send("a.gateway", *settle(authorization, before))
    after = w.receipt(world, lease, 2, w.hashed(before))
    assert world.refused("a.gateway", *settle(authorization, after)) == (
        "usage: state block after the authorization ended"
    )


def test_settling_ends_with_its_own_deadline(world, authorization, lease):
    receipt = w.receipt(world, lease, 1, lease)
    world.time = state(world, lease).expires_at + w.FLOOR
    assert world.refused("a.gateway", *settle(authorization, receipt)) == (
        "leases: past the settling deadline"
    )
    world.time = state(world, lease).expires_at + w.FLOOR - 1
    world.send("a.gateway", *settle(authorization, receipt))
