"""Fees of a period: lines that follow from terms, plans and receipts alone (R15, R18).

A use counts at a time when its receipt is anchored and says that it was delivered, no challenge or
correction has voided it, and no dispute leaves it out (A61); a claimed use only once a ruling
dismissed a dispute over it (R12). What counts at the end of a period and did not at its beginning
is charged, the reverse credited: so nothing is charged twice, what is ruled later comes with the
later period, and both sides and an auditor find the same from the ledger's events before the end.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any, Final

from node.errors import DecodeError, Refused
from node.spec.disputes import UPHOLDING
from node.spec.pricing import (
    CURRENCY,
    PricePlan,
    Span,
    canonical,
    exchange_part,
    fee_due,
    plan_hash,
    require_plan,
)
from node.spec.terms import Terms
from node.spec.types import Hash32
from node.spec.vocabulary import Ruling

FORMAT: Final = "dataccord-fees/1"
LINES_MAX: Final = 10_000
CONTENT_BYTES_MAX: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DisputeSpan:
    """A dispute over a use: Unix seconds at which it was opened, and ended if it has."""

    opened: int
    ended: int | None = None
    ruling: Ruling | None = None


@dataclass(frozen=True, slots=True)
class UseRecord:
    """A use as the ledger and its receipt tell of it; times are Unix seconds."""

    used_at: int
    anchored_at: int
    is_delivered: bool = True
    is_claimed: bool = False
    voided_at: int | None = None
    disputes: tuple[DisputeSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionUses:
    """A version of an authorization's terms with the uses of the leases opened under it (R23)."""

    authorization: Hash32
    version: int
    terms: Terms
    plan: PricePlan | None
    """None for what is free."""
    span: Span
    uses: tuple[UseRecord, ...]


@dataclass(frozen=True, slots=True)
class FeeLine:
    """What one version of an authorization's terms costs in a period."""

    authorization: Hash32
    version: int
    plan: Hash32
    currency: str
    charged: int
    """Uses that count at the end of the period and did not at its beginning."""
    credited: int
    """Uses of which the reverse holds: disputed or voided since."""
    amount: int
    """Minor units; negative where more is credited."""
    exchange_amount: int
    """Of the amount, the exchange's part."""


@dataclass(frozen=True, slots=True)
class Fees:
    """The content of a fee statement; members are indices, times Unix seconds."""

    provider: int
    consumer: int
    exchange: int
    """0 in direct trade."""
    since: int
    until: int
    lines: tuple[FeeLine, ...]
    """By authorization and version, each once."""

    @property
    def totals(self) -> Mapping[str, tuple[int, int]]:
        """Amount and exchange's part, by currency."""
        found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for line in self.lines:
            amount, part = found[line.currency]
            found[line.currency] = amount + line.amount, part + line.exchange_amount
        return dict(sorted(found.items()))


def left_out(use: UseRecord, time: int) -> str | None:
    """Return why a use costs nothing before a time; None where it counts."""
    known = [dispute for dispute in use.disputes if dispute.opened < time]
    over = [d for d in known if d.ended is not None and d.ended < time]
    grounds = (
        (use.anchored_at >= time, "not anchored"),
        (not use.is_delivered, "void"),
        (use.voided_at is not None and use.voided_at < time, "voided"),
        (len(over) < len(known) or any(d.ruling in UPHOLDING for d in over), "disputed"),
        (use.is_claimed and all(d.ruling != Ruling.DISMISSED for d in over), "claimed"),
    )
    return next((ground for holds, ground in grounds if holds), None)


def fee_line(uses: VersionUses, since: int, until: int) -> FeeLine | None:
    """Return what a version costs in a period; None where that is nothing and no use counts anew.

    Raises:
        IntegrityError: the plan is not the terms'.
    """
    require_plan(uses.plan, uses.terms)
    if uses.plan is None:
        return None
    before = {place for place, use in enumerate(uses.uses) if left_out(use, since) is None}
    after = {place for place, use in enumerate(uses.uses) if left_out(use, until) is None}
    due = [
        fee_due(uses.plan, uses.span, (uses.uses[place].used_at for place in places), time)
        for places, time in ((before, since), (after, until))
    ]
    share = uses.terms.exchange_share if uses.terms.exchange else 0
    parts = [exchange_part(amount, share) for amount in due]
    changes = (len(after - before), len(before - after), due[1] - due[0], parts[1] - parts[0])
    if not any(changes):
        return None
    plan = plan_hash(uses.plan)
    return FeeLine(uses.authorization, uses.version, plan, uses.plan.currency, *changes)


