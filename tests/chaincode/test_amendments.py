"""An amendment changes what may be done next, never what was done: counts and open leases stay."""

from dataclasses import replace

import pytest

from node.spec import usage
from node.spec.amendments import refuse_amendment
from node.spec.crypto import keccak256
from node.spec.terms import words
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import AuthorizationStatus, OwnerRight, Party, RatePeriod, Reason, mask
from tests.chaincode import world as w

FIRST = w.terms()
MORE = replace(
    FIRST,
    amends=w.identifier(FIRST),
    maximum_uses=200,
    valid_until=FIRST.valid_until + 300 * w.DAY,
    answer_within=2 * w.FLOOR,
    fields=0b1,
)


@pytest.fixture
def world():
    world = w.market()
    w.request(world, FIRST)
    world.send("a.approver", *w.approving(FIRST))
    return world


def amending(terms, before=FIRST, *approvals):
    return ("grants", "requestUpon", words(terms), [words(before)], approvals)


def amend(world, terms, before=FIRST):
    world.send("b.approver", *amending(terms, before))
    return world.send("a.approver", *w.approving(terms))


IDENTITY = w.identifier(FIRST)


def test_all_required_parties_sign_the_next_version(world):
    asked = world.send("b.approver", *amending(MORE))
    assert w.events(asked) == [
        "AmendmentRequested",
        "AuthorizationRequested",
        "AuthorizationApproved",
    ]
    assert world.authorization(IDENTITY).version == 1, "asked for is not agreed to"
    done = world.send("a.approver", *w.approving(MORE))
    assert w.events(done) == ["AuthorizationApproved", "AuthorizationAmended"]
    state = world.authorization(IDENTITY)
    assert (state.version, state.status) == (2, AuthorizationStatus.ACTIVE)
    for name in ("maximum_uses", "valid_until", "answer_within", "fields"):
        assert getattr(state, name) == getattr(MORE, name), name
    digest = w.identifier(MORE)
    assert world.view("authorizations", "termsOf", IDENTITY) == digest
    assert world.view("authorizations", "authorizationOf", digest) == IDENTITY
    assert world.view("authorizations", "version", IDENTITY, 2)[0] == digest
    assert world.authorization(digest).status == AuthorizationStatus.APPLIED
    told = world.view("authorizations", "statusOf", digest)
    assert told == AuthorizationStatus.APPLIED


def test_a_lease_settles_and_closes_under_its_own_version(world):
    old = w.open_lease(world, IDENTITY)
    amend(world, MORE)
    new = w.open_lease(world, IDENTITY, 2)
    assert (world.lease(old).version, world.lease(new).version) == (1, 2)
    for number, expected in ((1, w.FLOOR), (2, 2 * w.FLOOR)):
        told = world.view("authorizations", "deadlines", IDENTITY, number)
        assert told[4] == expected
    world.send("b.gateway", "closings", "closeAlone", IDENTITY, 1, *NOTHING)
    assert world.lease(old).deadline == world.time + w.FLOOR - 1
    world.send("b.gateway", "closings", "closeAlone", IDENTITY, 2, *NOTHING)
    assert world.lease(new).deadline == world.time + 2 * w.FLOOR - 1


NO_RECEIPT = usage.Receipt(
    ZERO_HASH, 0, ZERO_HASH, ZERO_HASH, 0, 0, 0, 0, 0, ZERO_HASH, ZERO_HASH, ZERO_HASH
)
NOTHING = (w.plain(NO_RECEIPT), bytes(65), bytes(65))


def test_what_was_counted_stays_counted(world):
    w.open_lease(world, IDENTITY, uses=60)
    fewer = replace(MORE, maximum_uses=59)
    world.send("b.approver", *amending(fewer))
    refused = world.refused("a.approver", *w.approving(fewer))
    assert refused == "authorizations: fewer uses than are counted"
    amend(world, replace(MORE, maximum_uses=60))
    assert world.authorization(IDENTITY).counted == 60
    wanted = w.opening(IDENTITY, world, uses=1)
    refused = world.refused("b.gateway", "leases", "open", wanted, w.account("a.gateway"))
    assert refused == "authorizations: uses exhausted"


