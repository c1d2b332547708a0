"""Training material: the features of past events, and what is needed to know of these events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from events.columns import Bools, Column, Float64s, Int64s, Kind, Objects
from models.errors import ModelError
from models.features import TRANSFORMS
from models.sampling import Reservoir

MOST_ROWS = 1_000_000  # the last level of a calibration then rests on 100 of them
_FEWEST_SLOTS = 8192


@dataclass(frozen=True)
class Material:
    """Decided events of a period with their features, n of them, or a uniform sample.

    Args:
        events: id of each event, shape (n,), str.
        types: type of each event, shape (n,), str.
        groups: unified customer of each event, shape (n,), str.
        occurred_at: event time in epoch milliseconds, shape (n,).
        columns: features by name, shape (n,); none is text.
        seen: events that they were drawn from.
    """

    events: Objects
    types: Objects
    groups: Objects
    occurred_at: Int64s
    columns: Mapping[str, Column]
    seen: int

    def __len__(self) -> int:
        return len(self.events)

    @property
    def share(self) -> float:
        """Which part of the events these are, 0–1."""
        return len(self) / self.seen if self.seen else 1.0

    def take(self, rows: Int64s) -> "Material":
        """The events of `rows`, in their order."""
        return Material(
            self.events[rows],
            self.types[rows],
            self.groups[rows],
            self.occurred_at[rows],
            {name: column.take(rows) for name, column in self.columns.items()},
            self.seen,
        )

    def where(self, wanted: Bools) -> "Material":
        """The events for which `wanted`, shape (n,), holds; `seen` shrinks in the same proportion."""
        part = self.take(np.flatnonzero(wanted))
        share = np.count_nonzero(wanted) / max(len(wanted), 1)
        return Material(
            part.events, part.types, part.groups, part.occurred_at, part.columns, round(self.seen * share)
        )


class Collector:
    """Collects material from batches, in bounded memory.

    Args:
        kinds: kind by name of the wanted features; text is left out.
        limit: most events that are kept; of more a uniform sample.
        seed: of that choice.
    """

    def __init__(self, kinds: Mapping[str, Kind], limit: int = MOST_ROWS, seed: int = 0) -> None:
        self.kinds = {name: kind for name, kind in kinds.items() if kind in TRANSFORMS}
        self._reservoir = Reservoir(limit, seed)
        self._limit = limit
        self._held = 0
        self._texts: npt.NDArray[np.object_] = np.empty((3, 0), object)
        self._times = np.empty(0, np.int64)
        self._values = np.empty((len(self.kinds), 0), np.float64)

    def add(
        self,
        events: Sequence[str] | Objects,
        types: Sequence[str] | Objects,
        groups: Sequence[str] | Objects,
        occurred_at: Int64s,
        columns: Mapping[str, Column],
    ) -> None:
        """Take decided events into account, all arguments of length n.

        Raises:
            ModelError: a wanted feature has no column.
        """
        kept, slots = self._reservoir.offer(len(events))
        if not len(kept):
            return
        self._held = max(self._held, int(slots.max()) + 1)
        self._grow()
        for place, texts in enumerate((events, types, groups)):
            cells = np.empty(len(texts), object)
            cells[:] = texts
            self._texts[place, slots] = cells[kept]
        self._times[slots] = occurred_at[kept]
        for place, name in enumerate(self.kinds):
            self._values[place, slots] = self._numbers(name, columns)[kept]

    def _numbers(self, name: str, columns: Mapping[str, Column]) -> Float64s:
        column = columns.get(name)
        if column is None:
            raise ModelError(
                f"feature `{name}` has no column; use the pack that the events were decided with"
            )
        return np.where(column.valid, column.values.astype(np.float64), np.nan)

    def _grow(self) -> None:
        if self._held > len(self._times):
            size = min(max(2 * len(self._times), self._held, _FEWEST_SLOTS), max(self._limit, self._held))
            self._texts = _widened(self._texts, size)
            self._times = _widened(self._times, size)
            self._values = _widened(self._values, size)

    def material(self) -> Material:
        """What was collected, in the order of event time; ties as they came."""
        order = np.argsort(self._times[: self._held], kind="stable")
        events, types, groups = (texts[: self._held][order] for texts in self._texts)
        values = self._values[:, : self._held][:, order]
        columns = {
            name: Column(values[place], ~np.isnan(values[place]), kind)
            for place, (name, kind) in enumerate(self.kinds.items())
        }
        return Material(events, types, groups, self._times[order], columns, self._reservoir.seen)


def _widened(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    wider = np.empty((*array.shape[:-1], size), array.dtype)
    wider[..., : array.shape[-1]] = array
    return wider
