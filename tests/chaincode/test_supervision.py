"""A freeze bites from its block, within a mandate, ends by itself and leaves what was below it."""

import pytest

from node.sdk import supervision
from node.sdk.governance import set_mandate
from node.spec import registry, templates
from node.spec.crypto import keccak256
from node.spec.proposals import Proposal
from node.spec.terms import words as words_of
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import (
    AuthorizationStatus,
    FreezeGround,
    MemberKind,
    ProposalKind,
    Reason,
    Role,
    Zone,
    mask,
    purpose,
)
from tests.chaincode import world as w

CASE = keccak256(b"salt and case")
FRAUD = FreezeGround.FRAUD
HOUR = 3_600
OFFICER = mask(Role.SENDER, Role.OFFICER)
MANDATE = mask(Zone.FINANCE) | mask(MemberKind.BANK) << 16


@pytest.fixture
def world():
    world = w.market()
    for name in ("first", "second"):
        account = w.account(f"regulator.{name}")
        world.send("regulator.governor", "members", "admitAccount", account, OFFICER)
    w.govern(world, Proposal(ProposalKind.MANDATE, words(w.REGULATOR, MANDATE)))
    return world


def words(*values):
    return b"".join(value.to_bytes(32, "big") for value in values)


def officer(world, method, *values, name="first"):
    return world.send(f"regulator.{name}", "supervision", method, *values)


def refused(world, method, *values, name="first"):
    return world.refused(f"regulator.{name}", "supervision", method, *values)


def freeze(world, authorization, seconds=HOUR, name="first"):
    until = world.time + seconds
    officer(world, "freezeAuthorization", authorization, FRAUD, CASE, until, name=name)


def opening(world, authorization):
    return (
        "leases",
        "open",
        w.opening(authorization, world, uses=1),
        w.account("a.gateway"),
    )


def test_a_frozen_authorization_opens_no_lease_until_it_is_over(world):
    authorization = w.grant(world)
    until = world.time + HOUR
    freeze(world, authorization)
    refusal = world.refused("b.gateway", *opening(world, authorization))
    assert refusal == "authorizations: frozen"
    state = world.authorization(authorization)
    assert (state.status, state.frozen_until) == (AuthorizationStatus.ACTIVE, until)
    world.time = state.frozen_until - 1
    world.send("b.gateway", *opening(world, authorization))


def test_what_was_used_before_settles_and_closes_while_frozen(world):
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization)
    receipt = w.receipt(world, lease, 1, lease)
    freeze(world, authorization)
    settle = ("leases", "settle", authorization, 1, w.plain(receipt))
    world.send("a.gateway", *settle, *w.both(w.hashed(receipt)))
    revoke = ("authorizations", "revoke", authorization, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)


def test_one_officer_freezes_briefly_and_a_second_extends(world):
    authorization = w.grant(world)
    long = (authorization, FRAUD, CASE, world.time + 72 * HOUR + 2)
    assert refused(world, "freezeAuthorization", *long) == "supervision: end out of range"
    freeze(world, authorization, 72 * HOUR)
    again = (authorization, FRAUD, CASE, world.time + 80 * HOUR)
    assert refused(world, "freezeAuthorization", *again) == (
        "supervision: a second officer is needed"
    )
    shorter = (authorization, FRAUD, CASE, world.time + HOUR)
    assert refused(world, "freezeAuthorization", *shorter, name="second") == (
        "supervision: no extension"
    )
    too_long = (authorization, FRAUD, CASE, world.time + 31 * w.DAY)
    assert refused(world, "freezeAuthorization", *too_long, name="second") == (
        "supervision: end out of range"
    )
    freeze(world, authorization, 20 * w.DAY, "second")


