"""The last step of the kernel: the value of a feature from the rows between the edges of its window."""

from typing import NamedTuple

import numpy as np

from events.clock import DAY
from windows import rows, wide
from windows.distinct import distinct
from windows.jit import inlined
from windows.memory import Memory, Result
from windows.plan import (
    AVG,
    COUNT,
    COUNTED,
    DAYS_SINCE_FIRST,
    DISTINCT,
    FIRST,
    GONE,
    HEADER,
    LEAST,
    MIN,
    START,
    STDDEV,
    SUM,
    UNBOUNDED,
    UNKNOWN,
    Program,
)
from windows.rows import NEVER

_DAY = float(DAY)


class Moment(NamedTuple):
    """What is asked, and when.

    Args:
        time: of the record.
        out: row of the result.
        own: the record's row in the series, 0 where it does not belong to it.
        floor: time below which windows are not given.
    """

    time: int
    out: int
    own: int
    floor: int


@inlined
def read(program: Program, memory: Memory, result: Result, f: int, base: int, at: Moment) -> None:
    """Write feature f, whose series has its header at `base` and its edges at the record's time."""
    edges = base + HEADER
    high = memory.arena[edges + program.feature_to[f]]
    low = 0
    if program.feature_from[f] != UNBOUNDED:
        low = memory.arena[edges + program.feature_from[f]]
    code = program.feature_code[f]
    place = program.feature_place[f]
    has_rows = memory.arena[base + START] >= 0
    valid = True
    if code == COUNT:
        result.integers[place, at.out] = high - low
    elif code == DISTINCT:
        if has_rows:
            result.integers[place, at.out] = distinct(program, memory, f, base, low, high)
    elif code == DAYS_SINCE_FIRST:
        valid = _days_since_first(program, memory, result, f, base, at, low, high)
    elif code > DAYS_SINCE_FIRST:
        valid = _days_since_last(program, memory, result, f, base, at, low, high)
    elif not has_rows or high <= low:
        valid = code == SUM
    elif code in (SUM, AVG, STDDEV):
        valid = _from_totals(program, memory, result, f, base, at.out, low, high)
    else:
        valid = _extreme(program, memory, result, f, base, at.out, low, high)
    result.valid[place, at.out] = valid


@inlined
def _from_totals(
    program: Program, memory: Memory, result: Result, f: int, base: int, out: int, low: int, high: int
) -> bool:
    """Sum, mean or deviation of the rows (low, high]; False where it is NULL."""
    pool, code, place = memory.pool, program.feature_code[f], program.feature_place[f]
    start, width = memory.arena[base + START], program.series_row[program.feature_series[f]]
    lane = program.feature_lane[f]
    column = program.lane_column[lane]
    first, last = start + low * width + column, start + high * width + column
    present = 0
    if program.lane_parts[lane] & COUNTED:
        present = pool[last] - pool[first]
        first += 1
        last += 1
    upper, lower = _difference(pool, first, last)
    total = np.int64(lower)
    if np.int64(upper) != (np.int64(0) if total >= 0 else np.int64(-1)):
        return False  # it does not fit 64 bits
    if code == SUM:
        result.integers[place, out] = total
        return True
    if code == AVG:
        if present > 0:
            result.floats[place, out] = float(total) / present
        return bool(present > 0)
    if present > 1:
        upper, lower = _difference(pool, first + 2, last + 2)
        result.floats[place, out] = rows.deviation(present, int(total), upper, lower)
    return bool(present > 1)


@inlined
def _difference(pool: rows.Int64s, first: int, last: int) -> wide.Wide:
    """Difference of two running totals of 128 bits."""
    return wide.subtract(
        np.uint64(pool[last]), np.uint64(pool[last + 1]), np.uint64(pool[first]), np.uint64(pool[first + 1])
    )


@inlined
def _extreme(
    program: Program, memory: Memory, result: Result, f: int, base: int, out: int, low: int, high: int
) -> bool:
    """Smallest or largest value of the rows (low, high]; False where none has one."""
    pool, place = memory.pool, program.feature_place[f]
    start, width = memory.arena[base + START], program.series_row[program.feature_series[f]]
    lane = program.feature_lane[f]
    column, parts = program.lane_column[lane], program.lane_parts[lane]
    if pool[start + high * width + column] == pool[start + low * width + column]:
        return False
    cell = rows.value_column(column, parts)
    if program.feature_code[f] == MIN:
        result.integers[place, out] = rows.least(pool, start, width, low, high, cell)
    else:
        tree = cell + (2 if parts & LEAST else 1)
        result.integers[place, out] = rows.most(pool, start, width, low, high, cell, tree)
    return True


@inlined
def _days_since_first(
    program: Program,
    memory: Memory,
    result: Result,
    f: int,
    base: int,
    at: Moment,
    low: int,
    high: int,
) -> bool:
    """Days since the first row of the window; False where it is empty."""
    first = NEVER
    if program.feature_from[f] == UNBOUNDED:
        if memory.arena[base + FIRST] <= at.time - _delay(program, f):
            first = memory.arena[base + FIRST]
    elif high > low:
        width = program.series_row[program.feature_series[f]]
        first = memory.pool[memory.arena[base + START] + (low + 1) * width]
    if first != NEVER:
        result.floats[program.feature_place[f], at.out] = (at.time - first) / _DAY
    return bool(first != NEVER)


@inlined
def _days_since_last(
    program: Program,
    memory: Memory,
    result: Result,
    f: int,
    base: int,
    at: Moment,
    low: int,
    high: int,
) -> bool:
    """Days since the last row of the window that is not the record itself; False where there is none."""
    if at.own > 0 and high >= at.own:
        high = at.own - 1  # the record stands behind its equals, so what is before it counts
    last = NEVER
    if high > low:
        width = program.series_row[program.feature_series[f]]
        last = memory.pool[memory.arena[base + START] + high * width]
    gone = memory.arena[base + GONE]
    if program.feature_from[f] == UNBOUNDED and gone <= at.time - _delay(program, f):
        last = max(last, gone)
    if last != NEVER:
        result.floats[program.feature_place[f], at.out] = (at.time - last) / _DAY
    return bool(last != NEVER)


@inlined
def _delay(program: Program, f: int) -> int:
    """Milliseconds between the end of a feature's window and the record."""
    return int(program.edge_offset[program.edge_first[program.feature_series[f]] + program.feature_to[f]])


@inlined
def withhold(program: Program, memory: Memory, result: Result, f: int, base: int, at: Moment) -> None:
    """Make feature f NULL where its window reaches back to where not everything is known."""
    arena = memory.arena
    series, place = program.feature_series[f], program.feature_place[f]
    unknown = max(arena[base + UNKNOWN], memory.since[program.series_kind[series]])
    kept_from = max(arena[base + GONE], at.floor)
    if program.feature_from[f] != UNBOUNDED:
        begins = at.time - program.edge_offset[program.edge_first[series] + program.feature_from[f]]
        complete = begins >= unknown and begins >= kept_from
    elif program.feature_code[f] == DAYS_SINCE_FIRST:
        complete = unknown == NEVER
    else:
        complete = at.time - _delay(program, f) >= kept_from
        if unknown != NEVER:
            # An earlier row is the last one all the same if nothing unknown can lie behind it.
            found = result.valid[place, at.out]
            complete = complete and found and at.time - result.floats[place, at.out] * _DAY >= unknown
    if not complete:
        result.valid[place, at.out] = False
        result.warming[place, at.out] = True