def test_an_expired_authorization_is_renewed_under_its_id(world):
    world.time += 31 * w.DAY
    assert world.view("authorizations", "statusOf", IDENTITY) == AuthorizationStatus.EXPIRED
    amend(world, MORE)
    assert world.view("authorizations", "statusOf", IDENTITY) == AuthorizationStatus.ACTIVE
    w.open_lease(world, IDENTITY)


OTHERS = [
    ({"provider": w.C}, "other parties than before"),
    ({"product": keccak256(b"x")}, "another product than before"),
    ({"amends": keccak256(b"x")}, "not the terms before"),
    ({"subject_mode": 1}, "another subject than before"),
    ({"subject": w.account("subject")}, "another subject than before"),
    ({"parent": keccak256(b"x")}, "another parent than before"),
]


@pytest.mark.parametrize(("changes", "reason"), OTHERS)
def test_who_and_what_it_is_about_stays(world, changes, reason):
    terms = replace(MORE, **changes)
    told = refuse_amendment(terms, FIRST, IDENTITY, (0, 0), w.CHAIN_ID)
    assert told == f"lineage: {reason}"
    shown = [words(FIRST)] * (2 if "parent" in changes else 1)
    refused = world.refused("b.approver", "grants", "requestUpon", words(terms), shown, ())
    assert refused == f"lineage: {reason}"
    assert refuse_amendment(MORE, FIRST, IDENTITY, (0, 0), w.CHAIN_ID) is None


def test_only_the_terms_in_force_are_amended(world):
    rival = replace(MORE, nonce=5)
    world.send("b.approver", *amending(rival))
    amend(world, MORE)
    refused = world.refused("a.approver", *w.approving(rival))
    assert refused == "authorizations: amends terms that are not in force"
    refused = world.refused("b.approver", *amending(replace(MORE, nonce=6)))
    assert refused == "lineage: amends terms that are not in force"
    third = replace(MORE, amends=w.identifier(MORE), maximum_uses=300)
    amend(world, third, MORE)
    assert world.authorization(IDENTITY).version == 3
    assert world.view("authorizations", "termsOf", IDENTITY) == w.identifier(third)


def test_terms_are_shown_with_just_those_they_stand_on(world):
    wrong = "grants: not the terms that these stand on"
    assert world.refused("b.approver", *w.requesting(MORE)) == wrong
    first = words(FIRST)
    for terms, shown in (
        (replace(FIRST, nonce=3), []),
        (replace(FIRST, nonce=3), [first]),
        (MORE, []),
        (MORE, [first, first]),
        (replace(MORE, parent=IDENTITY), [first]),
        (replace(FIRST, parent=IDENTITY), []),
    ):
        call = ("grants", "requestUpon", words(terms), shown, ())
        assert world.refused("b.approver", *call) == wrong
    refused = world.refused("b.approver", *amending(replace(MORE, product_version=9)))
    assert refused == "grants: not the provider"


def test_only_the_terms_in_force_speak_for_an_end(world):
    amend(world, MORE)
    refuse = ("refusals", "decline")
    refused = world.refused("a.approver", *refuse, words(FIRST), Reason.PROVIDER_WITHDREW)
    assert refused == "refusals: not the terms in force"
    unknown = world.refused("a.approver", *refuse, words(w.terms(nonce=77)), Reason.DECLINED)
    assert unknown == "refusals: not the terms in force"
    world.send("a.approver", *refuse, words(MORE), Reason.PROVIDER_WITHDREW)
    assert world.authorization(IDENTITY).status == AuthorizationStatus.REVOKED


