"""Random event streams and an oracle in plain Python for what windows must say of them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from events.clock import DAY
from events.columns import EventBatch
from events.event import Attribute, Event, EventType
from windows.feature import Aggregate, Entity, Feature

TYPES = [EventType.ORDER_PLACED, EventType.SHIPMENT_DISPATCHED, EventType.CUSTOMER_CHANGED]
ORDERS = frozenset({EventType.ORDER_PLACED})
EVERYTHING = frozenset(TYPES)
WEIGHTS: list[dict[str, Attribute] | None] = [None, {"weight": 1.25}, {"weight": -3}, {"weight": "heavy"}]
REGIONS = ["310000", "440000", None]


def is_far(batch: EventBatch) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The predicate `region <> '310000'`."""
    return np.array([region is not None and region != "310000" for region in batch.regions], np.bool_)


def features() -> list[Feature]:
    """Every aggregate over every supported entity, with and without `where` and delay."""
    found = []
    for by in (Entity.CUSTOMER, Entity.GROUP, Entity.ORDER):
        for aggregate in Aggregate:
            windowed = aggregate not in {Aggregate.DAYS_SINCE_FIRST, Aggregate.DAYS_SINCE_LAST}
            field = None
            if aggregate is Aggregate.DISTINCT:
                field = "region"
            elif windowed and aggregate is not Aggregate.COUNT:
                field = "amount"
            window = 20 if windowed else None
            found += [
                Feature(f"{aggregate}_{by}_{delay}", aggregate, ORDERS, by, field, window, delay)
                for delay in ((0, 7) if windowed else (0,))
            ]
    found.append(
        Feature(
            "far", Aggregate.SUM, EVERYTHING, Entity.CUSTOMER, "amount", 50, 0, is_far, "region <> '310000'"
        )
    )
    found.append(Feature("weight", Aggregate.MAX, EVERYTHING, Entity.GROUP, "attributes.weight", 50))
    return found


@st.composite
def streams(draw: st.DrawFn, amounts: st.SearchStrategy[int] | None = None) -> list[Event]:
    """Up to 40 events with ties, late ones, repeated ids, negative amounts and several entities."""
    clock = 1_700_000_000_000
    weights: st.SearchStrategy[dict[str, Attribute] | None] = st.sampled_from(WEIGHTS)
    events: list[Event] = []
    for number in range(draw(st.integers(1, 40))):
        clock += draw(st.integers(0, 9))
        late = draw(st.sampled_from([0, 0, 0, 5, 30]))
        reused = draw(st.integers(0, 12)) == 0 and number > 0
        events.append(
            Event(
                event_id=f"e{draw(st.integers(0, number - 1)) if reused else number}",
                type=draw(st.sampled_from(TYPES)),
                occurred_at=clock - late,
                subsidiary=draw(st.sampled_from(["SH", "GD"])),
                customer=draw(st.sampled_from(["a", "b"])),
                group=draw(st.sampled_from(["g1", "g2"])),
                order=draw(st.sampled_from([None, "o1", "o2"])),
                amount=draw(amounts or st.integers(-(10**7), 10**9)),
                region=draw(st.sampled_from(REGIONS)),
                attributes=draw(weights),
            )
        )
    return events


def batch_of(events: Sequence[Event], first: int = 0, groups: Sequence[str] | None = None) -> EventBatch:
    """Columns of events; offsets go on from `first`."""
    n = len(events)
    return EventBatch(
        events=list(events),
        occurred_at=np.array([event.occurred_at for event in events], np.int64),
        amount=np.array([event.amount or 0 for event in events], np.int64),
        has_amount=np.array([event.amount is not None for event in events], np.bool_),
        groups=list(groups) if groups is not None else [event.group or "" for event in events],
        regions=[event.region for event in events],
        sources=["test"] * n,
        offsets=np.arange(first, first + n),
        rows=np.arange(n),
        batch=0,
        received_at=0,
        size=n,
    )


def entity_of(feature: Feature, event: Event) -> tuple[object, ...] | None:
    """Whose windows the event belongs to; always within one group, which owns the shard."""
    match feature.by:
        case Entity.CUSTOMER:
            return event.group, event.subsidiary, event.customer
        case Entity.GROUP:
            return (event.group,)
        case _:
            return None if event.order is None else (event.group, event.subsidiary, event.order)


def oracle(feature: Feature, accepted: Sequence[Event], number: int) -> float | int | None:
    """The value of a feature for accepted event `number`, by the words of the contract."""
    event = accepted[number]
    entity = entity_of(feature, event)
    if entity is None:
        return None
    t = int(event.occurred_at)  # type: ignore[arg-type]  # streams use integers
    mine = [e for e in accepted[: number + 1] if entity_of(feature, e) == entity and e.type in feature.events]
    if feature.where is not None:
        mine = [e for e in mine if e.region not in {None, "310000"}]
    if feature.aggregate is Aggregate.DAYS_SINCE_FIRST:
        times = [int(e.occurred_at) for e in mine if int(e.occurred_at) <= t]  # type: ignore[arg-type]
        return (t - min(times)) / DAY if times else None
    if feature.aggregate is Aggregate.DAYS_SINCE_LAST:
        times = [int(e.occurred_at) for e in mine if e is not event and int(e.occurred_at) <= t]  # type: ignore[arg-type]
        return (t - max(times)) / DAY if times else None
    end = t - feature.delay
    assert feature.window is not None
    held = [e for e in mine if end - feature.window < int(e.occurred_at) <= end]  # type: ignore[arg-type]
    return _aggregate(feature, held)


def _aggregate(feature: Feature, held: Sequence[Event]) -> float | int | None:
    if feature.aggregate is Aggregate.COUNT:
        return len(held)
    if feature.aggregate is Aggregate.DISTINCT:
        return len({e.region for e in held} - {None})
    values: list[int | float]
    if feature.field == "amount":
        values = [e.amount for e in held if e.amount is not None]
    else:
        weights = [(e.attributes or {}).get("weight") for e in held]
        values = [weight for weight in weights if isinstance(weight, int | float)]
    return _reduce(feature.aggregate, values)


def _reduce(aggregate: Aggregate, values: Sequence[int | float]) -> float | int | None:
    n = len(values)
    if aggregate is Aggregate.SUM:
        return sum(values)
    if aggregate is Aggregate.STDDEV:
        return (
            math.sqrt((n * sum(v * v for v in values) - sum(values) ** 2) / (n * (n - 1))) if n > 1 else None
        )
    if not values:
        return None
    if aggregate is Aggregate.AVG:
        return float(sum(values) / n)
    return min(values) if aggregate is Aggregate.MIN else max(values)


def same(feature: Feature, got: object, wanted: float | None) -> bool:
    """Integers equal, fractions within rounding, NULL only for NULL."""
    if got is None or wanted is None:
        return got is wanted
    if feature.aggregate in {Aggregate.AVG, Aggregate.STDDEV}:
        return math.isclose(float(got), wanted, rel_tol=1e-12, abs_tol=1e-6)  # type: ignore[arg-type]
    return bool(got == wanted)


def order(number: int, at: int, **fields: object) -> Event:
    """An order of customer `a` of group `g`, or as `fields` say."""
    base: dict[str, object] = {
        "event_id": f"o{number}",
        "type": EventType.ORDER_PLACED,
        "occurred_at": at,
        "subsidiary": "SH",
        "customer": "a",
        "group": "g",
        "amount": 100,
    }
    return Event(**{**base, **fields})  # type: ignore[arg-type]
