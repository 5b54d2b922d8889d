"""A legal deadline is counted on the days the consortium voted, so every day of it is checked."""

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import Refused
from node.sdk.governance import set_holidays
from node.spec import proposals
from node.spec.proposals import Proposal
from node.spec.vocabulary import ProposalKind
from node.spec.working_days import deadline, working_days, year_table
from tests.chaincode import world as w

EIGHT = timezone(timedelta(hours=8))
NEW_YEAR = date(2028, 1, 26)
"""Of the year of the monkey."""
HOLIDAYS = {date(2028, 1, 1), *(NEW_YEAR + timedelta(days) for days in range(7))}
WORKED = {date(2028, 1, 22)}
TABLE = year_table(2028, HOLIDAYS, WORKED)


def seconds(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=EIGHT).timestamp())


@pytest.fixture(scope="module")
def tabled():
    world = w.genesis()
    w.govern(world, set_holidays(2028, TABLE))
    w.govern(world, set_holidays(2029, year_table(2029, set())))
    return world


def test_a_table_is_voted(tabled):
    read = tabled.reader("holidays")
    assert proposals.working_table(read, 2028) == TABLE
    assert tabled.view("holidays", "table", 2028) == TABLE
    assert proposals.working_table(read, 2030) == (0, 0)


def test_holidays_and_worked_weekends_count_as_voted(tabled):
    """Friday 21 January 2028 is followed by a worked Saturday, and the holiday by Wednesday."""
    noon = seconds(2028, 1, 21, 12)
    for days, end in ((1, (2028, 1, 23)), (2, (2028, 1, 25)), (4, (2028, 2, 3))):
        assert tabled.view("holidays", "deadline", noon, days) == seconds(*end)


def test_the_day_is_that_of_the_clocks_of_utc_plus_eight(tabled):
    last, first = seconds(2028, 3, 1, 23, 59, 59), seconds(2028, 3, 2)
    assert tabled.view("holidays", "deadline", last, 1) == seconds(2028, 3, 3)
    assert tabled.view("holidays", "deadline", first, 1) == seconds(2028, 3, 4)


def test_no_table_no_deadline(tabled):
    late = seconds(2029, 12, 28)
    with pytest.raises(w.Refusal, match="holidays: no table for the year"):
        tabled.view("holidays", "deadline", late, 5)
    with pytest.raises(w.Refusal, match="holidays: no table for the year"):
        tabled.view("holidays", "deadline", seconds(2026, 5, 1), 1)
    read = tabled.reader("holidays")
    with pytest.raises(Refused, match="no table"):
        deadline(lambda year: proposals.working_table(read, year), late, 5)


@pytest.mark.parametrize(
    ("values", "reason"),
    [((1, 0), "days"), ((1, 251), "days"), ((0, 1), "time"), ((2**36, 1), "time")],
)
def test_a_deadline_of_what_can_be(tabled, values, reason):
    with pytest.raises(w.Refusal, match=f"holidays: {reason} out of range"):
        tabled.view("holidays", "deadline", *values)


@settings(max_examples=60, deadline=None)
@given(time=st.integers(seconds(2028, 1, 1), seconds(2029, 10, 1)), days=st.integers(1, 250))
def test_the_twin_counts_the_same(tabled, time, days):
    read = tabled.reader("holidays")
    try:
        expected = deadline(lambda year: proposals.working_table(read, year), time, days)
    except Refused:
        with pytest.raises(w.Refusal):
            tabled.view("holidays", "deadline", time, days)
        return
    assert tabled.view("holidays", "deadline", time, days) == expected


def test_what_is_left_of_a_deadline_is_counted_on_the_days_voted(tabled):
    """From Friday 21 January 2028: Saturday and Monday are worked, then Wednesday a week later."""
    noon = seconds(2028, 1, 21, 12)
    for end, left in (
        ((2028, 1, 21, 12), 0),
        ((2028, 1, 22), 0),
        ((2028, 1, 22, 23, 59, 59), 0),
        ((2028, 1, 23), 1),
        ((2028, 1, 24), 1),
        ((2028, 1, 26), 3),
        ((2028, 2, 2), 3),
        ((2028, 2, 3), 4),
    ):
        assert tabled.view("holidays", "workingDays", noon, seconds(*end)) == left


