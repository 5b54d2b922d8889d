"""Numbers about numbers: percentiles of a run, and what several runs say together."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several runs."""

    median: float
    least: float
    most: float
    runs: int


def spread(values: Iterable[float]) -> Spread:
    """Return median, least and most of at least one run's values."""
    ordered = sorted(values)
    return Spread(statistics.median(ordered), ordered[0], ordered[-1], len(ordered))


def percentile(values: Iterable[float], percent: float) -> float | None:
    """Return the least value that at least `percent` of them do not exceed; None of none.

    Nearest rank: no value is made up, and of few values the 99th percentile is the greatest.
    """
    ordered = sorted(values)
    if not ordered:
        return None
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, min(len(ordered), int(rank)) - 1)]
