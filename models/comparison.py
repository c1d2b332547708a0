"""Two models on the same events: how far they agree, and what each would raise that the other would not."""

from collections.abc import Mapping
from threading import Lock
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from events.columns import Float64s, Int64s
from models.drift import FeatureDrift

GRID = 10
"""Percentiles are laid on a grid of so many by so many cells."""

EXAMPLES = 5
"""Events that are kept by name of those that only one model would raise."""


class Pair(NamedTuple):
    """A champion and a model in the shadow, by their ids."""

    champion: str
    shadow: str


class Agreement(Struct, frozen=True):
    """What two models said of the same events.

    Args:
        grid: events by tenth of the champion's percentile, then of the other's, `GRID` squared numbers.
        both: events at or above both limits.
        champion: events at or above the champion's limit alone.
        shadow: events at or above the other's alone.
        champion_only: ids of some of these.
        shadow_only: ids of some of those.
    """

    grid: tuple[int, ...]
    both: int
    champion: int
    shadow: int
    champion_only: tuple[str, ...] = ()
    shadow_only: tuple[str, ...] = ()

    @property
    def events(self) -> int:
        """Events that both scored."""
        return sum(self.grid)

    def joined(self, other: "Agreement") -> "Agreement":
        """Both together."""
        return Agreement(
            tuple(one + two for one, two in zip(self.grid, other.grid, strict=True)),
            self.both + other.both,
            self.champion + other.champion,
            self.shadow + other.shadow,
            (self.champion_only + other.champion_only)[:EXAMPLES],
            (self.shadow_only + other.shadow_only)[:EXAMPLES],
        )

    @property
    def correlation(self) -> float | None:
        """Rank correlation of the percentiles, as far as the grid tells; None where one of them is constant.

        >>> Agreement(tuple(np.eye(GRID, dtype=int).ravel().tolist()), 0, 0, 0).correlation
        1.0
        """
        grid = np.array(self.grid, np.float64).reshape(GRID, GRID)
        total = grid.sum()
        if not total:
            return None
        places = np.arange(GRID)
        rows, columns = grid.sum(axis=1) / total, grid.sum(axis=0) / total
        mean = float(places @ rows), float(places @ columns)
        spread = float((places - mean[0]) ** 2 @ rows), float((places - mean[1]) ** 2 @ columns)
        if min(spread) <= 0:
            return None
        together = float((places - mean[0]) @ (grid / total) @ (places - mean[1]))
        return round(together / float(np.sqrt(spread[0] * spread[1])), 6)


def agreement(
    champion: Float64s, shadow: Float64s, limits: tuple[float, float], events: list[str]
) -> Agreement:
    """What two models said of n events.

    Args:
        champion: its percentiles, shape (n,).
        shadow: those of the other, shape (n,).
        limits: from which on each raises an event.
        events: ids, n of them.
    """
    places = [np.minimum((said * GRID).astype(np.int64), GRID - 1) for said in (champion, shadow)]
    grid = np.bincount(places[0] * GRID + places[1], minlength=GRID * GRID)
    raised = champion >= limits[0], shadow >= limits[1]
    alone = np.flatnonzero(raised[0] & ~raised[1]), np.flatnonzero(raised[1] & ~raised[0])
    named = [tuple(events[row] for row in rows[:EXAMPLES].tolist()) for rows in alone]
    return Agreement(
        tuple(grid.tolist()),
        int(np.count_nonzero(raised[0] & raised[1])),
        len(alone[0]),
        len(alone[1]),
        named[0],
        named[1],
    )


class DayOf(NamedTuple):
    """A model, and a day of event time by the packs' calendar, in days since 1 January 1970."""

    model: str
    day: int


class ModelTally:
    """What models saw and said, added up until it is taken; for many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._days: dict[DayOf, Int64s] = {}
        self._pairs: dict[Pair, Agreement] = {}

    def saw(self, day: DayOf, counts: Int64s) -> None:
        """Add rows by feature and bin, as `Reference.count` gives them."""
        self.put_back({day: counts}, {})

    def said(self, pair: Pair, found: Agreement) -> None:
        """Add what two models said."""
        self.put_back({}, {pair: found})

    def take(self) -> tuple[Mapping[DayOf, Int64s], Mapping[Pair, Agreement]]:
        """What was added since the last time."""
        with self._lock:
            days, self._days = self._days, {}
            pairs, self._pairs = self._pairs, {}
        return days, pairs

    def put_back(self, days: Mapping[DayOf, Int64s], pairs: Mapping[Pair, Agreement]) -> None:
        """Add what could not be kept elsewhere."""
        with self._lock:
            for day, counts in days.items():
                before = self._days.get(day)
                self._days[day] = counts if before is None else before + counts
            for pair, found in pairs.items():
                held = self._pairs.get(pair)
                self._pairs[pair] = found if held is None else held.joined(found)


class DayDrift(Struct, frozen=True):
    """Drift of one day of event time.

    Args:
        day: days since 1 January 1970.
        events: that were scored.
        features: in the order of the model, then the score.
    """

    day: int
    events: int
    features: list[FeatureDrift]


class WatchReport(Struct, frozen=True):
    """What was watched of a model.

    Args:
        model: its id.
        events: that were scored in the days below.
        features: drift of these days together.
        days: the newest last.
    """

    model: str
    events: int
    features: list[FeatureDrift]
    days: list[DayDrift]


class PairReport(Struct, frozen=True):
    """What a champion and a model in the shadow said of the same events.

    Args:
        since: wall-clock time of the first, epoch milliseconds.
        until: and of the last.
    """

    champion: str
    shadow: str
    found: Agreement
    correlation: float | None
    since: int
    until: int