def test_new_parties_must_agree_and_then_have_their_say(world):
    traded = replace(MORE, exchange=w.EXCHANGE, exchange_share=300)
    world.send("b.approver", *amending(traded))
    world.send("a.approver", *w.approving(traded))
    assert world.authorization(IDENTITY).version == 1
    world.send("exchange.approver", *w.approving(traded))
    state = world.authorization(IDENTITY)
    assert state.required == mask(Party.PROVIDER, Party.CONSUMER, Party.EXCHANGE)
    revoke = ("authorizations", "revoke", IDENTITY, Reason.FRAUD_SUSPECTED, ZERO_HASH)
    world.send("exchange.approver", *revoke)
    assert world.authorization(IDENTITY).status == AuthorizationStatus.REVOKED


@pytest.mark.parametrize("ending", ["revoke", "suspend"])
def test_what_is_not_active_is_not_amended(world, ending):
    world.send("b.approver", *amending(MORE))
    reason = (IDENTITY, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", "authorizations", ending, *reason)
    assert world.refused("a.approver", *w.approving(MORE)) == "authorizations: not active"


def test_a_declined_amendment_changes_nothing(world):
    world.send("b.approver", *amending(MORE))
    world.send("a.approver", "refusals", "decline", words(MORE), Reason.DECLINED)
    assert world.refused("a.approver", *w.approving(MORE)) == (
        "authorizations: not awaiting approval"
    )
    assert world.authorization(IDENTITY).version == 1
    w.open_lease(world, IDENTITY)


def test_a_rate_that_changes_its_period_counts_anew(world):
    rated = replace(MORE, rate_period=RatePeriod.DAY, rate_limit=10)
    amend(world, rated)
    soon = world.time + 60
    w.open_lease(world, IDENTITY, 1, uses=10, expires_at=soon)
    hourly = replace(rated, amends=w.identifier(rated), rate_period=RatePeriod.HOUR, nonce=8)
    amend(world, hourly, rated)
    state = world.authorization(IDENTITY)
    assert (state.window, state.window_used, state.counted) == (0, 0, 10)
    lease = usage.lease_id(IDENTITY, 1)
    digest = usage.close_digest(lease, 0, lease, w.CHAIN_ID)
    world.send("a.gateway", "leases", "close", IDENTITY, 1, 0, lease, *w.both(digest))
    state = world.authorization(IDENTITY)
    assert (state.window_used, state.counted) == (0, 0), "a lease of other terms gives no window"


def test_an_amendment_may_need_a_word_for_its_fields_and_then_not(world):
    names = tuple("CreditHistory" for _ in range(60))
    listed, fields = w.schema(names)
    listed = b"\n".join(b"f%d" % place for place in range(60))
    world.send("a.approver", "catalog", "publish", w.SALT, w.offering(), listed, fields)
    world.send("exchange.approver", "catalog", "approve", w.product(), 2)
    wide = replace(MORE, product_version=2, fields=1 << 59 | 1)
    amend(world, wide)
    assert world.authorization(IDENTITY).fields == 1 << 59 | 1
    assert world.view("authorizations", "fieldsOf", IDENTITY) == 1 << 59 | 1
    w.open_lease(world, IDENTITY, 1, fields=1 << 59)
    narrow = replace(wide, amends=w.identifier(wide), fields=0b1)
    amend(world, narrow, wide)
    assert world.view("authorizations", "fieldsOf", IDENTITY) == 0b1
    wanted = w.opening(IDENTITY, world, fields=1 << 59)
    refused = world.refused("b.gateway", "leases", "open", wanted, w.account("a.gateway"))
    assert refused == "authorizations: field not granted"


SHARED = replace(FIRST, recipients=1 << w.C, right=OwnerRight.OPERATING, nonce=40)
CHILD = replace(
    SHARED,
    provider=w.B,
    consumer=w.C,
    parent=w.identifier(SHARED),
    recipients=0,
    right=OwnerRight.PROCESSING,
    maximum_uses=40,
)


def sharing(world):
    w.request(world, SHARED)
    world.send("a.approver", *w.approving(SHARED))
    call = ("grants", "requestUpon", words(CHILD), [words(SHARED)], ())
    world.send("c.approver", *call)
    world.send("b.approver", *w.approving(CHILD))


def test_what_is_shared_onward_is_not_amended_under_its_children(world):
    sharing(world)
    wider = replace(SHARED, amends=w.identifier(SHARED), maximum_uses=500)
    world.send("b.approver", *amending(wider, SHARED))
    refused = world.refused("a.approver", *w.approving(wider))
    assert refused == "authorizations: shared onward"


def test_what_was_shared_onward_is_renewed_once_it_has_expired(world):
    """Nothing lives beneath it then; a share of it is renewed within the terms it has now."""
    sharing(world)
    parent, child = w.identifier(SHARED), w.identifier(CHILD)
    later = SHARED.valid_until + 30 * w.DAY
    wider = replace(SHARED, amends=parent, valid_until=later, fields=0b1, maximum_uses=130)
    world.send("b.approver", *amending(wider, SHARED))
    world.time = SHARED.valid_until - 2
    assert world.refused("a.approver", *w.approving(wider)) == "authorizations: shared onward"
    world.send("a.approver", *w.approving(wider))
    assert world.authorization(parent).is_shared == 0
    assert world.authorization(parent).counted == 40
    opening = w.opening(child, world, uses=1), w.account("b.gateway")
    assert world.refused("c.gateway", "leases", "open", *opening) == "authorizations: expired"
    again = replace(CHILD, amends=child, valid_until=later, maximum_uses=50)
    upon = ("grants", "requestUpon")
    shown = [words(CHILD), words(wider)]
    refused = world.refused("c.approver", *upon, words(again), shown, ())
    assert refused == "lineage: field beyond the parent"
    again = replace(again, fields=0b1)
    world.send("c.approver", *upon, words(again), shown, ())
    world.send("b.approver", *w.approving(again))
    assert (world.authorization(parent).is_shared, world.authorization(parent).counted) == (1, 50)
    opening = w.opening(child, world, uses=1), w.account("b.gateway")
    world.send("c.gateway", "leases", "open", *opening)
    narrow = replace(wider, amends=w.identifier(wider))
    world.send("b.approver", *amending(narrow, wider))
    assert world.refused("a.approver", *w.approving(narrow)) == "authorizations: shared onward"


def test_a_childs_amendment_takes_its_further_uses_from_the_parent(world):
    sharing(world)
    assert world.authorization(w.identifier(SHARED)).counted == 40
    more = replace(CHILD, amends=w.identifier(CHILD), maximum_uses=70)
    upon = ("grants", "requestUpon")
    world.send("c.approver", *upon, words(more), [words(CHILD), words(SHARED)], ())
    world.send("b.approver", *w.approving(more))
    assert world.authorization(w.identifier(SHARED)).counted == 70
    assert world.authorization(w.identifier(CHILD)).maximum_uses == 70
    fewer = replace(more, amends=w.identifier(more), maximum_uses=69)
    world.send("c.approver", *upon, words(fewer), [words(more), words(SHARED)], ())
    refused = world.refused("b.approver", *w.approving(fewer))
    assert refused == "authorizations: fewer uses than the parent gave"
    beyond = replace(more, amends=w.identifier(more), fields=0b1111)
    shown = [words(more), words(SHARED)]
    refused = world.refused("c.approver", *upon, words(beyond), shown, ())
    assert refused == "lineage: field beyond the parent"
    same = replace(more, amends=w.identifier(more), retention_days=more.retention_days - 1)
    world.send("c.approver", *upon, words(same), [words(more), words(SHARED)], ())
    world.send("b.approver", *w.approving(same))
    assert world.authorization(w.identifier(SHARED)).counted == 70
