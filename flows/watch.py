"""The watch: what a champion and models in the shadow see and say of live events; it changes no decision."""

from collections import deque
from collections.abc import Sequence
from threading import Lock

import numpy as np

from events.columns import Column, Float64s, Int64s
from flows.judge import Observer
from models.comparison import DayOf, ModelTally, Pair, agreement
from models.drift import drift
from models.model import Model
from models.reference import MOST_BINS
from rules.evaluate import Judgement
from rules.pack import Pack
from rules.score import Score, score
from telemetry.metrics import ModelMetrics
from windows.windowed import WindowedBatch

WINDOW = 20_000
"""Scored events that the metrics of drift look back on; with fewer than `drift.FEWEST` they say nothing."""

BLOCK = 1_000
"""Scored events after which the metrics are set anew."""

BANDS = (0.5, 0.9, 0.99, 0.999)
"""Where percentiles are parted for the metric of scores."""

_NAMES = ("0-0.5", "0.5-0.9", "0.9-0.99", "0.99-0.999", "0.999-1")


def watch(
    pack: Pack, champion: Model | None, shadows: Sequence[Model], metrics: ModelMetrics, tally: ModelTally
) -> list[Observer]:
    """What watches a champion and models in the shadow.

    Args:
        pack: that judges.
        champion: None for none.
        shadows: score the same events.
        metrics: where drift is told.
        tally: where it is added up for all processes.
    """
    metrics.forget()
    observers: list[Observer] = []
    if champion is not None:
        observers.append(Champion(pack, champion, metrics, tally))
    observers += [Shadow(pack, champion, shadow, metrics, tally) for shadow in shadows]
    return observers


class Champion:
    """Watches the model in force."""

    def __init__(self, pack: Pack, model: Model, metrics: ModelMetrics, tally: ModelTally) -> None:
        self._watched = _Watched(pack, model, metrics, tally)

    def __call__(self, windowed: WindowedBatch, judgement: Judgement, said: Score | None) -> None:  # noqa: ARG002
        """Count what it saw and said of a batch."""
        if said is not None:
            self._watched.count(windowed, said)


class Shadow:
    """Scores beside the champion, and compares."""

    def __init__(
        self, pack: Pack, champion: Model | None, shadow: Model, metrics: ModelMetrics, tally: ModelTally
    ) -> None:
        self._pack = pack
        self._champion = champion
        self._shadow = shadow
        self._tally = tally
        self._watched = _Watched(pack, shadow, metrics, tally)

    def __call__(self, windowed: WindowedBatch, judgement: Judgement, said: Score | None) -> None:
        """Score a batch and compare."""
        own = score(self._shadow, windowed.batch, judgement.derived, self._pack, windowed.profiles)
        self._watched.count(windowed, own)
        if said is None or self._champion is None:
            return
        rows = np.flatnonzero(said.percentile.valid & own.percentile.valid & ~windowed.repeated)
        if len(rows):
            limits = self._champion.raises_from, self._shadow.raises_from
            events = [windowed.batch.events[row].event_id for row in rows.tolist()]
            found = agreement(said.percentile.values[rows], own.percentile.values[rows], limits, events)
            self._tally.said(Pair(self._champion.id, self._shadow.id), found)


class _Watched:
    """Drift of one model, over the newest events of this process and by day for all of them."""

    def __init__(self, pack: Pack, model: Model, metrics: ModelMetrics, tally: ModelTally) -> None:
        self._days = pack.local_time.days
        self._model = model
        self._tally = tally
        self._metrics = metrics
        self._lock = Lock()
        self._window = _Window(len(model.reference.bins))
        self._scored = [metrics.scored.labels(model.id, band) for band in _NAMES]
        self._raised = metrics.raised.labels(model.id)
        metrics.born(model.id, model.manifest.period.last)

    def count(self, windowed: WindowedBatch, said: Score) -> None:
        """Count what the model saw and said of a batch."""
        rows = _fresh(windowed, said)
        if not len(rows):
            return
        columns = {name: said.read[name].take(rows) for name in self._model.feature_names}
        raw: Float64s = said.raw.values[rows]
        days = self._days(windowed.batch.occurred_at[rows])
        for day in np.unique(days).tolist():
            own = np.flatnonzero(days == day)
            every = len(own) == len(rows)
            part = columns if every else _taken(columns, own)
            counts = self._model.reference.count(part, raw if every else raw[own])
            self._tally.saw(DayOf(self._model.id, day), counts)
            with self._lock:
                if self._window.add(len(own), counts):
                    self._tell()
        self._count_scores(said.percentile.values[rows])

    def _count_scores(self, percentiles: Float64s) -> None:
        bands = np.bincount(np.searchsorted(BANDS, percentiles, side="right"), minlength=len(_NAMES))
        for counter, count in zip(self._scored, bands.tolist(), strict=True):
            if count:
                counter.inc(count)
        raised = int(np.count_nonzero(percentiles >= self._model.raises_from))
        if raised:
            self._raised.inc(raised)

    def _tell(self) -> None:
        for one in drift(self._model.reference, self._window.counts):
            if one.index is not None:
                self._metrics.stability.labels(self._model.id, one.name).set(one.index)
                self._metrics.missing.labels(self._model.id, one.name).set(one.missing)


class _Window:
    """Counts of the newest events, in blocks."""

    def __init__(self, features: int) -> None:
        self.counts: Int64s = np.zeros((features, MOST_BINS), np.int64)
        self._blocks: deque[tuple[int, Int64s]] = deque()
        self._events = 0
        self._open = 0, np.zeros_like(self.counts)

    def add(self, events: int, counts: Int64s) -> bool:
        """Add counts; whether a block was filled by them."""
        self.counts = self.counts + counts
        self._open = self._open[0] + events, self._open[1] + counts
        if self._open[0] < BLOCK:
            return False
        self._blocks.append(self._open)
        self._events += self._open[0]
        self._open = 0, np.zeros_like(counts)
        while self._events - self._blocks[0][0] >= WINDOW:
            oldest, gone = self._blocks.popleft()
            self._events -= oldest
            self.counts = self.counts - gone
        return True


def _fresh(windowed: WindowedBatch, said: Score) -> Int64s:
    """The events that are scored for the first time; what is delivered again was counted."""
    return np.flatnonzero(said.raw.valid & ~windowed.repeated)


def _taken(columns: dict[str, Column], rows: Int64s) -> dict[str, Column]:
    return {name: column.take(rows) for name, column in columns.items()}
