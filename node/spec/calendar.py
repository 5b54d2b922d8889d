"""The windows in which uses are limited: the Python twin of `chaincode/calendar.vy` (R8).

Days begin at midnight of UTC+8, weeks on Monday. A window's number is what state keeps.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from node.spec.vocabulary import RatePeriod

DAY_SECONDS: Final = 86_400
_AHEAD: Final = timedelta(hours=8)
ZONE: Final = timezone(_AHEAD)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def window_of(period: RatePeriod, time: int) -> int:
    """Return the number of the window that a time (Unix seconds) lies in."""
    local = (_EPOCH + timedelta(seconds=time)).astimezone(ZONE)
    days = local.date().toordinal() - _EPOCH.date().toordinal()
    match period:
        case RatePeriod.HOUR:
            return 24 * days + local.hour
        case RatePeriod.DAY:
            return days
        case RatePeriod.WEEK:
            return (days + 3) // 7
        case RatePeriod.MONTH:
            return 12 * local.year + local.month - 1
        case _:
            return local.year


def beginning_of(day: int) -> int:
    """Return the second (Unix) at which the day of a number begins, numbered as its window."""
    return day * DAY_SECONDS - int(_AHEAD.total_seconds())


def first_day(time: int) -> tuple[date, int]:
    """Return the first whole day from a time (Unix seconds) on, and the second it begins."""
    number = window_of(RatePeriod.DAY, time - 1) + 1
    return _EPOCH.date() + timedelta(days=number), beginning_of(number)
