"""Columns: a batch of events, or of values derived from them, as NumPy arrays."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from events.event import Attribute, Event, EventType

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]
Cell = TypeVar("Cell")


_CODES = {kind: place for place, kind in enumerate(EventType)}
_NAMES = np.array([kind.value for kind in EventType], dtype=object)


class Kind(Enum):
    """What a column holds; decides how literals, texts and JSON treat it."""

    MONEY = "money"  # fen: int64, or float64 for averages and deviations
    NUMBER = "number"  # int64 or float64
    TEXT = "text"  # object array of str
    BOOL = "bool"  # bool array

    __hash__ = object.__hash__  # members are unique; Enum's own is a slow function of Python


@dataclass(frozen=True, slots=True)
class Column:
    """Values with their validity; where `valid` is False the value is NULL and its cell is arbitrary.

    Args:
        values: shape (n,): int64, float64, bool or object (str).
        valid: shape (n,), bool.
        kind: what the values mean.
    """

    values: npt.NDArray[Any]
    valid: Bools
    kind: Kind

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Int64s) -> "Column":
        """The cells of `rows`, in their order."""
        return Column(self.values[rows], self.valid[rows], self.kind)

    def at(self, row: int) -> int | float | str | bool | None:
        """The cell as a plain Python value, None for NULL."""
        if not self.valid[row]:
            return None
        value = self.values[row]
        return value.item() if isinstance(value, np.generic) else value  # type: ignore[no-any-return]  # object cell


def text_column(cells: list[str | None]) -> Column:
    """A TEXT column of optional strings."""
    values = np.empty(len(cells), dtype=object)
    values[:] = cells
    valid = np.array([cell is not None for cell in cells], np.bool_)
    return Column(values, valid, Kind.TEXT)


def attribute_column(cells: list[Attribute | None], kind: Kind) -> Column:
    """A column of one attribute, read as `kind`; a cell of another kind is NULL.

    The kind comes from the condition that reads the attribute, never from the data: the same event must be
    judged alike whatever its neighbours in the batch are.
    """
    if kind is Kind.TEXT:
        return text_column([cell if isinstance(cell, str) else None for cell in cells])
    if kind is Kind.BOOL:
        return _filled([cell if isinstance(cell, bool) else None for cell in cells], np.bool_, False, kind)
    try:
        numbers = [cell if type(cell) in _NUMBERS else None for cell in cells]
        return _filled(numbers, np.float64, 0.0, kind)
    except OverflowError:  # JSON has integers of any length
        return _filled([_number(cell) for cell in cells], np.float64, 0.0, kind)


_NUMBERS = frozenset({int, float})  # not their heirs: a truth is no number


def _number(cell: Attribute | None) -> float | None:
    if cell is None or isinstance(cell, bool | str):
        return None
    try:
        return float(cell)
    except OverflowError:
        return None


def _filled(cells: list[Any], dtype: npt.DTypeLike, blank: Any, kind: Kind) -> Column:
    valid = np.array([cell is not None for cell in cells], np.bool_)
    values = np.array([blank if cell is None else cell for cell in cells], dtype=dtype)
    return Column(values, valid, kind)


@dataclass(frozen=True)
class EventBatch:
    """Accepted events as columns, in arrival order.

    Args:
        events: the n decoded messages.
        occurred_at: event time in epoch milliseconds, shape (n,).
        amount: amount in fen of CNY, shape (n,); 0 where `has_amount` is False.
        has_amount: shape (n,).
        groups: unified customer of each event.
        regions: region of each event after the mapping table.
        sources: name of the partition that delivered each message, for example `orders:3`.
        offsets: position of each message in its partition, shape (n,).
        rows: row of each message in the batch as it was read, shape (n,); output keeps this order.
        batch: running number of the batch within its reader.
        received_at: epoch milliseconds when the oldest message of the batch was produced.
        size: number of messages in the batch as it was read, good and bad.
        edition: number of the edition of the rules that judges the batch; 0 where it never changes.
    """

    events: list[Event]
    occurred_at: Int64s
    amount: Int64s
    has_amount: Bools
    groups: list[str]
    regions: list[str | None]
    sources: list[str]
    offsets: Int64s
    rows: Int64s
    batch: int
    received_at: int
    size: int
    edition: int = 0
    _cache: dict[str, Column] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.events)

    @cached_property
    def types(self) -> Objects:
        """Event types, an object array of shape (n,)."""
        return _NAMES[self.type_codes]

    @cached_property
    def type_codes(self) -> Int64s:
        """Place of each event's type in `EventType`, shape (n,)."""
        return np.array([_CODES[event.type] for event in self.events], np.int64)

    def is_of(self, types: Collection[EventType]) -> Bools:
        """Which events are of one of `types`, shape (n,)."""
        wanted = np.zeros(len(_CODES), np.bool_)
        wanted[[_CODES[kind] for kind in types]] = True
        return wanted[self.type_codes]

    def column(self, name: str) -> Column:
        """The column of an event field of `EVENT_FIELDS`.

        Raises:
            KeyError: the event has no such field.
        """
        column = self._cache.get(name)
        if column is None:
            column = self._cache[name] = self._build(name)
        return column

    def _build(self, name: str) -> Column:
        everywhere = np.ones(len(self), np.bool_)
        match name:
            case "amount":
                return Column(self.amount, self.has_amount, Kind.MONEY)
            case "occurred_at":
                return Column(self.occurred_at, everywhere, Kind.NUMBER)
            case "type":
                return Column(self.types, everywhere, Kind.TEXT)
            case "group":
                cells: list[str | None] = list(self.groups)
            case "region":
                cells = self.regions
            case _ if name in TEXT_FIELDS:
                cells = [getattr(event, name) for event in self.events]
            case _:
                raise KeyError(name)
        return text_column(cells)

    def at(self, name: str, row: int) -> int | str | None:
        """The cell of one event in the column of a field, without making the column.

        Raises:
            KeyError: the event has no such field.
        """
        match name:
            case "amount":
                return int(self.amount[row]) if self.has_amount[row] else None
            case "occurred_at":
                return int(self.occurred_at[row])
            case "type":
                return self.events[row].type.value
            case "group":
                return self.groups[row]
            case "region":
                return self.regions[row]
            case _ if name in TEXT_FIELDS:
                text: str | None = getattr(self.events[row], name)
                return text
            case _:
                raise KeyError(name)

    def attribute(self, key: str, kind: Kind) -> Column:
        """The column of `attributes.<key>`, read as `kind`."""
        cached = f"attributes.{key}:{kind.value}"
        column = self._cache.get(cached)
        if column is None:
            cells = [event.attributes.get(key) if event.attributes else None for event in self.events]
            column = self._cache[cached] = attribute_column(cells, kind)
        return column

    def take(self, rows: Int64s) -> "EventBatch":
        """The events at the positions `rows` of this batch, in that order; itself where those are all."""
        if len(rows) == len(self) and np.array_equal(rows, np.arange(len(self))):
            return self
        picks: list[int] = rows.tolist()
        taken = EventBatch(
            events=[self.events[i] for i in picks],
            occurred_at=self.occurred_at[rows],
            amount=self.amount[rows],
            has_amount=self.has_amount[rows],
            groups=[self.groups[i] for i in picks],
            regions=[self.regions[i] for i in picks],
            sources=[self.sources[i] for i in picks],
            offsets=self.offsets[rows],
            rows=self.rows[rows],
            batch=self.batch,
            received_at=self.received_at,
            size=self.size,
            edition=self.edition,
        )
        if "type_codes" in self.__dict__:  # not to be found anew for every part of a batch
            taken.__dict__["type_codes"] = self.type_codes[rows]
        return taken

    @classmethod
    def joined(cls, parts: "Sequence[EventBatch]") -> "EventBatch":
        """The events of one or more batches as one, in the order of the parts.

        `rows` stay what they were in each part's own batch. Number and size are those of the first part, as
        parts of one batch share them; `received_at` is the oldest.
        """
        first, *others = parts
        if not others:
            return first
        return cls(
            events=_chained(part.events for part in parts),
            occurred_at=np.concatenate([part.occurred_at for part in parts]),
            amount=np.concatenate([part.amount for part in parts]),
            has_amount=np.concatenate([part.has_amount for part in parts]),
            groups=_chained(part.groups for part in parts),
            regions=_chained(part.regions for part in parts),
            sources=_chained(part.sources for part in parts),
            offsets=np.concatenate([part.offsets for part in parts]),
            rows=np.concatenate([part.rows for part in parts]),
            batch=first.batch,
            received_at=min(part.received_at for part in parts),
            size=first.size,
            edition=first.edition,
        )


def _chained(lists: Iterable[list[Cell]]) -> list[Cell]:
    return list(chain.from_iterable(lists))


TEXT_FIELDS = frozenset(
    {"event_id", "subsidiary", "customer", "order", "shipment", "currency", "counterparty", "channel"}
)
"""Event fields that are read as text without any mapping."""

EVENT_FIELDS: dict[str, Kind] = {
    **dict.fromkeys(sorted(TEXT_FIELDS | {"type", "group", "region"}), Kind.TEXT),
    "amount": Kind.MONEY,
    "occurred_at": Kind.NUMBER,
}
"""Event fields that conditions may name, with their kinds."""
