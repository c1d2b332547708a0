"""Rows in order of time: places found, totals and extremes, against lists."""

import statistics
from bisect import bisect_right

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windows import rows, wide
from windows.plan import COUNTED, LEAST, MOST, SQUARES, TOTAL, VALUE

AMOUNTS = st.one_of(st.none(), st.integers(-9, 9), st.integers(-(2**53), 2**53))


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.integers(0, 20), max_size=70), st.integers(-1, 21), st.integers(0, 75), st.integers(1, 3))
def test_a_place_is_found_from_any_hint(times: list[int], bound: int, hint: int, width: int) -> None:
    times.sort()
    start = 5
    pool = np.full(start + (len(times) + 1) * width, 99, np.int64)
    pool[start] = rows.NEVER
    pool[start + width :: width] = times
    assert rows.seek(pool, start, width, len(times), hint, bound) == bisect_right(times, bound)


class Lane:
    """Rows with one value each, as the kernel writes them when none comes late."""

    def __init__(self, values: list[int | None], parts: int) -> None:
        self.parts = parts
        self.width = 16
        self.pool = np.zeros((len(values) + 1) * self.width, np.int64)
        for number, value in enumerate(values, 1):
            row = number * self.width
            self.pool[row : row + self.width] = self.pool[row - self.width : row]
            rows.add_totals(self.pool, row, 1, parts, value is not None, value or 0)
            rows.set_value(self.pool, row, 1, parts, value is not None, value or 0)
            rows.link_extremes(self.pool, 0, self.width, number, 1, parts)

    def total(self, number: int, at: int) -> int:
        """The 128-bit total at a column of a row."""
        high, low = self.pool[number * self.width + at : number * self.width + at + 2].tolist()
        return int(high) * 2**64 + int(low) % 2**64


@settings(deadline=None)  # the first call compiles
@given(st.lists(AMOUNTS, max_size=40))
def test_totals_are_exact(values: list[int | None]) -> None:
    lane = Lane(values, COUNTED | TOTAL | SQUARES)
    for number in range(len(values) + 1):
        held = [value for value in values[:number] if value is not None]
        assert lane.pool[number * lane.width + 1] == len(held)
        assert lane.total(number, 2) == sum(held)
        assert lane.total(number, 4) == sum(value * value for value in held)


@pytest.mark.parametrize("parts", [LEAST, MOST, LEAST | MOST])
@settings(deadline=None)  # the first call compiles
@given(values=st.lists(AMOUNTS, min_size=1, max_size=40), data=st.data())
def test_extremes_of_any_run(values: list[int | None], parts: int, data: st.DataObject) -> None:
    lane = Lane(values, COUNTED | VALUE | parts)
    low = data.draw(st.integers(0, len(values) - 1))
    high = data.draw(st.integers(low + 1, len(values)))
    held = [value for value in values[low:high] if value is not None]
    at = rows.value_column(1, lane.parts)
    if parts & LEAST:
        found = rows.least(lane.pool, 0, lane.width, low, high, at)
        assert found == min(held, default=rows.NO_LEAST)
    if parts & MOST:
        tree = at + (2 if parts & LEAST else 1)
        found = rows.most(lane.pool, 0, lane.width, low, high, at, tree)
        assert found == max(held, default=rows.NO_MOST)


def deviation(values: list[int]) -> float:
    squares = sum(value * value for value in values)
    return rows.deviation(len(values), sum(values), np.uint64(squares >> 64), np.uint64(squares % 2**64))


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.integers(-(2**53), 2**53), min_size=2, max_size=30))
def test_deviation_agrees_with_exact_fractions(values: list[int]) -> None:
    assert deviation(values) == pytest.approx(statistics.stdev(values), rel=1e-12, abs=1e-9)


def test_deviation_of_equal_values_is_nothing_however_large_they_are() -> None:
    assert deviation([2**53 - 1] * 1_000) == 0.0
    # 1e15 and three neighbours: what a sum of squares in floating point gets wrong altogether.
    assert deviation([10**15, 10**15 + 1, 10**15 + 2]) == pytest.approx(1.0, rel=1e-15)


def number(high: np.uint64 | int, low: np.uint64 | int) -> int:
    """The integer of two words, which Python may get as signed ones."""
    return (int(high) % 2**64 << 64) + int(low) % 2**64


@settings(deadline=None)  # the first call compiles
@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62))
def test_wide_products_and_differences(a: int, b: int) -> None:
    high, low = wide.multiply_signed(np.int64(a), np.int64(b))
    assert number(high, low) == a * b % 2**128
    shift = (np.uint64(3), np.uint64(2**64 - 1))
    more = wide.add(np.uint64(number(high, 0) >> 64), np.uint64(number(0, low)), *shift)
    assert number(*more) == (a * b + 4 * 2**64 - 1) % 2**128
    high, low = (np.uint64(int(word) % 2**64) for word in more)
    back = wide.subtract(high, low, *shift)
    assert number(*back) == a * b % 2**128
