"""The streams and packs of the chaos tests, made from a seed."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import msgspec

from tests.properties.crowds import crowd, pack_of_all
from tests.windows.oracle.contract import DAY, HOUR, SECOND, milliseconds

OWN = ("customer", "group", "order")
"""Entities of one group: only the order of its events counts."""
ALL = (*OWN, "counterparty")
"""With those that meet several groups: the order of all events counts, which only files have."""
BROKEN = (b"{", b'{"event_id": "x"}', b"\xff")
_PEOPLE = 8  # times as many customers as a crowd has
_RATINGS = ("red", "yellow", "green", "")


@dataclass(frozen=True)
class Line:
    """One message.

    Args:
        raw: its bytes.
        fields: what is in it; None where it breaks the contract of events.
    """

    raw: bytes
    fields: Mapping[str, Any] | None

    @property
    def group(self) -> str:
        """Whose events must stay in order."""
        if self.fields is None:
            return ""
        named: str | None = self.fields.get("group")
        return named or f"{self.fields['subsidiary']}:{self.fields['customer']}"


def stream(seed: int, number: int) -> list[Line]:
    """Lines with ties, repeats, late events, wild amounts, changed profiles and broken messages.

    An event is repeated while its id is remembered: later it would be told as a new one.
    """
    dice = random.Random(seed)
    lines: list[Line] = []
    seen: dict[str, int] = {}
    clock = 0
    for message in crowd(seed, number).messages:
        moved = _moved(message)
        if dice.random() < 0.08:
            moved = _changed(moved, dice)
        clock = max(clock, milliseconds(moved["occurred_at"]))
        if clock - seen.setdefault(moved["event_id"], clock) > REMEMBERED:
            continue
        lines.append(Line(msgspec.json.encode(moved), moved))
        if dice.random() < 0.01:
            lines.append(Line(dice.choice(BROKEN), None))
    return lines


def _moved(message: Mapping[str, Any]) -> dict[str, Any]:
    """The message as another customer's, the same one for the same event."""
    person = crc32(message["event_id"].encode()) % _PEOPLE
    names = ("customer", "group", "order")
    return {**message, **{name: f"{message[name]}.{person}" for name in names if name in message}}


def _changed(message: Mapping[str, Any], dice: random.Random) -> dict[str, Any]:
    """A change of the customer's profile instead of the message."""
    kept = ("event_id", "occurred_at", "subsidiary", "customer", "group")
    change = {name: message[name] for name in kept if name in message}
    attributes = {"rating": dice.choice(_RATINGS), "score": dice.randrange(-5, 5), "home_region": "310000"}
    return {**change, "type": "customer.changed", "attributes": attributes}


LATENESS = 12 * HOUR
REACH = DAY
REMEMBERED = REACH


def pack_of_everything(seed: int, entities: tuple[str, ...]) -> str:
    """A pack with every aggregate by every entity, whose windows are left behind by a stream of weeks."""
    drawn = pack_of_all(seed, entities, SECOND)
    features = tuple(
        replace(
            one,
            window=None if one.window is None else min(one.window, REACH // 2),
            delay=min(one.delay, HOUR),
        )
        for one in drawn.features
    )
    return replace(drawn, features=features, lateness=LATENESS).yaml


def span(lines: Sequence[Line]) -> float:
    """Seconds of event time between the first and the last message."""
    times = [milliseconds(line.fields["occurred_at"]) for line in lines if line.fields is not None]
    return (max(times) - min(times)) / SECOND


def decided(lines: Sequence[Line]) -> int:
    """How many decisions a stream must get."""
    return len({line.fields["event_id"] for line in lines if line.fields is not None})
