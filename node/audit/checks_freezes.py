"""Freezes of members and zones: nothing granted, leased or used while one lay over it (R22, A80).

State keeps of a member and of a zone the last freeze only, and a lifted one leaves no trace. So the
last state cannot show that there was none; the state of the time can: for a grant and a lease that
after the block before theirs, for a use that of the very block its receipt names. Freezes whose
events the file shows are held against everything as well. What the file does not show the state of
is not provable.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from node.audit.evidence import Case, CheckFailed, Evidence, Happening, NotShown
from node.audit.result import Details
from node.spec import registry
from node.spec.registry import MEMBERS, TEMPLATES

GRANTED: Final = ("AuthorizationActivated", "AuthorizationAmended", "AuthorizationResumed")
"""Events by which something is granted, renewed or granted again."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that no freeze may lie over, with the block whose state tells."""

    subject: str
    number: int
    time: int
    """Unix seconds."""
    purpose: int


def moments_of(case: Case) -> Iterator[Moment]:
    """Yield what happened under an authorization that a freeze forbids."""
    for happening in case.named(*GRANTED):
        yield _moment(case, happening, case.terms.purpose)
    for lease in case.leases:
        purpose = lease.state.purpose
        yield _moment(case, lease.opened, purpose)
        for use in lease.receipts:
            receipt = use.receipt
            subject = f"{case.name}, {lease.name}, receipt {receipt.number}"
            yield Moment(subject, receipt.state_block, receipt.used_at, purpose)


def _moment(case: Case, happening: Happening, purpose: int) -> Moment:
    subject = f"{case.name}, {happening.where}"
    return Moment(subject, happening.block - 1, happening.time, purpose)


def check_freezes(evidence: Evidence, case: Case) -> Details:
    """No freeze of a side or of the zone lay over a grant, a lease or a use."""
    spans = list(_shown_freezes(evidence, case))
    missing, count = set(), 0
    for moment in moments_of(case):
        count += 1
        for span in spans:
            span.require_clear(moment)
        if not _is_clear(evidence, case, moment):
            missing.add(moment.number)
    if missing:
        raise NotShown("freezes", missing=len(missing), count=count)
    return {"moments": count, "freezes": len(spans)}


def _is_clear(evidence: Evidence, case: Case, moment: Moment) -> bool:
    """Whether the state of the time shows that nothing is frozen; False where it is not shown.

    Raises:
        CheckFailed: it shows a freeze.
    """
    members = evidence.reader_at(moment.number, MEMBERS)
    templates = evidence.reader_at(moment.number, TEMPLATES)
    if members is None or templates is None:
        return False
    for side in (case.terms.provider, case.terms.consumer):
        if registry.is_frozen(members, side, moment.time):
            raise CheckFailed(moment.subject, f"member {side} was frozen in block {moment.number}")
    if registry.is_zone_frozen(templates, case.state.zone, moment.purpose, moment.time):
        raise CheckFailed(moment.subject, f"its zone was frozen in block {moment.number}")
    return True


@dataclass(frozen=True, slots=True)
class _Span:
    """A freeze from its event to its end, or to the next of the same."""

    freeze: Happening
    over: int
    """Unix seconds."""
    until: int | None
    """The block of the next of the same, None while there is none."""
    purposes: int
    """The mask of those frozen."""

    def require_clear(self, moment: Moment) -> None:
        begun = self.freeze.block <= moment.number and moment.time < self.over
        inside = begun and (self.until is None or moment.number < self.until)
        if inside and self.purposes >> moment.purpose & 1:
            raise CheckFailed(moment.subject, f"it was frozen by {self.freeze.where}")


def _shown_freezes(evidence: Evidence, case: Case) -> Iterator[_Span]:
    """Yield the freezes of the sides and of the zone that the file shows."""
    every = (1 << 256) - 1
    for side in (case.terms.provider, case.terms.consumer):
        events = evidence.of_contract("members", "MemberFrozen")
        own = [h for h in events if h.value("member") == side]
        yield from _spans(evidence, [(happening, every) for happening in own])
    zones = [evidence.note(h) for h in evidence.of_contract("templates", "ZoneFrozen")]
    for zone in (case.state.zone, 0):
        own = [h for h in zones if h.value("zone") == zone]
        yield from _spans(evidence, [(h, int(h.value("purposes"))) for h in own])


def _spans(evidence: Evidence, events: list[tuple[Happening, int]]) -> Iterator[_Span]:
    for (freeze, purposes), after in zip_longest(events, events[1:]):
        evidence.note(freeze)
        next_block = None if after is None else after[0].block
        yield _Span(freeze, int(freeze.value("until")), next_block, purposes)
