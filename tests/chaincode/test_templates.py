"""Terms outside their template or against a list cannot be requested, whoever sends them."""

import pytest

from node.sdk.market import Caution, Clauses
from node.spec.crypto import keccak256
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import (
    HOME,
    AuthorizationStatus,
    ContractKind,
    DeliveryMode,
    OwnerRight,
    Party,
    Reason,
    Role,
    Zone,
    mask,
    purpose,
)
from tests.chaincode import world as w

CHECKING, SCORE = purpose("CreditChecking"), purpose("CreditScoreEvaluation")
HISTORY = purpose("CreditHistoryEvaluation")
QUERY = mask(DeliveryMode.QUERY)
NARROW = Clauses(
    kind=ContractKind.PROVISION,
    purposes=1 << CHECKING,
    modes=mask(DeliveryMode.QUERY, DeliveryMode.PSI),
    maximum_uses=100,
    maximum_days=30,
    minimum_group=5,
    abroad=False,
    onward=False,
)


def clauses(**changes):
    values = {name: getattr(NARROW, name) for name in NARROW.__slots__}
    return tuple({**values, **changes}.values())


@pytest.fixture
def world():
    """A market whose one template was replaced by a narrow one, published anew."""
    world = w.market()
    text = keccak256(b"narrow")
    names, fields = w.schema()
    published = (w.SALT, w.offering(template=text), names, fields)
    world.send("a.approver", "catalog", "publish", *published)
    world.send("exchange.approver", "catalog", "approve", w.product(), 2)
    world.send("exchange.approver", "templates", "propose", text, clauses())
    world.send("regulator.approver", "templates", "adopt", text)
    second = w.account("regulator.second")
    approver = mask(Role.SENDER, Role.APPROVER)
    world.send("regulator.governor", "members", "admitAccount", second, approver)
    return world


def terms(**changes):
    return w.terms(template=keccak256(b"narrow"), product_version=2, **changes)


def refused(world, agreed):
    return world.refused("b.approver", *w.requesting(agreed))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"purpose": SCORE}, "purpose outside the template"),
        ({"modes": mask(DeliveryMode.MODEL)}, "mode outside the template"),
        ({"maximum_uses": 101}, "uses outside the template"),
        ({"valid_until": w.GENESIS_TIME + 30 * w.DAY + 1}, "validity outside the template"),
        (w.ABROAD, "export outside the template"),
        (
            {"recipients": 1 << w.C, "right": OwnerRight.OPERATING},
            "onward sharing outside the template",
        ),
    ],
)
def test_terms_outside_the_ranges_of_their_template(world, changes, reason):
    assert refused(world, terms(**changes)) == f"templates: {reason}"
    w.request(world, terms())


def test_a_group_smaller_than_the_templates(world):
    text, published = keccak256(b"large"), w.schema()
    offer = (w.SALT, w.offering(template=text), *published)
    world.send("a.approver", "catalog", "publish", *offer)
    world.send("exchange.approver", "catalog", "approve", w.product(), 3)
    world.send("exchange.approver", "templates", "propose", text, clauses(minimum_group=20))
    world.send("regulator.approver", "templates", "adopt", text)
    agreed = w.terms(template=text, product_version=3, minimum_group=19)
    assert refused(world, agreed) == "templates: group outside the template"
    w.request(world, w.terms(template=text, product_version=3, minimum_group=20))


def test_a_template_is_in_force_from_adoption_to_retirement(world):
    text = keccak256(b"narrow")
    retire = ("templates", "retire", text)
    assert world.refused("regulator.approver", *retire, 0) == "templates: unknown reason"
    assert world.refused("exchange.approver", *retire, 7) == (
        "templates: not an approver of that kind of member"
    )
    world.send("regulator.approver", *retire, Reason.TEMPLATE_RETIRED)
    assert refused(world, terms()) == "templates: template is not in force"
    refusal = world.refused("regulator.approver", *retire, Reason.TEMPLATE_RETIRED)
    assert refusal == "templates: not in force"
    assert world.refused("regulator.approver", "templates", "adopt", text) == (
        "templates: not proposed"
    )


def test_a_template_needs_an_exchange_and_a_regulator(world):
    text = keccak256(b"new")
    propose = ("templates", "propose", text, clauses())
    for sender in ("a.approver", "regulator.approver", "exchange.gateway"):
        assert world.refused(sender, *propose) == (
            "templates: not an approver of that kind of member"
        )
    world.send("exchange.approver", *propose)
    assert world.refused("exchange.approver", *propose) == "templates: known already"
    assert world.refused("exchange.approver", "templates", "adopt", text) == (
        "templates: not an approver of that kind of member"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": 0}, "unknown kind of contract"),
        ({"kind": 5}, "unknown kind of contract"),
        ({"purposes": 0}, "no purposes"),
        ({"purposes": 1 << 60 | 2}, "unknown purpose"),
        ({"purposes": 2**255}, "unknown purpose"),
        ({"modes": 0}, "unknown delivery mode"),
        ({"modes": 1 << 6}, "unknown delivery mode"),
        ({"maximum_uses": 2**32}, "clause out of range"),
        ({"maximum_days": 2**16}, "clause out of range"),
        ({"minimum_group": 2**32}, "clause out of range"),
    ],
)
def test_clauses_that_no_template_can_have(world, changes, reason):
    propose = ("templates", "propose", keccak256(b"bad"), clauses(**changes))
    assert world.refused("exchange.approver", *propose) == f"templates: {reason}"
    empty = ("templates", "propose", ZERO_HASH, clauses())
    assert world.refused("exchange.approver", *empty) == "templates: no text"


