"""The state of a shard's windows in memory: what the kernel works on, and how it grows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from events.columns import Bools, Int64s
from windows import tables
from windows.block import Change, Schema, schema_of
from windows.clock import GENERATION, floor_of
from windows.feature import Entity
from windows.fold import fold
from windows.memory import ARENA, COUNTS, NAMES, NEEDED, POOL, SHORT, Input, Memory, Result
from windows.memory import place as place_entities
from windows.plan import GONE, SIZE, START, WindowPlan, Words
from windows.profile import Profiles, Values
from windows.record import Records
from windows.rows import NEVER

_LEVELS = 48  # a series has at most 2**48 rows
NOT_ASKED = np.int64(-1)


@dataclass(frozen=True, slots=True)
class Known:
    """What records of some schema tell.

    Args:
        series: which series of the plan they tell everything of, shape (S,).
        entities: which entities of the plan they name, shape (K,).
    """

    series: Bools
    entities: Bools


def blank(plan: WindowPlan, size: int) -> Result:
    """A result for `size` rows, all features NULL; its rows are still to be set."""
    shape = (len(plan.features), size)
    return Result(
        rows=np.full(0, NOT_ASKED),
        integers=np.zeros(shape, np.int64),
        floats=np.zeros(shape, np.float64),
        valid=np.zeros(shape, np.bool_),
        warming=np.zeros(shape, np.bool_),
        newest=np.full(size, NEVER),
    )


def adapt(plan: WindowPlan, schema: Schema, records: Records) -> tuple[Records, Known]:
    """Records of another schema in the columns of the plan, and what they tell of its series."""
    own = schema_of(plan)
    if schema == own:
        return records, Known(np.ones(len(plan.series), np.bool_), np.ones(len(plan.entities), np.bool_))
    n = len(records)
    names = np.zeros((n, len(plan.entities)), np.uint64)
    conditions = np.zeros((n, plan.words), np.uint64)
    values = np.zeros((n, len(plan.values)), np.int64)
    has = np.zeros(n, np.uint32)
    for place, entity in enumerate(own.entities):
        if entity in schema.entities:
            names[:, place] = records.names[:, schema.entities.index(entity)]
    for place, text in enumerate(own.conditions):
        if text in schema.conditions:
            word, bit = divmod(schema.conditions.index(text), 64)
            bits = (records.conditions[:, word] >> np.uint64(bit)) & np.uint64(1)
            conditions[:, place // 64] |= bits << np.uint64(place % 64)
    for place, name in enumerate(own.values):
        if name in schema.values:
            number = schema.values.index(name)
            values[:, place] = records.values[:, number]
            has |= ((records.has >> np.uint32(number)) & np.uint32(1)) << np.uint32(place)
    known = Known(
        np.array(
            [
                (series.condition is None or own.conditions[series.condition] in schema.conditions)
                and all(own.values[value] in schema.values for value in series.values)
                for series in plan.series
            ],
            np.bool_,
        ),
        np.array([entity in schema.entities for entity in own.entities], np.bool_),
    )
    adapted = Records(
        records.keys,
        records.sources,
        records.offsets,
        records.times,
        records.types,
        names,
        conditions,
        has,
        values,
    )
    return adapted, known


class WindowState:
    """Everything that the windows of one shard remember of its accepted records.

    Args:
        plan: the features.
        retention: milliseconds that records are kept behind the clock of their source.
    """

    def __init__(self, plan: WindowPlan, retention: int) -> None:
        self.plan = plan
        self.profiles = Profiles()
        self._retention = retention
        self._customer = plan.entities.index(Entity.CUSTOMER) if Entity.CUSTOMER in plan.entities else None
        self._sources: dict[int, int] = {}
        self._ids = np.zeros((1024, 3), np.uint64)
        self._known_ids = 0
        widths = int(plan.program.kind_width.sum()) + 2 * len(plan.entities)
        self.memory = Memory(
            names=np.zeros(256, np.uint64),
            offsets=np.zeros(256, np.int64),
            arena=np.zeros(64 * widths, np.int64),
            pool=np.zeros(4096, np.int64),
            free=np.full((len(plan.series), _LEVELS), -1, np.int64),
            counts=np.zeros((256, 3), np.int64),
            used=np.array([1, 0, 0, 0, 0, 0, 0], np.int64),  # no entity lies at 0, which marks a free count
            floors=np.zeros(0, np.int64),
            clock=np.zeros((0, GENERATION + 1), np.int64),
            since=np.full(len(plan.entities), NEVER),
            found=np.zeros(len(plan.entities), np.int64),
        )

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self._ids.nbytes + sum(array.nbytes for array in self.memory)

    def remember(self, records: Records) -> "np.ndarray[tuple[int], np.dtype[np.int8]]":
        """Take in the ids of records and say of each whether it is FRESH, SAME or DUPLICATE, shape (n,)."""
        while 2 * (self._known_ids + len(records)) > len(self._ids):
            larger = np.zeros((2 * len(self._ids), 3), np.uint64)
            tables.rehash_ids(self._ids, larger)
            self._ids = larger
        status = np.zeros(len(records), np.int8)
        self._known_ids += tables.remember(self._ids, records.keys, records.places, status)
        return status

    def forget(self, records: Records) -> None:
        """Take the ids of records out again, that were remembered but could not be stored."""
        tables.forget(self._ids, records.keys)
        self._known_ids -= len(records)

    def absorb(
        self,
        records: Records,
        changes: Sequence[Change],
        known: Known,
        result: Result | None = None,
        *,
        clocked: bool = False,
    ) -> list[Values]:
        """Take in records, and give the features and profiles of those that are asked for.

        Args:
            records: in the order of acceptance, in the columns of the plan.
            changes: profile changes among them.
            known: what the records tell.
            result: says by its rows which are asked for, and gets their features; None for none.
            clocked: the clocks have counted these records before.

        Returns:
            the profile that each record sees; nothing when no result is asked for or nobody has a profile.
        """
        n = len(records)
        given = Input(
            names=records.names,
            times=records.times,
            types=records.types,
            conditions=records.conditions,
            has=records.has,
            values=records.values,
            sources=self._numbers(records.sources),
            known=known.series,
            entities=known.entities,
            clocked=not clocked,
        )
        if result is None:
            result = blank(self.plan, 0)._replace(rows=np.full(n, NOT_ASKED))
        done = 0
        while (done := fold(self.plan.program, self.memory, given, result, done)) < n:
            self._go_on()
        return self._follow(records, changes, asked=len(result.newest) > 0)

    def _numbers(self, sources: Words) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
        known, codes = np.unique(sources, return_inverse=True)
        numbers = np.array([self.source(source) for source in known.tolist()], np.int32)
        return numbers[codes] if len(known) else np.zeros(0, np.int32)

    def source(self, source: int) -> int:
        """Number of a source; a new one gets a clock of its own."""
        number = self._sources.setdefault(source, len(self._sources))
        if number == len(self.memory.floors):
            self.memory = self.memory._replace(
                floors=np.append(self.memory.floors, NEVER),
                clock=np.vstack([self.memory.clock, np.zeros((1, GENERATION + 1), np.int64)]),
            )
        return number

    @property
    def sources(self) -> dict[int, int]:
        """Number of each source by its hash."""
        return self._sources

    def floors(self) -> dict[int, int]:
        """By source, the time below which windows are not given any more."""
        return {source: int(self.memory.floors[number]) for source, number in self._sources.items()}

    def _follow(self, records: Records, changes: Sequence[Change], *, asked: bool) -> list[Values]:
        if self._customer is None or not (changes or len(self.profiles)):
            return []
        customers = records.names[:, self._customer].tolist() if asked or changes else []
        seen: list[Values] = []
        for change in changes:
            if asked:
                seen += self.profiles.of(customers[len(seen) : change.record + 1])
            time = int(records.times[change.record])
            self.profiles.accept(customers[change.record], time, change.attributes)
        return seen + self.profiles.of(customers[len(seen) :]) if asked else []

    def _go_on(self) -> None:
        """Do what the kernel can't: make an array longer, or set clocks whose generation is full."""
        memory = self.memory
        which, needed = int(memory.used[SHORT]), int(memory.used[NEEDED])
        if which == ARENA:
            self.memory = memory._replace(arena=_longer(memory.arena, needed))
        elif which == POOL:
            self.memory = memory._replace(pool=_longer(memory.pool, needed))
        elif which == NAMES:
            size = _power(needed)
            names, offsets = np.zeros(size, np.uint64), np.zeros(size, np.int64)
            tables.rehash_names(memory.names, memory.offsets, names, offsets)
            self.memory = memory._replace(names=names, offsets=offsets)
        elif which == COUNTS:
            counts = np.zeros((_power(needed), 3), np.int64)
            tables.rehash_counts(memory.counts, counts)
            self.memory = memory._replace(counts=counts)
        else:
            self._set_clocks()

    def _set_clocks(self) -> None:
        """Move the floors of the sources whose generation is full."""
        clock, floors = self.memory.clock, self.memory.floors
        for source in np.flatnonzero(clock[:, 0] == GENERATION).tolist():
            floors[source] = max(int(floors[source]), floor_of(clock[source, 1:], self._retention))
            clock[source, 0] = 0

    def place(self, names: Words, kind: int) -> Int64s:
        """Places in the arena of entities, made where they are new; shape (m,)."""
        places = np.empty(len(names), np.int64)
        done = 0
        while (done := place_entities(self.plan.program, self.memory, names, kind, places, done)) < len(
            names
        ):
            self._go_on()
        return places

    def last(self, entity: int, series: int) -> int:
        """Newest time of the rows of a series, NEVER for none."""
        base = entity + int(self.plan.program.series_base[series])
        arena = self.memory.arena
        newest = int(arena[base + GONE])
        if arena[base + SIZE]:
            row = arena[base + START] + arena[base + SIZE] * self.plan.program.series_row[series]
            newest = max(newest, int(self.memory.pool[row]))
        return newest


def _longer(array: Int64s, needed: int) -> Int64s:
    larger = np.zeros(max(needed, 2 * len(array)), np.int64)
    larger[: len(array)] = array
    return larger


def _power(needed: int) -> int:
    return 1 << max(8, (needed - 1).bit_length() + 1)