@pytest.mark.parametrize("is_lifted", [False, True])
@pytest.mark.parametrize("kind", ["authorization", "member"])
def test_one_officer_does_not_freeze_the_same_again_and_again(world, kind, is_lifted):
    authorization = w.grant(world)
    methods = {
        "authorization": ("freezeAuthorization", authorization),
        "member": ("freezeMember", w.A),
    }
    targets = {"authorization": int.from_bytes(authorization, "big"), "member": w.A}

    def ordering():
        return (*methods[kind], FRAUD, CASE, world.time + 72 * HOUR)

    def go_on(name):
        if is_lifted:
            officer(world, "lift", kind, targets[kind], name=name)
        else:
            world.time += 400 * HOUR

    officer(world, *ordering())
    go_on("first")
    assert refused(world, *ordering()) == "supervision: a second officer is needed"
    officer(world, *ordering(), name="second")
    method, target = methods[kind]
    officer(world, method, target, FRAUD, CASE, world.time + 100 * HOUR)
    go_on("second")
    assert refused(world, *ordering()) == "supervision: a second officer is needed", "extended it"
    officer(world, *ordering(), name="second")


def test_an_officer_who_froze_one_thing_freezes_another(world):
    authorization, other = w.grant(world), w.grant(world, nonce=5)
    freeze(world, authorization)
    freeze(world, other)
    for member in (w.A, w.B):
        officer(world, "freezeMember", member, FRAUD, CASE, world.time + HOUR)


@pytest.mark.parametrize(
    ("ground", "case", "seconds", "reason"),
    [
        (0, CASE, HOUR, "unknown ground"),
        (6, CASE, HOUR, "unknown ground"),
        (1, ZERO_HASH, HOUR, "no case"),
        (1, CASE, 0, "end out of range"),
    ],
)
def test_a_freeze_says_why_and_until_when(world, ground, case, seconds, reason):
    authorization = w.grant(world)
    values = (authorization, ground, case, world.time + seconds)
    assert refused(world, "freezeAuthorization", *values) == f"supervision: {reason}"


def test_only_officers_within_their_mandate(world):
    authorization = w.grant(world)
    until = world.time + HOUR
    call = ("supervision", "freezeAuthorization", authorization, FRAUD, CASE, until)
    for sender in ("a.approver", "regulator.approver", "nobody"):
        assert world.refused(sender, *call) == "supervision: not an officer"
    narrow = mask(Zone.MEDICAL) | mask(MemberKind.EXCHANGE) << 16
    w.govern(world, Proposal(ProposalKind.MANDATE, words(w.REGULATOR, narrow)))
    until = world.time + HOUR
    for method, values in (
        ("freezeAuthorization", (authorization, FRAUD, CASE, until)),
        ("freezeMember", (w.A, FRAUD, CASE, until)),
        ("freezeMember", (99, FRAUD, CASE, until)),
        ("freezeZone", (Zone.FINANCE, 1, FRAUD, CASE, until)),
        ("openInspection", (w.A, CASE, until)),
    ):
        assert refused(world, method, *values) == "supervision: outside the mandate"


def test_a_mandate_is_voted_for_a_regulator(world):
    ask = ("governance", "propose", ProposalKind.MANDATE)
    for values, reason in (
        ((w.A, 1), "not an active regulator"),
        ((99, 1), "not an active regulator"),
        ((w.REGULATOR, 1 << 24), "unknown part of a mandate"),
        ((w.REGULATOR,), "malformed content"),
    ):
        assert world.refused("a.governor", *ask, words(*values)) == f"members: {reason}"
    assert world.view("members", "mandateOf", w.REGULATOR) == MANDATE


def test_a_frozen_authorization_is_not_renewed(world):
    authorization = w.grant(world)
    later = w.terms(amends=authorization, valid_until=w.GENESIS_TIME + 300 * w.DAY)
    asking = ("grants", "requestUpon", words_of(later), [words_of(w.terms())], ())
    world.send("b.approver", *asking)
    freeze(world, authorization)
    assert world.refused("a.approver", *w.approving(later)) == "authorizations: frozen"
    world.time += HOUR
    world.send("a.approver", *w.approving(later))
    state = world.authorization(authorization)
    assert (state.version, state.valid_until) == (2, later.valid_until)
    freeze(world, authorization, name="second")
    assert refused_lease(world, authorization) == "authorizations: frozen"


def refused_lease(world, authorization):
    return world.refused("b.gateway", *opening(world, authorization))


