"""The plan: what a pack's features need to remember of each event, and how it is laid out in a record."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from events.columns import Bools, EventBatch
from events.event import EventType
from windows.errors import WindowError
from windows.feature import Aggregate, Entity, Feature, Predicate

LAYOUT = 1  # raised when the meaning of a stored record changes
MICRO = 1_000_000  # numeric attributes are kept as integers with six decimals


@dataclass(frozen=True, slots=True)
class Match:
    """The events that some features hold in their windows; one bit in every record."""

    events: frozenset[EventType]
    where: Predicate | None
    where_text: str | None

    def mask(self, batch: EventBatch) -> Bools:
        """Which events of the batch match, shape (n,)."""
        mask = batch.is_of(self.events)
        return mask & self.where(batch) if self.where is not None else mask


@dataclass(frozen=True, slots=True)
class Value:
    """A field that some features aggregate; one integer in every record.

    Args:
        field: `amount`, a text field, or `attributes.x`.
        hashed: True where only equality matters (distinct): the integer is a hash of the value.
    """

    field: str
    hashed: bool


@dataclass(frozen=True, slots=True)
class Series:
    """One run over the log: features that share entity, match and value."""

    by: Entity
    match: int
    value: int | None
    features: tuple[int, ...]


class WindowPlan:
    """Layout of the records and order of the work for a set of features.

    Args:
        features: in the order in which results are given.

    Raises:
        WindowError: a feature asks for what windows can't do.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        for feature in features:
            if feature.by is Entity.COUNTERPARTY:
                raise WindowError(
                    f"feature `{feature.name}`: windows `by: counterparty` are not supported yet; "
                    "use customer, group or order"
                )
        self.features = tuple(features)
        self.matches: list[Match] = []
        self.values: list[Value] = []
        grouped: dict[tuple[Entity, int, int | None], list[int]] = {}
        for number, feature in enumerate(self.features):
            key = (feature.by, self._match(feature), self._value(feature))
            grouped.setdefault(key, []).append(number)
        self.series = [Series(*key, tuple(numbers)) for key, numbers in grouped.items()]
        self.words = max(1, -(-len(self.matches) // 64))
        self.horizon = max((f.window + f.delay for f in self.features if f.window is not None), default=0)
        self.record = np.dtype(
            [
                ("id", "V16"),
                ("offset", "<i8"),
                ("source", "<u4"),
                ("has", "<u4"),
                ("occurred_at", "<i8"),
                ("customer", "<u8"),
                ("order", "<u8"),
                ("match", "<u8", (self.words,)),
                ("values", "<i8", (max(1, len(self.values)),)),
            ]
        )

    def _match(self, feature: Feature) -> int:
        for number, match in enumerate(self.matches):
            if match.events == feature.events and match.where_text == feature.where_text:
                return number
        self.matches.append(Match(feature.events, feature.where, feature.where_text))
        return len(self.matches) - 1

    def _value(self, feature: Feature) -> int | None:
        if feature.field is None:
            return None
        value = Value(feature.field, feature.aggregate is Aggregate.DISTINCT)
        if value not in self.values:
            if len(self.values) == 32:  # noqa: PLR2004 -- bits of the field `has`
                raise WindowError(f"feature `{feature.name}`: more than 32 aggregated fields in one pack")
            self.values.append(value)
        return self.values.index(value)

    @property
    def fingerprint(self) -> str:
        """Short hash of all that decides the meaning of a stored record; part of the store's key names."""
        parts = [f"layout {LAYOUT}"]
        parts += [f"match {sorted(m.events)} {m.where_text}" for m in self.matches]
        parts += [f"value {v.field} {v.hashed}" for v in self.values]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
