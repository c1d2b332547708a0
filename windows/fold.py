"""The kernel: takes records in the order of acceptance, and answers what each one's windows hold.

For every record, and every series of every entity that it names:

    1. Find the entity, or make it.
    2. Where the record belongs to the series, insert its row.
    3. Where it is asked for, move the edges of the windows to its time and read the features between them.

Edges are remembered with the entity and found again by leaps, so a step costs the same whatever the window
holds.
"""

import numpy as np

from windows import rows
from windows.clock import GENERATION
from windows.distinct import make_way
from windows.jit import inlined, lean
from windows.memory import (
    ARENA,
    CLOCK,
    NAMES,
    Input,
    Memory,
    Result,
    enlarge,
    find_entity,
    fits,
    has_room,
)
from windows.plan import CAPACITY, FIRST, GONE, HEADER, SIZE, START, UNKNOWN, Program
from windows.reading import Moment, read, withhold
from windows.rows import NEVER


@inlined
def _insert(program: Program, memory: Memory, given: Input, i: int, s: int, base: int) -> int:
    """Put record i into its series; returns its row."""
    arena = memory.arena
    if arena[base + SIZE] + 2 > arena[base + CAPACITY]:
        enlarge(program, memory, s, base)
    pool = memory.pool
    width = program.series_row[s]
    start = arena[base + START]
    size = arena[base + SIZE]
    t = given.times[i]
    place = rows.seek(pool, start, width, size, size, t) + 1
    if place <= size:
        for j in range(start + (size + 1) * width - 1, start + place * width - 1, -1):
            pool[j + width] = pool[j]
    row = start + place * width
    for j in range(row, row + width):
        pool[j] = pool[j - width]
    pool[row] = t
    arena[base + SIZE] = size + 1
    for lane in range(program.lane_first[s], program.lane_first[s + 1]):
        number = program.lane_value[lane]
        present = (given.has[i] >> np.uint32(number)) & np.uint32(1) != 0
        value = given.values[i, number]
        column, parts = program.lane_column[lane], program.lane_parts[lane]
        for j in range(place, size + 2):
            rows.add_totals(pool, start + j * width, column, parts, present, value)
        rows.set_value(pool, row, column, parts, present, value)
        for j in range(place, size + 2):
            rows.link_extremes(pool, start, width, j, column, parts)
    if arena[base + FIRST] == NEVER or t < arena[base + FIRST]:
        arena[base + FIRST] = t
    if place <= size:
        make_way(program, memory, s, base, place)
    return int(place)


@inlined
def _belongs(program: Program, given: Input, i: int, s: int) -> bool:
    """Whether record i is an event of series s."""
    condition = program.series_condition[s]
    if condition < 0:
        return True
    word = given.conditions[i, condition >> 6]
    return bool((word >> np.uint64(condition & 63)) & np.uint64(1))


@inlined
def _move_edges(program: Program, memory: Memory, s: int, base: int, t: int) -> None:
    """Let the edges of a series' windows stand where they are for time t."""
    arena = memory.arena
    start, size, width = arena[base + START], arena[base + SIZE], program.series_row[s]
    if start < 0:
        return
    first = program.edge_first[s]
    for e in range(program.edge_first[s + 1] - first):
        offset = program.edge_offset[first + e]
        hint = size if offset == 0 else arena[base + HEADER + e]
        arena[base + HEADER + e] = rows.seek(memory.pool, start, width, size, hint, t - offset)


@inlined
def _take_in(
    program: Program, memory: Memory, given: Input, result: Result, i: int, s: int, entity: int
) -> None:
    """Put record i into series s of an entity, and read its features where they are asked for."""
    base = entity + program.series_base[s]
    arena = memory.arena
    t, own = given.times[i], 0
    if (program.series_types[s] >> np.int64(given.types[i])) & 1:
        if not given.known[s]:
            arena[base + UNKNOWN] = max(arena[base + UNKNOWN], t)
        elif _belongs(program, given, i, s):
            own = _insert(program, memory, given, i, s, base)
    if result.rows[i] < 0:
        return
    _move_edges(program, memory, s, base, t)
    at = Moment(t, result.rows[i], own, memory.floors[given.sources[i]])
    incomplete = (
        at.floor != NEVER
        or arena[base + GONE] != NEVER
        or arena[base + UNKNOWN] != NEVER
        or memory.since[program.series_kind[s]] != NEVER
    )
    for f in range(program.feature_first[s], program.feature_first[s + 1]):
        read(program, memory, result, f, base, at)
        if incomplete:
            withhold(program, memory, result, f, base, at)


@inlined
def _find_entities(program: Program, memory: Memory, given: Input, i: int) -> None:
    """Find or make the entities that record i names."""
    for kind in range(len(program.kind_width)):
        memory.found[kind] = -1
        if not given.entities[kind]:
            memory.since[kind] = max(memory.since[kind], given.times[i])
        elif given.names[i, kind] != 0:
            memory.found[kind] = find_entity(program, memory, given.names[i, kind], kind)


@inlined
def _go_on(memory: Memory, given: Input, i: int) -> None:
    """Note the time of record i with its entities and its source."""
    t = given.times[i]
    for kind in range(len(memory.found)):
        entity = memory.found[kind]
        if entity >= 0:
            memory.arena[entity] = max(memory.arena[entity], t)
    if given.clocked:
        source = given.sources[i]
        filled = memory.clock[source, 0] + 1
        memory.clock[source, filled] = t
        memory.clock[source, 0] = filled


@lean
def fold(program: Program, memory: Memory, given: Input, result: Result, begin: int) -> int:
    """Take in records from number `begin` on.

    Args:
        program: the plan.
        memory: of the shard, changed.
        given: the records.
        result: gets the features of those that are asked for.
        begin: first record to take in.

    Returns:
        number of the record before which something must be done, see `Memory.used`, or n when all are taken
        in.
    """
    kinds = len(program.kind_width)
    largest = 2 * kinds
    for kind in range(kinds):
        largest += program.kind_width[kind]
    for i in range(begin, len(given.times)):
        if not (
            fits(memory, ARENA, memory.used[ARENA] + largest, len(memory.arena))
            and fits(memory, NAMES, 2 * (memory.used[NAMES] + kinds), len(memory.names))
        ):
            return i
        _find_entities(program, memory, given, i)
        source = given.sources[i]
        full = given.clocked and not fits(memory, CLOCK, memory.clock[source, 0], GENERATION - 1)
        if full or not has_room(program, memory):
            return i
        owner = memory.found[0]
        if result.rows[i] >= 0:
            result.newest[result.rows[i]] = memory.arena[owner] if owner >= 0 else NEVER
        for s in range(len(program.series_kind)):
            entity = memory.found[program.series_kind[s]]
            if entity >= 0:
                _take_in(program, memory, given, result, i, s, entity)
        _go_on(memory, given, i)
    return len(given.times)
