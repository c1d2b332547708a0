"""What the windows say of a batch: the events to decide, with their features and profiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from events.columns import Bools, Column, EventBatch, Int64s, Kind, attribute_column
from events.event import MAX_AMOUNT, Attribute
from windows.profile import EMPTY, Values


class ProfileColumns:
    """The profile that each event of a batch sees, read column by column."""

    def __init__(self, profiles: Sequence[Values]) -> None:
        self.values = profiles

    def column(self, name: str, kind: Kind) -> Column:
        """The values of `profile.<name>`, shape (n,); NULL where none was given or it is of another kind."""
        column = attribute_column(self._cells(name), kind)
        if kind is not Kind.MONEY:
            return column
        fen = np.rint(column.values)
        fits = np.isfinite(fen) & (np.abs(fen) <= MAX_AMOUNT)
        return Column(np.where(fits, fen, 0).astype(np.int64), column.valid & fits, kind)

    def _cells(self, name: str) -> list[Attribute | None]:
        # Most customers of a batch have no profile, and the others share theirs.
        return [None if profile is EMPTY else profile.get(name) for profile in self.values]

    def take(self, rows: Int64s) -> "ProfileColumns":
        """The profiles of `rows`, in their order."""
        return ProfileColumns([self.values[row] for row in rows.tolist()])


@dataclass(frozen=True)
class WindowedBatch:
    """Events to decide, with what their windows held when they were accepted.

    Args:
        batch: the events that get a decision, n of them.
        features: one column of shape (n,) for every feature of the plan; empty when degraded.
        profiles: the customers' profiles.
        late: events that came later than the lateness, shape (n,).
        repeated: events that had been accepted by an earlier delivery of the same message, shape (n,).
        dropped: duplicates, which get no decision.
        warming: by feature, where it is NULL because its window is not known in full, shape (n,); features
            without such events are left out.
        degraded: True when the windows could not be read.
    """

    batch: EventBatch
    features: Mapping[str, Column]
    profiles: ProfileColumns
    late: Bools
    repeated: Bools
    dropped: EventBatch
    warming: Mapping[str, Bools] = field(default_factory=dict)
    degraded: bool = False

    @property
    def duplicates(self) -> Int64s:
        """Rows (of the source batch) of the duplicates."""
        return self.dropped.rows

    def take(self, rows: Int64s) -> "WindowedBatch":
        """The events at positions `rows`, in that order, without the duplicates."""
        return replace(
            self,
            batch=self.batch.take(rows),
            dropped=self.dropped.take(np.zeros(0, np.int64)),
            features={name: column.take(rows) for name, column in self.features.items()},
            profiles=self.profiles.take(rows),
            late=self.late[rows],
            repeated=self.repeated[rows],
            warming={name: mask[rows] for name, mask in self.warming.items()},
        )

    def named(self, names: Mapping[str, str]) -> "WindowedBatch":
        """The same with the features of one pack.

        Args:
            names: by name in the pack, the name here.
        """
        if self.degraded:
            return self
        return replace(
            self,
            features={name: self.features[here] for name, here in names.items()},
            warming={name: self.warming[here] for name, here in names.items() if here in self.warming},
        )

    def completed(self, more: "WindowedBatch") -> "WindowedBatch":
        """These events with the features of a second stage, which has the same events."""
        return replace(
            self,
            features={**self.features, **more.features},
            warming={**self.warming, **more.warming},
            degraded=self.degraded or more.degraded,
        )


def joined(parts: Sequence[WindowedBatch]) -> WindowedBatch:
    """Parts of one batch behind one another; degraded where one of them is."""
    degraded = any(part.degraded for part in parts)
    names = () if degraded else parts[0].features
    held_back = {name for part in parts for name in part.warming}
    return WindowedBatch(
        batch=EventBatch.joined([part.batch for part in parts]),
        features={name: _stacked([part.features[name] for part in parts]) for name in names},
        profiles=ProfileColumns([values for part in parts for values in part.profiles.values]),
        late=np.concatenate([part.late for part in parts]),
        repeated=np.concatenate([part.repeated for part in parts]),
        dropped=EventBatch.joined([part.dropped for part in parts]),
        warming={
            name: np.concatenate(
                [part.warming.get(name, np.zeros(len(part.batch), np.bool_)) for part in parts]
            )
            for name in held_back
        },
        degraded=degraded,
    )


def _stacked(columns: Sequence[Column]) -> Column:
    values = np.concatenate([column.values for column in columns])
    return Column(values, np.concatenate([column.valid for column in columns]), columns[0].kind)


def without_windows(batch: EventBatch) -> WindowedBatch:
    """The batch as it is judged while the store is away: no features, no profile, no duplicate known."""
    nothing = np.zeros(len(batch), np.bool_)
    nobody = ProfileColumns([EMPTY] * len(batch))
    none = batch.take(np.zeros(0, np.int64))
    return WindowedBatch(batch, {}, nobody, nothing, nothing, none, degraded=True)
