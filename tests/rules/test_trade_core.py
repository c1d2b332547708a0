"""The pack trade-core: what its rules lead to. What they fire on is told by tests/scenarios."""

import pytest

from alerts.hits import hits_of
from events.event import Attribute, EventType
from rules.decision import Decision, Outcome, RuleStatus, Tier
from rules.pack import Pack, load_pack
from rules.reason import NOTHING
from rules.rule import Mode
from tests.rules.making import TRADE_CORE, Cell, batch, decisions_on, event, features_of, judged

CREDIT: dict[str, Attribute] = {"payment": "credit"}


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(TRADE_CORE)


def nothing_of(pack: Pack, **given: Cell) -> dict[str, Cell]:
    """Features of a customer of whom nothing has happened yet, but for those given."""
    return {feature.name: 0 for feature in pack.features if feature.name != "days_since_order"} | given


def decision_on(pack: Pack, kind: EventType, **given: Cell) -> Decision:
    events = batch(event(kind=kind, attributes=CREDIT))
    (decision,) = decisions_on(
        pack, events, judged(pack, events, features_of(pack, 1, **nothing_of(pack, **given)))
    )
    for hit in hits_of(pack, events, 0, decision):
        assert NOTHING not in hit.reason["zh"] + hit.reason["en"]
    return decision


def test_all_rules_are_active(pack: Pack) -> None:
    assert len(pack.rules) >= 24
    assert {rule.mode for rule in pack.rules} == {Mode.ACTIVE}


def test_nothing_known_of_a_customer_is_told_and_not_hidden(pack: Pack) -> None:
    """Without a profile and a model a credit order is approved, with the rules that could not judge it."""
    decision = decision_on(pack, EventType.ORDER_PLACED)
    assert decision.outcome is Outcome.APPROVE
    assert {(result.rule, result.result) for result in decision.rules} == {
        ("credit-red", RuleStatus.NOT_EVALUABLE),
        ("limit-exceeded", RuleStatus.NOT_EVALUABLE),
        ("credit-yellow", RuleStatus.NOT_EVALUABLE),
        ("anomaly-high", RuleStatus.NOT_EVALUABLE),
    }


def test_the_duty_of_the_first_time_customer(pack: Pack) -> None:
    rule = pack.rules_by_name["first-customer-72h-5m"]
    assert (rule.tier, rule.outcome, rule.queue) == (Tier.CRITICAL, Outcome.HOLD, "credit-control")
    decision = decision_on(
        pack,
        EventType.SHIPMENT_DISPATCHED,
        shipped_72h=523_000_000_00,
        customer_age_days=1.25,
        order_placed_30d=1,
    )
    assert (decision.outcome, decision.tier) == (Outcome.HOLD, Tier.CRITICAL)
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
