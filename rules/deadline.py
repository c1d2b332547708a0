"""The deadline: a duty that is broken by the absence of an event."""

from collections.abc import Callable
from dataclasses import dataclass

from events.columns import Bools, EventBatch, Kind
from events.event import EventType
from rules.decision import Outcome, Text, Tier
from rules.language import Compiled
from rules.local_time import LocalTime
from rules.reason import Reason
from rules.rule import Mode
from rules.sources import EventColumns
from windows.feature import Entity

_TEXTS = (
    "event_id",
    "type",
    "subsidiary",
    "customer",
    "group",
    "order",
    "shipment",
    "region",
    "counterparty",
)
OBSERVED = {**dict.fromkeys(_TEXTS, Kind.TEXT), "amount": Kind.MONEY}
"""Fields of the event that starts the time, as a deadline's reason may name them."""

Due = Callable[[int], int]
"""Gives the moment at which the time that starts at some moment ends, both in epoch milliseconds."""


@dataclass(frozen=True, eq=False)
class Deadline:
    """A duty: after one event another must follow in time.

    Args:
        name: unique in its pack.
        title: its name for people, by language.
        scenario: what is missed of one scenario grows into one alert.
        after: the event that starts the time.
        where: which of these events start it; None for all.
        expect: the events of which any ends it.
        by: whose event must follow; what it names lies within a group.
        within: the allowed time as written: `10m`, or `7wd` for working days.
        due: when the time ends that starts at a moment.
        grace: milliseconds of event time that late messages are waited for.
        tier: how urgent it is when the time runs out.
        outcome: what becomes of the transaction then.
        queue: case queue of its alerts.
        playbook: response plan, or None.
        reason: what is said then, by language.
        mode: whether it is watched, and whether that counts.
        version: of its pack.
        local_time: of its pack, which `where` may read.
    """

    name: str
    title: Text
    scenario: str
    after: EventType
    where: Compiled | None
    expect: frozenset[EventType]
    by: Entity
    within: str
    due: Due
    grace: int
    tier: Tier
    outcome: Outcome
    queue: str
    playbook: str | None
    reason: Reason
    mode: Mode
    version: int
    local_time: LocalTime

    def begins(self, batch: EventBatch) -> Bools:
        """Which events start the time, shape (n,); where the condition is NULL they do not."""
        starts = batch.is_of((self.after,))
        if self.where is None or not starts.any():
            return starts
        held = self.where.evaluate(EventColumns(batch, self.local_time))
        found: Bools = starts & held.values & held.valid
        return found
