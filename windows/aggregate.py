"""The kernel: one pass over the accepted events of an entity gives every window feature exactly.

The events that match are kept sorted by event time with running totals beside them. A window
(t - d - w, t - d] is then the run between two binary searches, and its sum the difference of two totals:

    time    10   12   12   15   19        query t=19, w=7: (12, 19]
    total    3    8    9   14   20        lo = after 12, hi = after 19
                       └────┴── 20 - 9    sum = 11, count = 2

Totals wrap around modulo 2**64 (squares 2**128), so a difference is exact whenever the true sum fits. A late
event is inserted at its place; what was accepted after a query is not yet there, so every query sees its own
past only.
"""

import numpy as np
import numpy.typing as npt

from events.clock import DAY
from windows import wide
from windows.jit import compiled

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

COUNT, SUM, AVG, MIN, MAX, STDDEV, DISTINCT, DAYS_SINCE_FIRST, DAYS_SINCE_LAST = range(9)
UNBOUNDED = -1  # window length of an aggregate that looks back without end
_DAY = float(DAY)
_LIMIT = 9.2e18  # just below 2**63: a sum that could pass it is not given


@compiled
def upper(times: Int64s, n: int, t: int) -> int:
    """How many of the first `n` sorted `times` are at or before `t`."""
    lo, hi = 0, n
    if n > 0 and times[n - 1] <= t:
        return n
    while lo < hi:
        middle = (lo + hi) >> 1
        if times[middle] <= t:
            lo = middle + 1
        else:
            hi = middle
    return lo


@compiled
def insert(
    times: Int64s,
    values: Int64s,
    totals: Int64s,
    squares: npt.NDArray[np.uint64],
    n: int,
    t: int,
    v: int,
) -> None:
    """Put (t, v) behind its equals among the first `n` rows and bring the running totals up to date.

    `totals[i]` and `squares[i]` hold the totals of the rows before i, so they have one row more;
    `squares` of a single row means that nobody asks for them.
    """
    place = upper(times, n, t)
    for i in range(n, place, -1):
        times[i] = times[i - 1]
        values[i] = values[i - 1]
    times[place] = t
    values[place] = v
    for i in range(place, n + 1):
        totals[i + 1] = totals[i] + values[i]
        if len(squares) > 1:
            high, low = wide.multiply_signed(values[i], values[i])
            high, low = wide.add(squares[i, 0], squares[i, 1], high, low)
            squares[i + 1, 0] = high
            squares[i + 1, 1] = low


@compiled
def deviation(totals: Int64s, squares: npt.NDArray[np.uint64], lo: int, hi: int) -> float:
    """Sample standard deviation of the rows lo … hi-1 (at least two).

    With m the rounded mean, the squared distances from m are summed in integers; only the small correction
    for m's rounding is done in floating point, so equal large values give exactly 0.
    """
    n = hi - lo
    total = totals[hi] - totals[lo]
    m = np.int64(np.rint(total / n))
    high, low = wide.subtract(squares[hi, 0], squares[hi, 1], squares[lo, 0], squares[lo, 1])
    # sum((v - m)**2) = sum(v**2) - m * (2 * total - n * m)
    rest = total - n * m
    high_a, low_a = wide.multiply_signed(m, total)
    high, low = wide.subtract(high, low, high_a, low_a)
    high_a, low_a = wide.multiply_signed(m, rest)
    high, low = wide.subtract(high, low, high_a, low_a)
    distance = float(high) * 2.0**64 + float(low)
    correction = float(rest) * float(rest) / n
    return float(np.sqrt(max(0.0, distance - correction) / (n - 1)))


@compiled
def extreme(values: Int64s, lo: int, hi: int, smallest: bool) -> int:  # noqa: FBT001 -- kernels take no keywords
    """Smallest or largest of the rows lo … hi-1 (at least one)."""
    best = int(values[lo])
    for j in range(lo + 1, hi):
        if (values[j] < best) == smallest:
            best = int(values[j])
    return best


