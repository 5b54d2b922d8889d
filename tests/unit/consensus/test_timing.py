"""Timeouts and timestamps decide whether a network that was apart comes together again."""

import pytest

from node.consensus.timing import (
    Settings,
    block_delay_ms,
    block_timestamp,
    empty_delay_ms,
    hold_delay_ms,
    repeat_ms,
    round_timeout_ms,
)
from tests.unit.consensus.kit import VALIDATORS, VECTORS

SETTINGS = Settings(VALIDATORS[0])


@pytest.mark.parametrize(
    ("round_number", "timeout"),
    [(0, 4_000), (1, 8_000), (2, 16_000), (3, 32_000), (4, 60_000), (5, 60_000), (2**31, 60_000)],
)
def test_timeout_doubles_and_is_capped(round_number: int, timeout: int) -> None:
    assert round_timeout_ms(SETTINGS, round_number) == timeout


@pytest.mark.parametrize(
    ("round_number", "timeout"), VECTORS["rules"]["round_timeout_ms_base2000"].items()
)
def test_timeout_is_besus_below_the_cap(round_number: str, timeout: int) -> None:
    settings = Settings(VALIDATORS[0], request_timeout_ms=2_000, request_timeout_ms_max=10**9)
    assert round_timeout_ms(settings, int(round_number)) == timeout


@pytest.mark.parametrize(
    ("round_number", "pause"), [(0, 1_000), (1, 2_000), (4, 15_000), (9, 15_000)]
)
def test_repetition_is_a_quarter_of_the_timeout(round_number: int, pause: int) -> None:
    assert repeat_ms(SETTINGS, round_number) == pause


@pytest.mark.parametrize(
    ("round_number", "now_ms", "timestamp"),
    [
        (0, 101_499, 101),
        (0, 101_500, 102),
        (1, 101_999, 101),
        (0, 90_000, 101),
        (3, 90_000, 101),
        (1, 200_000, 200),
    ],
)
def test_timestamp_is_rounded_then_floored_and_never_too_early(
    round_number: int, now_ms: int, timestamp: int
) -> None:
    assert block_timestamp(SETTINGS, 100, round_number, now_ms) == timestamp


def test_block_and_empty_periods() -> None:
    assert block_delay_ms(SETTINGS, 100, 100_250) == 750
    assert block_delay_ms(SETTINGS, 100, 102_000) == 0
    assert empty_delay_ms(SETTINGS, 100, 100_250) == 9_750
    assert empty_delay_ms(SETTINGS, 100, 200_000) == 0
    eager = Settings(VALIDATORS[0], empty_block_period_s=0)
    assert empty_delay_ms(eager, 100, 100_250) == 750


@pytest.mark.parametrize(
    ("timestamp", "now_ms", "delay"),
    [(101, 100_000, 0), (102, 100_999, 1), (102, 101_000, 0), (105, 100_500, 3_500)],
)
def test_a_proposal_of_the_future_is_held_until_due(
    timestamp: int, now_ms: int, delay: int
) -> None:
    assert hold_delay_ms(timestamp, now_ms) == delay
