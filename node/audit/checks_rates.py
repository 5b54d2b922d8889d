"""Rates: no window of the calendar holds more uses than the terms allow; state counts the last.

A lease belongs to the window it was opened in and ends no later than it; what it did not use
returns to the window only while that is open (R8).
"""

from dataclasses import dataclass

from node.audit.evidence import Case, Happening, LeaseCase, require
from node.spec.calendar import window_of
from node.spec.terms import Terms
from node.spec.types import Hash32
from node.spec.vocabulary import RatePeriod


@dataclass(slots=True)
class _Window:
    """The newest window and the uses counted in it."""

    number: int = 0
    used: int = 0
    version: int = 1
    """Of the terms in force: a lease under an earlier one gives nothing back to the window."""


def require_rates(case: Case, returned: dict[Hash32, int]) -> None:
    """Raise unless every window kept the rate; `returned` has each closed lease's unused uses."""
    window = _Window()
    leases = {lease.state.lease: lease for lease in case.leases}
    versions = {version.identifier: version.terms for version in case.amendments}
    terms = case.terms
    for happening in case.events:
        if happening.name == "AuthorizationAmended":
            before, terms = terms, versions[Hash32(happening.value("amendment"))]
            if before.rate_period != terms.rate_period:
                window = _Window(version=window.version)
            window.version += 1
        lease = leases.get(Hash32(happening.event.values.get("lease") or b""))
        if lease is not None and terms.rate_period:
            _follow(case, terms, window, lease, happening, returned)
    require(
        case.name,
        (case.state.window == window.number, "state counts another window"),
        (case.state.window_used == window.used, f"{window.used} uses fall into the last window"),
    )


def _follow(
    case: Case,
    terms: Terms,
    window: _Window,
    lease: LeaseCase,
    happening: Happening,
    returned: dict[Hash32, int],
) -> None:
    period = RatePeriod(terms.rate_period)
    now = window_of(period, happening.time)
    own = window_of(period, lease.state.expires_at - 1)
    closes = happening.name == "LeaseClosed" or happening.event.values.get("closes")
    if happening.name == "LeaseOpened":
        window.used = lease.state.uses + (window.used if window.number == now else 0)
        window.number = now
        require(
            f"{case.name}, {happening.where}",
            (own == now, "it ends after its window"),
            (window.used <= terms.rate_limit, f"{window.used} uses in one window"),
        )
    elif closes and lease.state.version == window.version and now == own == window.number:
        window.used -= returned[lease.state.lease]
