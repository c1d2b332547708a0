"""Makes events, columns and packs for tests of rules: a test names only what it is about."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from events.columns import Bools, Column, EventBatch, Kind, text_column
from events.event import Attribute, Event, EventType
from rules.decide import Scored, decide
from rules.decision import Decision
from rules.evaluate import Judgement, derive, evaluate
from rules.pack import Pack
from rules.sources import ProfileSource

NOON = 1_735_704_000_000  # Wednesday 2025-01-01 12:00 in Shanghai
TRADE_CORE = Path(__file__).parents[2] / "rules" / "packs" / "trade-core.yaml"

Cell = int | float | str | bool | None


def column(kind: Kind, *cells: Cell) -> Column:
    """A column of optional cells; integers stay int64."""
    if kind is Kind.TEXT:
        return text_column([cell if cell is None else str(cell) for cell in cells])
    valid = np.array([cell is not None for cell in cells], np.bool_)
    dtype = np.float64 if any(isinstance(cell, float) for cell in cells) else np.int64
    values = np.array(
        [0 if cell is None else cell for cell in cells], np.bool_ if kind is Kind.BOOL else dtype
    )
    return Column(values, valid, kind)


def cells(result: Column) -> list[Cell]:
    """A column as plain values."""
    return [result.at(row) for row in range(len(result))]


class Columns:
    """A source of columns by name."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def column(self, name: str, _: Kind | None) -> Column:
        return self._columns[name]


class Profiles:
    """Profiles given as one dict for every event."""

    def __init__(self, *profiles: dict[str, Attribute]) -> None:
        self._profiles = profiles

    def column(self, name: str, kind: Kind) -> Column:
        return column(kind, *(profile.get(name) for profile in self._profiles))


def event(
    number: int = 0,
    *,
    kind: EventType = EventType.ORDER_PLACED,
    occurred_at: int = NOON,
    amount: int | None = 100_00,
    order: str | None = "SO-1",
    region: str | None = "310000",
    attributes: dict[str, Attribute] | None = None,
) -> Event:
    """Event number `number` of customer `C1` at noon."""
    return Event(
        event_id=f"event-{number}",
        type=kind,
        occurred_at=occurred_at,
        subsidiary="SH01",
        customer="C1",
        order=order,
        amount=amount,
        region=region,
        attributes=attributes,
    )


def batch(*events: Event) -> EventBatch:
    """The events as they come out of the codec."""
    times = [one.occurred_at for one in events]
    assert all(isinstance(time, int) for time in times)
    n = len(events)
    return EventBatch(
        events=list(events),
        occurred_at=np.array(times, np.int64),
        amount=np.array([one.amount or 0 for one in events], np.int64),
        has_amount=np.array([one.amount is not None for one in events], np.bool_),
        groups=["G1"] * n,
        regions=[one.region for one in events],
        sources=["orders:0"] * n,
        offsets=np.arange(n, dtype=np.int64),
        rows=np.arange(n, dtype=np.int64),
        batch=0,
        received_at=NOON,
        size=n,
    )


def features_of(pack: Pack, rows: int, **given: Cell) -> dict[str, Column]:
    """Columns of every feature over windows: those `given` on all rows, the others NULL."""
    assert given.keys() <= {feature.name for feature in pack.features}
    return {
        feature.name: column(feature.kind, *([given.get(feature.name)] * rows)) for feature in pack.features
    }


def judged(
    pack: Pack,
    events: EventBatch,
    features: Mapping[str, Column],
    profile: ProfileSource | None = None,
    anomaly: Column | None = None,
    *,
    degraded: bool = False,
) -> Judgement:
    """What the rules say of events with these features over windows."""
    derived = derive(pack, events, features, degraded=degraded)
    return evaluate(pack, events, derived, profile, anomaly)


def decisions_on(
    pack: Pack,
    events: EventBatch,
    judgement: Judgement,
    scored: Scored | None = None,
    late: Bools | None = None,
    decided_at: int = NOON,
) -> list[Decision]:
    """The decisions on all events; none came late where nothing is said of it."""
    late = np.zeros(len(events), np.bool_) if late is None else late
    runs = decide(pack, events, judgement, scored, late, decided_at)
    return [decision for run in runs for decision in run]


SMALL = """\
pack: small
version: 3
timezone: Asia/Shanghai
features:
  ordered_72h: {aggregate: sum, field: amount, events: [order.placed], by: customer, window: 72h}
  orders_72h: {aggregate: count, events: [order.placed], by: customer, window: 72h}
  mean_72h: {expression: "ordered_72h / orders_72h"}
rules:
  large:
    title: {zh: 大额, en: Large}
    scenario: large
    on: [order.placed]
    when: amount >= 2000
    tier: medium
    outcome: review
    queue: desk
    playbook: look
    reason: {zh: "订单 {amount} 元", en: "Order of CNY {amount}"}
  much:
    title: {zh: 累计, en: Much}
    scenario: much
    on: [order.placed, shipment.dispatched]
    when: ordered_72h > 5000
    tier: high
    outcome: hold
    queue: credit
    reason: {zh: "累计 {ordered_72h} 元", en: "CNY {ordered_72h} in {orders_72h} orders"}
"""
"""A pack of two rules that a test may change by replacing text."""
