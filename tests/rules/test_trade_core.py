"""The pack trade-core: every rule fires where it must and nowhere else."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from alerts.hits import hits_of
from events.clock import HOUR
from events.columns import Kind
from events.event import Attribute, Event, EventType
from rules.decision import Decision, Outcome, RuleStatus, Tier
from rules.pack import Pack, load_pack
from rules.reason import NOTHING
from rules.rule import Mode
from tests.rules.making import (
    NOON,
    TRADE_CORE,
    Cell,
    Profiles,
    batch,
    column,
    decisions_on,
    event,
    features_of,
    judged,
)

SHIPMENT, RETURN, CANCELLATION = (
    EventType.SHIPMENT_DISPATCHED,
    EventType.SHIPMENT_RETURNED,
    EventType.ORDER_CANCELLED,
)
YUAN = 100
NIGHT = NOON - 9 * HOUR  # 3 a.m. in Shanghai


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(TRADE_CORE)


@dataclass
class Case:
    """An event that a rule must hit, and changes of which each alone must silence it.

    Args:
        rule: the rule.
        event: the event.
        features: values of features; the others are those of a quiet customer.
        profile: values of the profile.
        anomaly: percentile.
        silent: changes; keys are features, `event`, `profile` or `anomaly`.
    """

    rule: str
    event: Event
    features: dict[str, Cell] = field(default_factory=dict)
    profile: dict[str, Attribute] = field(default_factory=dict)
    anomaly: float = 0.5
    silent: list[dict[str, Any]] = field(default_factory=list)


QUIET: dict[str, Cell] = {
    "orders_1h": 1, "orders_72h": 1, "ordered_24h": 10_000, "ordered_72h": 10_000, "regions_72h": 1,
    "average_order_30d": 10_000.0, "largest_order_30d": 10_000, "order_deviation_30d": 5.0,
    "near_limit_orders_24h": 0, "night_orders_6h": 0, "night_ordered_6h": 0, "quiet_orders_5d": 2,
    "earlier_orders_30d": 5, "days_since_order": 2.5, "customer_age_days": 400.0, "cancelled_72h": 0,
    "shipped_72h": 10_000, "shipped_7d": 10_000, "returned_7d": 0, "order_placed_30d": 1,
    "order_amount_30d": 10_000, "order_shipped_30d": 10_000, "group_ordered_7d": 10_000,
    "group_orders_24h": 1, "group_subsidiaries_7d": 1,
}  # fmt: skip
PROFILE: dict[str, Attribute] = {"rating": "green", "home_region": "310000", "credit_limit": 10**9}
CREDIT: dict[str, Attribute] = {"payment": "credit"}

CASES = [
    Case(
        "large-amount",
        event(amount=2_000_000 * YUAN),
        silent=[
            {"event": event(amount=2_000_000 * YUAN - 1)},
            {"event": event(amount=9_000_000 * YUAN, kind=SHIPMENT)},
        ],
    ),
    Case(
        "frequent-orders",
        event(),
        {"orders_1h": 16},
        silent=[{"orders_1h": 15}, {"event": event(kind=SHIPMENT)}],
    ),
    Case(
        "cross-region",
        event(region="650000", amount=100_001 * YUAN),
        {"orders_72h": 3, "regions_72h": 2, "ordered_72h": 500_000 * YUAN + 1},
        silent=[
            {"event": event(region="310000", amount=100_001 * YUAN)},
            {"orders_72h": 2},
            {"regions_72h": 1},
            {"ordered_72h": 500_000 * YUAN},
            {"ordered_72h": 500_005 * YUAN},
            {"profile": {**PROFILE, "home_region": "650000"}},
        ],
    ),
    Case(
        "first-customer-72h-5m",
        event(kind=SHIPMENT),
        {"customer_age_days": 3.0, "shipped_72h": 5_000_000 * YUAN + 1},
        silent=[
            {"customer_age_days": 3.001},
            {"shipped_72h": 5_000_000 * YUAN},
            {"event": event(kind=EventType.ORDER_PLACED)},
        ],
    ),
    Case(
        "shipped-without-order",
        event(kind=SHIPMENT),
        {"order_placed_30d": 0, "order_amount_30d": 0},
        silent=[
            {"order_placed_30d": 1},
            {"event": event(kind=SHIPMENT, order=None), "order_placed_30d": None},
        ],
    ),
    Case(
        "shipped-beyond-order",
        event(kind=SHIPMENT),
        {"order_amount_30d": 100_000, "order_shipped_30d": 102_001},
        silent=[
            {"order_shipped_30d": 102_000},
            {"order_amount_30d": 0, "order_placed_30d": 1},
            {"event": event(kind=RETURN)},
        ],
    ),
    Case(
        "order-splitting",
        event(amount=499_999_99),
        {"near_limit_orders_24h": 5},
        silent=[
            {"near_limit_orders_24h": 4},
            {"event": event(amount=500_000 * YUAN)},
            {"event": event(amount=400_000 * YUAN - 1)},
        ],
    ),
    Case(
        "night-orders",
        event(occurred_at=NIGHT),
        {"night_orders_6h": 3, "night_ordered_6h": 300_000 * YUAN + 1},
        silent=[
            {"event": event(occurred_at=NIGHT + 2 * HOUR)},
            {"night_orders_6h": 2},
            {"night_ordered_6h": 300_000 * YUAN},
        ],
    ),
    Case(
        "dormant-burst",
        event(),
        {"ordered_24h": 1_000_000 * YUAN + 1, "quiet_orders_5d": 0, "earlier_orders_30d": 3},
        silent=[{"ordered_24h": 1_000_000 * YUAN}, {"quiet_orders_5d": 1}, {"earlier_orders_30d": 2}],
    ),
    Case(
        "cancellation-ratio",
        event(kind=CANCELLATION),
        {"cancelled_72h": 4, "orders_72h": 7},
        silent=[
            {"orders_72h": 8},
            {"cancelled_72h": 3, "orders_72h": 6},
            {"cancelled_72h": 4, "orders_72h": 5},
            {"event": event()},
        ],
    ),
    Case(
        "returns-ratio",
        event(kind=RETURN),
        {"shipped_7d": 200_000 * YUAN + 10, "returned_7d": 60_000 * YUAN + 4},
        silent=[
            {"returned_7d": 60_000 * YUAN + 3},
            {"shipped_7d": 200_000 * YUAN},
            {"event": event(kind=SHIPMENT)},
        ],
    ),
    Case(
        "credit-red",
        event(attributes=CREDIT),
        profile={**PROFILE, "rating": "red"},
        silent=[{"event": event(attributes={"payment": "prepaid"})}, {"profile": PROFILE}],
    ),
    Case(
        "limit-exceeded",
        event(attributes=CREDIT),
        {"group_ordered_7d": 1_500_000_001},
        silent=[{"group_ordered_7d": 1_500_000_000}, {"event": event(attributes={"payment": "prepaid"})}],
    ),
    Case(
        "anomaly-high", event(), anomaly=0.999, silent=[{"anomaly": 0.9989}, {"event": event(kind=SHIPMENT)}]
    ),
    Case(
        "anomaly-large",
        event(amount=300_000 * YUAN),
        anomaly=0.99,
        silent=[{"anomaly": 0.9899}, {"event": event(amount=300_000 * YUAN - 1)}],
    ),
]


def decision_on(pack: Pack, case: Case, **changes: Any) -> Decision:
    events = batch(changes.pop("event", case.event))
    profile = changes.pop("profile", {**PROFILE, **case.profile})
    anomaly = column(Kind.NUMBER, changes.pop("anomaly", case.anomaly))
    features = features_of(pack, 1, **{**QUIET, **case.features, **changes})
    judgement = judged(pack, events, features, Profiles(profile), anomaly)
    (decision,) = decisions_on(pack, events, judgement)
    for hit in hits_of(pack, events, 0, decision):
        assert hit.reason["zh"]
        assert NOTHING not in hit.reason["zh"] + hit.reason["en"]
    return decision


def hit_rules(decision: Decision) -> set[str]:
    return {result.rule for result in decision.rules if result.result is RuleStatus.HIT}


def test_every_rule_has_its_case(pack: Pack) -> None:
    assert [case.rule for case in CASES] == [rule.name for rule in pack.rules]
    assert all(case.silent for case in CASES)
    assert all(rule.mode is Mode.ACTIVE for rule in pack.rules)
    assert QUIET.keys() == {feature.name for feature in pack.features}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_must_fire(pack: Pack, case: Case) -> None:
    decision = decision_on(pack, case)
    rule = pack.rules_by_name[case.rule]
    assert hit_rules(decision) == {case.rule}
    assert (decision.outcome, decision.tier) == (rule.outcome, rule.tier)


@pytest.mark.parametrize(
    ("case", "change"),
    [(case, change) for case in CASES for change in case.silent],
    ids=lambda one: getattr(one, "rule", ""),
)
def test_must_not_fire(pack: Pack, case: Case, change: dict[str, Any]) -> None:
    assert case.rule not in hit_rules(decision_on(pack, case, **change))


@pytest.mark.parametrize("kind", list(EventType))
def test_a_quiet_customer_is_left_alone(pack: Pack, kind: EventType) -> None:
    case = Case("none", event(kind=kind, attributes={"payment": "prepaid"}))
    decision = decision_on(pack, case)
    assert (decision.outcome, list(decision.rules)) == (Outcome.APPROVE, [])


def test_nothing_known_of_a_customer_is_told_and_not_hidden(pack: Pack) -> None:
    """Without a profile and a model a credit order is approved, with the rules that could not judge it."""
    events = batch(event(attributes=CREDIT))
    judgement = judged(pack, events, features_of(pack, 1, **QUIET))
    (decision,) = decisions_on(pack, events, judgement)
    assert {(result.rule, result.result) for result in decision.rules} == {
        ("credit-red", RuleStatus.NOT_EVALUABLE),
        ("limit-exceeded", RuleStatus.NOT_EVALUABLE),
        ("anomaly-high", RuleStatus.NOT_EVALUABLE),
    }


def test_the_duty_of_the_first_time_customer(pack: Pack) -> None:
    rule = pack.rules_by_name["first-customer-72h-5m"]
    assert (rule.tier, rule.outcome, rule.queue) == (Tier.CRITICAL, Outcome.HOLD, "credit-control")
    decision = decision_on(pack, CASES[3], shipped_72h=523_000_000_00, customer_age_days=1.25)
    assert decision.reason is not None
    zh, en = decision.reason["zh"], decision.reason["en"]
    assert zh.startswith(
        "首次合作客户（首次往来距今 1.25 天）72 小时内发货 523,000,000.00 元，超过 5,000,000 元"
    )
    assert en.startswith(
        "A first-time customer (1.25 days since its first business) was shipped CNY 523,000,000.00"
    )


def test_names_of_queues(pack: Pack) -> None:
    assert {rule.queue for rule in pack.rules} == {"credit-control", "trade-desk", "logistics", "risk-desk"}
    assert pack.profile_names == {"rating", "home_region", "credit_limit"}
