"""Price plans: what uses under terms cost, as a document of which terms hold the hash (R18).

A plan is one canonical JSON text; `decode_plan` refuses bytes that `encode_plan` would not write.
Amounts are integers in the minor unit of an ISO 4217 currency. What is due is never a sum of
roundings: `fee_due` is all that terms have cost up to a time, rounded down once, and a period costs
what was due at its end less what was due at its beginning. So dividing a period changes no total,
and a use that a dispute takes out later is credited by the same rule.

- `FIXED`: the price once, when the version of the terms takes effect.
- `PER_USE`: the price for each `per` uses.
- `TIERED`: the uses of each window (by `used_at`; without one, of the version's whole life) fill
  the tiers in order; each use costs the price of its tier.
- `PERIOD`: the price for each window of UTC+8 that begins while the version is in force, and for
  the one in which the authorization itself begins.
- `FREE` has no plan: terms then hold a hash of zero.

A suspension or a freeze does not stop a period: what nobody may use meanwhile is still held for the
consumer. Who wants it otherwise agrees on a price by use.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from node.errors import DecodeError, IntegrityError
from node.spec.calendar import window_of
from node.spec.crypto import keccak256
from node.spec.terms import Terms
from node.spec.types import ZERO_HASH, Hash32
from node.spec.vocabulary import PriceClass, RatePeriod

FORMAT: Final = "dataccord-price-plan/1"
PLAN_BYTES_MAX: Final = 8_192
TIERS_MAX: Final = 32
PRICE_MAX: Final = 10**12
PER: Final = (1, 10, 100, 1_000, 10_000)
"""For how many uses a price may be named: what one use costs may lie below the minor unit."""
UP_TO_MAX: Final = 2**32 - 1
BASIS_POINTS: Final = 10_000
"""What the whole of a fee is to an exchange's share."""

_MEMBERS: Final = frozenset({"format", "class", "currency", "per", "window", "tiers"})
_TIER_MEMBERS: Final = frozenset({"upTo", "price"})
CURRENCY: Final = re.compile("[A-Z]{3}")
"""The form of an ISO 4217 code."""


@dataclass(frozen=True, slots=True)
class Tier:
    """The price of uses up to one in number; 0 for all that follow."""

    up_to: int
    price: int
    """Minor units for each `per` uses of the plan, or for each window, or once."""


@dataclass(frozen=True, slots=True)
class PricePlan:
    """What uses cost; every class but `TIERED` has one tier."""

    price_class: PriceClass
    currency: str
    """ISO 4217 code."""
    tiers: tuple[Tier, ...]
    per: int = 1
    window: RatePeriod = RatePeriod.NONE


@dataclass(frozen=True, slots=True)
class Span:
    """When a version of terms was in force: Unix seconds, the first inside and the last outside."""

    begins: int
    ends: int
    is_first: bool
    """Whether the authorization itself begins with it."""


