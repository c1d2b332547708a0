from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import pytest

from rules.pack import load_pack
from simulation.scenarios import SCENARIOS
from simulation.stream import Settings, Simulation
from simulation.tables import label_rows
from tests.simulation.rulebook import DAY, YUAN, Fields, hour_of, moment_of
from tests.simulation.run import TWO_WEEKS, Run

PACKS = sorted((Path(__file__).parents[2] / "rules" / "packs").glob("*.yaml"))
TIERS = {rule.name: rule.tier.value for path in PACKS for rule in load_pack(path).rules}
DAILY = {scenario.rule for scenario in SCENARIOS if scenario.every == 1 and not scenario.first_day} - {
    "holiday-orders"  # at weekends only
}
ANOMALY = "anomaly-high"


def decided(row: dict[str, str]) -> datetime:
    return datetime.fromisoformat(row["to"])


def rows_by_day(run: Run) -> dict[str, list[dict[str, str]]]:
    days = defaultdict(list)
    for row in run.labels:
        days[row["to"][:10]].append(row)
    return days


def test_scenarios_are_injected_from_the_eighth_day_on(run: Run) -> None:
    expected = [str(TWO_WEEKS.start + timedelta(days=day)) for day in range(7, 14)]
    days = rows_by_day(run)
    assert sorted(days) == expected
    for rows in days.values():
        rules = [row["expected_rule"] for row in rows]
        assert len(rules) == len(set(rules))
        assert set(rules) >= DAILY
    assert len(DAILY) >= 14
    times = Counter(row["expected_rule"] for row in run.labels)
    assert set(times) == {scenario.rule for scenario in SCENARIOS}
    assert min(times.values()) >= 2


def test_every_rule_of_the_packs_has_a_scenario_of_its_tier() -> None:
    played = {scenario.rule: scenario.tier.value for scenario in SCENARIOS}
    assert played == {rule: tier for rule, tier in TIERS.items() if rule != "anomaly-large"}


@pytest.mark.parametrize("rule", sorted({scenario.rule for scenario in SCENARIOS} - {ANOMALY}))
def test_the_decisive_event_is_the_first_to_hit_the_rule(run: Run, rule: str) -> None:
    """In the order of arrival, by the plain reading of the rule over everything that came before."""
    rows = [row for row in run.labels if row["expected_rule"] == rule]
    assert len(rows) >= 2
    order = {event["event_id"]: place for place, event in enumerate(run.events)}
    for row in rows:
        assert rule in run.hits.get(row["event_id"], set()), row
        earlier = [
            event_id
            for event_id, rules in run.hits.items()
            if rule in rules
            and order[event_id] < order[row["event_id"]]
            and run.by_id[event_id]["customer"] == row["customer"]
        ]
        assert earlier == []


def test_label_rows_describe_their_decisive_event(run: Run) -> None:
    for row in run.labels:
        event = run.by_id[row["event_id"]]
        assert (event["subsidiary"], event["customer"]) == (row["subsidiary"], row["customer"])
        assert event.get("order", "") == row["order"]
        assert run.groups[row["subsidiary"], row["customer"]] == row["group"]
        assert moment_of(event) // 1_000 == round(decided(row).timestamp())
        assert datetime.fromisoformat(row["from"]) <= decided(row)


def test_no_two_incidents_share_a_customer(run: Run) -> None:
    assert max(Counter(row["group"] for row in run.labels).values()) == 1


def test_ordinary_trade_hits_the_rules_rarely(run: Run) -> None:
    actors = {row["group"] for row in run.labels}
    orders = sum(event["type"] == "order.placed" for event in run.events)
    strangers = [
        event_id
        for event_id in run.hits
        if run.groups[run.by_id[event_id]["subsidiary"], run.by_id[event_id]["customer"]] not in actors
    ]
    unlisted = set(run.hits) - {row["event_id"] for row in run.labels}
    assert len(strangers) < 0.003 * orders
    assert len(unlisted) < 0.04 * orders


def test_ordinary_orders_stay_below_the_large_amount(run: Run) -> None:
    large = {row["event_id"] for row in run.labels if row["scenario"] == "large-amount"}
    amounts = [e["amount"] for e in run.events if e["type"] == "order.placed" and e["event_id"] not in large]
    assert max(amounts) < 1_500_000 * YUAN
    assert sum(amount > 500_000 * YUAN for amount in amounts) > 30


def test_every_tier_is_seen_within_the_first_ninety_minutes_from_half_past_nine(run: Run) -> None:
    for day, rows in rows_by_day(run).items():
        opening = datetime.fromisoformat(f"{day}T09:30:00+08:00")
        early = [row for row in rows if opening <= decided(row) < opening + timedelta(minutes=90)]
        assert {TIERS[row["expected_rule"]] for row in early} == set(TIERS.values())
        assert "first-customer-72h-5m" in {row["expected_rule"] for row in early}