@compiled
def distinct(values: Int64s, lo: int, hi: int, table: Int64s, stamps: Int64s, stamp: int) -> int:
    """Number of different values in the rows lo … hi-1, by open addressing in a stamped scratch table."""
    mask = len(table) - 1
    found = 0
    for i in range(lo, hi):
        slot = int(values[i]) & mask
        while stamps[slot] == stamp and table[slot] != values[i]:
            slot = (slot + 1) & mask
        if stamps[slot] != stamp:
            stamps[slot] = stamp
            table[slot] = values[i]
            found += 1
    return found


@compiled
def run_series(
    times_in: Int64s,
    values_in: Int64s,
    matches: Bools,
    queries: Int64s,
    starts: Int64s,
    aggregates: Int64s,
    lengths: Int64s,
    delays: Int64s,
    integers: Int64s,
    floats: Float64s,
    valid: Bools,
) -> None:
    """Compute the features of one series for every queried event.

    Args:
        times_in: event time of the records of all entities, each entity's in order of acceptance, shape (n,).
        values_in: the aggregated value of each record, shape (n,).
        matches: which records the windows hold, shape (n,).
        queries: row of the result that a record asks for, -1 for none, shape (n,).
        starts: first record of each entity, and n at the end, shape (entities + 1,).
        aggregates: what each of the f features computes.
        lengths: window lengths in milliseconds or UNBOUNDED, shape (f,).
        delays: shape (f,).
        integers: result of count, sum, min, max, distinct; shape (f, rows), written.
        floats: result of avg, stddev, days_*; shape (f, rows), written.
        valid: False where the result is NULL; shape (f, rows), written.
    """
    longest = 0
    for s in range(len(starts) - 1):
        longest = max(longest, starts[s + 1] - starts[s])
    squared = False
    size = 1
    for f in range(len(aggregates)):
        squared = squared or aggregates[f] == STDDEV
        if aggregates[f] == DISTINCT:
            while size < 2 * longest:
                size *= 2
    times = np.empty(longest, np.int64)
    values = np.empty(longest, np.int64)
    totals = np.zeros(longest + 1, np.int64)
    squares = np.zeros((longest + 2 if squared else 1, 2), np.uint64)
    table = np.empty(size, np.int64)
    stamps = np.zeros(size, np.int64)
    stamp = 0
    for s in range(len(starts) - 1):
        n = 0
        largest = 0.0
        for i in range(starts[s], starts[s + 1]):
            t = times_in[i]
            row = queries[i]
            before = upper(times, n, t) if row >= 0 else 0
            if matches[i]:
                insert(times, values, totals, squares, n, t, values_in[i])
                n += 1
                largest = max(largest, abs(float(values_in[i])))
            if row < 0:
                continue
            for f in range(len(aggregates)):
                hi = upper(times, n, t - delays[f])
                lo = upper(times, hi, t - delays[f] - lengths[f]) if lengths[f] != UNBOUNDED else 0
                kind = aggregates[f]
                count = hi - lo
                safe = largest * count < _LIMIT
                valid[f, row] = count > 0
                if kind == COUNT:
                    integers[f, row] = count
                    valid[f, row] = True
                elif kind == SUM:
                    integers[f, row] = totals[hi] - totals[lo]
                    valid[f, row] = safe
                elif kind == DISTINCT:
                    stamp += 1
                    integers[f, row] = distinct(values, lo, hi, table, stamps, stamp)
                    valid[f, row] = True
                elif kind == AVG:
                    if count > 0:
                        floats[f, row] = float(totals[hi] - totals[lo]) / count
                        valid[f, row] = safe
                elif kind == STDDEV:
                    if count > 1:
                        floats[f, row] = deviation(totals, squares, lo, hi)
                    valid[f, row] = count > 1 and safe
                elif kind in (MIN, MAX):
                    if count > 0:
                        integers[f, row] = extreme(values, lo, hi, kind == MIN)
                elif kind == DAYS_SINCE_FIRST:
                    if count > 0:
                        floats[f, row] = (t - times[lo]) / _DAY
                elif delays[f] > 0:
                    if count > 0:
                        floats[f, row] = (t - times[hi - 1]) / _DAY
                else:
                    # This event, where it matches, stands behind its equals: the newest other is before-1.
                    valid[f, row] = before > lo
                    if before > lo:
                        floats[f, row] = (t - times[before - 1]) / _DAY
