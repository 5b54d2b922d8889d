"""A zone's operator decides who provides and consumes in it, how and for what, and may approve."""

import pytest

from node.spec.crypto import keccak256
from node.spec.vocabulary import (
    AuthorizationStatus,
    DeliveryMode,
    Party,
    Zone,
    mask,
    purpose,
)
from tests.chaincode import world as w

QUERY = mask(DeliveryMode.QUERY)
BOTH = 1 << w.A | 1 << w.B


@pytest.fixture
def world():
    world = w.market()
    world.send("regulator.approver", "catalog", "assignZone", Zone.FINANCE, w.C)
    return world


def rule(world, *, each=False, modes=0, admitted=0, purposes=0):
    values = (Zone.FINANCE, each, modes, admitted, purposes)
    return world.send("c.approver", "catalog", "ruleZone", *values)


def refused(world, **changes):
    return world.refused("b.approver", *w.requesting(w.terms(**changes)))


def test_a_regulator_assigns_and_only_the_operator_rules(world):
    assign = ("catalog", "assignZone")
    assert world.refused("exchange.approver", *assign, Zone.FINANCE, w.C) == (
        "catalog: zones are assigned by a regulator"
    )
    assert world.refused("regulator.approver", *assign, 14, w.C) == "catalog: unknown zone"
    assert world.refused("regulator.approver", *assign, 0, w.C) == "catalog: unknown zone"
    assert world.refused("regulator.approver", *assign, Zone.WATER, 99) == (
        "catalog: not an active member"
    )
    values = (Zone.FINANCE, False, 0, 0, 0)
    assert world.refused("a.approver", "catalog", "ruleZone", *values) == (
        "catalog: not the zone's operator"
    )
    wrong = (Zone.FINANCE, False, 1 << 6, 0, 0)
    assert world.refused("c.approver", "catalog", "ruleZone", *wrong) == (
        "catalog: unknown delivery mode"
    )
    assert w.events(rule(world, modes=QUERY)) == ["ZoneRuled"]
    assert world.view("catalog", "zoneOf", Zone.FINANCE) == (w.C | QUERY << 24 | 1 << 40, 0, 0)
    world.send("regulator.approver", *assign, Zone.FINANCE, 0)
    assert world.view("catalog", "zoneOf", Zone.FINANCE) == (2 << 40, 0, 0)


def test_the_operator_approves_publication(world):
    names, fields = w.schema()
    published = (w.SALT, w.offering(), names, fields)
    world.send("a.approver", "catalog", "publish", *published)
    approve = ("catalog", "approve", w.product(), 2)
    assert world.refused("exchange.approver", *approve) == (
        "catalog: approval is the zone operator's"
    )
    world.send("c.approver", *approve)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"admitted": 1 << w.B}, "provider is not admitted to the zone"),
        ({"modes": QUERY}, "mode not allowed in the zone"),
    ],
)
def test_a_product_keeps_its_zones_rules(world, rules, reason):
    rule(world, **rules)
    names, fields = w.schema()
    published = (w.SALT, w.offering(), names, fields)
    assert world.refused("a.approver", "catalog", "publish", *published) == f"catalog: {reason}"


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"admitted": 1 << w.A}, "not admitted to the zone"),
        ({"admitted": 1 << w.B}, "not admitted to the zone"),
        ({"modes": QUERY}, "mode not allowed in the zone"),
        ({"purposes": 1 << purpose("FraudManagement")}, "purpose not allowed in the zone"),
    ],
)
def test_terms_keep_their_zones_rules(world, rules, reason):
    rule(world, **rules)
    assert refused(world) == f"grants: {reason}"
    rule(world, admitted=BOTH, modes=w.terms().modes, purposes=1 << w.terms().purpose)
    w.request(world, w.terms())


def test_the_operator_approves_each_where_it_says_so(world):
    rule(world, each=True)
    assert refused(world) == "grants: not the zone's operator"
    agreed = w.terms(operator=w.C)
    w.request(world, agreed)
    assert world.authorization(w.identifier(agreed)).required == mask(
        Party.PROVIDER, Party.CONSUMER, Party.OPERATOR
    )
    world.send("a.approver", *w.approving(agreed))
    world.send("c.approver", *w.approving(agreed))
    assert world.authorization(w.identifier(agreed)).status == AuthorizationStatus.ACTIVE


def test_an_operator_who_is_a_party_approves_as_that(world):
    world.send("regulator.approver", "catalog", "assignZone", Zone.FINANCE, w.A)
    values = (Zone.FINANCE, True, 0, 0, 0)
    world.send("a.approver", "catalog", "ruleZone", *values)
    w.request(world, w.terms())
    state = world.authorization(w.identifier(w.terms()))
    assert state.required == mask(Party.PROVIDER, Party.CONSUMER)
    assert refused(world, operator=w.A, nonce=1) == "grants: not the zone's operator"


def test_a_zone_names_the_templates_that_may_be_used_in_it(world):
    allow = ("catalog", "allowTemplate", Zone.FINANCE)
    other = keccak256(b"other")
    refused_ = world.refused("a.approver", *allow, other, True)
    assert refused_ == "catalog: not the zone's operator"
    w.request(world, w.terms())
    told = world.send("c.approver", *allow, other, True)
    assert w.events(told) == ["TemplateAllowed"]
    assert refused(world, nonce=1) == "grants: template not allowed in the zone"
    published = ("catalog", "publish", w.SALT, w.offering(), *w.schema())
    assert world.refused("a.approver", *published) == "catalog: template not allowed in the zone"
    rule(world)
    assert refused(world, nonce=1) == "grants: template not allowed in the zone"
    world.send("c.approver", *allow, w.TEMPLATE, True)
    w.request(world, w.terms(nonce=1))
    world.send("a.approver", *published)
    world.send("c.approver", *allow, w.TEMPLATE, False)
    assert refused(world, nonce=2) == "grants: template not allowed in the zone"
    world.send("regulator.approver", "catalog", "assignZone", Zone.FINANCE, w.C)
    w.request(world, w.terms(nonce=2))
