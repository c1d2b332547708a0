"""The anomaly model's word on a batch, as columns that rules and decisions read."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from events.columns import Column, EventBatch, Kind
from events.event import EventType
from models.model import Model
from rules.evaluate import HIT, Derived, evaluate
from rules.pack import Pack
from rules.sources import ProfileSource


@dataclass(frozen=True)
class Score:
    """What a model says of n events; NULL where it does not know the event's type.

    Args:
        percentile: share of the training rows that score lower, 0–1, shape (n,).
        raw: raw scores, shape (n,).
        limit: percentile that the model's alert budget allows; None without one.
        read: what the model reads, by name, shape (n,).
    """

    percentile: Column
    raw: Column
    limit: float | None
    read: Mapping[str, Column]


def score(
    model: Model, batch: EventBatch, derived: Derived, pack: Pack, profiles: ProfileSource | None
) -> Score:
    """Score the events of a batch that are of the model's types; none where the windows could not be read.

    Args:
        model: scores.
        batch: n events.
        derived: features of these events.
        pack: whose rules a blend weighs; they are evaluated without an anomaly.
        profiles: the customers' profiles, for these rules.
    """
    n = len(batch)
    wanted = batch.is_of([EventType(name) for name in model.event_types])
    if derived.degraded:
        wanted[:] = False
    percentile, raw = np.zeros(n), np.zeros(n)
    rows = np.flatnonzero(wanted)
    read: Mapping[str, Column] = derived.features
    if len(rows):
        if model.manifest.rules:
            read = {**derived.features, **rule_hits(pack, batch, derived, profiles, model.manifest.rules)}
        columns = {name: read[name] for name in model.kinds}
        if len(rows) < n:
            columns = {name: column.take(rows) for name, column in columns.items()}
        scores = model.score(columns)
        percentile[rows], raw[rows] = scores.percentile, scores.score
    return Score(Column(percentile, wanted, Kind.NUMBER), Column(raw, wanted, Kind.NUMBER), model.limit, read)


def rule_hits(
    pack: Pack,
    batch: EventBatch,
    derived: Derived,
    profiles: ProfileSource | None,
    rules: tuple[str, ...],
) -> dict[str, Column]:
    """Where each of some rules hits, by its name; not where it is not evaluable or reads the anomaly."""
    judgement = evaluate(pack, batch, derived, profiles, None, only=rules)
    everywhere = np.ones(len(batch), np.bool_)
    return {
        verdict.rule.name: Column(verdict.codes == HIT, everywhere, Kind.BOOL)
        for verdict in judgement.verdicts
        if verdict.rule.name in rules
    }
