"""Makes packs, events and trials for tests of backtests; PLAIN says in plain Python what the pack means."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backtest.hits import batch_hits
from backtest.labels import LabelFile
from backtest.report import Backtest, Timing
from backtest.rulebook import Rulebook
from backtest.trial import Count, Trial
from events.columns import Column, EventBatch, Kind
from events.event import Attribute, Event, EventType
from rules.evaluate import derive, evaluate
from rules.pack import Pack, load_pack
from tests.rules.making import NOON, batch

TIMING = Timing(seconds=1.0, events_per_second=1)

PACK = """\
pack: tried
version: 1
timezone: Asia/Shanghai
features:
  orders_24h: {aggregate: count, events: [order.placed], by: customer, window: 24h}
rules:
  large:
    title: {zh: 大额, en: Large}
    scenario: size
    on: [order.placed]
    when: amount >= 1000
    tier: medium
    outcome: review
    queue: desk
    reason: {zh: "订单 {amount} 元", en: "An order of CNY {amount}"}
  huge:
    title: {zh: 巨额, en: Huge}
    scenario: size
    on: [order.placed]
    when: amount >= 5000
    tier: critical
    outcome: hold
    queue: desk
    reason: {zh: "巨额订单 {amount} 元", en: "A huge order of CNY {amount}"}
  often:
    title: {zh: 频繁, en: Often}
    scenario: pace
    on: [order.placed, complaint.opened]
    when: orders_24h >= 3
    tier: high
    outcome: reject
    queue: desk
    reason: {zh: "{orders_24h} 笔", en: "{orders_24h} orders"}
  far:
    title: {zh: 异地, en: Far}
    scenario: place
    on: [order.placed]
    when: region <> '310000'
    tier: low
    outcome: review
    queue: desk
    reason: {zh: "地区 {region}", en: "Region {region}"}
    mode: shadow
"""
"""Three active rules and one that only counts; a test may change it by replacing text."""


@dataclass(frozen=True)
class Row:
    """An event with the features that its windows give.

    Args:
        number: makes its id.
        group: its unified customer.
        minutes: event time, in minutes after noon.
        amount: in fen; None on a complaint, which has none.
        orders: the feature `orders_24h`; None for NULL.
        region: where it goes.
        label: what a `label.reported` event says: target and label.
    """

    number: int
    group: str = "G1"
    minutes: int = 0
    amount: int | None = 100_00
    orders: int | None = 1
    region: str | None = "310000"
    label: tuple[str, str] | None = None

    @property
    def event_id(self) -> str:
        """The event's id."""
        return f"event-{self.number}"

    @property
    def kind(self) -> EventType:
        """The event's type."""
        if self.label is not None:
            return EventType.LABEL_REPORTED
        return EventType.COMPLAINT_OPENED if self.amount is None else EventType.ORDER_PLACED

    @property
    def at(self) -> int:
        """Event time in epoch milliseconds."""
        return NOON + self.minutes * 60_000

    def event(self) -> Event:
        """The event."""
        attributes: dict[str, Attribute] = {}
        if self.label is not None:
            attributes = {"target": self.label[0], "label": self.label[1]}
        return Event(
            event_id=self.event_id,
            type=self.kind,
            occurred_at=self.at,
            subsidiary="SH01",
            customer=self.group,
            group=self.group,
            amount=self.amount,
            region=self.region,
            attributes=attributes or None,
        )


def pack_of(folder: Path, text: str = PACK) -> Pack:
    """A pack of this text."""
    path = folder / "pack.yaml"
    path.write_text(text, "utf-8")
    return load_pack(path)


def batch_of(rows: Sequence[Row]) -> EventBatch:
    """The rows as a batch of the codec."""
    return replace(batch(*(row.event() for row in rows)), groups=[row.group for row in rows])


def tried(
    packs: Sequence[Pack],
    rows: Sequence[Row],
    *,
    cut: int = 1_000_000,
    labels: LabelFile | None = None,
    since: int | None = None,
    until: int | None = None,
) -> Backtest:
    """The report on rows that come in batches of `cut`."""
    trial = Trial(tuple(map(Rulebook, packs)), (None,) * len(packs), (), labels, since, until)
    count = Count(trial)
    for start in range(0, len(rows), cut):
        part = rows[start : start + cut]
        inside = np.flatnonzero(trial.counted(batch_of(part)))
        told = [part[place] for place in inside.tolist()]
        counted = batch_of(told)
        hits = []
        for book in trial.books:
            derived = derive(book.pack, counted, _features(book.pack, told))
            hits.append(batch_hits(book, counted, evaluate(book.pack, counted, derived, None, None)))
        count.messages.evaluated += len(told)
        count.add(batch_of(part), hits)
    return count.report(TIMING)


def _features(pack: Pack, rows: Sequence[Row]) -> dict[str, Column]:
    """Every feature over windows is `orders`, whatever a pack calls it."""
    values = np.array([row.orders or 0 for row in rows], np.int64)
    valid = np.array([row.orders is not None for row in rows], np.bool_)
    return {feature.name: Column(values, valid, Kind.NUMBER) for feature in pack.features}


Says = Callable[[Row], bool | None]


def at_least(fen: int) -> Says:
    """Orders of at least so much; None where the rule does not judge the event."""
    return lambda row: row.amount >= fen if row.label is None and row.amount is not None else False


def often(row: Row) -> bool | None:
    """Three orders in a day; NULL where that is not known."""
    if row.label is not None:
        return False
    return None if row.orders is None else row.orders >= 3


def far(row: Row) -> bool | None:
    """Another region; NULL where none is named."""
    if row.label is not None or row.amount is None:
        return False
    return None if row.region is None else row.region != "310000"


PLAIN: Mapping[str, Says] = {
    "large": at_least(1000_00),
    "huge": at_least(5000_00),
    "often": often,
    "far": far,
}
"""What the rules of PACK mean."""
