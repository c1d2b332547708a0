"""Decisions: the worst outcome wins, the highest tier counts, the leading rule gives the reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, Struct, UnsetType

from events.clock import rfc3339, rfc3339_column
from events.columns import Bools, Column, EventBatch, Int64s
from events.event import Attribute
from rules.decision import (
    Contribution,
    Decision,
    ModelScore,
    Outcome,
    RuleResult,
    RuleStatus,
    Text,
    Threshold,
    Tier,
    decision_ids,
)
from rules.evaluate import DEGRADED, HIT, NOT_EVALUABLE, STATUS, WARMING, Judgement, Verdict
from rules.language.turning import Turn, decimal
from rules.pack import Pack
from rules.rule import Rule

RUN = 512  # decisions made at once: what becomes of them is still in the processor's cache
ALL = slice(None)

Cell = int | float | str | bool | None


@cache
def features_type(names: tuple[str, ...]) -> type[Struct]:
    """The Struct that holds the features of one event, in the pack's order."""
    fields = [(name, float | int | None) for name in names]
    return msgspec.defstruct("Features", fields, frozen=True, gc=False)


@dataclass(frozen=True)
class Scored:
    """What the anomaly model says of a batch.

    Args:
        model: its id.
        score: raw scores, shape (n,); NULL where the model does not know the event's type.
        top: what drove the score, by row, where it is explained.
    """

    model: str
    score: Column
    top: Mapping[int, Sequence[Contribution]]


def decide(
    pack: Pack, batch: EventBatch, judgement: Judgement, scored: Scored | None, late: Bools, decided_at: int
) -> Iterator[list[Decision]]:
    """The decision on every event of a batch, in their order, in runs of at most RUN.

    Args:
        pack: what the judgement was made by.
        batch: n events.
        judgement: of these events.
        scored: the model's word on them; None without a model.
        late: events that came later than the pack's lateness, shape (n,).
        decided_at: epoch milliseconds.
    """
    told = _results(judgement)
    decided = rfc3339(decided_at)
    for start in range(0, len(batch), RUN):
        rows = slice(start, min(start + RUN, len(batch)))
        yield _run(pack, batch, judgement, scored, told, late, decided, rows)


def _run(
    pack: Pack,
    batch: EventBatch,
    judgement: Judgement,
    scored: Scored | None,
    told: Mapping[int, Sequence[RuleResult]],
    late: Bools,
    decided: str,
    rows: slice,
) -> list[Decision]:
    """The decisions on some rows: columns of what most events have, in which those that were hit differ."""
    start, n = rows.start, rows.stop - rows.start
    events, least = batch.events[rows], judgement.least
    event_ids = [event.event_id for event in events]
    features = [cells(judgement.derived.features[name], rows) for name in pack.feature_names]
    records: list[Any] = list(map(features_type(pack.feature_names), *features)) if features else [{}] * n
    words = [None] * n if scored is None else _words(scored, rows)
    results = list(map(told.get, range(rows.start, rows.stop), repeat(())))
    outcomes: list[Outcome] = [least] * n
    tiers: list[Tier | None] = [None] * n
    reasons: list[Text | None] = [None] * n
    partial: list[bool | UnsetType] = [UNSET] * n
    for place in _within(judgement.partial_rows, rows):
        partial[place] = True
    for place in _within(judgement.doubtful_rows, rows):
        outcomes[place] = max((Outcome.REVIEW, least), key=lambda outcome: outcome.severity)
    for place in _within(judgement.hit_rows, rows):
        row = place + start
        hits = [(pack.rules_by_name[one.rule], one) for one in told[row] if one.result is RuleStatus.HIT]
        leading, result = min(hits, key=lambda hit: hit[0].precedence)
        outcomes[place] = max((leading.outcome, outcomes[place]), key=lambda outcome: outcome.severity)
        tiers[place] = max((rule.tier for rule, _ in hits), key=lambda tier: tier.severity)
        reasons[place] = reason_of(leading, result, batch, row, records[place])
    return list(
        map(
            Decision,
            decision_ids(event_ids, pack.id),
            event_ids,
            [event.customer for event in events],
            batch.groups[rows],
            outcomes,
            tiers,
            [None] * n if judgement.anomaly is None else cells(judgement.anomaly, rows),
            results,
            records,
            words,
            repeat(pack.id),
            repeat(judgement.derived.degraded),
            late[rows].tolist(),
            reasons,
            rfc3339_column(batch.occurred_at[rows]),
            repeat(decided),
            partial,
        )
    )


def _within(found: Int64s, rows: slice) -> list[int]:
    """Which of the rows were found, as places among them."""
    first, end = np.searchsorted(found, (rows.start, rows.stop))
    places: list[int] = (found[first:end] - rows.start).tolist()
    return places


