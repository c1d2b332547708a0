"""Growth: how hits become alerts, one open alert per group and scenario.

The same function serves the desk, which keeps alerts in PostgreSQL, and replay, which keeps them in an
`AlertBook`. Arrival order is the rule; the same hits in another order change at most the alert's id, the
order of `decision_ids` and which of two hits of the same tier and moment leads.
"""

import heapq
from collections.abc import Iterable, Iterator

import uuid_utils
from msgspec import UNSET, Struct
from msgspec.structs import replace

from alerts.alert import EVIDENCE, Alert, AlertRecord, Evidence, Raised
from alerts.hit import Hit
from alerts.moments import time_of
from alerts.overdue import Withdrawal
from events.clock import rfc3339
from rules.decision import Text

NAMESPACE = uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, "urn:fenghuo:alert")


class Growth(Struct, frozen=True):
    """An alert after a hit, and why it is raised; None where it only grew."""

    alert: Alert
    raised: Raised | None


def grow(alert: Alert | None, hit: Hit, *, first_of_event: bool = True) -> Growth:
    """The open alert of the hit's group and scenario after `hit`, which it has not counted yet.

    Args:
        alert: the open alert, None where there is none: the hit opens one.
        hit: a hit of the same group and scenario. Whoever keeps the alert keeps the ids of its hits and
            leaves a repeated one out, so that no alert and no cost grows with the number of hits.
        first_of_event: False when the alert already counted a hit of the same event, whose amount is then not
            added again.

    Raises:
        AlertError: when the hit's `occurred_at` is no time with an offset.
    """
    at = occurred(hit)
    amount = (hit.amount or 0) if first_of_event else 0
    if alert is None:
        return Growth(_opened(hit, at, amount), Raised.NEW)
    total = alert.amount + amount
    raised = _raised(alert, hit, total)
    grown = replace(
        alert,
        outcome=max(alert.outcome, hit.outcome, key=lambda outcome: outcome.severity),
        first_hit_at=min(alert.first_hit_at, at),
        last_hit_at=max(alert.last_hit_at, at),
        hits=alert.hits + 1,
        amount=total,
        raised_amount=alert.raised_amount if raised is None else total,
    )
    if (hit.tier.severity, at) >= (alert.tier.severity, alert.led_at):
        grown = replace(
            grown,
            customer=hit.customer,
            tier=hit.tier,
            queue=hit.queue,
            playbook=hit.playbook,
            title=hit.title,
            reason=hit.reason,
            led_at=at,
        )
    return Growth(grown, raised)


def _opened(hit: Hit, at: int, amount: int) -> Alert:
    return Alert(
        alert_id=str(uuid_utils.uuid5(NAMESPACE, f"{hit.group}\n{hit.scenario}\n{hit.hit_id}")),
        group=hit.group,
        customer=hit.customer,
        scenario=hit.scenario,
        tier=hit.tier,
        outcome=hit.outcome,
        queue=hit.queue,
        playbook=hit.playbook,
        title=hit.title,
        reason=hit.reason,
        led_at=at,
        first_hit_at=at,
        last_hit_at=at,
        hits=1,
        amount=amount,
        raised_amount=amount,
    )


def _raised(alert: Alert, hit: Hit, total: int) -> Raised | None:
    if hit.tier.severity > alert.tier.severity:
        return Raised.TIER_ROSE
    if total > 0 and total >= 2 * alert.raised_amount:
        return Raised.AMOUNT_DOUBLED
    return None


def occurred(hit: Hit) -> int:
    """The hit's event time in epoch milliseconds.

    Raises:
        AlertError: when `occurred_at` is no RFC 3339 time with an offset.
    """
    return time_of(hit.occurred_at, f"hit `{hit.hit_id}`")


def evidence(hit: Hit, withdrawn: Text | None = None) -> Evidence:
    """The hit in brief, with why it no longer holds."""
    return Evidence(
        decision_id=hit.decision_id,
        occurred_at=hit.occurred_at,
        tier=hit.tier,
        outcome=hit.outcome,
        amount=hit.amount,
        rules=hit.rules,
        withdrawn=withdrawn or UNSET,
    )