def test_what_never_was_in_force_is_not_frozen(world):
    w.request(world, w.terms())
    values = (w.identifier(w.terms()), FRAUD, CASE, world.time + HOUR)
    assert refused(world, "freezeAuthorization", *values) == "authorizations: not active"
    unknown = (CASE, *values[1:])
    assert refused(world, "freezeAuthorization", *unknown) == "supervision: outside the mandate"


def test_a_frozen_member_grants_and_leases_nothing(world):
    authorization = w.grant(world)
    pending = w.terms(nonce=5)
    w.request(world, pending)
    outcome = officer(world, "freezeMember", w.A, FRAUD, CASE, world.time + HOUR)
    assert w.events(outcome) == ["FreezeOrdered", "MemberFrozen"]
    read = world.reader("members")
    assert registry.is_frozen(read, w.A, world.time)
    assert registry.is_active(read, w.A)
    assert world.refused("b.gateway", *opening(world, authorization)) == "leases: not a gateway"
    assert (
        world.refused("b.approver", *w.requesting(w.terms(nonce=6))) == "grants: a party is frozen"
    )
    assert world.refused("a.approver", *w.approving(pending)) == "grants: a party is frozen"
    revoke = ("authorizations", "revoke", authorization, Reason.PROVIDER_WITHDREW, ZERO_HASH)
    world.send("a.approver", *revoke)
    officer(world, "lift", "member", w.A, name="second")
    assert not registry.is_frozen(read, w.A, world.time)
    world.send("a.approver", *w.approving(pending))


def test_a_zone_takes_two_officers(world):
    authorization = w.grant(world)
    pending = w.terms(nonce=5)
    w.request(world, pending)
    purposes = 1 << w.terms().purpose | 1 << 8
    values = (Zone.FINANCE, purposes, FRAUD, CASE, world.time + 20 * w.DAY)
    assert w.events(officer(world, "freezeZone", *values)) == ["FreezeProposed"]
    assert refused(world, "freezeZone", *values) == "supervision: a second officer is needed"
    world.send("b.gateway", *opening(world, authorization))
    officer(world, "freezeZone", *values, name="second")
    assert world.refused("b.gateway", *opening(world, authorization)) == (
        "authorizations: on the negative list"
    )
    assert world.refused("b.approver", *w.requesting(w.terms(nonce=6))) == (
        "templates: on the negative list"
    )
    assert world.refused("a.approver", *w.approving(pending)) == "grants: on the negative list"
    read = world.reader("templates")
    assert templates.is_zone_frozen(read, Zone.FINANCE, 8, world.time)
    assert not templates.is_zone_frozen(read, Zone.WATER, 8, world.time)
    assert not templates.is_zone_frozen(read, Zone.FINANCE, 9, world.time)
    officer(world, "lift", "zone", Zone.FINANCE)
    world.send("b.gateway", *opening(world, authorization))


def test_a_zone_freeze_names_what_there_is(world):
    until = world.time + HOUR
    assert refused(world, "freezeZone", 14, 1, FRAUD, CASE, until) == "supervision: unknown zone"
    assert refused(world, "freezeZone", 1, 0, FRAUD, CASE, until) == "supervision: no purposes"
    assert refused(world, "freezeZone", 1, 2, 0, CASE, until) == "supervision: unknown ground"


def freeze_zone(world, zone, purposes, until):
    for name in ("first", "second"):
        officer(world, "freezeZone", zone, purposes, FRAUD, CASE, until, name=name)


def zone_freeze(world, zone):
    found = templates.zone_freeze(world.reader("templates"), zone)
    assert world.view("templates", "freezeOf", zone) == found
    return found


