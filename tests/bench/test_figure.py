"""Figures: the median counts, and ratios are taken round by round."""

import pytest

from bench.figure import Better, figure, ratios


def test_a_figure_has_the_median_the_least_and_the_most_of_its_rounds() -> None:
    found = figure("hot.plain.batch.hot", "µs", Better.LOWER, [4.0, 1.0, 2.0])
    assert (found.median, found.least, found.most) == (2.0, 1.0, 4.0)
    assert found.values == [4.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("better", "values", "met"),
    [
        (Better.HIGHER, [100.0, 100.0, 1.0], True),
        (Better.HIGHER, [99.0, 99.0, 500.0], False),
        (Better.LOWER, [100.0, 100.0, 500.0], True),
        (Better.LOWER, [101.0, 101.0, 1.0], False),
    ],
)
def test_a_target_is_met_by_the_median(better: Better, values: list[float], met: bool) -> None:
    assert figure("x", "µs", better, values, 100).met is met


def test_without_a_target_nothing_is_met_or_missed() -> None:
    assert figure("x", "µs", Better.LOWER, [1.0]).met is None


def test_ratios_are_taken_round_by_round() -> None:
    # The machine is ten times slower in the second round: both are, and the ratio stays.
    assert ratios([1_000.0, 100.0], [10.0, 1.0]) == [100.0, 100.0]
    assert ratios([1_000.0, 100.0], [10.0]) == [100.0]
