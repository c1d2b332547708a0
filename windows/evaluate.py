"""Features of queried events from the accepted records of their groups; pure, from arrays to columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from events.columns import Bools, Column, Int64s, Kind
from windows import aggregate
from windows.feature import Aggregate, Entity, Feature
from windows.plan import MICRO, Series, WindowPlan
from windows.record import NOBODY, Records

_CODES = {
    Aggregate.COUNT: aggregate.COUNT,
    Aggregate.SUM: aggregate.SUM,
    Aggregate.AVG: aggregate.AVG,
    Aggregate.MIN: aggregate.MIN,
    Aggregate.MAX: aggregate.MAX,
    Aggregate.STDDEV: aggregate.STDDEV,
    Aggregate.DISTINCT: aggregate.DISTINCT,
    Aggregate.DAYS_SINCE_FIRST: aggregate.DAYS_SINCE_FIRST,
    Aggregate.DAYS_SINCE_LAST: aggregate.DAYS_SINCE_LAST,
}
_INTEGERS = frozenset({Aggregate.COUNT, Aggregate.SUM, Aggregate.MIN, Aggregate.MAX, Aggregate.DISTINCT})


@dataclass(frozen=True, slots=True)
class Query:
    """Which accepted record each row of the result asks for.

    Args:
        group: index into the list of logs, shape (rows,).
        record: index of the event in its group's accepted records, shape (rows,).
    """

    group: Int64s
    record: Int64s


@dataclass(frozen=True, slots=True)
class _Segments:
    """The records of all groups, regrouped so that each entity's stand together in order of acceptance.

    Args:
        order: place of each record among the records of all groups, shape (n,).
        starts: first record of each entity, and n at the end.
        named: False for records that name no entity.
        times: event time of each record.
        queries: row of the result that each record asks for, -1 for none.
    """

    order: Int64s
    starts: Int64s
    named: Bools
    times: Int64s
    queries: Int64s


def join(record: np.dtype[np.void], parts: Sequence[Records]) -> Records:
    """One array of the records of all parts; as plain bytes, for NumPy compares field by field otherwise."""
    if not parts:
        return np.zeros(0, record)
    plain = np.dtype(("V", record.itemsize))
    return np.concatenate([part.view(plain) for part in parts]).view(record)


def evaluate(plan: WindowPlan, logs: Sequence[Records], query: Query) -> Mapping[str, Column]:
    """The value of every feature of the plan, as each queried event saw it when it was accepted.

    Args:
        plan: the features and the layout of the records.
        logs: accepted records of each group, in order of acceptance.
        query: the events that are asked for; several rows may ask for the same one.

    Returns:
        one column per feature, shape (rows,), by name in the plan's order.
    """
    last = np.full(len(logs), -1, np.int64)
    np.maximum.at(last, query.group, query.record)
    parts = [log[: end + 1] for log, end in zip(logs, last.tolist(), strict=True)]
    records = join(plan.record, parts)
    group_of = np.repeat(np.arange(len(parts)), last + 1)
    offsets = np.concatenate(([0], np.cumsum(last + 1)))
    asked, rows = np.unique(offsets[query.group] + query.record, return_inverse=True)
    wanted = np.full(len(records), -1, np.int64)
    wanted[asked] = np.arange(len(asked))

    results: list[Column | None] = [None] * len(plan.features)
    segments: dict[Entity, _Segments] = {}
    for series in plan.series:
        if series.by not in segments:
            segments[series.by] = _segments(series.by, records, group_of, wanted)
        _run(plan, series, segments[series.by], records, len(asked), results)
    return {
        feature.name: column.take(rows)
        for feature, column in zip(plan.features, results, strict=True)
        if column is not None
    }


def _segments(by: Entity, records: Records, group_of: Int64s, wanted: Int64s) -> _Segments:
    if by is Entity.GROUP:
        order = np.arange(len(records))
        entity = np.zeros(len(records), np.uint64)
        named = np.ones(len(records), np.bool_)
    else:
        entity = records["customer" if by is Entity.CUSTOMER else "order"]
        named = entity != NOBODY
        order = np.lexsort((entity, group_of))  # stable: keeps the order of acceptance
        entity = entity[order]
    group_of = group_of[order]
    breaks = np.flatnonzero((entity[1:] != entity[:-1]) | (group_of[1:] != group_of[:-1])) + 1
    starts = np.concatenate(([0], breaks, [len(records)])) if len(records) else np.zeros(1, np.int64)
    return _Segments(
        order=order.astype(np.int64),
        starts=starts.astype(np.int64),
        named=named[order],
        times=records["occurred_at"][order],
        queries=np.where(named[order], wanted[order], -1),
    )


def _run(
    plan: WindowPlan,
    series: Series,
    segments: _Segments,
    records: Records,
    rows: int,
    results: list[Column | None],
) -> None:
    features = [plan.features[number] for number in series.features]
    word, bit = divmod(series.match, 64)
    matches = (records["match"][:, word] >> np.uint64(bit)) & np.uint64(1) != 0
    if series.value is not None:
        matches &= (records["has"] >> np.uint32(series.value)) & np.uint32(1) != 0
    integers = np.zeros((len(features), rows), np.int64)
    floats = np.zeros((len(features), rows), np.float64)
    valid = np.zeros((len(features), rows), np.bool_)
    aggregate.run_series(
        segments.times,
        records["values"][:, series.value or 0][segments.order],
        matches[segments.order] & segments.named,
        segments.queries,
        segments.starts,
        np.array([_CODES[feature.aggregate] for feature in features], np.int64),
        np.array([aggregate.UNBOUNDED if f.window is None else f.window for f in features], np.int64),
        np.array([feature.delay for feature in features], np.int64),
        integers,
        floats,
        valid,
    )
    for slot, number in enumerate(series.features):
        results[number] = _column(features[slot], integers[slot], floats[slot], valid[slot])


def _column(feature: Feature, integers: Int64s, floats: aggregate.Float64s, valid: Bools) -> Column:
    whole = feature.aggregate in _INTEGERS
    counted = feature.aggregate in {Aggregate.COUNT, Aggregate.DISTINCT}
    if whole and (counted or feature.kind is Kind.MONEY):
        return Column(integers, valid, feature.kind)
    values = integers.astype(np.float64) if whole else floats
    is_attribute = feature.field is not None and feature.kind is not Kind.MONEY
    return Column(values / MICRO if is_attribute and not counted else values, valid, feature.kind)
