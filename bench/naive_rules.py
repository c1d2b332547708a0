"""The rules of bench/packs/bench.yaml as anybody would first write them: one function per rule and event."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

ORDER, SHIPMENT = ("order.placed",), ("shipment.dispatched",)
BOTH = ORDER + SHIPMENT
YUAN = 100
MILLION = 1_000_000 * YUAN
WATCHED = {"650000", "540000"}
ZONE = ZoneInfo("Asia/Shanghai")

Facts = Mapping[str, Any]
"""Fields of an event, its features and its anomaly percentile."""


class NaiveRule(NamedTuple):
    """A rule.

    Args:
        name: as in the pack.
        on: types of events that it judges.
        outcome: of a hit.
        tier: of a hit.
        when: whether an event of these facts is a hit.
    """

    name: str
    on: tuple[str, ...]
    outcome: str
    tier: str
    when: Callable[[Facts], bool]


def local(event: Facts) -> datetime:
    """The event's time in the pack's timezone."""
    return datetime.fromtimestamp(event["occurred_at"] / 1000, UTC).astimezone(ZONE)


RULES = (
    NaiveRule("order-large", ORDER, "review", "high", lambda x: x["amount"] >= MILLION),
    NaiveRule("shipment-large", SHIPMENT, "review", "high", lambda x: x["amount"] >= MILLION),
    NaiveRule("order-huge", ORDER, "hold", "critical", lambda x: x["amount"] >= 5 * MILLION),
    NaiveRule("shipment-huge", SHIPMENT, "hold", "critical", lambda x: x["amount"] >= 5 * MILLION),
    NaiveRule("order-without-value", ORDER, "review", "low", lambda x: x["amount"] <= 0),
    NaiveRule(
        "order-of-new-customer",
        ORDER,
        "review",
        "medium",
        lambda x: x["orders_7d"] <= 1 and x["amount"] >= 500_000 * YUAN,
    ),
    NaiveRule(
        "shipment-before-order",
        SHIPMENT,
        "hold",
        "high",
        lambda x: x["orders_7d"] == 0 and x["amount"] >= 500_000 * YUAN,
    ),
    NaiveRule(
        "order-above-average",
        ORDER,
        "review",
        "low",
        lambda x: x["amount"] > 40 * x["average_7d"] and x["orders_7d"] >= 5,
    ),
    NaiveRule(
        "shipment-above-average",
        SHIPMENT,
        "review",
        "low",
        lambda x: x["amount"] > 40 * x["average_72h"] and x["orders_72h"] >= 5,
    ),
    NaiveRule("orders-1h", ORDER, "review", "medium", lambda x: x["orders_1h"] > 20_000),
    NaiveRule("orders-24h", ORDER, "review", "medium", lambda x: x["orders_24h"] > 200_000),
    NaiveRule("orders-72h", ORDER, "review", "medium", lambda x: x["orders_72h"] > 500_000),
    NaiveRule("orders-7d", ORDER, "review", "medium", lambda x: x["orders_7d"] > 1_000_000),
    NaiveRule("shipped-1h", SHIPMENT, "hold", "high", lambda x: x["shipped_1h"] > 100 * MILLION),
    NaiveRule("shipped-24h", SHIPMENT, "hold", "high", lambda x: x["shipped_24h"] > 2_000 * MILLION),
    NaiveRule("shipped-72h", SHIPMENT, "hold", "high", lambda x: x["shipped_72h"] > 5_000 * MILLION),
    NaiveRule("shipped-7d", SHIPMENT, "hold", "critical", lambda x: x["shipped_7d"] > 10_000 * MILLION),
    NaiveRule(
        "average-1h",
        BOTH,
        "review",
        "medium",
        lambda x: x["average_1h"] > 400_000 * YUAN and x["orders_1h"] >= 2,
    ),
    NaiveRule(
        "average-24h",
        BOTH,
        "review",
        "medium",
        lambda x: x["average_24h"] > 300_000 * YUAN and x["orders_24h"] >= 2,
    ),
    NaiveRule(
        "average-72h",
        BOTH,
        "review",
        "medium",
        lambda x: x["average_72h"] > 250_000 * YUAN and x["orders_72h"] >= 2,
    ),
    NaiveRule(
        "average-7d",
        BOTH,
        "review",
        "medium",
        lambda x: x["average_7d"] > 250_000 * YUAN and x["orders_7d"] >= 2,
    ),
    NaiveRule(
        "average-jump",
        BOTH,
        "review",
        "medium",
        lambda x: x["average_1h"] > 20 * x["average_7d"] and x["orders_7d"] >= 10,
    ),
    NaiveRule(
        "orders-burst",
        ORDER,
        "review",
        "medium",
        lambda x: x["orders_1h"] >= 5 and x["orders_1h"] > 0.8 * x["orders_7d"],
    ),
    NaiveRule(
        "shipped-burst",
        SHIPMENT,
        "hold",
        "high",
        lambda x: x["shipped_1h"] > 0.9 * x["shipped_7d"] and x["shipped_7d"] > 1.5 * MILLION,
    ),
    NaiveRule(
        "watched-region",
        BOTH,
        "review",
        "medium",
        lambda x: x["region"] in WATCHED and x["amount"] >= 500_000 * YUAN,
    ),
    NaiveRule(
        "watched-counterparty",
        BOTH,
        "review",
        "medium",
        lambda x: x["counterparty"] == "W7" and x["amount"] >= 200_000 * YUAN,
    ),
    NaiveRule(
        "order-at-night",
        ORDER,
        "review",
        "low",
        lambda x: local(x).hour < 5 and x["amount"] >= 600_000 * YUAN,
    ),
    NaiveRule(
        "shipment-at-weekend",
        SHIPMENT,
        "review",
        "low",
        lambda x: local(x).weekday() >= 5 and x["amount"] >= 600_000 * YUAN,
    ),
    NaiveRule("anomaly-top", BOTH, "review", "low", lambda x: x["anomaly"] >= 0.9995),
    NaiveRule(
        "anomaly-large",
        BOTH,
        "review",
        "medium",
        lambda x: x["anomaly"] >= 0.99 and x["amount"] >= 500_000 * YUAN,
    ),
)