def test_decisive_events_of_the_morning_arrive_in_the_morning(run: Run) -> None:
    """A play from half past nine on sees them in place: nothing much later has arrived before."""
    newest = 0
    decisive = {row["event_id"] for row in run.labels}
    for event in run.events:
        at = moment_of(event)
        if event["event_id"] in decisive:
            assert newest - at < 60_000
        newest = max(newest, at)


def test_incidents_are_spread_over_the_business_day(run: Run) -> None:
    hours = Counter(decided(row).hour for row in run.labels)
    assert all(hours[hour] for hour in range(9, 18))
    for rows in rows_by_day(run).values():
        afternoon = [row for row in rows if 12 <= decided(row).hour < 18]
        assert len(afternoon) >= 5


def test_scenarios_of_a_tier_take_turns_in_the_morning(run: Run) -> None:
    early = {row["expected_rule"] for row in run.labels if 9 <= decided(row).hour < 11}
    assert len(early) >= 9


def test_a_newcomer_has_ordered_nothing_before_its_incident(run: Run) -> None:
    for row in run.labels:
        if row["scenario"] == "first-customer":
            begin = datetime.fromisoformat(row["from"]).timestamp() * 1_000
            own = [e for e in run.events if e["customer"] == row["customer"] and e["type"] == "order.placed"]
            assert min(moment_of(event) for event in own) // 1_000 == begin // 1_000
            assert decided(row).timestamp() * 1_000 - begin < 3 * DAY


def test_a_dormant_customer_was_silent_by_either_reading(run: Run) -> None:
    """The decisive order alone is over a million, so that days since the last order show the gap on it."""
    for row in run.labels:
        if row["scenario"] == "dormant-burst":
            event = run.by_id[row["event_id"]]
            own = [e for e in run.events if e["customer"] == row["customer"] and e["type"] == "order.placed"]
            before = [moment_of(e) for e in own if moment_of(e) < moment_of(event)]
            assert len(before) >= 3
            assert moment_of(event) - max(before) > 6 * DAY
            assert event["amount"] > 1_000_000 * YUAN


def test_the_limit_is_exceeded_across_subsidiaries_and_on_credit(run: Run) -> None:
    for row in run.labels:
        if row["scenario"] == "limit-exceeded":
            until = moment_of(run.by_id[row["event_id"]])
            begin = datetime.fromisoformat(row["from"]).timestamp() * 1_000
            orders = [
                event
                for event in run.events
                if event["type"] == "order.placed"
                and run.groups[event["subsidiary"], event["customer"]] == row["group"]
                and begin - 1_000 <= moment_of(event) <= until
            ]
            assert len({event["subsidiary"] for event in orders}) == 2
            assert {event["attributes"]["payment"] for event in orders} == {"credit"}


def test_an_odd_order_is_far_from_its_customers_own_history(run: Run) -> None:
    for row in run.labels:
        if row["expected_rule"] == ANOMALY:
            event = run.by_id[row["event_id"]]
            own = [e for e in run.events if e["customer"] == row["customer"] and e["type"] == "order.placed"]
            usual = [e for e in own if e["event_id"] != row["event_id"]]
            assert event["amount"] > 5 * median(e["amount"] for e in usual)
            assert event["amount"] < 450_000 * YUAN
            assert hour_of(moment_of(event)) in {1, 2, 3, 4}
            assert region(run, event) not in {region(run, e) for e in usual}
            assert row["event_id"] not in run.hits


def region(run: Run, event: Fields) -> str:
    written = str(event["region"])
    return run.regions.get(written, written)


def test_investigators_report_on_incidents_days_later(run: Run) -> None:
    targets = {row["event_id"]: row for row in run.labels}
    reports = [event for event in run.events if event["type"] == "label.reported"]
    verdicts = Counter(event["attributes"]["label"] for event in reports)
    assert set(verdicts) == {"fraud", "bad_debt", "dispute", "legitimate"}
    assert len(reports) > 20
    for event in reports:
        row = targets[event["attributes"]["target"]]
        assert DAY <= moment_of(event) - decided(row).timestamp() * 1_000 < 7 * DAY


def test_with_few_customers_only_incidents_that_can_be_played_are_listed() -> None:
    settings = Settings(days=12, start=TWO_WEEKS.start, seed=1, customers=10)
    simulation = Simulation(settings)
    days = list(simulation.days())
    rows = [row for day in days for row in label_rows(day.incidents)]
    lines = b"\n".join(line for day in days for line in day.lines)
    assert 5 <= len(rows) < 5 * len(SCENARIOS)
    assert all(f'"{row[5]}"'.encode() in lines for row in rows)
