"""Decisions: the worst outcome, the highest tier, the leading rule's reason, and what is written."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from events.clock import rfc3339
from events.columns import Column, Kind
from events.event import EventType
from rules.decide import RUN, Scored
from rules.decision import Contribution, Decision, ModelScore, Outcome, RuleStatus, Tier, decision_id
from rules.pack import Pack, load_pack
from tests.rules.making import NOON, SMALL, Cell, batch, column, decisions_on, event, judged


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return load(tmp_path, SMALL)


def load(directory: Path, text: str) -> Pack:
    path = directory / "pack.yaml"
    path.write_text(text)
    return load_pack(path)


def decided(
    pack: Pack,
    *,
    amount: int | None = 100,
    ordered: Cell = 100,
    orders: Cell = 1,
    kind: EventType = EventType.ORDER_PLACED,
    degraded: bool = False,
) -> Decision:
    """The decision on one event."""
    events = batch(event(amount=amount, kind=kind))
    features = {"ordered_72h": column(Kind.MONEY, ordered), "orders_72h": column(Kind.NUMBER, orders)}
    judgement = judged(pack, events, features, degraded=degraded)
    (decision,) = decisions_on(pack, events, judgement, decided_at=NOON + 5)
    return decision


def test_nothing_hit(pack: Pack) -> None:
    decision = decided(pack)
    assert json.loads(msgspec.json.encode(decision)) == {
        "decision_id": decision_id("event-0", "small@3"),
        "event_id": "event-0",
        "customer": "C1",
        "group": "G1",
        "outcome": "approve",
        "tier": None,
        "anomaly": None,
        "rules": [],
        "features": {"ordered_72h": 100, "orders_72h": 1, "mean_72h": 100.0},
        "model": None,
        "pack": "small@3",
        "degraded": False,
        "late": False,
        "reason": None,
        "occurred_at": "2025-01-01T04:00:00.000Z",
        "decided_at": "2025-01-01T04:00:00.005Z",
    }


def test_one_hit(pack: Pack) -> None:
    decision = decided(pack, amount=523_456_789)
    assert (decision.outcome, decision.tier) == (Outcome.REVIEW, Tier.MEDIUM)
    assert decision.reason == {"zh": "订单 5,234,567.89 元", "en": "Order of CNY 5,234,567.89"}
    (result,) = decision.rules
    assert (result.rule, result.version, result.result) == ("large", 3, RuleStatus.HIT)
    assert (result.observed, result.why) == ({"amount": 523_456_789}, None)


def test_the_worst_outcome_leads(pack: Pack) -> None:
    decision = decided(pack, amount=200_000, ordered=500_001, orders=7)
    assert (decision.outcome, decision.tier) == (Outcome.HOLD, Tier.HIGH)
    assert decision.reason == {"zh": "累计 5,000.01 元", "en": "CNY 5,000.01 in 7 orders"}
    assert [result.rule for result in decision.rules] == ["large", "much"]


def test_tier_and_reason_may_come_from_different_rules(tmp_path: Path) -> None:
    pack = load(tmp_path, SMALL.replace("tier: medium", "tier: critical"))
    decision = decided(pack, amount=200_000, ordered=500_001)
    assert (decision.outcome, decision.tier) == (Outcome.HOLD, Tier.CRITICAL)
    assert decision.reason is not None
    assert decision.reason["zh"].startswith("累计")


def test_of_equals_the_first_in_the_pack_leads(tmp_path: Path) -> None:
    equal = SMALL.replace("tier: medium", "tier: high").replace("outcome: review", "outcome: hold")
    decision = decided(load(tmp_path, equal), amount=200_000, ordered=500_001)
    assert decision.reason is not None
    assert decision.reason["zh"].startswith("订单")


def test_not_evaluable_is_shown_and_decides_nothing(pack: Pack) -> None:
    decision = decided(pack, ordered=None)
    assert (decision.outcome, decision.tier, decision.reason) == (Outcome.APPROVE, None, None)
    (result,) = decision.rules
    assert (result.rule, result.result) == ("much", RuleStatus.NOT_EVALUABLE)
    assert (result.observed, result.why) == ({"ordered_72h": None}, "NULL: ordered_72h")


def test_not_evaluable_although_nothing_was_null(tmp_path: Path) -> None:
    pack = load(tmp_path, SMALL.replace("when: ordered_72h > 5000", "when: ordered_72h / orders_72h > 5000"))
    (result,) = decided(pack, orders=0).rules
    assert result.observed == {"ordered_72h": 100, "orders_72h": 0}
    assert result.why == "NULL: division by zero or a result beyond 64 bits"


def test_without_windows_at_least_a_review(pack: Pack) -> None:
    decision = decided(pack, degraded=True)
    assert (decision.outcome, decision.tier, decision.degraded) == (Outcome.REVIEW, None, True)
    (result,) = decision.rules
    assert (result.rule, result.result, result.why) == ("much", RuleStatus.NOT_EVALUABLE, "degraded")
    assert json.loads(msgspec.json.encode(decision))["features"] == dict.fromkeys(pack.feature_names)
    silent = decided(pack, degraded=True, kind=EventType.INVOICE_ISSUED)
    assert (silent.outcome, list(silent.rules)) == (Outcome.REVIEW, [])


def test_without_windows_a_hit_may_be_worse_than_a_review(tmp_path: Path) -> None:
    pack = load(tmp_path, SMALL.replace("outcome: review", "outcome: reject"))
    assert decided(pack, amount=200_000, degraded=True).outcome is Outcome.REJECT
    approving = load(tmp_path, SMALL.replace("outcome: review", "outcome: approve"))
    assert decided(approving, amount=200_000, degraded=True).outcome is Outcome.REVIEW
    assert decided(approving, amount=200_000).outcome is Outcome.APPROVE


class Broken:
    """A source of profiles that fails."""

    def column(self, name: str, kind: Kind) -> Column:
        raise ConnectionError(f"no {kind.value} {name}")


def test_a_failed_rule_is_shown_and_decides_nothing(tmp_path: Path) -> None:
    pack = load(tmp_path, SMALL.replace("when: ordered_72h > 5000", "when: profile.rating = 'red'"))
    events = batch(event(amount=200_000))
    features = {"ordered_72h": column(Kind.MONEY, 1), "orders_72h": column(Kind.NUMBER, 1)}
    judgement = judged(pack, events, features, Broken())
    (decision,) = decisions_on(pack, events, judgement)
    assert (decision.outcome, decision.tier) == (Outcome.REVIEW, Tier.MEDIUM)
    hit, failed = decision.rules
    assert (hit.rule, failed.rule, failed.result) == ("large", "much", RuleStatus.ERROR)
    assert (failed.observed, failed.why) == ({}, "ConnectionError: no text rating")


def test_shadow_rules_leave_no_trace(tmp_path: Path) -> None:
    pack = load(tmp_path, SMALL.replace("queue: credit\n", "queue: credit\n    mode: shadow\n"))
    decision = decided(pack, ordered=10**9)
    assert (decision.outcome, decision.tier, list(decision.rules)) == (Outcome.APPROVE, None, [])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_never_leaves(pack: Pack, value: float) -> None:
    decision = decided(pack, ordered=value)
    assert json.loads(msgspec.json.encode(decision))["features"]["ordered_72h"] is None
    (result,) = decision.rules
    assert (result.result, result.observed) == (RuleStatus.NOT_EVALUABLE, {"ordered_72h": None})


@pytest.mark.parametrize("n", [0, 1, 50, RUN, RUN + 1, 2 * RUN + 50])
def test_what_belongs_to_each_event_stays_with_it(pack: Pack, n: int) -> None:
    events = batch(*(event(i, amount=i * 10_000, occurred_at=NOON + i) for i in range(n)))
    features = {"ordered_72h": column(Kind.MONEY, *range(n)), "orders_72h": column(Kind.NUMBER, *range(n))}
    score = column(Kind.NUMBER, *(i / n if i % 3 else None for i in range(n)))
    drivers = [Contribution("orders_72h", 1, 0.1)]
    scored = Scored("m", score, {row: drivers for row in range(n) if row % 5 == 1})
    anomaly = column(Kind.NUMBER, *(i / n for i in range(n)))
    judgement = judged(pack, events, features, None, anomaly)
    decisions = decisions_on(pack, events, judgement, scored, np.arange(n) % 2 == 1)
    assert len(decisions) == n
    for i, decision in enumerate(decisions):
        assert decision.event_id == f"event-{i}"
        assert decision.decision_id == decision_id(f"event-{i}", "small@3")
        assert decision.anomaly == i / n
        assert decision.model == (ModelScore("m", i / n, drivers if i % 5 == 1 else ()) if i % 3 else None)
        assert decision.late is (i % 2 == 1)
        assert decision.features.orders_72h == i
        assert decision.occurred_at == rfc3339(NOON + i)
        seen = [result.observed["amount"] for result in decision.rules if result.rule == "large"]
        assert seen == ([i * 10_000] if i >= 20 else [])
        assert decision.outcome is (Outcome.REVIEW if i >= 20 else Outcome.APPROVE)


def test_every_score_is_a_word_where_all_events_are_scored(pack: Pack) -> None:
    events = batch(event(0), event(1))
    features = {"ordered_72h": column(Kind.MONEY, 1, 1), "orders_72h": column(Kind.NUMBER, 1, 1)}
    scored = Scored("m", column(Kind.NUMBER, 0.25, 0.5), {})
    decisions = decisions_on(pack, events, judged(pack, events, features), scored)
    assert [decision.model for decision in decisions] == [ModelScore("m", 0.25, ()), ModelScore("m", 0.5, ())]


def test_a_pack_without_features(tmp_path: Path) -> None:
    text = SMALL.replace("ordered_72h > 5000", "amount > 1").replace('"累计 {ordered_72h} 元"', "多")
    text = text.replace('"CNY {ordered_72h} in {orders_72h} orders"', "much")
    start, end = text.index("features:"), text.index("rules:")
    pack = load(tmp_path, f"{text[:start]}features: {{}}\n{text[end:]}")
    assert json.loads(msgspec.json.encode(decided(pack, amount=200_000)))["features"] == {}