def canonical(value: Any) -> bytes:
    """Return the one JSON text of a value: ASCII, members in order, no space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def encode_plan(plan: PricePlan) -> bytes:
    """Return the document of a plan."""
    return canonical(
        {
            "format": FORMAT,
            "class": plan.price_class.name.lower(),
            "currency": plan.currency,
            "per": plan.per,
            "window": plan.window.name.lower(),
            "tiers": [{"upTo": tier.up_to, "price": tier.price} for tier in plan.tiers],
        }
    )


def plan_hash(plan: PricePlan) -> Hash32:
    """Return what terms and catalog hold of a plan."""
    return keccak256(encode_plan(plan))


def decode_plan(data: bytes) -> PricePlan:
    """Return the plan of a document.

    Raises:
        DecodeError: it is no plan, or not in its one encoding.
    """
    if len(data) > PLAN_BYTES_MAX:
        raise DecodeError(f"price plan: more than {PLAN_BYTES_MAX} bytes")
    try:
        plan = plan_from_json(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise DecodeError("price plan: not JSON", why=str(error)) from error
    if encode_plan(plan) != data:
        raise DecodeError("price plan: not its canonical encoding")
    return plan


def plan_from_json(value: object) -> PricePlan:
    """Return the plan that a JSON value is, however it was written.

    Raises:
        DecodeError: a member is missing, unknown, or out of its range.
    """
    if not isinstance(value, dict) or set(value) != _MEMBERS:
        raise DecodeError(f"price plan: expected just the members {', '.join(sorted(_MEMBERS))}")
    if value["format"] != FORMAT:
        raise DecodeError(f"price plan: format is not {FORMAT}")
    price_class = _named(PriceClass, "class", value["class"])
    window = _named(RatePeriod, "window", value["window"])
    currency, tiers = value["currency"], value["tiers"]
    if not isinstance(currency, str) or not CURRENCY.fullmatch(currency):
        raise DecodeError("price plan: currency is no ISO 4217 code")
    if not isinstance(tiers, list) or not 0 < len(tiers) <= TIERS_MAX:
        raise DecodeError(f"price plan: there are 1 to {TIERS_MAX} tiers")
    per = _number("per", value["per"], PER[-1])
    plan = PricePlan(PriceClass(price_class), currency, tuple(map(_tier, tiers)), per, window)
    flaw = _flaw(plan)
    if flaw is not None:
        raise DecodeError(f"price plan: {flaw}")
    return plan


def _tier(value: object) -> Tier:
    if not isinstance(value, dict) or set(value) != _TIER_MEMBERS:
        raise DecodeError(f"price plan: a tier has {', '.join(sorted(_TIER_MEMBERS))}")
    up_to = _number("upTo", value["upTo"], UP_TO_MAX)
    return Tier(up_to, _number("price", value["price"], PRICE_MAX))


def _flaw(plan: PricePlan) -> str | None:
    counts = plan.price_class in (PriceClass.PER_USE, PriceClass.TIERED)
    bounds = [tier.up_to for tier in plan.tiers]
    ascending = all(a < b for a, b in pairwise(bounds[:-1]))
    needs_window = plan.price_class == PriceClass.PERIOD
    may_window = needs_window or plan.price_class == PriceClass.TIERED
    claims = (
        (plan.price_class != PriceClass.FREE, "what is free has none"),
        (plan.per in PER, f"per is one of {', '.join(map(str, PER))}"),
        (counts or plan.per == 1, "per is for what is priced by use"),
        (plan.price_class == PriceClass.TIERED or len(bounds) == 1, "more tiers than one price"),
        (bounds[-1] == 0, "the last tier has no end, which is upTo 0"),
        (all(bounds[:-1]) and ascending, "tiers do not ascend"),
        (not needs_window or plan.window != RatePeriod.NONE, "a period needs its window"),
        (may_window or plan.window == RatePeriod.NONE, "a window is for periods and tiers"),
    )
    return next((text for holds, text in claims if not holds), None)


def _named(kind: type[PriceClass] | type[RatePeriod], name: str, value: object) -> Any:
    if isinstance(value, str) and value == value.lower() and value.upper() in kind.__members__:
        return kind[value.upper()]
    raise DecodeError(f"price plan: unknown {name} {value!r}")


def _number(name: str, value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise DecodeError(f"price plan: {name} is a whole number up to {most}")
    return value


def require_plan(plan: PricePlan | None, terms: Terms) -> None:
    """Check that a plan is the one of some terms (R23); None is that of what is free.

    Raises:
        IntegrityError: their hash or their class of price is another.
    """
    held = ZERO_HASH if plan is None else plan_hash(plan)
    priced = PriceClass.FREE if plan is None else plan.price_class
    if held != terms.price_plan:
        raise IntegrityError(f"the price plan 0x{held.hex()} is not that of the terms")
    if priced != terms.price_class:
        raise IntegrityError("the price plan is of another class than the terms name")


def fee_due(plan: PricePlan, span: Span, used_at: Iterable[int], time: int) -> int:
    """Return all that a version of terms has cost before a time, in minor units.

    `used_at` has the time of each use that counts by then: see `node.spec.fees`.
    """
    until = min(span.ends, time)
    price = plan.tiers[0].price
    match plan.price_class:
        case PriceClass.FIXED:
            return price if span.begins < until else 0
        case PriceClass.PERIOD:
            return price * _windows(plan.window, span, until)
        case PriceClass.PER_USE:
            return price * sum(1 for _ in used_at) // plan.per
        case _:
            return sum(_in_tiers(plan, count) for count in _counts(plan, used_at)) // plan.per


def exchange_part(due: int, share: int) -> int:
    """Return an exchange's part of what is due, rounded down; `share` is in basis points."""
    return due * share // BASIS_POINTS


def _windows(window: RatePeriod, span: Span, until: int) -> int:
    if span.begins >= until:
        return 0
    first = window_of(window, span.begins)
    begins_one = span.is_first or window_of(window, span.begins - 1) != first
    return window_of(window, until - 1) - first + begins_one


def _counts(plan: PricePlan, used_at: Iterable[int]) -> Iterable[int]:
    if plan.window == RatePeriod.NONE:
        return (sum(1 for _ in used_at),)
    return Counter(window_of(plan.window, time) for time in used_at).values()


def _in_tiers(plan: PricePlan, count: int) -> int:
    """Return what a number of uses costs, times `per`."""
    total = below = 0
    for tier in plan.tiers:
        end = min(count, tier.up_to) if tier.up_to else count
        total += tier.price * max(0, end - below)
        below = max(below, end)
    return total
