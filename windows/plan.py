"""The plan: what a pack's features need to remember of each event, and how their windows are laid out.

Features that see the same events of the same entity form a series: one run of rows in order of time. A row is
a line of integers: the event's time, and for each aggregated value the running totals that the features need.

    entity (customer) ─► newest │ series 0: header, edges │ series 1: header, edges │ …   (arena)
                                        │
                                        ▼
                         rows   t  n  sum  …      row 0 carries the totals before the first row
                                t  n  sum  …
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from events.columns import Bools, EventBatch, Int64s
from events.event import EventType
from windows.errors import WindowError
from windows.feature import Aggregate, Entity, Feature, Predicate

MICRO = 1_000_000  # numeric attributes are kept as integers with six decimals
MOST_VALUES = 32  # bits of the column `has`

# Parts of a row behind its time, present where a feature needs them.
COUNTED, TOTAL, SQUARES, VALUE, LEAST, MOST = 1, 2, 4, 8, 16, 32
_WIDTHS = {COUNTED: 1, TOTAL: 2, SQUARES: 2, VALUE: 1, LEAST: 1, MOST: 1}

# Fields of a series' header in its entity, then one hint for each edge and three numbers for each distinct.
START, CAPACITY, SIZE, FIRST, GONE, UNKNOWN, HEADER = range(7)

COUNT, SUM, AVG, MIN, MAX, STDDEV, DISTINCT, DAYS_SINCE_FIRST, DAYS_SINCE_LAST = range(9)
UNBOUNDED = -1  # edge of a feature that looks back without end

_CODES = {
    Aggregate.COUNT: COUNT,
    Aggregate.SUM: SUM,
    Aggregate.AVG: AVG,
    Aggregate.MIN: MIN,
    Aggregate.MAX: MAX,
    Aggregate.STDDEV: STDDEV,
    Aggregate.DISTINCT: DISTINCT,
    Aggregate.DAYS_SINCE_FIRST: DAYS_SINCE_FIRST,
    Aggregate.DAYS_SINCE_LAST: DAYS_SINCE_LAST,
}
_NEEDS = {
    Aggregate.SUM: TOTAL,
    Aggregate.AVG: COUNTED | TOTAL,
    Aggregate.STDDEV: COUNTED | TOTAL | SQUARES,
    Aggregate.MIN: COUNTED | VALUE | LEAST,
    Aggregate.MAX: COUNTED | VALUE | MOST,
    Aggregate.DISTINCT: VALUE,
}
_TYPES = {kind: place for place, kind in enumerate(EventType)}


@dataclass(frozen=True, slots=True)
class Condition:
    """A `where` that some features share; one bit in every record."""

    text: str
    predicate: Predicate

    def mask(self, batch: EventBatch) -> Bools:
        """Which events of the batch satisfy it, shape (n,)."""
        return self.predicate(batch)


@dataclass(frozen=True, slots=True)
class Value:
    """A field that some features aggregate; one integer in every record.

    Args:
        field: `amount`, a text field, or `attributes.x`.
        hashed: True where only equality matters (distinct): the integer is a hash of the value.
    """

    field: str
    hashed: bool

    @property
    def name(self) -> str:
        """How stored records name it."""
        return f"{self.field} hashed" if self.hashed else self.field


@dataclass(frozen=True, slots=True)
class Series:
    """Events of one entity that are alike to some features.

    Args:
        by: whose events.
        types: of which types.
        condition: index into the plan's conditions, None for every event of the types.
        features: indices of the features.
        values: indices of the values that they aggregate.
    """

    by: Entity
    types: frozenset[EventType]
    condition: int | None
    features: tuple[int, ...]
    values: tuple[int, ...]


class Program(NamedTuple):
    """The plan as arrays for the kernel; S series, L values in series (lanes), E edges, F features."""

    kind_width: Int64s  # (K,) integers of an entity in the arena
    series_kind: Int64s  # (S,) place of the entity among the plan's entities
    series_base: Int64s  # (S,) header of the series within the entity
    series_types: Int64s  # (S,) bit set of event types
    series_condition: Int64s  # (S,) or -1
    series_row: Int64s  # (S,) integers of a row
    edge_first: Int64s  # (S + 1,)
    edge_offset: Int64s  # (E,) milliseconds before the event
    lane_first: Int64s  # (S + 1,)
    lane_value: Int64s  # (L,)
    lane_parts: Int64s  # (L,) bit set of COUNTED … MOST
    lane_column: Int64s  # (L,) first part within the row
    feature_first: Int64s  # (S + 1,)
    feature_code: Int64s  # (F,)
    feature_series: Int64s  # (F,)
    feature_place: Int64s  # (F,) place in the result
    feature_to: Int64s  # (F,) edge where the window ends
    feature_from: Int64s  # (F,) edge where it begins, or UNBOUNDED
    feature_lane: Int64s  # (F,) or -1
    feature_spot: Int64s  # (F,) for distinct: its three numbers within the entity


class WindowPlan:
    """Layout of records, series and rows for a set of features.

    Args:
        features: in the order in which results are given.
        scope: the entity that owns a shard: the unified customer, or the counterparty in the second stage.

    Raises:
        WindowError: the features ask for more than records can hold.
    """

    def __init__(self, features: Sequence[Feature], scope: Entity = Entity.GROUP) -> None:
        self.features = tuple(features)
        self.scope = scope
        named = {feature.by for feature in self.features}
        if scope is Entity.GROUP:
            named.add(Entity.CUSTOMER)  # profiles are the customer's
        self.entities = (scope, *(entity for entity in Entity if entity in named and entity is not scope))
        self.conditions: list[Condition] = []
        self.values: list[Value] = []
        grouped: dict[tuple[Entity, frozenset[EventType], int | None], list[int]] = {}
        for number, feature in enumerate(self.features):
            if feature.field is not None:
                self._value(feature)
            key = (feature.by, feature.events, self._condition(feature))
            grouped.setdefault(key, []).append(number)
        self.series = tuple(
            Series(*key, tuple(numbers), tuple(dict.fromkeys(self._values_of(numbers))))
            for key, numbers in grouped.items()
        )
        self.words = max(1, -(-len(self.conditions) // 64))
        self.horizon = max((f.window + f.delay for f in self.features if f.window is not None), default=0)
        self.program = self._program()

    def _condition(self, feature: Feature) -> int | None:
        if feature.where is None or feature.where_text is None:
            return None
        for number, condition in enumerate(self.conditions):
            if condition.text == feature.where_text:
                return number
        self.conditions.append(Condition(feature.where_text, feature.where))
        return len(self.conditions) - 1

    def _value(self, feature: Feature) -> None:
        value = value_of(feature)
        if value is not None and value not in self.values:
            if len(self.values) == MOST_VALUES:
                raise WindowError(
                    f"feature `{feature.name}`: more than {MOST_VALUES} aggregated fields in one pack"
                )
            self.values.append(value)

    def _values_of(self, numbers: Sequence[int]) -> list[int]:
        values = (value_of(self.features[number]) for number in numbers)
        return [self.values.index(value) for value in values if value is not None]

    @property
    def value_names(self) -> list[str]:
        """The values as stored records name them."""
        return [value.name for value in self.values]

    @property
    def condition_texts(self) -> list[str]:
        """The conditions as stored records name them."""
        return [condition.text for condition in self.conditions]

    def series_name(self, series: Series) -> str:
        """What tells a series from every other in what is stored."""
        where = "" if series.condition is None else self.conditions[series.condition].text
        return f"{series.by}|{','.join(sorted(series.types))}|{where}"

    def _program(self) -> Program:
        kinds = {entity: place for place, entity in enumerate(self.entities)}
        widths = [1] * len(kinds)  # the entity's newest time comes first
        lists: dict[str, list[int]] = {name: [] for name in Program._fields}
        for series in self.series:
            kind = kinds[series.by]
            lists["edge_first"].append(len(lists["edge_offset"]))
            lists["lane_first"].append(len(lists["lane_value"]))
            lists["feature_first"].append(len(lists["feature_code"]))
            lists["series_kind"].append(kind)
            lists["series_base"].append(widths[kind])
            lists["series_types"].append(sum(1 << _TYPES[type_] for type_ in series.types))
            lists["series_condition"].append(-1 if series.condition is None else series.condition)
            edges = self._edges(series)
            lists["edge_offset"] += edges
            widths[kind] += HEADER + len(edges)
            lists["series_row"].append(self._lanes(series, lists))
            widths[kind] = self._features(series, edges, widths[kind], lists)
        for name, of in (("edge", "offset"), ("lane", "value"), ("feature", "code")):
            lists[f"{name}_first"].append(len(lists[f"{name}_{of}"]))
        lists["kind_width"] = widths
        return Program(*(np.array(lists[name], np.int64) for name in Program._fields))

    def _edges(self, series: Series) -> list[int]:
        edges: set[int] = set()
        for number in series.features:
            feature = self.features[number]
            edges.add(feature.delay)
            if feature.window is not None:
                edges.add(feature.delay + feature.window)
        return sorted(edges)

    def _lanes(self, series: Series, lists: dict[str, list[int]]) -> int:
        """Lay out the parts of a row; returns its width."""
        width = 1
        for value in series.values:
            parts = 0
            for number in series.features:
                if value_of(self.features[number]) == self.values[value]:
                    parts |= _NEEDS[self.features[number].aggregate]
            lists["lane_value"].append(value)
            lists["lane_parts"].append(parts)
            lists["lane_column"].append(width)
            width += sum(size for part, size in _WIDTHS.items() if parts & part)
        return width

    def _features(self, series: Series, edges: list[int], width: int, lists: dict[str, list[int]]) -> int:
        first = lists["lane_first"][-1]
        for number in series.features:
            feature = self.features[number]
            value = value_of(feature)
            lists["feature_code"].append(_CODES[feature.aggregate])
            lists["feature_series"].append(len(lists["series_row"]) - 1)
            lists["feature_place"].append(number)
            lists["feature_to"].append(edges.index(feature.delay))
            lists["feature_from"].append(
                UNBOUNDED if feature.window is None else edges.index(feature.delay + feature.window)
            )
            lists["feature_lane"].append(
                -1 if value is None else first + series.values.index(self.values.index(value))
            )
            lists["feature_spot"].append(width)
            if feature.aggregate is Aggregate.DISTINCT:
                width += 3
        return width


def value_of(feature: Feature) -> Value | None:
    """The value that a feature aggregates; None for counts and days."""
    if feature.field is None:
        return None
    return Value(feature.field, feature.aggregate is Aggregate.DISTINCT)


Words = npt.NDArray[np.uint64]
