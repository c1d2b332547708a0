"""The anomaly model's word on a batch, as columns that rules and decisions read."""

from dataclasses import dataclass

import numpy as np

from events.columns import Column, EventBatch, Kind
from events.event import EventType
from models.model import Model
from rules.evaluate import Derived


@dataclass(frozen=True)
class Score:
    """What a model says of n events; NULL where it does not know the event's type.

    Args:
        percentile: share of the training rows that score lower, 0–1, shape (n,).
        raw: raw scores, shape (n,).
        limit: percentile that the model's alert budget allows; None without one.
    """

    percentile: Column
    raw: Column
    limit: float | None


def score(model: Model, batch: EventBatch, derived: Derived) -> Score:
    """Score the events of a batch that are of the model's types; none where the windows could not be read."""
    n = len(batch)
    wanted = batch.is_of([EventType(name) for name in model.event_types])
    if derived.degraded:
        wanted[:] = False
    percentile, raw = np.zeros(n), np.zeros(n)
    rows = np.flatnonzero(wanted)
    if len(rows):
        columns = {name: derived.features[name] for name in model.kinds}
        if len(rows) < n:
            columns = {name: column.take(rows) for name, column in columns.items()}
        scores = model.score(columns)
        percentile[rows], raw[rows] = scores.percentile, scores.score
    return Score(Column(percentile, wanted, Kind.NUMBER), Column(raw, wanted, Kind.NUMBER), model.limit)
