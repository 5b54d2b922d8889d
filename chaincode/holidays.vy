# pragma version 0.4.3
# pragma evm-version prague
"""
@title Holidays
@notice Which days are worked, by a table for each year that the consortium votes: holidays move with
        the moon, and weekends are worked in exchange. A deadline in working days is counted only where
        the tables cover every day it passes (R8). Days are those of the clocks of UTC+8.
"""

from interfaces import IGoverned
from interfaces import IHolidays
import addresses
import calendar
import vocabulary

implements: IGoverned
implements: IHolidays

CONTENT_MAX: constant(uint256) = 1_024
YEAR_MIN: constant(uint256) = 2_024
YEAR_MAX: constant(uint256) = 2_200
# A table with fewer or more working days is a mistake.
WORKED_MIN: constant(uint256) = 200
WORKED_MAX: constant(uint256) = 300
DAYS_MAX: constant(uint256) = 250
# Calendar days that so many working days span at most: three years hold two whole ones.
SPAN_MAX: constant(uint256) = 3 * 366
DAY: constant(uint256) = 86_400
# Seconds that the clocks of UTC+8 are ahead.
AHEAD: constant(uint256) = 8 * 3_600

struct Year:
    # Its first of January, in days from 1970, and how many days it has.
    first: uint256
    length: uint256
    worked: uint256[2]


# Fixed position: node/spec/proposals.py reads it. By year: bit i of the two words, the first having
# bits 0 to 255, is day i of the year, from 0; set when it is worked.
tables: HashMap[uint256, uint256[2]]

event HolidayTableSet:
    year: indexed(uint256)
    worked: uint256[2]


@deploy
def __init__():
    """
    @notice No tables at genesis.
    """
    pass


@view
@external
def table(year: uint256) -> uint256[2]:
    """
    @notice The table of a year; two zeros when there is none.
    """
    return self.tables[year]


@view
@external
def deadline(time: uint256, days: uint256) -> uint256:
    """
    @notice The end of the last of so many working days after a time: the first second outside it.
            Reverts where no table covers a day that it would have to count.
    @param time Unix seconds; its own day is not counted.
    @param days 1 to 250.
    """
    assert days != 0 and days <= DAYS_MAX, "holidays: days out of range"
    assert time != 0 and time < 2**36, "holidays: time out of range"
    day: uint256 = calendar.window_of(vocabulary.RATE_PERIOD_DAY, time)
    left: uint256 = days
    known: Year = empty(Year)
    for _: uint256 in range(SPAN_MAX):
        day += 1
        if day >= known.first + known.length:
            known = self._year_of(day)
        if self._is_worked(known, day):
            left -= 1
            if left == 0:
                break
    return (day + 1) * DAY - AHEAD


@view
@external
def workingDays(since: uint256, until: uint256) -> uint256:
    """
    @notice How many working days follow a time and are over by another: what is left of a deadline.
            Reverts where no table covers a day of them.
    @param since Unix seconds; its own day is not counted.
    @param until Unix seconds, the first outside; at most three years later.
    """
    assert since != 0 and until < 2**36, "holidays: time out of range"
    day: uint256 = calendar.window_of(vocabulary.RATE_PERIOD_DAY, since)
    end: uint256 = calendar.window_of(vocabulary.RATE_PERIOD_DAY, until)
    assert day <= end and end - day <= SPAN_MAX, "holidays: time out of range"
    count: uint256 = 0
    known: Year = empty(Year)
    for _: uint256 in range(SPAN_MAX):
        day += 1
        if day >= end:
            break
        if day >= known.first + known.length:
            known = self._year_of(day)
        if self._is_worked(known, day):
            count += 1
    return count


@view
@external
def checkProposal(kind: uint256, content: Bytes[CONTENT_MAX]) -> bool:
    """
    @notice True, or revert with the rule that forbids a table.
    """
    self._check(kind, content)
    return True


@external
def enactProposal(kind: uint256, content: Bytes[CONTENT_MAX]):
    """
    @notice Governance enacts a carried table. Deadlines that run already keep their ends.
    """
    assert msg.sender == addresses.GOVERNANCE, "holidays: only governance"
    year: uint256 = self._check(kind, content)
    worked: uint256[2] = [
        convert(slice(content, 32, 32), uint256), convert(slice(content, 64, 32), uint256)
    ]
    self.tables[year] = worked
    log HolidayTableSet(year=year, worked=worked)


@view
@internal
def _check(kind: uint256, content: Bytes[CONTENT_MAX]) -> uint256:
    """
    @dev Words: year, and its two of days. Gives the year.
    """
    assert kind == vocabulary.PROPOSAL_KIND_HOLIDAY_TABLE, "holidays: unknown kind of proposal"
    assert len(content) == 96, "holidays: malformed content"
    year: uint256 = convert(slice(content, 0, 32), uint256)
    assert year >= YEAR_MIN and year <= YEAR_MAX, "holidays: year out of range"
    low: uint256 = convert(slice(content, 32, 32), uint256)
    high: uint256 = convert(slice(content, 64, 32), uint256)
    length: uint256 = self._first_day(year + 1) - self._first_day(year)
    assert high >> (length - 256) == 0, "holidays: more days than the year has"
    count: uint256 = self._bits(low) + self._bits(high)
    assert count >= WORKED_MIN and count <= WORKED_MAX, "holidays: working days out of range"
    return year


@view
@internal
def _year_of(day: uint256) -> Year:
    """
    @dev The year of a day, which must have a table.
    """
    year: uint256 = calendar.window_of(vocabulary.RATE_PERIOD_YEAR, day * DAY - AHEAD)
    first: uint256 = self._first_day(year)
    worked: uint256[2] = self.tables[year]
    assert worked[0] != 0, "holidays: no table for the year"
    return Year(first=first, length=self._first_day(year + 1) - first, worked=worked)


@pure
@internal
def _is_worked(known: Year, day: uint256) -> bool:
    at: uint256 = day - known.first
    return (known.worked[at // 256] >> (at % 256)) & 1 == 1


@pure
@internal
def _bits(word: uint256) -> uint256:
    count: uint256 = 0
    rest: uint256 = word
    for _: uint256 in range(256):
        if rest == 0:
            break
        count += rest & 1
        rest >>= 1
    return count


@pure
@internal
def _first_day(year: uint256) -> uint256:
    """
    @dev The first of January, in days from 1970: 719,162 lie between the years 1 and 1970.
    """
    before: uint256 = year - 1
    return 365 * before + before // 4 - before // 100 + before // 400 - 719_162
