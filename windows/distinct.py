"""How many values differ in a window: each is counted as rows come in and go out at the window's edges."""

import numpy as np
import numpy.typing as npt

from windows import rows, tables
from windows.jit import inlined
from windows.memory import COUNTS, Memory
from windows.plan import DISTINCT, START, Program

Int64s = npt.NDArray[np.int64]


@inlined
def _count_rows(memory: Memory, spot: int, cell: int, width: int, begin: int, end: int) -> None:
    """Count the values of the rows (begin, end] in; `cell` is the place of the value of row 0."""
    for j in range(begin + 1, end + 1):
        value = memory.pool[cell + j * width]
        if value != 0:
            fresh = tables.count_in(memory.counts, spot, value)
            memory.arena[spot + 2] += fresh
            memory.used[COUNTS] += fresh


@inlined
def _drop_rows(memory: Memory, spot: int, cell: int, width: int, begin: int, end: int) -> None:
    """Count the values of the rows (begin, end] out."""
    for j in range(begin + 1, end + 1):
        value = memory.pool[cell + j * width]
        if value != 0:
            gone = tables.count_out(memory.counts, spot, value)
            memory.arena[spot + 2] -= gone
            memory.used[COUNTS] -= gone


@inlined
def distinct(program: Program, memory: Memory, f: int, base: int, low: int, high: int) -> int:
    """Move the distinct window of feature f to the rows (low, high]; returns how many values differ in it."""
    arena = memory.arena
    series = program.feature_series[f]
    lane = program.feature_lane[f]
    width = program.series_row[series]
    spot = base - program.series_base[series] + program.feature_spot[f]
    cell = arena[base + START] + rows.value_column(program.lane_column[lane], program.lane_parts[lane])
    if low >= arena[spot + 1] or high <= arena[spot]:  # nothing in common with where it stands
        _drop_rows(memory, spot, cell, width, arena[spot], arena[spot + 1])
        arena[spot] = low
        arena[spot + 1] = low
    _count_rows(memory, spot, cell, width, arena[spot + 1], high)
    _count_rows(memory, spot, cell, width, low, arena[spot])
    _drop_rows(memory, spot, cell, width, arena[spot], low)
    _drop_rows(memory, spot, cell, width, high, arena[spot + 1])
    arena[spot] = low
    arena[spot + 1] = high
    return int(arena[spot + 2])


@inlined
def make_way(program: Program, memory: Memory, s: int, base: int, place: int) -> None:
    """Let the distinct windows of a series follow a row that was inserted among theirs as number `place`."""
    arena = memory.arena
    width = program.series_row[s]
    for f in range(program.feature_first[s], program.feature_first[s + 1]):
        if program.feature_code[f] != DISTINCT:
            continue
        spot = base - program.series_base[s] + program.feature_spot[f]
        if place <= arena[spot]:
            arena[spot] += 1
            arena[spot + 1] += 1
        elif place <= arena[spot + 1]:
            arena[spot + 1] += 1
            lane = program.feature_lane[f]
            column = rows.value_column(program.lane_column[lane], program.lane_parts[lane])
            _count_rows(memory, spot, arena[base + START] + column, width, place - 1, place)
