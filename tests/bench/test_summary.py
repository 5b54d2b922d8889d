"""Percentiles and medians are what is published, so they are tried on known numbers."""

from statistics import StatisticsError

import pytest

from scripts.bench.summary import percentile, spread


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)]
)
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile(range(100, 0, -1), percent) == expected


def test_of_few_values_the_highest_percentile_is_the_greatest() -> None:
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([], 99) is None


def test_a_spread_is_median_least_and_most() -> None:
    found = spread([5.0, 1.0, 2.0])
    assert (found.median, found.least, found.most, found.runs) == (2.0, 1.0, 5.0, 3)
    assert spread([1.0, 2.0]).median == 1.5
    with pytest.raises(StatisticsError):
        spread([])
