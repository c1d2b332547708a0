"""Recorded decisions as training material."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta, Struct

from events.clock import milliseconds
from events.columns import Column, Kind
from models.errors import ModelError
from models.material import Collector

CHUNK = 8192  # rows turned into columns at a time

Value = float | int | bool | str | None


class TrainingRow(NamedTuple):
    """One decided event.

    Args:
        event_id: the event.
        event_type: its type.
        group: its unified customer.
        occurred_at: its time in epoch milliseconds.
        features: value of each feature of the pack by name, None for NULL; money in fen.
    """

    event_id: str
    event_type: str
    group: str
    occurred_at: int
    features: Mapping[str, Value]


class _Decision(Struct):
    event_id: str
    group: str
    occurred_at: Annotated[datetime, Meta(tz=True)]
    features: dict[str, Value]


class RecordedResult(Struct):
    """What a rule said, of a decision."""

    rule: str
    result: str


class RecordedDecision(_Decision):
    """What training reads of a decision as it was sent."""

    decision_id: str
    pack: str
    degraded: bool
    rules: list[RecordedResult]


def decided_rows(
    lines: Iterable[bytes], types: Mapping[str, str], name: str = "decisions.jsonl"
) -> Iterator[TrainingRow]:
    """Read the lines of the decisions file `name` that a replay wrote.

    Args:
        lines: the file's lines.
        types: event type by event id (decisions don't repeat it); events that it lacks are left out.
        name: the file, for messages.

    Raises:
        ModelError: a line is no decision.
    """
    decoder = msgspec.json.Decoder(_Decision)
    for number, line in enumerate(lines, 1):
        try:
            decision = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ModelError(f"`{name}:{number}`: not a decision: {error}; write the file again") from None
        event_type = types.get(decision.event_id)
        if event_type is not None:
            occurred_at = milliseconds(decision.occurred_at)
            yield TrainingRow(decision.event_id, event_type, decision.group, occurred_at, decision.features)


def collect_rows(rows: Iterable[TrainingRow], collector: Collector) -> None:
    """Hand decided events to a collector.

    Raises:
        ModelError: a row lacks a feature or has text in its place.
    """
    rest = iter(rows)
    while chunk := list(islice(rest, CHUNK)):
        collector.add(
            [row.event_id for row in chunk],
            [row.event_type for row in chunk],
            [row.group for row in chunk],
            np.array([row.occurred_at for row in chunk], np.int64),
            {name: _column(chunk, name, kind) for name, kind in collector.kinds.items()},
        )


def _column(rows: list[TrainingRow], name: str, kind: Kind) -> Column:
    values = np.array([_number(row, name) for row in rows])
    return Column(values, ~np.isnan(values), kind)


def _number(row: TrainingRow, name: str) -> float:
    if name not in row.features:
        raise ModelError(
            f"event `{row.event_id}` has no feature `{name}`; name the pack that it was decided with"
        )
    value = row.features[name]
    if value is None:
        return np.nan
    if isinstance(value, str):
        raise ModelError(
            f"event `{row.event_id}`: feature `{name}`: expected a number, got text; use its pack"
        )
    return float(value)