def record(alert: Alert, decision_ids: list[str], shown: list[Evidence], withdrawn: int = 0) -> AlertRecord:
    """The alert as the contract of alerts writes it."""
    return AlertRecord(
        alert_id=alert.alert_id,
        group=alert.group,
        customer=alert.customer,
        scenario=alert.scenario,
        tier=alert.tier,
        first_hit_at=rfc3339(alert.first_hit_at),
        last_hit_at=rfc3339(alert.last_hit_at),
        hits=alert.hits,
        amount=alert.amount,
        reason=alert.reason,
        decision_ids=decision_ids,
        evidence=shown,
        withdrawn=withdrawn or UNSET,
    )


class AlertBook:
    """Alerts in memory, none of which is ever closed; each hit counts once, however often it is added."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._hits: set[str] = set()

    def add(self, hit: Hit) -> Growth | None:
        """Let the alert of `hit` grow; None when the hit was counted before.

        Raises:
            AlertError: when the hit's `occurred_at` is no time with an offset.
        """
        if hit.hit_id in self._hits:
            return None
        key = (hit.group, hit.scenario)
        entry = self._entries.get(key)
        if entry is None:
            growth = grow(None, hit)
            entry = self._entries[key] = _Entry(growth.alert)
        else:
            growth = grow(entry.alert, hit, first_of_event=hit.event_id not in entry.events)
            entry.alert = growth.alert
        entry.keep(hit)
        self._hits.add(hit.hit_id)
        return growth

    def withdraw(self, withdrawal: Withdrawal) -> bool:
        """Note that a hit no longer holds; False where it is not known. Nothing shrinks: it did happen."""
        entry = self._entries.get((withdrawal.group, withdrawal.scenario))
        if entry is None or withdrawal.hit_id not in self._hits:
            return False
        entry.withdrawn[withdrawal.hit_id] = withdrawal.note
        return True

    def records(self) -> Iterator[AlertRecord]:
        """Every alert, by its first event time, then by id: no order of arrival between groups shows."""
        entries = sorted(
            self._entries.values(), key=lambda entry: (entry.alert.first_hit_at, entry.alert.alert_id)
        )
        for entry in entries:
            strongest = [hit for *_, hit in sorted(entry.strongest, reverse=True)]
            shown = [evidence(hit, entry.withdrawn.get(hit.hit_id)) for hit in strongest]
            yield record(entry.alert, entry.decision_ids, shown, len(entry.withdrawn))


class _Entry:
    """An alert with what its record needs besides: events, decisions, and a heap of its strongest hits."""

    def __init__(self, alert: Alert) -> None:
        self.alert = alert
        self.events: set[str] = set()
        self.decision_ids: list[str] = []
        self.strongest: list[tuple[int, int, int, Hit]] = []
        self.withdrawn: dict[str, Text] = {}

    def keep(self, hit: Hit) -> None:
        arrival = len(self.decision_ids)
        self.events.add(hit.event_id)
        self.decision_ids.append(hit.decision_id)
        item = (hit.tier.severity, occurred(hit), arrival, hit)
        if arrival < EVIDENCE:
            heapq.heappush(self.strongest, item)
        else:
            heapq.heappushpop(self.strongest, item)


def alerts_of(hits: Iterable[Hit], withdrawals: Iterable[Withdrawal] = ()) -> Iterator[AlertRecord]:
    """The alerts that `hits`, in the order of arrival, grow into; in time and memory linear in their number.

    Args:
        hits: of rules and deadlines.
        withdrawals: what takes some of them back.

    Raises:
        AlertError: when a hit's `occurred_at` is no time with an offset.
    """
    book = AlertBook()
    for hit in hits:
        book.add(hit)
    for withdrawal in withdrawals:
        book.withdraw(withdrawal)
    return book.records()