def list_entry(world, method, *values):
    for sender in ("regulator.approver", "regulator.second"):
        world.send(sender, "templates", method, *values)


@pytest.mark.parametrize(
    ("category", "destination", "bites"),
    [
        (Zone.FINANCE, HOME, True),
        (Zone.FINANCE, 0, True),
        (0, HOME, True),
        (0, 0, True),
        (Zone.GOVERNMENT, HOME, False),
        (Zone.FINANCE, 344, False),
    ],
)
def test_the_negative_list_refuses_a_purpose(world, category, destination, bites):
    list_entry(world, "refuse", category, destination, 1 << CHECKING)
    if bites:
        assert refused(world, terms()) == "templates: on the negative list"
    else:
        w.request(world, terms())
    assert world.view("templates", "versions") == (1, 0)


def test_the_negative_list_is_asked_at_each_lease(world):
    agreed = w.terms()
    w.request(world, agreed)
    world.send("a.approver", *w.approving(agreed))
    authorization = w.identifier(agreed)
    w.open_lease(world, authorization)
    list_entry(world, "refuse", Zone.FINANCE, 0, 1 << SCORE)
    opening = w.opening(authorization, world)
    refusal = world.refused("b.gateway", "leases", "open", opening, w.account("a.gateway"))
    assert refusal == "authorizations: on the negative list"
    w.open_lease(world, authorization, 2, purpose=HISTORY)
    list_entry(world, "refuse", Zone.FINANCE, 0, 0)
    w.open_lease(world, authorization, 3)


def test_an_entry_takes_two_approvers_who_say_the_same(world):
    refuse = ("templates", "refuse", Zone.FINANCE, 0, 1 << CHECKING)
    assert world.refused("exchange.approver", *refuse) == (
        "templates: not an approver of that kind of member"
    )
    assert w.events(world.send("regulator.approver", *refuse)) == ["EntryProposed"]
    assert world.refused("regulator.approver", *refuse) == "templates: a second approver is needed"
    world.send("regulator.second", *refuse[:-1], 1 << SCORE)
    w.request(world, terms())
    assert w.events(world.send("regulator.second", *refuse)) == ["PurposesRefused"]
    assert refused(world, terms(nonce=1)) == "templates: on the negative list"


@pytest.mark.parametrize(
    ("category", "destination", "reason"),
    [(14, 0, "unknown category"), (2**200, 0, "unknown category"), (0, 999, "unknown destination")],
)
def test_an_entry_names_what_there_is(world, category, destination, reason):
    refuse = ("templates", "refuse", category, destination, 1)
    assert world.refused("regulator.approver", *refuse) == f"templates: {reason}"


def caution(**changes):
    entry = Caution(1 << CHECKING, **changes)
    return entry.purposes, entry.word


def test_the_cautious_list_caps_uses_and_modes(world):
    list_entry(world, "caution", Zone.FINANCE, HOME, caution(maximum_uses=50, modes=QUERY))
    assert refused(world, terms()) == "templates: uses above the cautious list's cap"
    fewer = {"maximum_uses": 50}
    assert refused(world, terms(**fewer)) == "templates: mode not on the cautious list"
    w.request(world, terms(**fewer, modes=QUERY))
    assert world.view("templates", "versions") == (0, 1)


def test_the_cautious_list_names_who_else_approves(world):
    named = caution(approver=w.C, asks_regulator=True)
    list_entry(world, "caution", Zone.FINANCE, HOME, named)
    assert refused(world, terms()) == "grants: not the named approver"
    agreed = terms(approver=w.C)
    w.request(world, agreed)
    state = world.authorization(w.identifier(agreed))
    assert state.required == mask(Party.PROVIDER, Party.CONSUMER, Party.REGULATOR, Party.APPROVER)
    for sender in ("a.approver", "regulator.approver", "c.approver"):
        assert world.authorization(w.identifier(agreed)).status != AuthorizationStatus.ACTIVE
        world.send(sender, *w.approving(agreed))
    assert world.authorization(w.identifier(agreed)).status == AuthorizationStatus.ACTIVE


def test_nobody_is_named_without_cause(world):
    assert refused(world, terms(approver=w.C)) == "grants: not the named approver"
    assert refused(world, terms(operator=w.C)) == "grants: not the zone's operator"


def test_a_named_approver_who_is_a_party_approves_as_that(world):
    list_entry(world, "caution", 0, 0, caution(approver=w.A))
    agreed = terms()
    w.request(world, agreed)
    assert world.authorization(w.identifier(agreed)).required == mask(
        Party.PROVIDER, Party.CONSUMER
    )


def test_two_entries_cannot_name_two(world):
    list_entry(world, "caution", Zone.FINANCE, HOME, caution(approver=w.C))
    list_entry(world, "caution", 0, 0, caution(approver=w.EXCHANGE))
    assert refused(world, terms(approver=w.C)) == "templates: two named approvers"
    malformed = (1, 1 << 57)
    assert world.refused("regulator.approver", "templates", "caution", 0, 0, malformed) == (
        "templates: malformed caution"
    )