def test_a_freeze_of_a_zone_is_widened_by_two_and_narrowed_by_lifting_alone(world):
    until, no = world.time + 10 * w.DAY, "supervision: no extension"
    freeze_zone(world, Zone.FINANCE, 0b110 << 4, until)

    def saying(purposes, end):
        return ("freezeZone", Zone.FINANCE, purposes, FRAUD, CASE, end)

    assert refused(world, *saying(0b100 << 4, until)) == no
    assert refused(world, *saying(0b1001 << 4, until + 1)) == no
    assert refused(world, *saying(0b110 << 4, until - 1)) == no
    freeze_zone(world, Zone.FINANCE, 0b111 << 4, until)
    freeze_zone(world, Zone.FINANCE, 0b111 << 4, until + 1)
    assert zone_freeze(world, Zone.FINANCE) == (0b111 << 4, until + 1)
    officer(world, "lift", "zone", Zone.FINANCE)
    freeze_zone(world, Zone.FINANCE, 0b100 << 4, until - 1)
    assert zone_freeze(world, Zone.FINANCE) == (0b100 << 4, until - 1)
    world.time = until - 3
    assert refused(world, *saying(0b10 << 4, until + w.DAY)) == no
    world.time = until - 2
    said = officer(world, *saying(0b10 << 4, until + w.DAY))
    assert w.events(said) == ["FreezeProposed"], "the one before is over at this block"


def test_a_first_say_does_not_outlive_a_wider_freeze(world):
    """What was no narrowing when it was proposed is one when the second officer says it."""
    until = world.time + 10 * w.DAY
    narrow = (Zone.FINANCE, 1 << 5, FRAUD, CASE, until)
    officer(world, "freezeZone", *narrow)
    freeze_zone(world, Zone.FINANCE, 0b11 << 5, until)
    assert refused(world, "freezeZone", *narrow, name="second") == "supervision: no extension"


def test_lifting_one_zone_leaves_the_others_frozen(world):
    zones = (0, Zone.FINANCE, Zone.WATER)
    w.govern(world, set_mandate(w.REGULATOR, mask(*zones), mask(MemberKind.BANK)))
    until = world.time + w.DAY
    for zone in zones:
        freeze_zone(world, zone, 1 << 6 + zone, until)

    def bites(zone, purpose):
        return world.view("templates", "isRefused", zone, purpose, 156)

    assert bites(Zone.FINANCE, 6)
    assert bites(Zone.FINANCE, 6 + Zone.FINANCE)
    assert not bites(Zone.WATER, 6 + Zone.FINANCE)
    officer(world, "lift", "zone", Zone.FINANCE)
    assert zone_freeze(world, Zone.FINANCE) == (0, 0)
    assert not bites(Zone.FINANCE, 6 + Zone.FINANCE)
    assert bites(Zone.WATER, 6 + Zone.WATER)
    officer(world, "lift", "zone", 0)
    assert not bites(Zone.WATER, 6)
    assert bites(Zone.WATER, 6 + Zone.WATER), "the last of them bites to its own end"
    world.time = until - 1
    assert bites(Zone.WATER, 6 + Zone.WATER)
    world.time = until
    assert not bites(Zone.WATER, 6 + Zone.WATER)


def test_lifting_gives_back_what_was_there(world):
    authorization = w.grant(world)
    world.send("b.approver", "authorizations", "suspend", authorization, 5, ZERO_HASH)
    freeze(world, authorization)
    assert world.refused("b.approver", "authorizations", "resume", authorization) == (
        "authorizations: frozen"
    )
    target = int.from_bytes(authorization, "big")
    officer(world, "lift", "authorization", target, name="second")
    assert world.authorization(authorization).status == AuthorizationStatus.SUSPENDED
    assert refused(world, "lift", "authorization", target) == "supervision: not frozen"
    world.send("b.approver", "authorizations", "resume", authorization)


@pytest.mark.parametrize("side", [w.A, w.B])
def test_nothing_is_resumed_while_a_side_is_frozen(world, side):
    authorization = w.grant(world)
    world.send("b.approver", "authorizations", "suspend", authorization, 5, ZERO_HASH)
    until = world.time + HOUR
    officer(world, "freezeMember", side, FRAUD, CASE, until)
    resume = ("b.approver", "authorizations", "resume", authorization)
    assert world.refused(*resume) == "authorizations: a party is frozen"
    world.time = until - 2
    assert world.refused(*resume) == "authorizations: a party is frozen"
    world.send(*resume)


