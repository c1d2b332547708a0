"""Rows of a series in order of time, with running totals: every window is the run between two places.

    row     0    1    2    3    4    5          query t=19, window 7: (12, 19]
    time    –   10   12   12   15   19          from = 3 (rows at or before 12), to = 5
    total   0    3    8    9   14   20          sum = 20 - 9, count = 5 - 3
                            └────┴────

Totals are integers of 128 bits, so a difference is exact whatever the history was. A late event is inserted
at its place and the totals behind it are corrected. `least` and `most` are kept as a Fenwick tree lies in its
array: row i holds the extreme of the rows (i - lowbit(i), i], so an extreme over any run takes a few steps.

All arguments are integers and the pool that the rows lie in; `start` is the place of row 0, `width` the
integers of a row.
"""

import numpy as np
import numpy.typing as npt

from windows import wide
from windows.jit import lean
from windows.plan import COUNTED, LEAST, MOST, SQUARES, TOTAL, VALUE

Int64s = npt.NDArray[np.int64]

NEVER = np.iinfo(np.int64).min
NO_LEAST, NO_MOST = np.iinfo(np.int64).max, np.iinfo(np.int64).min  # of no row at all


@lean
def seek(pool: Int64s, start: int, width: int, size: int, hint: int, bound: int) -> int:
    """The last row with a time at or before `bound` (0 for none), found by leaps from a row nearby."""
    low = min(hint, size)
    step = 1
    if low == 0 or pool[start + low * width] <= bound:
        while low + step <= size and pool[start + (low + step) * width] <= bound:
            low += step
            step *= 2
        high = min(low + step, size + 1)
    else:
        high = low
        while high - step > 0 and pool[start + (high - step) * width] > bound:
            high -= step
            step *= 2
        low = max(high - step, 0)
    while high - low > 1:
        middle = (low + high) >> 1
        if pool[start + middle * width] <= bound:
            low = middle
        else:
            high = middle
    return low


@lean
def add_totals(pool: Int64s, row: int, column: int, parts: int, present: bool, value: int) -> None:  # noqa: FBT001 -- kernels take no keywords
    """Add one value to the running totals of a row."""
    if parts & COUNTED:
        if present:
            pool[row + column] += 1
        column += 1
    if parts & TOTAL:
        if present:
            sign = np.uint64(0) if value >= 0 else ~np.uint64(0)
            high, low = wide.add(
                np.uint64(pool[row + column]), np.uint64(pool[row + column + 1]), sign, np.uint64(value)
            )
            pool[row + column] = np.int64(high)
            pool[row + column + 1] = np.int64(low)
        column += 2
    if parts & SQUARES and present:
        high, low = wide.multiply_signed(np.int64(value), np.int64(value))
        high, low = wide.add(np.uint64(pool[row + column]), np.uint64(pool[row + column + 1]), high, low)
        pool[row + column] = np.int64(high)
        pool[row + column + 1] = np.int64(low)


@lean
def value_column(column: int, parts: int) -> int:
    """Column of the value itself; the extremes follow it."""
    if parts & COUNTED:
        column += 1
    if parts & TOTAL:
        column += 2
    if parts & SQUARES:
        column += 2
    return column


@lean
def set_value(pool: Int64s, row: int, column: int, parts: int, present: bool, value: int) -> None:  # noqa: FBT001
    """Write the value of a new row; one that is missing is the hash of nobody and no extreme."""
    if parts & VALUE:
        place = row + value_column(column, parts)
        if present:
            pool[place] = value
        elif parts & LEAST:
            pool[place] = NO_LEAST
        elif parts & MOST:
            pool[place] = NO_MOST
        else:
            pool[place] = 0


@lean
def _is_value(value: int) -> bool:
    """Whether a cell holds a value, not the mark that it is missing."""
    return NO_MOST < value < NO_LEAST


@lean
def link_extremes(pool: Int64s, start: int, width: int, number: int, column: int, parts: int) -> None:
    """Compute the extremes that row `number` stands for from the rows before it."""
    if not parts & (LEAST | MOST):
        return
    place = value_column(column, parts)
    own = pool[start + number * width + place]
    least = own
    most = own
    if not _is_value(own):
        least = NO_LEAST
        most = NO_MOST
    low = number - (number & -number)
    child = number - 1
    at = place + 1
    if parts & LEAST:
        while child > low:
            least = min(least, pool[start + child * width + at])
            child -= child & -child
        pool[start + number * width + at] = least
        at += 1
        child = number - 1
    if parts & MOST:
        while child > low:
            most = max(most, pool[start + child * width + at])
            child -= child & -child
        pool[start + number * width + at] = most


@lean
def least(pool: Int64s, start: int, width: int, low: int, high: int, place: int) -> int:
    """Smallest value of the rows (low, high]; `place` is the column of the value."""
    best = NO_LEAST
    i = high
    while i > low:
        below = i - (i & -i)
        if below >= low:
            best = min(best, pool[start + i * width + place + 1])
            i = below
        else:
            value = pool[start + i * width + place]
            if _is_value(value):
                best = min(best, value)
            i -= 1
    return best


@lean
def most(pool: Int64s, start: int, width: int, low: int, high: int, place: int, tree: int) -> int:
    """Largest value of the rows (low, high]; `place` is the column of the value, `tree` of the extreme."""
    best = NO_MOST
    i = high
    while i > low:
        below = i - (i & -i)
        if below >= low:
            best = max(best, pool[start + i * width + tree])
            i = below
        else:
            value = pool[start + i * width + place]
            if _is_value(value):
                best = max(best, value)
            i -= 1
    return best


@lean
def deviation(n: int, total: int, high: np.uint64, low: np.uint64) -> float:
    """Sample standard deviation of n (at least two) values from their sum and their sum of squares.

    With m the rounded mean, the squared distances from m are summed in integers; only the small correction
    for m's rounding is done in floating point, so equal large values give exactly 0.
    """
    m = np.int64(np.rint(total / n))
    sum_ = np.int64(total)
    # sum((v - m)**2) = sum(v**2) - m * (2 * total - n * m)
    rest = sum_ - n * m
    high_a, low_a = wide.multiply_signed(m, sum_)
    high, low = wide.subtract(high, low, high_a, low_a)
    high_a, low_a = wide.multiply_signed(m, rest)
    high, low = wide.subtract(high, low, high_a, low_a)
    distance = float(high) * 2.0**64 + float(low)
    correction = float(rest) * float(rest) / n
    return float(np.sqrt(max(0.0, distance - correction) / (n - 1)))