@settings(max_examples=60, deadline=None)
@given(
    since=st.integers(seconds(2028, 1, 1), seconds(2029, 12, 31)),
    span=st.integers(0, 500 * w.DAY),
)
def test_the_twin_counts_what_is_left_the_same(tabled, since, span):
    read = tabled.reader("holidays")
    try:
        expected = working_days(
            lambda year: proposals.working_table(read, year), since, since + span
        )
    except Refused:
        with pytest.raises(w.Refusal, match="holidays: no table for the year"):
            tabled.view("holidays", "workingDays", since, since + span)
        return
    assert tabled.view("holidays", "workingDays", since, since + span) == expected


@settings(max_examples=40, deadline=None)
@given(time=st.integers(seconds(2028, 1, 1), seconds(2029, 1, 1)), days=st.integers(1, 200))
def test_of_a_deadline_just_its_days_are_left(tabled, time, days):
    end = tabled.view("holidays", "deadline", time, days)
    assert tabled.view("holidays", "workingDays", time, end) == days
    assert tabled.view("holidays", "workingDays", time, end - 1) == days - 1


@pytest.mark.parametrize(
    ("since", "until"),
    [(0, 1), (w.GENESIS_TIME, 2**36), (10 * w.DAY, 9 * w.DAY), (w.DAY, 1_101 * w.DAY)],
)
def test_what_is_left_of_what_can_be(tabled, since, until):
    with pytest.raises(w.Refusal, match="holidays: time out of range"):
        tabled.view("holidays", "workingDays", since, until)


def test_every_day_of_two_years_is_its_own(tabled):
    """With tables of weekdays only, one working day after any day is Python's next weekday."""
    world = w.genesis()
    for year in (2028, 2029):
        w.govern(world, set_holidays(year, year_table(year, set())))
    for offset in range(0, 700, 7):
        day = date(2028, 1, 1) + timedelta(offset)
        after = day + timedelta(1)
        while after.weekday() > 4:
            after += timedelta(1)
        end = after + timedelta(1)
        told = world.view("holidays", "deadline", seconds(day.year, day.month, day.day), 1)
        assert told == seconds(end.year, end.month, end.day)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (set_holidays(2028, TABLE).content[:-1], "malformed content"),
        (set_holidays(2023, TABLE).content, "year out of range"),
        (set_holidays(2201, TABLE).content, "year out of range"),
        (set_holidays(2028, (TABLE[0], TABLE[1] | 1 << 110)).content, "more days than the year"),
        (set_holidays(2029, (TABLE[0], TABLE[1] | 1 << 109)).content, "more days than the year"),
        (set_holidays(2028, (2**199 - 1, 0)).content, "working days out of range"),
        (set_holidays(2028, (2**256 - 1, 2**45 - 1)).content, "working days out of range"),
    ],
)
def test_a_table_that_cannot_be(content, reason):
    call = ("governance", "propose", int(ProposalKind.HOLIDAY_TABLE), content)
    assert w.genesis().refused("a.governor", *call).startswith(f"holidays: {reason}")


def test_the_last_day_of_a_leap_year_fits():
    low, high = TABLE
    content = set_holidays(2028, (low, high | 1 << 109)).content
    proposal = Proposal(ProposalKind.HOLIDAY_TABLE, content)
    world = w.genesis()
    assert w.events(w.govern(world, proposal)) == ["ProposalEnacted", "HolidayTableSet"]


def test_days_that_no_deadline_has():
    for days in (0, 251):
        with pytest.raises(ValueError, match="working days"):
            deadline(lambda _: TABLE, seconds(2028, 1, 3), days)