@pytest.mark.parametrize("zone", [Zone.FINANCE, 0])
def test_nothing_is_resumed_while_its_purpose_or_one_below_is_frozen(world, zone):
    authorization = w.grant(world)
    world.send("b.approver", "authorizations", "suspend", authorization, 5, ZERO_HASH)
    resume = ("b.approver", "authorizations", "resume", authorization)
    w.govern(world, Proposal(ProposalKind.MANDATE, words(w.REGULATOR, MANDATE | 1)))
    until = world.time + HOUR
    freeze_zone(world, zone, 1 << purpose("CreditScoreEvaluation"), until)
    world.time = until - 2
    assert world.refused(*resume) == "authorizations: purpose is frozen"
    world.send(*resume)


def test_only_supervision_freezes(world):
    for contract, method, values in (
        ("authorizations", "setFrozen", (ZERO_HASH, 1)),
        ("members", "setFrozen", (ZERO_HASH, 1)),
        ("templates", "setZoneFrozen", (1, 1, 1)),
    ):
        refusal = world.refused("regulator.first", contract, method, *values)
        assert refusal == f"{contract}: only supervision"


def test_an_inspection_is_opened_and_closed_on_record(world):
    until = world.time + w.DAY
    outcome = officer(world, "openInspection", w.A, CASE, until)
    assert w.events(outcome) == ["InspectionOpened"]
    inspection = outcome.logs[0].topics[1]
    same = refused(world, "openInspection", w.A, CASE, until)
    assert same == "supervision: open already"
    assert refused(world, "openInspection", w.A, ZERO_HASH, until) == "supervision: no case"
    late = (w.A, CASE, world.time + 400 * w.DAY)
    assert refused(world, "openInspection", *late) == "supervision: end out of range"
    assert refused(world, "closeInspection", inspection, ZERO_HASH) == "supervision: no findings"
    officer(world, "closeInspection", inspection, CASE, name="second")
    assert refused(world, "closeInspection", inspection, CASE) == (
        "supervision: no open inspection"
    )


def test_a_day_of_an_access_log_is_anchored_once_by_the_nodes_member(world):
    day = (world.time + 8 * HOUR) // w.DAY
    anchor = ("supervision", "anchorAccessLog", w.account("a.node"), day)
    assert world.refused("b.gateway", *anchor, CASE) == "supervision: node of another member"
    assert world.refused("nobody", *anchor, CASE) == "supervision: node of another member"
    assert world.refused("a.gateway", *anchor, ZERO_HASH) == "supervision: no root"
    future = ("supervision", "anchorAccessLog", w.account("a.node"), day + 1, CASE)
    assert world.refused("a.gateway", *future) == "supervision: day in the future"
    world.send("a.gateway", *anchor, CASE)
    assert world.refused("a.gateway", *anchor, ZERO_HASH[:31] + b"\x01") == (
        "supervision: anchored already"
    )
    assert world.view("supervision", "logRoot", w.account("a.node"), day) == CASE


def test_the_sdks_calls_do_what_they_say(world):
    w.govern(world, set_mandate(w.REGULATOR, 0xFFFF, 0xFF))
    authorization, until = w.grant(world), world.time + HOUR
    assert world.view("members", "mandateOf", w.REGULATOR) == 0xFFFFFF
    first, second = "regulator.first", "regulator.second"
    world.carry_out(first, supervision.freeze_authorization(authorization, FRAUD, CASE, until))
    world.carry_out(first, supervision.freeze_member(w.A, FRAUD, CASE, until))
    zone = supervision.freeze_zone(Zone.FINANCE, 1 << 5, FRAUD, CASE, until)
    world.carry_out(first, zone)
    world.carry_out(second, zone)
    target = int.from_bytes(authorization, "big")
    for kind, subject in (("authorization", target), ("member", w.A), ("zone", Zone.FINANCE)):
        named = world.view("supervision", "subjectOf", kind, subject)
        assert world.view("supervision", "order", named)[1] == until
        world.carry_out(second, supervision.lift_freeze(kind, subject))
        assert world.view("supervision", "order", named)[1] == 0
    opened = world.carry_out(first, supervision.open_inspection(w.A, CASE, until))
    inspection = opened.logs[0].topics[1]
    world.carry_out(first, supervision.close_inspection(inspection, CASE))
    log = supervision.anchor_access_log(w.account("a.node"), 20_000, CASE)
    assert w.events(world.carry_out("a.gateway", log)) == ["AccessLogAnchored"]
