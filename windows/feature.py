"""The declaration of one feature: which events it sees, grouped by what, over which window."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from events.columns import Bools, EventBatch, Kind
from events.event import EventType

Predicate = Callable[[EventBatch], Bools]
"""Says of each event of a batch whether it satisfies a feature's `where`; NULL counts as no."""


class Aggregate(StrEnum):
    """What is computed over the events of a window."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    STDDEV = "stddev"
    DISTINCT = "distinct"
    DAYS_SINCE_FIRST = "days_since_first"
    DAYS_SINCE_LAST = "days_since_last"


class Entity(StrEnum):
    """Whose events a window holds."""

    CUSTOMER = "customer"  # the pair (subsidiary, customer)
    GROUP = "group"
    COUNTERPARTY = "counterparty"
    ORDER = "order"  # the pair (subsidiary, order)
    CONSIGNEE = "consignee"  # a customer's counterparty: (subsidiary, customer, counterparty)


NEEDS_FIELD = frozenset(
    {Aggregate.SUM, Aggregate.AVG, Aggregate.MIN, Aggregate.MAX, Aggregate.STDDEV, Aggregate.DISTINCT}
)
NEEDS_WINDOW = frozenset(set(Aggregate) - {Aggregate.DAYS_SINCE_FIRST, Aggregate.DAYS_SINCE_LAST})


@dataclass(frozen=True, slots=True)
class Feature:
    """One aggregate of the events of one entity over one rolling window.

    Args:
        name: identifier, unique in its pack.
        aggregate: what is computed.
        events: types of the events that the window holds.
        by: whose events the window holds.
        field: `amount`, a text field (distinct only) or `attributes.x`; None for count and days_*.
        window: length in milliseconds; None where the aggregate has no window.
        delay: milliseconds by which the window ends before the event.
        where: further condition on the events that the window holds.
        where_text: that condition as written, to tell one window from another.
    """

    name: str
    aggregate: Aggregate
    events: frozenset[EventType]
    by: Entity
    field: str | None = None
    window: int | None = None
    delay: int = 0
    where: Predicate | None = None
    where_text: str | None = None

    @property
    def kind(self) -> Kind:
        """MONEY for sums, averages, extremes and deviations of the amount, else NUMBER."""
        money = self.field == "amount" and self.aggregate is not Aggregate.DISTINCT
        return Kind.MONEY if money else Kind.NUMBER
