"""Templates and lists, in the contract's own words: each rule by the smallest step beyond it."""

from dataclasses import replace

import pytest

from node.spec.templates import (
    Template,
    is_refused,
    is_zone_frozen,
    list_changes,
    refuse_careless,
    refuse_clauses,
    slot_of_template,
    slots_of_zone_freezes,
    template,
)
from node.spec.terms import DAY_SECONDS, Terms
from node.spec.vocabulary import HOME, DeliveryMode, Party, Zone, mask, purpose
from tests.chaincode import world

TERMS = world.terms()
BOTH = mask(Party.PROVIDER, Party.CONSUMER)
DAYS = (TERMS.valid_until - TERMS.valid_from) // DAY_SECONDS
FITTING = Template(
    status=2,
    purposes=1 << TERMS.purpose,
    modes=TERMS.modes,
    maximum_uses=TERMS.maximum_uses,
    maximum_days=DAYS,
    minimum_group=TERMS.minimum_group,
    abroad=False,
    onward=False,
)


def test_a_template_is_read_from_its_word() -> None:
    market = world.market()
    read = market.reader("templates")
    found = template(read, world.TEMPLATE)
    assert found is not None
    assert (found.modes, found.maximum_uses, found.maximum_days) == world.CLAUSES[2:5]
    assert (found.minimum_group, found.abroad, found.onward) == (0, True, True)
    assert found.purposes == world.PURPOSES
    assert refuse_clauses(found, TERMS) is None
    assert template(read, world.product()) is None
    assert list_changes(read) == (0, 0)
    assert read(slot_of_template(world.TEMPLATE))


@pytest.mark.parametrize(
    ("clauses", "terms", "reason"),
    [
        ({"purposes": 0}, {}, "purpose"),
        ({"modes": mask(DeliveryMode.PSI)}, {}, "mode"),
        ({}, {"maximum_uses": TERMS.maximum_uses + 1}, "uses"),
        ({}, {"valid_until": TERMS.valid_until + 1}, "validity"),
        ({}, {"minimum_group": TERMS.minimum_group - 1}, "group"),
        ({}, {"destination": 344}, "export"),
        ({}, {"recipients": 1}, "onward"),
    ],
)
def test_terms_outside_a_template(
    clauses: dict[str, int], terms: dict[str, int], reason: str
) -> None:
    assert refuse_clauses(FITTING, TERMS) is None
    refusal = refuse_clauses(replace(FITTING, **clauses), replace(TERMS, **terms))
    assert refusal is not None
    assert refusal.startswith(f"templates: {reason}")
    assert refusal.endswith("outside the template")


@pytest.mark.parametrize(
    ("entry", "refused"),
    [
        ((Zone.FINANCE, HOME), True),
        ((Zone.FINANCE, 0), True),
        ((0, HOME), True),
        ((0, 0), True),
        ((Zone.MEDICAL, 0), False),
        ((0, 344), False),
    ],
)
def test_an_entry_concerns_its_category_and_destination(
    entry: tuple[int, int], refused: bool
) -> None:
    listed = {entry: 1 << 7}
    assert is_refused(listed, Zone.FINANCE, HOME, 7) is refused
    assert not is_refused(listed, Zone.FINANCE, HOME, 8)


PARENT, CHILD, SIBLING = map(
    purpose, ("InsuranceManagement", "InsuranceClaimPayoutAssessment", "FraudManagement")
)
"""A purpose, one two steps below it, and one beside it."""


def test_an_entry_bites_on_what_covers_its_purpose_and_never_below_it() -> None:
    entry = {(0, 0): 1 << CHILD}
    assert is_refused(entry, Zone.FINANCE, HOME, CHILD)
    assert is_refused(entry, Zone.FINANCE, HOME, PARENT)
    assert not is_refused(entry, Zone.FINANCE, HOME, SIBLING)
    assert not is_refused({(0, 0): 1 << PARENT}, Zone.FINANCE, HOME, CHILD)


@pytest.mark.parametrize(("wanted", "bites"), [(CHILD, 1), (PARENT, 1), (SIBLING, 0)])
def test_terms_for_a_parent_meet_the_caution_of_its_child(wanted: int, bites: int) -> None:
    terms = replace(TERMS, purpose=wanted)
    assert bool(refuse_careless([(1 << CHILD, 1 << 56)], terms, BOTH)) == bites
    assert refuse_careless([(1 << CHILD, 1 << 56)], terms, BOTH | mask(Party.REGULATOR)) is None


@pytest.mark.parametrize("zone", [Zone.FINANCE, 0])
@pytest.mark.parametrize(("wanted", "bites"), [(CHILD, True), (PARENT, True), (SIBLING, False)])
def test_a_freeze_of_a_child_bites_on_its_parent(zone: int, wanted: int, bites: bool) -> None:
    purposes, until = slots_of_zone_freezes(zone)[:2]
    slots = {purposes: 1 << CHILD, until: 100}

    def read(slot: int) -> int:
        return slots.get(slot, 0)

    assert is_zone_frozen(read, Zone.FINANCE, wanted, 99) is bites
    assert not is_zone_frozen(read, Zone.FINANCE, wanted, 100)


NAMED = 5


@pytest.mark.parametrize(
    ("word", "terms", "required", "flaw"),
    [
        (99 << 16, TERMS, BOTH, "uses above the cautious list's cap"),
        (100 << 16, TERMS, BOTH, None),
        (mask(DeliveryMode.PSI) << 48, TERMS, BOTH, "mode not on the cautious list"),
        (TERMS.modes << 48, TERMS, BOTH, None),
        (1 << 56, TERMS, BOTH, "no regulator approves"),
        (1 << 56, TERMS, BOTH | mask(Party.REGULATOR), None),
        (NAMED, TERMS, BOTH, "not the approver that the list names"),
        (NAMED, replace(TERMS, approver=NAMED), BOTH, "not the approver that the list names"),
        (NAMED, replace(TERMS, approver=NAMED), BOTH | mask(Party.APPROVER), None),
        (NAMED, replace(TERMS, operator=NAMED), BOTH, None),
        (TERMS.provider, TERMS, BOTH, None),
    ],
)
def test_what_the_cautious_list_asks(
    word: int, terms: Terms, required: int, flaw: str | None
) -> None:
    found = refuse_careless([(1 << terms.purpose, word)], terms, required)
    assert found == (None if flaw is None else f"templates: {flaw}")
    assert refuse_careless([(0, word)], terms, required) is None
