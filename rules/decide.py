"""Decisions: the worst outcome wins, the highest tier counts, the leading rule gives the reason."""

from collections.abc import Sequence
from functools import cache
from itertools import repeat

import msgspec
import numpy as np
from msgspec import Struct

from events.clock import rfc3339, rfc3339_column
from events.columns import Bools, Column, EventBatch, Int64s
from events.event import Attribute
from rules.decision import (
    Decision,
    ModelScore,
    Outcome,
    RuleResult,
    RuleStatus,
    Text,
    decision_id,
)
from rules.evaluate import DEGRADED, HIT, NOT_EVALUABLE, STATUS, Judgement, Verdict
from rules.pack import Pack
from rules.rule import Mode, Rule

Cell = int | float | str | bool | None


@cache
def features_type(names: tuple[str, ...]) -> type[Struct]:
    """The Struct that holds the features of one event, in the pack's order."""
    fields = [(name, float | int | None) for name in names]
    return msgspec.defstruct("Features", fields, frozen=True, gc=False)


def decide(
    pack: Pack,
    batch: EventBatch,
    judgement: Judgement,
    models: Sequence[ModelScore | None] | None,
    late: Bools,
    decided_at: int,
) -> list[Decision]:
    """The decision on every event of a batch.

    Args:
        pack: what the judgement was made by.
        batch: n events.
        judgement: of these events.
        models: the model's word on every event, n of them; None without a model.
        late: events that came later than the pack's lateness, shape (n,).
        decided_at: epoch milliseconds.
    """
    n = len(batch)
    results = _results(pack, judgement)
    features = [cells(judgement.features[name]) for name in pack.feature_names]
    records = map(features_type(pack.feature_names), *features) if features else repeat({}, n)
    least = Outcome.REVIEW if judgement.degraded else Outcome.APPROVE
    decided, pack_id, degraded = rfc3339(decided_at), pack.id, judgement.degraded
    decisions = [
        Decision(
            decision_id=decision_id(event.event_id, pack_id),
            event_id=event.event_id,
            customer=event.customer,
            group=group,
            outcome=least,
            tier=None,
            anomaly=anomaly,
            rules=results.get(row, []),
            features=record,
            model=model,
            pack=pack_id,
            degraded=degraded,
            late=is_late,
            reason=None,
            occurred_at=occurred_at,
            decided_at=decided,
        )
        for row, (event, group, anomaly, record, model, is_late, occurred_at) in enumerate(
            zip(
                batch.events,
                batch.groups,
                repeat(None, n) if judgement.anomaly is None else cells(judgement.anomaly),
                records,
                repeat(None, n) if models is None else models,
                late.tolist(),
                rfc3339_column(batch.occurred_at),
                strict=True,
            )
        )
    ]
    for row in judgement.hit_rows.tolist():
        decisions[row] = _with_hits(pack, batch, row, decisions[row])
    return decisions


def _with_hits(pack: Pack, batch: EventBatch, row: int, decision: Decision) -> Decision:
    hits = [(pack.rules_by_name[one.rule], one) for one in decision.rules if one.result is RuleStatus.HIT]
    leading, result = min(hits, key=lambda hit: hit[0].precedence)
    worst = max((leading.outcome, decision.outcome), key=lambda outcome: outcome.severity)
    return msgspec.structs.replace(
        decision,
        outcome=worst,
        tier=max((rule.tier for rule, _ in hits), key=lambda tier: tier.severity),
        reason=reason_of(leading, result, batch, row, decision),
    )


def reason_of(rule: Rule, result: RuleResult, batch: EventBatch, row: int, decision: Decision) -> Text:
    """The reason of a rule's hit, with the values that it observed, of features and of the event."""

    def value(name: str) -> Attribute | None:
        if name in result.observed:
            return result.observed[name]
        features = decision.features
        if name in getattr(features, "__struct_fields__", ()):
            found: Attribute | None = getattr(features, name)
            return found
        return batch.column(name).at(row)

    return rule.reason.render(value)


def _results(pack: Pack, judgement: Judgement) -> dict[int, list[RuleResult]]:
    """The results of active rules that are worth showing, by row, in the pack's order."""
    results: dict[int, list[RuleResult]] = {}
    for verdict in judgement.verdicts:
        if verdict.rule.mode is not Mode.ACTIVE:
            continue
        rows = np.flatnonzero(verdict.codes >= HIT)
        if len(rows):
            for row, result in zip(rows.tolist(), _shown(pack, judgement, verdict, rows), strict=True):
                results.setdefault(row, []).append(result)
    return results


def _shown(pack: Pack, judgement: Judgement, verdict: Verdict, rows: Int64s) -> list[RuleResult]:
    rule, version = verdict.rule.name, pack.version
    if verdict.message is not None:
        failed = RuleResult(rule, version, RuleStatus.ERROR, {}, verdict.message)
        return [failed] * len(rows)
    observed = _observed(judgement, verdict.rule, rows)
    return [
        RuleResult(rule, version, STATUS[code], seen, _why(judgement, verdict.rule, code, seen))
        for code, seen in zip(verdict.codes[rows].tolist(), observed, strict=True)
    ]


def _observed(judgement: Judgement, rule: Rule, rows: Int64s) -> list[dict[str, Cell]]:
    """What the rule's condition read, row by row."""
    if not rule.when.kinds:
        return [{} for _ in range(len(rows))]
    names = list(rule.when.kinds)
    columns = [cells(judgement.frame.column(name, kind).take(rows)) for name, kind in rule.when.kinds.items()]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _why(judgement: Judgement, rule: Rule, code: int, observed: dict[str, Cell]) -> str | None:
    if code != NOT_EVALUABLE:
        return None
    if judgement.degraded and rule.needs_windows:
        return DEGRADED
    missing = [name for name, value in observed.items() if value is None]
    return f"NULL: {', '.join(missing)}" if missing else "NULL: division by zero or a result beyond 64 bits"


def cells(column: Column) -> list[Cell]:
    """The cells as plain values: None for NULL and for what is no finite number."""
    values, usable = column.values, column.valid
    if values.dtype.kind == "f":
        usable = usable & np.isfinite(values)
    plain: list[Cell] = values.tolist()
    if not usable.all():
        for row in np.flatnonzero(~usable).tolist():
            plain[row] = None
    return plain