def _words(scored: Scored, rows: slice) -> list[ModelScore | None]:
    """The model's word on some rows; None where it has none."""
    model, top = scored.model, scored.top
    scores = scored.score.values[rows].tolist()
    if not top and scored.score.valid[rows].all():
        return list(map(ModelScore, repeat(model), scores, repeat(())))
    valid = scored.score.valid[rows].tolist()
    return [
        ModelScore(model, score, top.get(row, ())) if known else None
        for row, (score, known) in enumerate(zip(scores, valid, strict=True), rows.start)
    ]


def reason_of(rule: Rule, result: RuleResult, batch: EventBatch, row: int, features: Any) -> Text:
    """The reason of a rule's hit, with the values that it observed, of features and of the event.

    Args:
        rule: that hit.
        result: what it said.
        batch: the events.
        row: the event's place among them.
        features: of that event, as its decision holds them.
    """

    def value(name: str) -> Attribute | None:
        if name in result.observed:
            return result.observed[name]
        if name in getattr(features, "__struct_fields__", ()):
            found: Attribute | None = getattr(features, name)
            return found
        return batch.at(name, row)

    return rule.reason.render(value)


def _results(judgement: Judgement) -> dict[int, list[RuleResult]]:
    """The results of active rules that are worth showing, by row, in the pack's order."""
    results: dict[int, list[RuleResult]] = {}
    for verdict, rows in judgement.shown():
        for row, result in zip(rows.tolist(), _shown(judgement, verdict, rows), strict=True):
            results.setdefault(row, []).append(result)
    return results


def _shown(judgement: Judgement, verdict: Verdict, rows: Int64s) -> list[RuleResult]:
    rule, version = verdict.rule.name, verdict.rule.version
    if verdict.message is not None:
        failed = RuleResult(rule, version, RuleStatus.ERROR, {}, verdict.message)
        return [failed] * len(rows)
    codes, places = verdict.codes[rows].tolist(), rows.tolist()
    hit = [row for row, code in zip(places, codes, strict=True) if code == HIT]
    turns = _turns(judgement, verdict.rule, hit)
    seen_by_row, limited = observed(judgement, verdict.rule, rows), verdict.rule.limited
    return [
        RuleResult(
            rule,
            version,
            STATUS[code],
            seen,
            _why(judgement, verdict.rule, row, code, seen),
            limited,
            turns.get(row, ()),
        )
        for row, code, seen in zip(places, codes, seen_by_row, strict=True)
    ]


def _turns(judgement: Judgement, rule: Rule, rows: list[int]) -> dict[int, tuple[Threshold, ...]]:
    """By event that a rule hit, the thresholds with which it would not have."""
    if not rows:
        return {}
    try:
        found = rule.when.turning.nearest(judgement.frame, rows)
    except Exception:  # noqa: BLE001  # what is only told beside a hit never undoes it
        return {}
    return {
        row: tuple(_threshold(rule, turn) for turn in turns) for row, turns in zip(rows, found, strict=True)
    }


def _threshold(rule: Rule, turn: Turn) -> Threshold:
    comparison, literal = rule.when.text[slice(*turn.comparison.span)], turn.literal
    unit = rule.when.inferred.of(literal)
    return Threshold(" ".join(comparison.split()), decimal(literal.value), decimal(turn.value), unit.value)


def observed(judgement: Judgement, rule: Rule, rows: Int64s) -> list[dict[str, Cell]]:
    """What a rule's condition read of some events, row by row; money in fen, None for NULL."""
    if not rule.when.kinds:
        return [{} for _ in range(len(rows))]
    names = list(rule.when.kinds)
    columns = [cells(judgement.frame.column(name, kind).take(rows)) for name, kind in rule.when.kinds.items()]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _why(judgement: Judgement, rule: Rule, row: int, code: int, observed: dict[str, Cell]) -> str | None:
    if code != NOT_EVALUABLE:
        return None
    if judgement.derived.degraded and rule.needs_windows:
        return DEGRADED
    missing = [name for name, value in observed.items() if value is None]
    warming = judgement.derived.warming
    if cold := [name for name in missing if name in warming and warming[name][row]]:
        return f"{WARMING}: {', '.join(cold)}"
    return f"NULL: {', '.join(missing)}" if missing else "NULL: division by zero or a result beyond 64 bits"


def cells(column: Column, rows: slice = ALL) -> list[Cell]:
    """The cells as plain values: None for NULL and for what is no finite number."""
    values, usable = column.values[rows], column.valid[rows]
    if values.dtype.kind == "f":
        usable = usable & np.isfinite(values)
    plain: list[Cell] = values.tolist()
    if np.count_nonzero(usable) < len(usable):
        for row in np.flatnonzero(~usable).tolist():
            plain[row] = None
    return plain
