"""When versions of the terms ended by themselves: their time was over, or their uses were gone.

State keeps no date of either. Both follow from what is shown: from the terms, and from the events
that count uses, which the check of counts holds to state.
"""

from dataclasses import dataclass

from node.audit.checks_counts import uses_moved
from node.audit.evidence import Case, Happening


@dataclass(slots=True)
class _Course:
    """Where an authorization stands after some of its events."""

    version: int = 1
    counted: int = 0
    open: int = 0
    away: int = 0
    """Parties that have suspended it, by bit."""


def ends_of(case: Case) -> dict[int, int]:
    """Return when each version ended by time or use, by its number (Unix seconds).

    The one in force may end at a time that is still to come; one that was amended before has none.
    """
    begun = case.named("AuthorizationActivated")
    if not begun:
        return {}
    versions = (case, *case.amendments)
    ends: dict[int, int] = {}
    course = _Course()
    for happening in case.events:
        _follow(case, course, happening)
        most = versions[course.version - 1].terms.maximum_uses
        over = course.counted == most and not course.open and not course.away
        if over and happening.order >= begun[0].order:
            ends.setdefault(course.version, happening.time)
    replaced = [version.amended.time for version in case.amendments if version.amended is not None]
    for number, version in enumerate(versions, 1):
        until = version.terms.valid_until
        if number > len(replaced) or until <= replaced[number - 1]:
            ends[number] = min(until, ends.get(number, until))
    return ends


def _follow(case: Case, course: _Course, happening: Happening) -> None:
    course.counted += uses_moved(case, happening)
    match happening.name:
        case "LeaseOpened":
            course.open += 1
        case "LeaseClosed" | "LeaseUnaccounted":
            course.open -= 1
        case "RangeSettled" if happening.value("closes"):
            course.open -= 1
        case "AuthorizationAmended":
            course.version += 1
        case "AuthorizationSuspended" | "AuthorizationResumed":
            course.away ^= happening.value("parties")
