"""Price plans: one encoding, one rounding, and totals that no division of a period changes."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import DecodeError, IntegrityError
from node.spec.calendar import DAY_SECONDS, beginning_of
from node.spec.pricing import (
    PLAN_BYTES_MAX,
    PRICE_MAX,
    TIERS_MAX,
    PricePlan,
    Span,
    Tier,
    decode_plan,
    encode_plan,
    exchange_part,
    fee_due,
    plan_from_json,
    plan_hash,
    require_plan,
)
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import PriceClass, RatePeriod
from tests.chaincode import world

PER_USE = PricePlan(PriceClass.PER_USE, "CNY", (Tier(0, 25),), 10)
TIERED = PricePlan(PriceClass.TIERED, "CNY", (Tier(2, 100), Tier(5, 50), Tier(0, 7)))
FIXED = PricePlan(PriceClass.FIXED, "HKD", (Tier(0, 500_000),))
MONTHLY = PricePlan(PriceClass.PERIOD, "CNY", (Tier(0, 90_000),), window=RatePeriod.MONTH)
PLANS = (PER_USE, TIERED, FIXED, MONTHLY, replace(TIERED, window=RatePeriod.DAY, per=100))
DAY = beginning_of(20_000)
ALWAYS = Span(0, 2**36, True)


@pytest.mark.parametrize("plan", PLANS)
def test_a_plan_has_one_encoding(plan: PricePlan) -> None:
    data = encode_plan(plan)
    assert decode_plan(data) == plan
    assert plan_from_json(json.loads(data)) == plan
    for other in (data + b"\n", b" " + data, data.replace(b":", b": ", 1), data + data):
        with pytest.raises(DecodeError):
            decode_plan(other)


def test_a_plan_in_bytes() -> None:
    assert encode_plan(PER_USE) == (
        b'{"class":"per_use","currency":"CNY","format":"dataccord-price-plan/1","per":10,'
        b'"tiers":[{"price":25,"upTo":0}],"window":"none"}'
    )


@pytest.mark.parametrize(
    "change",
    [
        {"format": "dataccord-price-plan/2"},
        {"class": "free"},
        {"class": "PER_USE"},
        {"class": 2},
        {"class": "gold"},
        {"currency": "cny"},
        {"currency": "CNYX"},
        {"currency": 156},
        {"per": 3},
        {"per": True},
        {"per": 1.0},
        {"window": "day"},
        {"window": None},
        {"tiers": []},
        {"tiers": "none"},
        {"tiers": [{"upTo": 0, "price": 1}] * 2},
        {"tiers": [{"upTo": 5, "price": 1}]},
        {"tiers": [{"upTo": 0, "price": -1}]},
        {"tiers": [{"upTo": 0, "price": PRICE_MAX + 1}]},
        {"tiers": [{"upTo": 0, "price": 1.5}]},
        {"tiers": [{"upTo": 0}]},
        {"tiers": [5]},
        {"class": "tiered", "tiers": [{"upTo": 5, "price": 1}, {"upTo": 5, "price": 2}]},
        {
            "class": "tiered",
            "tiers": [{"upTo": n, "price": 1} for n in (5, 4, 0)],
        },
        {"class": "tiered", "tiers": [{"upTo": 0, "price": 1}] * (TIERS_MAX + 1)},
        {"class": "tiered", "tiers": [{"upTo": n, "price": 1} for n in (0, 4, 0)]},
        {"class": "period", "per": 1},
        {"class": "fixed"},
        {"more": 1},
    ],
)
def test_what_is_no_plan(change: dict[str, Any]) -> None:
    value = json.loads(encode_plan(PER_USE)) | change
    with pytest.raises(DecodeError, match="price plan"):
        plan_from_json(value)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5_000])
def test_bytes_that_are_no_plan(data: bytes) -> None:
    with pytest.raises(DecodeError, match="price plan"):
        decode_plan(data)
    with pytest.raises(DecodeError, match="more than"):
        decode_plan(b" " * (PLAN_BYTES_MAX + 1))


def test_a_plan_is_that_of_its_terms() -> None:
    terms = world.terms(price_class=int(PriceClass.PER_USE), price_plan=plan_hash(PER_USE))
    require_plan(PER_USE, terms)
    require_plan(None, world.terms(price_class=0, price_plan=ZERO_HASH))
    with pytest.raises(IntegrityError, match="not that of the terms"):
        require_plan(TIERED, terms)
    with pytest.raises(IntegrityError, match="not that of the terms"):
        require_plan(None, terms)
    with pytest.raises(IntegrityError, match="another class"):
        require_plan(PER_USE, replace(terms, price_class=int(PriceClass.FIXED)))


def test_by_use_is_rounded_down_once() -> None:
    assert [fee_due(PER_USE, ALWAYS, [5] * n, 10) for n in (0, 1, 2, 3, 4)] == [0, 2, 5, 7, 10]


def test_tiers_fill_in_order() -> None:
    due = [fee_due(TIERED, ALWAYS, [5] * n, 10) for n in range(8)]
    assert due == [0, 100, 200, 250, 300, 350, 357, 364]


def test_tiers_begin_anew_in_each_window_of_utc_plus_8() -> None:
    daily = replace(TIERED, window=RatePeriod.DAY)
    one_day = [DAY, DAY + 1, DAY + DAY_SECONDS - 1]
    assert fee_due(daily, ALWAYS, one_day, 2**36) == 250
    assert fee_due(daily, ALWAYS, [*one_day[:2], DAY + DAY_SECONDS], 2**36) == 300


def test_a_fixed_price_is_due_when_its_version_begins() -> None:
    span = Span(100, 200, True)
    assert [fee_due(FIXED, span, [], time) for time in (100, 101, 300)] == [0, 500_000, 500_000]
    assert fee_due(FIXED, Span(200, 200, True), [], 300) == 0


def test_a_period_is_due_at_its_first_second_in_force() -> None:
    daily = replace(MONTHLY, window=RatePeriod.DAY)
    span = Span(DAY + 50, DAY + 2 * DAY_SECONDS, True)
    price = 90_000
    times = (DAY + 50, DAY + 51, DAY + DAY_SECONDS, DAY + DAY_SECONDS + 1, DAY + 9 * DAY_SECONDS)
    assert [fee_due(daily, span, [], t) // price for t in times] == [0, 1, 1, 2, 2]


def test_a_day_with_two_versions_is_paid_once() -> None:
    daily = replace(MONTHLY, window=RatePeriod.DAY)
    change, end = DAY + 500, DAY + 2 * DAY_SECONDS
    first = fee_due(daily, Span(DAY, change, True), [], end)
    assert first + fee_due(daily, Span(change, end, False), [], end) == 2 * 90_000
    on_the_hour = Span(DAY + DAY_SECONDS, end, False)
    assert fee_due(daily, on_the_hour, [], end) == 90_000


def test_the_exchange_has_its_part_rounded_down() -> None:
    assert [exchange_part(due, 333) for due in (0, 30, 31, 10_000)] == [0, 0, 1, 333]


@given(
    st.sampled_from(PLANS),
    st.lists(st.integers(DAY, DAY + 40 * DAY_SECONDS), max_size=30),
    st.lists(st.integers(DAY - 5, DAY + 50 * DAY_SECONDS), min_size=2, max_size=6),
)
def test_what_is_due_only_grows(plan: PricePlan, uses: list[int], times: list[int]) -> None:
    span = Span(DAY + 7, DAY + 45 * DAY_SECONDS, True)
    due = [fee_due(plan, span, [u for u in uses if u < t], t) for t in sorted(times)]
    assert due == sorted(due)
    assert due[-1] <= fee_due(plan, span, uses, 2**40)
