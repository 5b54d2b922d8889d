"""Fees are read by people who sign them: amounts to the minor unit, in both languages."""

from dataclasses import replace

import pytest

from node.render.fees import fees_lines, left_out_lines, money
from node.spec.fees import fees_of
from tests.unit.spec.test_fees import priced

FEES = fees_of([priced()], 0, 400)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1230, "CNY", "CNY 12.30"),
        (5, "CNY", "CNY 0.05"),
        (-5, "HKD", "HKD -0.05"),
        (1230, "JPY", "JPY 1230"),
        (1230, "KWD", "KWD 1.230"),
        (0, "CNY", "CNY 0.00"),
    ],
)
def test_money(amount: int, currency: str, text: str) -> None:
    assert money(amount, currency) == text


@pytest.mark.parametrize(
    ("language", "charged", "direct", "nothing"),
    [("zh", "计费10次", "直接交易", "本期无费用"), ("en", "10 uses charged", "direct", "nothing")],
)
def test_lines(language: str, charged: str, direct: str, nothing: str) -> None:
    text = "\n".join(fees_lines(FEES, language))
    assert charged in text
    assert "CNY 0.25" in text
    assert "CNY 0.02" in text
    assert FEES.lines[0].authorization.hex() in text
    empty = "\n".join(fees_lines(replace(FEES, exchange=0, lines=()), language))
    assert direct in empty
    assert nothing in empty


def test_what_is_left_out_has_its_ground_in_both_languages() -> None:
    grounds = ("not anchored", "void", "voided", "disputed", "claimed")
    for language in ("zh", "en"):
        lines = left_out_lines(dict.fromkeys(grounds, 3), language)
        assert len(set(lines)) == len(grounds)
        assert all("3" in line for line in lines)
