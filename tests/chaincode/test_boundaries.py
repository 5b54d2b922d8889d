"""Rules of time and number turn at one exact value, so each is tried on both sides of it."""

import pytest

from node.sdk.governance import admit_member, set_mandate
from node.spec.crypto import keccak256
from node.spec.usage import UseRange
from node.spec.vocabulary import (
    AuthorizationStatus,
    DeliveryMode,
    FreezeGround,
    MemberKind,
    OwnerRight,
    PriceClass,
    Role,
    Zone,
    mask,
    purpose,
)
from tests.chaincode import world as w

CASE = keccak256(b"salt and case")
HOUR = 3_600
OFFICERS = ("regulator.first", "regulator.second")


@pytest.fixture
def world():
    """A market whose regulator has two officers with a mandate over banks and finance."""
    world = w.market()
    roles = mask(Role.SENDER, Role.OFFICER)
    for name in OFFICERS:
        world.send("regulator.governor", "members", "admitAccount", w.account(name), roles)
    w.govern(world, set_mandate(w.REGULATOR, mask(Zone.FINANCE), mask(MemberKind.BANK)))
    return world


def opens(world, authorization, at):
    """Whether a lease opens in a block of this time, on a copy; else why not."""
    tried = world.copy()
    tried.time = at - 1
    call = ("leases", "open", w.opening(authorization, tried), w.account("a.gateway"))
    return tried.attempt("b.gateway", *call) or True


@pytest.mark.parametrize("member", [w.A, w.B])
def test_a_members_freeze_is_over_at_its_second(world, member):
    authorization, until = w.grant(world), world.time + HOUR
    freeze = ("supervision", "freezeMember", member, FreezeGround.FRAUD, CASE, until)
    world.send("regulator.first", *freeze)
    assert opens(world, authorization, until - 1) == "leases: not a gateway"
    assert opens(world, authorization, until) is True
    request = w.requesting(w.terms(nonce=1, valid_until=until + w.DAY))
    world.time = until - 2
    assert "frozen" in world.refused("b.approver", *request)
    world.time = until - 1
    world.send("b.approver", *request)


def test_an_authorizations_freeze_is_over_at_its_second(world):
    authorization, until = w.grant(world), world.time + HOUR
    freeze = ("supervision", "freezeAuthorization", authorization, FreezeGround.FRAUD, CASE, until)
    world.send("regulator.first", *freeze)
    assert opens(world, authorization, until - 1) == "authorizations: frozen"
    assert opens(world, authorization, until) is True


def test_a_zones_freeze_is_over_at_its_second(world):
    authorization, until = w.grant(world), world.time + HOUR
    purposes = 1 << purpose("CreditScoreEvaluation")
    ground = (FreezeGround.FRAUD, CASE, until)
    for name in OFFICERS:
        world.send(name, "supervision", "freezeZone", Zone.FINANCE, purposes, *ground)
    assert "negative list" in opens(world, authorization, until - 1)
    assert opens(world, authorization, until) is True


def test_a_freeze_of_one_zone_does_not_outlast_its_second_with_anothers(world):
    """The contract remembers the last second of any; each freeze still ends at its own."""
    w.govern(world, set_mandate(w.REGULATOR, 0xFFFF, 0))
    authorization, until = w.grant(world), world.time + HOUR
    purposes = 1 << purpose("CreditScoreEvaluation")
    for zone, end in ((Zone.FINANCE, until), (Zone.WATER, until + HOUR)):
        for name in OFFICERS:
            ground = (FreezeGround.FRAUD, CASE, end)
            world.send(name, "supervision", "freezeZone", zone, purposes, *ground)
    assert "negative list" in opens(world, authorization, until - 1)
    assert opens(world, authorization, until) is True


def test_an_authorization_begins_and_ends_at_its_seconds(world):
    start = world.time + HOUR
    end = start + HOUR
    authorization = w.grant(world, valid_from=start, valid_until=end)

    def opening(at):
        tried = world.copy()
        tried.time = at - 1
        wanted = w.opening(authorization, tried, expires_at=end)
        call = ("leases", "open", wanted, w.account("a.gateway"))
        return tried.attempt("b.gateway", *call)

    assert opening(start - 1) == "authorizations: not yet valid"
    assert opening(start) == opening(end - 1) == ""
    assert opening(end) != ""


@pytest.mark.parametrize("kind", MemberKind)
def test_a_member_of_every_kind_is_voted_in(world, kind):
    proposal = admit_member(
        "529900W18LQJJN6SJ336", kind, w.account("newcomer.governor"), "Newcomer"
    )
    w.govern(world, proposal)
    index = world.view("members", "memberCount")
    assert world.view("members", "kindOf", index) == kind


def test_a_lease_ends_after_the_block_that_opens_it(world):
    authorization = w.grant(world)

    def opening(expires_at):
        tried = world.copy()
        wanted = w.opening(authorization, tried, expires_at=expires_at)
        return tried.attempt("b.gateway", "leases", "open", wanted, w.account("a.gateway"))

    assert opening(world.time + 1) == "leases: ends before it begins"
    assert opening(world.time + 2) == ""


