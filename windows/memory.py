"""What the windows of a shard remember, as the arrays that the kernel works on.

The arrays never grow inside the kernel: where one might become too small it stops before the record, the
caller makes room and calls again.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from windows import tables
from windows.jit import inlined, lean
from windows.plan import (
    CAPACITY,
    DISTINCT,
    FIRST,
    GONE,
    SIZE,
    START,
    UNKNOWN,
    Program,
)
from windows.rows import NEVER

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

ARENA, POOL, NAMES, COUNTS, CLOCK, SHORT, NEEDED = range(7)
"""Places in `Memory.used`: four fills (none for the clock), then what stops the kernel and what it needs."""

SMALLEST = 2
"""Binary logarithm of the rows that a series has room for at first."""


class Memory(NamedTuple):
    """All that the windows of a shard remember.

    Args:
        names: hash of each entity, with `offsets` the table of entities; shape (slots,).
        offsets: place of the entity in the arena.
        arena: entities, each with its newest time and the headers of its series.
        pool: rows of all series.
        free: first free run of rows in the pool by series and binary logarithm of its capacity, -1 for none.
        counts: how often each value stands in each distinct window, shape (slots, 3).
        used: fill of the arena, pool, names and counts, and what is needed to go on.
        floors: by source, the time below which windows are not given any more.
        clock: by source, the times of the current generation; the first number is how many there are.
        since: by entity, the time before which nothing is known of it.
        found: scratch; the entities of the record at hand, -1 for none.
    """

    names: Words
    offsets: Int64s
    arena: Int64s
    pool: Int64s
    free: Int64s
    counts: Int64s
    used: Int64s
    floors: Int64s
    clock: Int64s
    since: Int64s
    found: Int64s


class Input(NamedTuple):
    """Records in the order of acceptance, n of them.

    Args:
        names: hash of each entity of the plan, 0 where the event names none; shape (n, K).
        times: event time.
        types: event type.
        conditions: bit set of the conditions that hold, shape (n, words).
        has: bit set of the values that are there.
        values: shape (n, V).
        sources: number of the source.
        known: which series the records tell everything of, shape (S,).
        entities: which entities the records name, shape (K,).
        clocked: False for records that the clocks have counted before.
    """

    names: Words
    times: Int64s
    types: npt.NDArray[np.uint8]
    conditions: Words
    has: npt.NDArray[np.uint32]
    values: Int64s
    sources: npt.NDArray[np.int32]
    known: Bools
    entities: Bools
    clocked: bool


class Result(NamedTuple):
    """Features of the records that are asked for.

    Args:
        rows: row of the result for each record, -1 where nobody asks; shape (n,).
        integers: count, sum, min, max, distinct; shape (F, rows).
        floats: avg, stddev and days; shape (F, rows).
        valid: False where the feature is NULL; shape (F, rows).
        warming: True where it is NULL because its window is not known in full; shape (F, rows).
        newest: newest time of the owning entity before the record, shape (rows,).
    """

    rows: Int64s
    integers: Int64s
    floats: Float64s
    valid: Bools
    warming: Bools
    newest: Int64s


@inlined
def entity_key(name: np.uint64, kind: int) -> np.uint64:
    """The key of an entity in the table; never 0."""
    key = (name ^ (np.uint64(kind) << np.uint64(60))) * np.uint64(0x9E3779B97F4A7C15)
    key ^= key >> np.uint64(29)
    return key if key != 0 else np.uint64(1)


@inlined
def find_entity(program: Program, memory: Memory, name: np.uint64, kind: int) -> int:
    """Place of an entity in the arena; a new one is made."""
    key = entity_key(name, kind)
    slot = tables.find_name(memory.names, key)
    if memory.names[slot] != 0:
        return int(memory.offsets[slot])
    at = memory.used[ARENA]
    width = program.kind_width[kind]
    memory.used[ARENA] += width + 2
    memory.used[NAMES] += 1
    memory.arena[at] = kind
    memory.arena[at + 1] = np.int64(name)
    at += 2
    for j in range(at, at + width):
        memory.arena[j] = 0
    memory.arena[at] = NEVER
    for s in range(len(program.series_kind)):
        if program.series_kind[s] == kind:
            base = at + program.series_base[s]
            memory.arena[base + START] = -1
            memory.arena[base + FIRST] = NEVER
            memory.arena[base + GONE] = NEVER
            memory.arena[base + UNKNOWN] = NEVER
    memory.names[slot] = key
    memory.offsets[slot] = at
    return int(at)


@inlined
def fits(memory: Memory, which: int, needed: int, length: int) -> bool:
    """Whether `needed` is within the length of an array; if not, it is noted."""
    if needed <= length:
        return True
    memory.used[SHORT] = which
    memory.used[NEEDED] = needed
    return False


@inlined
def has_room(program: Program, memory: Memory) -> bool:
    """Whether a record of the found entities can be taken in without the pool or the counts growing."""
    rows_needed = 0
    counts_needed = 0
    for s in range(len(program.series_kind)):
        entity = memory.found[program.series_kind[s]]
        if entity < 0:
            continue
        base = entity + program.series_base[s]
        size, capacity = memory.arena[base + SIZE], memory.arena[base + CAPACITY]
        if size + 2 > capacity:
            rows_needed += max(2 * capacity, 1 << SMALLEST) * program.series_row[s]
        for f in range(program.feature_first[s], program.feature_first[s + 1]):
            if program.feature_code[f] == DISTINCT:
                counts_needed += size + 1
    return fits(memory, POOL, memory.used[POOL] + rows_needed, len(memory.pool)) and fits(
        memory, COUNTS, 2 * (memory.used[COUNTS] + counts_needed), len(memory.counts)
    )


@inlined
def enlarge(program: Program, memory: Memory, s: int, base: int) -> None:
    """Move the rows of a series to a run of twice the size."""
    arena, pool = memory.arena, memory.pool
    width = program.series_row[s]
    capacity = arena[base + CAPACITY]
    start = arena[base + START]
    level = SMALLEST
    while (1 << level) <= capacity:
        level += 1
    place = memory.free[s, level]
    if place >= 0:
        memory.free[s, level] = pool[place]
    else:
        place = memory.used[POOL]
        memory.used[POOL] += width << level
    if start >= 0:
        filled = (arena[base + SIZE] + 1) * width
        for j in range(filled):
            pool[place + j] = pool[start + j]
        pool[start] = memory.free[s, level - 1]
        memory.free[s, level - 1] = start
    else:
        for j in range(place, place + width):
            pool[j] = 0
        pool[place] = NEVER
    arena[base + START] = place
    arena[base + CAPACITY] = 1 << level


@lean
def place(program: Program, memory: Memory, names: Words, kind: int, places: Int64s, begin: int) -> int:
    """Find or make entities of one kind, from number `begin` on; stops like `fold`."""
    width = program.kind_width[kind] + 2
    for i in range(begin, len(names)):
        if not fits(memory, ARENA, memory.used[ARENA] + width, len(memory.arena)):
            return i
        if not fits(memory, NAMES, 2 * (memory.used[NAMES] + 1), len(memory.names)):
            return i
        places[i] = find_entity(program, memory, names[i], kind)
    return len(names)
