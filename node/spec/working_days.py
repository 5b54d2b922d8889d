"""Deadlines in working days: the Python twin of `chaincode/holidays.vy` (R8).

A year's table has one bit for each of its days, set when it is worked; the consortium votes it,
since holidays follow the moon and weekends are worked in exchange. Days are those of UTC+8.
"""

from collections.abc import Callable, Collection
from datetime import date, timedelta
from typing import Final

from node.errors import Refused
from node.spec.calendar import beginning_of, window_of
from node.spec.vocabulary import RatePeriod

DAYS_MAX: Final = 250
"""Longest deadline, in working days."""

_EPOCH: Final = date(1970, 1, 1)
_FRIDAY: Final = 4

Table = tuple[int, int]
"""Days 0 to 255 of a year, and the rest: bit i of the first is day i."""


def year_table(year: int, holidays: Collection[date], worked: Collection[date] = ()) -> Table:
    """Return a year's table: Monday to Friday but for holidays, and the weekend days worked."""
    first, bits = date(year, 1, 1), 0
    for place in range((date(year + 1, 1, 1) - first).days):
        day = first + timedelta(place)
        if day in worked or (day.weekday() <= _FRIDAY and day not in holidays):
            bits |= 1 << place
    return bits & (1 << 256) - 1, bits >> 256


def deadline(table_of: Callable[[int], Table], time: int, days: int) -> int:
    """Return the first second after the last of so many working days that follow a time.

    Raises:
        ValueError: a number of days that no deadline has.
        Refused: no table covers a day that would have to be counted.
    """
    if not 0 < days <= DAYS_MAX:
        raise ValueError(f"{days} working days")
    day = _EPOCH + timedelta(window_of(RatePeriod.DAY, time))
    while days:
        day += timedelta(1)
        days -= _is_worked(table_of, day)
    return beginning_of((day - _EPOCH).days + 1)


def working_days(table_of: Callable[[int], Table], since: int, until: int) -> int:
    """Return how many working days follow a time and are over by another (Unix seconds).

    Raises:
        Refused: no table covers one of these days.
    """
    first, end = (window_of(RatePeriod.DAY, time) for time in (since, until))
    days = (_EPOCH + timedelta(day) for day in range(first + 1, end))
    return sum(_is_worked(table_of, day) for day in days)


def _is_worked(table_of: Callable[[int], Table], day: date) -> int:
    low, high = table_of(day.year)
    if not low:
        raise Refused("holidays: no table for the year", why=str(day.year))
    place = (day - date(day.year, 1, 1)).days
    return (low | high << 256) >> place & 1
