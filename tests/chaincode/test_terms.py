"""Terms that break a rule reach no party: each rule is broken once, and its reason named."""

from dataclasses import replace

import pytest

from node.spec.crypto import keccak256
from node.spec.terms import words
from node.spec.types import ZERO_ADDRESS, ZERO_HASH
from node.spec.vocabulary import (
    DeliveryMode,
    LegalBasis,
    Mechanism,
    OwnerRight,
    Party,
    PriceClass,
    SubjectMode,
    mask,
)
from tests.chaincode import world as w

BASE = mask(Party.PROVIDER, Party.CONSUMER)
LEVEL4, LEVEL5, C3 = 0b001000, 0b010000, 0b100000
OTHER_DOCUMENTS = "not the product's template and price plan"


@pytest.fixture
def world():
    return w.market()


@pytest.mark.parametrize(
    ("agreed", "more"),
    [
        (w.terms(), 0),
        (w.terms(exchange=w.EXCHANGE), mask(Party.EXCHANGE)),
        (w.personal_terms(), mask(Party.SUBJECT)),
        (w.personal_terms(modes=mask(DeliveryMode.RAW)), mask(Party.SUBJECT, Party.REGULATOR)),
        (w.terms(fields=LEVEL4), mask(Party.REGULATOR)),
        (w.terms(fields=LEVEL5), mask(Party.REGULATOR)),
        (w.terms(**w.ABROAD), mask(Party.REGULATOR)),
    ],
)
def test_who_must_approve(world, agreed, more):
    assert world.view("grants", "required", words(agreed)) == BASE | more


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"provider": w.B}, "not the provider"),
        ({"provider": w.C}, "not the provider"),
        ({"consumer": w.C}, "not the consumer"),
        ({"exchange": w.A}, "exchange is a party"),
        ({"exchange": w.B}, "exchange is a party"),
        ({"exchange": w.C}, "not an exchange"),
        ({"product": ZERO_HASH}, "not the provider"),
        ({"product_version": 2}, "not the provider"),
        ({"template": keccak256(b"other")}, OTHER_DOCUMENTS),
        ({"fields": 0}, "unknown field"),
        ({"fields": 1 << 6}, "unknown field"),
        ({"fields": C3}, "C3 field"),
        ({"fields": C3 | 1}, "C3 field"),
        ({"modes": 0}, "mode is not offered"),
        ({"modes": 1 << 6}, "mode is not offered"),
        ({"modes": mask(DeliveryMode.FIELDS), "fields": LEVEL4}, "mode not allowed at this level"),
        ({"modes": mask(DeliveryMode.RAW), "fields": LEVEL5}, "mode not allowed at this level"),
        ({"fields": LEVEL5 | 1, **w.ABROAD}, "level 5 never abroad"),
        ({"modes": mask(DeliveryMode.FIELDS)}, "mode needs a subject"),
        ({"modes": mask(DeliveryMode.RAW)}, "mode needs a subject"),
        ({"subject": b"\x01" * 20}, "subject in another mode"),
        ({"subject_reference": b"\x01" * 32}, "subject in another mode"),
        ({"legal_basis": LegalBasis.CONSENT}, "consent needs a subject"),
        ({"legal_basis": 0}, "unknown legal basis"),
        ({"legal_basis": 8}, "unknown legal basis"),
        ({"minimum_group": 4}, "minimum group too small"),
        ({"subject_mode": 3}, "unknown subject mode"),
        ({"subject_mode": SubjectMode.ONE}, "no notice to the subject"),
        ({"purpose": 0}, "unknown purpose"),
        ({"purpose": 52}, "unknown purpose"),
        ({"destination": 0}, "unknown destination"),
        ({"destination": 999}, "unknown destination"),
        ({"destination": 2000}, "unknown destination"),
        ({"maximum_uses": 0}, "no uses"),
        ({"valid_from": w.GENESIS_TIME + 40 * w.DAY}, "empty validity"),
        ({"valid_from": 1, "valid_until": w.GENESIS_TIME}, "expired"),
        ({"valid_until": 2**63}, "validity too long"),
        ({"unsigned_maximum": 0}, "unsigned maximum out of range"),
        ({"unsigned_maximum": 65}, "unsigned maximum out of range"),
        ({"answer_within": w.FLOOR - 1}, "deadline out of range"),
        ({"destination": 344}, "export without mechanism"),
        ({**w.ABROAD, "mechanism": 6}, "unknown mechanism"),
        ({**w.ABROAD, "mechanism": 0}, "export without mechanism"),
        ({**w.ABROAD, "mechanism_reference": ZERO_HASH}, "mechanism without reference"),
        (
            {**w.ABROAD, "mechanism_until": w.GENESIS_TIME + w.DAY},
            "mechanism ends before the terms",
        ),
        ({"mechanism": Mechanism.EXEMPT}, "mechanism without export"),
        ({"mechanism_reference": b"\x01" * 32}, "mechanism without export"),
        ({"mechanism_until": 1}, "mechanism without export"),
        ({"rate_period": 6, "rate_limit": 1}, "no such rate"),
        ({"rate_period": 2}, "no such rate"),
        ({"rate_limit": 2}, "no such rate"),
        ({"parent": b"\x01" * 32}, "not the terms that these stand on"),
        ({"settle_within": 7 * w.DAY + 1}, "deadline out of range"),
        ({"acknowledge_within": w.FLOOR - 1}, "deadline out of range"),
        ({"acknowledge_within": 7 * w.DAY + 1}, "deadline out of range"),
        ({"retention_days": 3_661}, "retention too long"),
        ({"look_back_days": 36_601}, "look-back too long"),
        ({"notice": keccak256(b"x")}, "notice without a subject"),
        ({"right": 0}, "right is not offered"),
        ({"right": OwnerRight.HOLDING}, "right is not offered"),
        ({"recipients": 1 << w.C}, "sharing onward is operating"),
        ({"price_class": 1}, "price plan and class differ"),
        ({"price_plan": keccak256(b"x")}, "price plan and class differ"),
        ({"price_class": 5, "price_plan": keccak256(b"x")}, "unknown price class"),
        ({"price_class": 1, "price_plan": keccak256(b"x")}, "not the product's price class"),
        ({"exchange_share": 1}, "share without an exchange"),
        ({"exchange": w.EXCHANGE, "exchange_share": 10_001}, "share above the whole"),
        ({"amends": b"\x01" * 32}, "not the terms that these stand on"),
    ],
)
def test_terms_that_no_party_can_agree_to(world, changes, reason):
    agreed = w.terms(**changes)
    refused = world.refused("b.approver", *w.requesting(agreed))
    assert refused == f"grants: {reason}"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"subject": ZERO_ADDRESS}, "no subject"),
        ({"subject_reference": ZERO_HASH}, "no subject"),
        ({"notice": ZERO_HASH}, "no notice to the subject"),
        ({"delegation": keccak256(b"x")}, "delegation without an agent"),
        ({"minimum_group": 5}, "minimum group of one subject"),
        ({"subject": w.account("a.gateway")}, "subject is an account of a party"),
        ({"subject": w.account("b.gateway")}, "subject is an account of a party"),
    ],
)
def test_personal_terms_that_no_party_can_agree_to(world, changes, reason):
    agreed = w.personal_terms(**changes)
    refused = world.refused("b.approver", *w.requesting(agreed))
    assert refused == f"grants: {reason}"


PLAN = keccak256(b"price plan")


def test_the_price_is_the_products_and_platform_trade_has_its_share(world):
    names, fields = w.schema()
    offering = w.offering(price_class=PriceClass.PER_USE, price_plan=PLAN)
    world.send("a.approver", "catalog", "publish", w.SALT, offering, names, fields)
    world.send("exchange.approver", "catalog", "approve", w.product(), 2)
    priced = w.terms(product_version=2, price_class=PriceClass.PER_USE, price_plan=PLAN)
    wrong = f"grants: {OTHER_DOCUMENTS}"
    for changes, reason in (
        ({"price_class": 0, "price_plan": ZERO_HASH}, "grants: not the product's price class"),
        ({"price_plan": keccak256(b"dearer")}, wrong),
        ({"price_class": PriceClass.FIXED}, "grants: not the product's price class"),
    ):
        refused = world.refused("b.approver", *w.requesting(replace(priced, **changes)))
        assert refused == reason
    w.request(world, replace(priced, exchange=w.EXCHANGE, exchange_share=10_000))
    w.request(world, priced)
