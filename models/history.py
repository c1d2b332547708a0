"""Past decisions as training rows."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

from events.clock import milliseconds
from models.errors import ModelError

Value = float | int | bool | str | None


class TrainingRow(NamedTuple):
    """One decided event.

    Args:
        event_id: the event.
        event_type: its type.
        occurred_at: its time in epoch milliseconds.
        features: value of each feature of the pack by name, None for NULL; money in fen.
    """

    event_id: str
    event_type: str
    occurred_at: int
    features: Mapping[str, Value]


class _Decision(Struct):
    event_id: str
    occurred_at: Annotated[datetime, Meta(tz=True)]
    features: dict[str, Value]


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
            yield TrainingRow(decision.event_id, event_type, occurred_at, decision.features)
