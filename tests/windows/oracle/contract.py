"""What the oracles of windows read: accepted events and features, in the words of the contract alone.

Nothing here or in the oracles comes from the product, so an error there can't hide here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

Cell = int | float | str | bool
Truth = bool | None
"""A truth value of SQL; None is NULL."""


@dataclass(frozen=True)
class Accepted:
    """An accepted event.

    Args:
        seq: its place in the order of acceptance.
        t: event time in epoch milliseconds.
        amount: in fen, None where the event has none.
    """

    seq: int
    event_id: str
    type: str
    t: int
    subsidiary: str
    customer: str
    group: str
    order: str | None
    counterparty: str | None
    amount: int | None
    region: str | None
    channel: str | None
    attributes: Mapping[str, Cell]


@dataclass(frozen=True)
class Condition:
    """A `where` three times: as a pack writes it, for DuckDB with money in fen, and in Python."""

    text: str
    sql: str
    holds: Callable[[Accepted], Truth]


@dataclass(frozen=True)
class Wanted:
    """A feature of a pack.

    Args:
        aggregate: as a pack writes it.
        events: types of the events that the window holds.
        by: customer, group, order, consignee or counterparty.
        field: None for count and days_*.
        window: milliseconds; None where there is none.
        delay: milliseconds.
        where: further condition.
    """

    name: str
    aggregate: str
    events: tuple[str, ...]
    by: str
    field: str | None = None
    window: int | None = None
    delay: int = 0
    where: Condition | None = None

    @property
    def reach(self) -> int:
        """How far the window looks back; 0 without a window."""
        return self.delay + self.window if self.window is not None else 0


def milliseconds(occurred_at: int | str) -> int:
    """Epoch milliseconds of a time as events carry it."""
    if isinstance(occurred_at, int):
        return occurred_at
    return (datetime.fromisoformat(occurred_at) - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def accept(messages: Iterable[Mapping[str, Any]]) -> list[Accepted]:
    """The events that count, in their order: the first message of every event id."""
    accepted: dict[str, Accepted] = {}
    for message in messages:
        subsidiary, customer = message["subsidiary"], message["customer"]
        event = Accepted(
            seq=len(accepted),
            event_id=message["event_id"],
            type=message["type"],
            t=milliseconds(message["occurred_at"]),
            subsidiary=subsidiary,
            customer=customer,
            group=message.get("group") or f"{subsidiary}:{customer}",
            order=message.get("order"),
            counterparty=message.get("counterparty"),
            amount=message.get("amount"),
            region=message.get("region"),
            channel=message.get("channel"),
            attributes=message.get("attributes") or {},
        )
        accepted.setdefault(event.event_id, event)
    return list(accepted.values())