def fees_of(versions: Iterable[VersionUses], since: int, until: int) -> Fees:
    """Return the fees of a period from all versions of a pair's authorizations.

    Raises:
        IntegrityError: a plan is not that of its terms.
        Refused: the versions are of more than one pair, or of two exchanges: one statement is
            signed by one exchange.
    """
    found = sorted(versions, key=lambda uses: (uses.authorization, uses.version))
    pairs = {(uses.terms.provider, uses.terms.consumer) for uses in found}
    if len(pairs) != 1:
        raise Refused(
            "fees: not of one pair", why=f"authorizations of {len(pairs)} pairs are given"
        )
    lines, exchanges = [], set()
    for uses in found:
        line = fee_line(uses, since, until)
        if line is not None:
            lines.append(line)
            exchanges |= {uses.terms.exchange} - {0}
    if len(exchanges) > 1:
        why = f"members {sorted(exchanges)} each have a part in it, one statement names one"
        raise Refused("fees: more than one exchange", why=why)
    provider, consumer = pairs.pop()
    return Fees(provider, consumer, max(exchanges, default=0), since, until, tuple(lines))


def first_difference(ours: Fees, theirs: Fees) -> str | None:
    """Return what differs first between two contents, line by line; None where nothing does."""
    for name in ("provider", "consumer", "exchange", "since", "until"):
        one, other = getattr(ours, name), getattr(theirs, name)
        if one != other:
            return f"{name}: {one} by our own records, {other} proposed"
    own = {(line.authorization, line.version): line for line in ours.lines}
    proposed = {(line.authorization, line.version): line for line in theirs.lines}
    for key in sorted(own.keys() | proposed.keys()):
        if own.get(key) != proposed.get(key):
            shown = _shown(own.get(key)), _shown(proposed.get(key))
            return (
                f"line of authorization 0x{key[0].hex()}, version {key[1]}: "
                f"{shown[0]} by our own records, {shown[1]} proposed"
            )
    return None


def _shown(line: FeeLine | None) -> str:
    if line is None:
        return "nothing"
    return (
        f"{line.charged} charged, {line.credited} credited, {line.amount} {line.currency} minor "
        f"units of which {line.exchange_amount} the exchange's"
    )


def encode_fees(content: Fees) -> bytes:
    """Return the canonical JSON text of a content: what the commitment is to."""
    head = {part.name: getattr(content, part.name) for part in fields(Fees)[:-1]}
    return canonical({"format": FORMAT, **head, "lines": [_line_json(x) for x in content.lines]})


def _line_json(line: FeeLine) -> list[int | str]:
    return ["0x" + part.hex() if isinstance(part, bytes) else part for part in astuple(line)]


def decode_fees(data: bytes) -> Fees:
    """Return the fees of a content.

    Raises:
        DecodeError: it is no content of a fee statement, or not in its one encoding.
    """
    if len(data) > CONTENT_BYTES_MAX:
        raise DecodeError(f"fees: more than {CONTENT_BYTES_MAX} bytes")
    try:
        value = json.loads(data)
        head: dict[str, Any] = {part.name: value[part.name] for part in fields(Fees)[:-1]}
        lines = tuple(map(_line, value["lines"]))
        content = Fees(**head, lines=lines)
        keys = [(line.authorization, line.version) for line in lines]
        sound = all(type(part) is int and 0 <= part < 2**64 for part in head.values())
        if not sound or len(lines) > LINES_MAX or keys != sorted(set(keys)):
            raise ValueError("a member or the order of lines")
        encoded = encode_fees(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DecodeError("fees: not the content of a fee statement", why=str(error)) from error
    if encoded != data:
        raise DecodeError("fees: not their canonical encoding")
    return content


def _line(value: Any) -> FeeLine:
    authorization, version, plan, currency, *numbers = value
    hashes = [Hash32(bytes.fromhex(part.removeprefix("0x"))) for part in (authorization, plan)]
    if any(len(part) != 32 for part in hashes) or not CURRENCY.fullmatch(currency):
        raise ValueError("a line's hash or currency")
    if any(type(number) is not int for number in (version, *numbers)):
        raise ValueError("a line's number")
    return FeeLine(hashes[0], version, hashes[1], currency, *numbers)