def test_receipts_settle_up_to_the_deadline_and_a_lease_lapses_after_it(world):
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization)
    receipt = w.chain(world, lease, 1)[0]
    settle = ("leases", "settle", authorization, 1, w.plain(receipt), *w.both(w.hashed(receipt)))
    deadline = world.lease(lease).deadline

    def attempt(at, *call):
        tried = world.copy()
        tried.time = at - 1
        return tried.attempt("a.gateway", *call)

    assert attempt(deadline, *settle) == ""
    assert attempt(deadline + 1, *settle) == "leases: past the settling deadline"
    lapse = ("leases", "lapse", authorization, 1)
    assert attempt(deadline, *lapse) == "leases: settling deadline is not over"
    assert attempt(deadline + 1, *lapse) == ""


def test_a_freeze_by_one_officer_lasts_72_hours_at_most(world):
    authorization = w.grant(world)

    def freezing(seconds):
        tried = world.copy()
        until = tried.time + 1 + seconds
        ground = (FreezeGround.FRAUD, CASE, until)
        return tried.attempt(
            "regulator.first", "supervision", "freezeAuthorization", authorization, *ground
        )

    assert freezing(72 * HOUR) == ""
    assert freezing(72 * HOUR + 1) == "supervision: end out of range"
    assert freezing(0) == "supervision: end out of range"
    assert freezing(1) == ""


def test_a_use_lies_within_its_lease_and_its_data_before_it(world):
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization)
    expires = world.lease(lease).expires_at

    def attempt(**changes):
        receipt = w.receipt(world, lease, 1, lease, **changes)
        values = (authorization, 1, w.plain(receipt), *w.both(w.hashed(receipt)))
        return world.copy().attempt("a.gateway", "leases", "settle", *values)

    assert attempt(used_at=expires - 1) == ""
    assert attempt(used_at=expires) == "usage: used after the lease expired"
    assert attempt(used_at=expires - 1, data_since=expires - 1) == ""
    assert attempt(used_at=expires - 2, data_since=expires - 1) == "usage: data from after the use"


@pytest.mark.parametrize("ahead", [1, 2])
def test_no_use_stands_on_the_state_of_a_later_block(world, ahead):
    """Of the very block neither, says the audit; but tools try calls out in the block before."""
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization)
    receipt = w.receipt(world, lease, 1, lease, state_block=world.number + ahead)
    settle = ("leases", "settle", authorization, 1, w.plain(receipt), *w.both(w.hashed(receipt)))
    ranges = [UseRange(authorization, 1, 1, 1, w.hashed(receipt), False)]
    batch = w.settling(w.batch_of(ranges, [receipt]), ranges)
    refused = [world.copy().attempt("a.gateway", *call) for call in (settle, batch)]
    future = "state block in the future"
    assert refused == (["", ""] if ahead == 1 else [f"usage: {future}", f"leases: {future}"])


def test_the_longest_floor_of_deadlines_is_a_week():
    w.construct(*w.members_arguments(), grants=(7 * 86_400,))


def test_an_authorization_reads_expired_from_its_second_on(world):
    authorization = w.grant(world)
    end = world.authorization(authorization).valid_until
    read = []
    for world.time in (end - 1, end):
        read.append(world.view("authorizations", "statusOf", authorization))
    assert read == [AuthorizationStatus.ACTIVE, AuthorizationStatus.EXPIRED]


def test_an_inspection_ends_after_it_begins_and_within_a_year(world):
    def opening(seconds):
        tried = world.copy()
        values = (w.A, CASE, tried.time + 1 + seconds)
        return tried.attempt("regulator.first", "supervision", "openInspection", *values)

    year = 366 * w.DAY
    assert [opening(seconds) for seconds in (1, year)] == ["", ""]
    assert {opening(seconds) for seconds in (0, year + 1)} == {"supervision: end out of range"}


def test_a_mode_beyond_all_modes_is_none(world):
    """Behind the modes stand the bits of the subject's mode, which no mode reaches."""
    terms = w.personal_terms()
    authorization = w.request(world, terms)
    world.send("a.approver", *w.approving(terms, w.signature("subject", authorization)))
    for mode in range(max(DeliveryMode) + 1, 20):
        wanted = w.opening(authorization, world, mode=mode)
        call = ("leases", "open", wanted, w.account("a.gateway"))
        assert world.refused("b.gateway", *call) == "authorizations: mode not granted"


def test_terms_are_valid_for_ten_years_at_most(world):
    longest = 10 * 366 * w.DAY

    def asking(seconds):
        tried = world.copy()
        start = tried.time + 1
        terms = w.terms(valid_from=start, valid_until=start + seconds)
        return tried.attempt("b.approver", *w.requesting(terms))

    assert (asking(longest), asking(longest + 1)) == ("", "grants: validity too long")


def test_terms_are_approved_before_they_end(world):
    terms = w.terms()
    w.request(world, terms)

    def approving(at):
        tried = world.copy()
        tried.time = at - 1
        return tried.attempt("a.approver", *w.approving(terms))

    assert approving(terms.valid_until - 1) == ""
    assert approving(terms.valid_until) == "authorizations: expired"


def test_a_product_gives_the_last_right_at_the_last_class_of_price(world):
    names, fields = w.schema()
    offered = w.offering(right=max(OwnerRight), price_class=max(PriceClass), price_plan=CASE)
    offer = ("catalog", "publish", keccak256(b"another"), offered, names, fields)
    assert w.events(world.send("a.approver", *offer)) == ["ProductPublished"]
