"""Fees of a period: each use charged once, left out while disputed, and one form of it all."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import DecodeError, IntegrityError, Refused
from node.spec.fees import (
    CONTENT_BYTES_MAX,
    DisputeSpan,
    UseRecord,
    VersionUses,
    decode_fees,
    encode_fees,
    fee_line,
    fees_of,
    first_difference,
    left_out,
)
from node.spec.pricing import PricePlan, Span, Tier, plan_hash
from node.spec.types import Hash32
from node.spec.vocabulary import PriceClass, Ruling
from tests.chaincode import world

PLAN = PricePlan(PriceClass.PER_USE, "CNY", (Tier(0, 25),), 10)
ONE, OTHER = Hash32(b"\x01" * 32), Hash32(b"\x02" * 32)
EXCHANGE = 4


def priced(plan: PricePlan = PLAN, **changes: int) -> VersionUses:
    terms = world.terms(
        price_class=int(plan.price_class),
        price_plan=plan_hash(plan),
        exchange=EXCHANGE,
        exchange_share=1_000,
        **changes,
    )
    uses = tuple(UseRecord(50 + n, 100 + 10 * n) for n in range(10))
    return VersionUses(ONE, 1, terms, plan, Span(10, 1_000, True), uses)


def test_uses_count_from_their_anchoring() -> None:
    line = fee_line(priced(), 100, 140)
    assert line is not None
    assert (line.charged, line.credited, line.amount, line.exchange_amount) == (4, 0, 10, 1)
    assert fee_line(priced(), 500, 600) is None


@pytest.mark.parametrize(
    ("use", "time", "ground"),
    [
        (UseRecord(1, 5), 6, None),
        (UseRecord(1, 5), 5, "not anchored"),
        (UseRecord(1, 5, is_delivered=False), 6, "void"),
        (UseRecord(1, 5, voided_at=8), 8, None),
        (UseRecord(1, 5, voided_at=8), 9, "voided"),
        (UseRecord(1, 5, disputes=(DisputeSpan(7),)), 7, None),
        (UseRecord(1, 5, disputes=(DisputeSpan(7),)), 8, "disputed"),
        (UseRecord(1, 5, disputes=(DisputeSpan(7, 9, Ruling.DISMISSED),)), 9, "disputed"),
        (UseRecord(1, 5, disputes=(DisputeSpan(7, 9, Ruling.DISMISSED),)), 10, None),
        (UseRecord(1, 5, disputes=(DisputeSpan(7, 9, Ruling.WITHDRAWN),)), 10, None),
        (UseRecord(1, 5, disputes=(DisputeSpan(7, 9, Ruling.LAPSED),)), 10, None),
        (UseRecord(1, 5, disputes=(DisputeSpan(7, 9, Ruling.UPHELD),)), 10, "disputed"),
        (UseRecord(1, 5, disputes=(DisputeSpan(7, 9, Ruling.UPHELD_ENDING),)), 10, "disputed"),
        (UseRecord(1, 5, is_claimed=True), 9, "claimed"),
        (
            UseRecord(1, 5, is_claimed=True, disputes=(DisputeSpan(7, 9, Ruling.DISMISSED),)),
            10,
            None,
        ),
        (
            UseRecord(1, 5, is_claimed=True, disputes=(DisputeSpan(7, 9, Ruling.WITHDRAWN),)),
            10,
            "claimed",
        ),
        (
            UseRecord(1, 5, is_claimed=True, disputes=(DisputeSpan(7, 9, Ruling.LAPSED),)),
            10,
            "claimed",
        ),
    ],
)
def test_what_leaves_a_use_out(use: UseRecord, time: int, ground: str | None) -> None:
    assert left_out(use, time) == ground


def test_a_use_disputed_after_it_was_charged_is_credited_and_charged_again() -> None:
    use = UseRecord(50, 100, disputes=(DisputeSpan(250, 350, Ruling.DISMISSED),))
    uses = replace(priced(replace(PLAN, per=1)), uses=(use,))
    found = [fee_line(uses, since, since + 100) for since in (100, 200, 300)]
    assert [line and (line.charged, line.credited, line.amount) for line in found] == [
        (1, 0, 25),
        (0, 1, -25),
        (1, 0, 25),
    ]


@given(st.lists(st.integers(0, 400), max_size=5))
def test_dividing_a_period_changes_no_total(cuts: list[int]) -> None:
    uses = replace(
        priced(),
        uses=(
            *priced().uses,
            UseRecord(3, 7, disputes=(DisputeSpan(120, 180, Ruling.UPHELD),)),
            UseRecord(3, 90, voided_at=110),
        ),
    )
    times = sorted({0, 400, *cuts})
    parts = [fee_line(uses, one, other) for one, other in pairwise(times)]
    whole = fee_line(uses, 0, 400)
    assert whole is not None
    found = [line for line in parts if line is not None]
    assert sum(line.amount for line in found) == whole.amount
    assert sum(line.exchange_amount for line in found) == whole.exchange_amount


def test_a_line_needs_the_plan_of_its_terms() -> None:
    with pytest.raises(IntegrityError, match="not that of the terms"):
        fee_line(replace(priced(), plan=None), 0, 400)
    free = world.terms(price_class=0, price_plan=bytes(32))
    assert fee_line(replace(priced(), terms=free, plan=None), 0, 400) is None


def test_fees_are_of_one_pair_and_one_exchange() -> None:
    second = replace(priced(), authorization=OTHER)
    found = fees_of([second, priced()], 0, 400)
    assert [line.authorization for line in found.lines] == [ONE, OTHER]
    assert (found.exchange, found.totals) == (EXCHANGE, {"CNY": (50, 4)})
    with pytest.raises(Refused, match="one pair"):
        fees_of([], 0, 400)
    with pytest.raises(Refused, match="one pair"):
        fees_of([priced(), replace(second, terms=replace(second.terms, consumer=3))], 0, 400)
    with pytest.raises(Refused, match="more than one exchange"):
        fees_of([priced(), replace(second, terms=replace(second.terms, exchange=5))], 0, 400)
    assert fees_of([priced()], 0, 1).exchange == 0


def test_direct_trade_gives_no_exchange_a_part() -> None:
    direct = priced()
    direct = replace(direct, terms=replace(direct.terms, exchange=0))
    line = fee_line(direct, 0, 400)
    assert line is not None
    assert line.exchange_amount == 0


def test_the_first_line_that_differs_is_named() -> None:
    ours = fees_of([priced(), replace(priced(), authorization=OTHER)], 0, 400)
    assert first_difference(ours, ours) is None
    assert "until" in (first_difference(ours, replace(ours, until=401)) or "")
    wrong = replace(ours.lines[1], amount=26)
    text = first_difference(ours, replace(ours, lines=(ours.lines[0], wrong))) or ""
    assert OTHER.hex() in text
    assert "25 CNY" in text
    assert "26 CNY" in text
    assert "nothing proposed" in (first_difference(ours, replace(ours, lines=ours.lines[:1])) or "")


def test_a_content_has_one_encoding() -> None:
    content = fees_of([priced()], 0, 400)
    data = encode_fees(content)
    assert decode_fees(data) == content
    line = content.lines[0]
    for other in (
        data + b" ",
        b"{}",
        b"[",
        b"\xff",
        data.replace(b'"CNY"', b'"cny" '),
        data.replace(b"dataccord-fees/1", b"dataccord-fees/2"),
        data.replace(b'"until":400', b'"until":true'),
        data.replace(b'"until":400', b'"until":-1'),
        encode_fees(replace(content, lines=(line, line))),
        b" " * (CONTENT_BYTES_MAX + 1),
    ):
        with pytest.raises(DecodeError, match="fees"):
            decode_fees(other)
