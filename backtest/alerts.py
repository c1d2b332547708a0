"""Alerts of a backtest: hits grown by the function that the desk uses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from alerts.alert import Alert
from alerts.growth import grow
from alerts.hit import Hit, hit_id
from backtest.difference import AlertExample
from backtest.examples import reason
from backtest.hits import BatchHits
from backtest.rulebook import NO_TIER
from events.clock import rfc3339, rfc3339_column
from rules.decision import Text, decision_ids
from rules.rule import Rule

Key = tuple[str, str]
"""Group and scenario."""


@dataclass(slots=True)
class Raised:
    """An alert with the hit that opened it.

    Args:
        alert: as it is now. Its title and reason are those of the opening hit, for most hits tell none.
        event_id: of the opening hit.
        decision_id: of the opening hit.
        reason: of the opening hit.
    """

    alert: Alert
    event_id: str
    decision_id: str
    reason: Text


class AlertTally:
    """The alerts that the hits of one pack grow into, none of which is ever closed."""

    def __init__(self) -> None:
        self.raised: dict[Key, Raised] = {}

    def add(self, hits: BatchHits) -> None:
        """Let alerts grow by the hits of a batch, in the order of its events."""
        places = np.flatnonzero(hits.tiers != NO_TIER)
        rows = hits.rows[places]
        events = [hits.batch.events[row] for row in rows.tolist()]
        ids = decision_ids([event.event_id for event in events], hits.book.pack.id)
        times = rfc3339_column(hits.batch.occurred_at[rows])
        effective = (hits.matrix & hits.book.active[:, np.newaxis])[:, places]
        for number, (decision, time) in enumerate(zip(ids, times, strict=True)):
            row = int(rows[number])
            for scenario, rules in _scenarios(hits, np.flatnonzero(effective[:, number]).tolist()):
                self._grow(hits, row, _hit(hits, row, scenario, rules, decision, time), rules)

    def grow_overdue(self, hits: Iterable[Hit]) -> None:
        """Let alerts grow by hits of missed deadlines."""
        for hit in hits:
            key = (hit.group, hit.scenario)
            held = self.raised.get(key)
            if held is None:
                self.raised[key] = Raised(grow(None, hit).alert, hit.event_id, hit.decision_id, hit.reason)
            else:
                held.alert = grow(held.alert, hit).alert

    def _grow(self, hits: BatchHits, row: int, hit: Hit, rules: list[Rule]) -> None:
        key = (hit.group, hit.scenario)
        held = self.raised.get(key)
        if held is not None:
            held.alert = grow(held.alert, hit).alert  # an event hits a scenario once: its decision is one
            return
        leading = min(rules, key=lambda rule: rule.precedence)
        alert = grow(None, hit).alert
        self.raised[key] = Raised(alert, hit.event_id, hit.decision_id, reason(hits, row, leading))

    def ordered(self) -> list[Raised]:
        """Every alert, by its first event time, then by id."""
        return sorted(self.raised.values(), key=lambda one: (one.alert.first_hit_at, one.alert.alert_id))


def _scenarios(hits: BatchHits, places: list[int]) -> Iterator[tuple[str, list[Rule]]]:
    """The rules that hit an event by scenario, in the order in which the scenarios stand in the pack."""
    if len(places) == 1:
        rule = hits.book.rules[places[0]]
        yield rule.scenario, [rule]
        return
    scenarios: dict[str, list[Rule]] = {}
    for rule in (hits.book.rules[place] for place in places):
        scenarios.setdefault(rule.scenario, []).append(rule)
    yield from scenarios.items()


def _hit(hits: BatchHits, row: int, scenario: str, rules: list[Rule], decision: str, time: str) -> Hit:
    """What growth reads of a hit; what it would only pass on is left empty."""
    batch = hits.batch
    event = batch.events[row]
    leading = min(rules, key=lambda rule: rule.precedence)
    return Hit(
        hit_id=hit_id(decision, scenario),
        decision_id=decision,
        event_id=event.event_id,
        event_type=event.type.value,
        group=batch.groups[row],
        subsidiary=event.subsidiary,
        customer=event.customer,
        order=event.order,
        shipment=event.shipment,
        region=None,
        counterparty=None,
        scenario=scenario,
        tier=max((rule.tier for rule in rules), key=lambda tier: tier.severity),
        outcome=max((rule.outcome for rule in rules), key=lambda outcome: outcome.severity),
        queue=leading.queue,
        playbook=leading.playbook,
        title=leading.title,
        reason={},
        amount=int(batch.amount[row]) if batch.has_amount[row] else None,
        rules=[],
        features={},
        units={},
        anomaly=None,
        model=None,
        pack=hits.book.pack.id,
        degraded=False,
        occurred_at=time,
        decided_at="",
    )


def alert_example(raised: Raised) -> AlertExample:
    """An alert as a report shows it."""
    alert = raised.alert
    return AlertExample(
        alert_id=alert.alert_id,
        scenario=alert.scenario,
        group=alert.group,
        tier=alert.tier,
        first_hit_at=rfc3339(alert.first_hit_at),
        hits=alert.hits,
        amount=alert.amount,
        event_id=raised.event_id,
        decision_id=raised.decision_id,
        reason=raised.reason,
    )
