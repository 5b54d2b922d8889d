"""A rate limits uses in windows of the calendar; what it forbids no lease may reserve (R8)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.spec import usage
from node.spec.calendar import window_of
from node.spec.vocabulary import RatePeriod
from tests.chaincode import world as w

LIMIT = 12
MIDNIGHT = int(datetime(2027, 1, 15, 16, tzinfo=UTC).timestamp())
"""When the sixteenth of January 2027 begins at UTC+8."""


@pytest.fixture
def world():
    return w.market()


def granted(world, period=RatePeriod.DAY, **changes):
    until = {"valid_until": world.time + 800 * w.DAY}
    return w.grant(world, rate_period=period, rate_limit=LIMIT, **{**until, **changes})


def opening(authorization, world, uses, seconds=600):
    return w.opening(authorization, world, uses=uses, expires_at=world.time + seconds)


def refused(world, authorization, uses, seconds=600):
    wanted = opening(authorization, world, uses, seconds)
    return world.refused("b.gateway", "leases", "open", wanted, w.account("a.gateway"))


def opened(world, authorization, number, uses, seconds=600):
    wanted = opening(authorization, world, uses, seconds)
    world.send("b.gateway", "leases", "open", wanted, w.account("a.gateway"))
    return usage.lease_id(authorization, number)


def close(world, authorization, number):
    lease = usage.lease_id(authorization, number)
    digest = usage.close_digest(lease, 0, lease, w.CHAIN_ID)
    world.send("a.gateway", "leases", "close", authorization, number, 0, lease, *w.both(digest))


def used(world, authorization):
    return world.authorization(authorization).window_used


def test_a_window_holds_no_more_than_the_rate(world):
    authorization = granted(world)
    opened(world, authorization, 1, 8)
    assert refused(world, authorization, 5) == "authorizations: rate exhausted"
    opened(world, authorization, 2, 4)
    assert refused(world, authorization, 1) == "authorizations: rate exhausted"
    world.time += w.DAY
    opened(world, authorization, 3, 12)
    assert used(world, authorization) == 12
    state = world.authorization(authorization)
    assert state.window == window_of(RatePeriod.DAY, world.time)
    assert state.counted == 24


def test_a_lease_ends_with_its_window(world):
    authorization = granted(world)
    world.time = MIDNIGHT - 100
    assert refused(world, authorization, 1, 101) == "authorizations: lease ends after its window"
    lease = opened(world, authorization, 1, 1, 98)
    assert world.lease(lease).is_rated


def test_unused_uses_return_to_an_open_window_only(world):
    authorization = granted(world)
    opened(world, authorization, 1, 10)
    close(world, authorization, 1)
    assert (used(world, authorization), world.authorization(authorization).counted) == (0, 0)
    world.time = MIDNIGHT - 100
    opened(world, authorization, 2, 9, 90)
    world.time = MIDNIGHT
    close(world, authorization, 2)
    assert (used(world, authorization), world.authorization(authorization).counted) == (9, 0)
    opened(world, authorization, 3, 12)


def test_a_lease_of_an_earlier_window_gives_nothing_to_this_one(world):
    authorization = granted(world)
    world.time = MIDNIGHT - 100
    opened(world, authorization, 1, 9, 90)
    world.time = MIDNIGHT
    opened(world, authorization, 2, 7)
    close(world, authorization, 1)
    assert used(world, authorization) == 7


def test_a_batch_returns_to_the_window_too(world):
    authorization = granted(world)
    lease = opened(world, authorization, 1, 10)
    receipts = w.chain(world, lease, 3)
    ranges = [usage.UseRange(authorization, 1, 1, 3, w.hashed(receipts[-1]), True)]
    w.anchor(world, w.batch_of(ranges, receipts), ranges)
    assert (used(world, authorization), world.authorization(authorization).counted) == (3, 3)


def test_without_a_rate_no_window_is_counted(world):
    authorization = w.grant(world)
    lease = w.open_lease(world, authorization)
    assert not world.lease(lease).is_rated
    assert (world.authorization(authorization).window, used(world, authorization)) == (0, 0)


@settings(max_examples=40, deadline=None)
@given(
    period=st.sampled_from([period for period in RatePeriod if period]),
    time=st.integers(w.GENESIS_TIME, w.GENESIS_TIME + 2_999 * w.DAY),
)
def test_one_calendar_for_contract_and_python(period, time):
    """The contract's own arithmetic against the standard library's."""
    world = _granted(period)
    world.time = time - 1
    opened(world, world.only, 1, 1, 2)
    assert world.authorization(world.only).window == window_of(period, time)


def _granted(period):
    world = w.market()
    world.only = granted(world, period, valid_until=world.time + 3_000 * w.DAY)
    return world


@pytest.mark.parametrize(
    ("period", "before", "after"),
    [
        (RatePeriod.HOUR, (2027, 3, 1, 4, 59, 59), (2027, 3, 1, 5, 0, 0)),
        (RatePeriod.DAY, (2028, 2, 28, 15, 59, 59), (2028, 2, 28, 16, 0, 0)),
        (RatePeriod.WEEK, (2027, 1, 3, 15, 59, 59), (2027, 1, 3, 16, 0, 0)),
        (RatePeriod.MONTH, (2028, 2, 29, 15, 59, 59), (2028, 2, 29, 16, 0, 0)),
        (RatePeriod.YEAR, (2027, 12, 31, 15, 59, 59), (2027, 12, 31, 16, 0, 0)),
    ],
)
def test_windows_turn_at_midnight_of_utc_plus_eight(period, before, after):
    first, second = (int(datetime(*t, tzinfo=UTC).timestamp()) for t in (before, after))
    assert window_of(period, first) + 1 == window_of(period, second)
    assert window_of(period, second) == window_of(period, second + 3_599)
