"""What is counted of one pack, against the same counts by plain loops over single events."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.errors import BacktestError
from backtest.figures import EXAMPLES, Side
from backtest.hits import batch_hits
from backtest.rulebook import Rulebook
from backtest.trial import Count, Trial
from events.columns import text_column
from rules.decision import Outcome, Tier
from rules.evaluate import derive, evaluate
from rules.pack import Pack
from tests.backtest.making import PACK, PLAIN, TIMING, Row, batch_of, pack_of, tried
from tests.properties.examples import tries

OUTCOMES = {"large": Outcome.REVIEW, "huge": Outcome.HOLD, "often": Outcome.REJECT}
TIERS = {"large": Tier.MEDIUM, "huge": Tier.CRITICAL, "often": Tier.HIGH}
SCENARIOS = {"large": "size", "huge": "size", "often": "pace"}
BIG = 2**53 - 1

ROWS = st.lists(
    st.builds(
        Row,
        number=st.just(0),
        group=st.sampled_from(("G1", "G2", "G3")),
        minutes=st.integers(-3000, 3000),
        amount=st.sampled_from((None, 0, -7, 999_99, 1000_00, 4999_99, 5000_00, BIG)),
        orders=st.sampled_from((None, 0, 2, 3, 9)),
        region=st.sampled_from((None, "310000", "440000")),
    ),
    min_size=1,
    max_size=40,
).map(lambda rows: [Row(**{**vars(row), "number": number}) for number, row in enumerate(rows)])


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return pack_of(tmp_path_factory.mktemp("pack"))


def decided(row: Row) -> tuple[Outcome, Tier | None]:
    """What the active rules decide of one event."""
    hits = [name for name in OUTCOMES if PLAIN[name](row)]
    if not hits:
        return Outcome.APPROVE, None
    return (
        max((OUTCOMES[name] for name in hits), key=list(Outcome).index),
        max((TIERS[name] for name in hits), key=list(Tier).index),
    )


def day_of(row: Row) -> str:
    return (datetime.fromtimestamp(row.at / 1000, UTC) + timedelta(hours=8)).date().isoformat()


@given(rows=ROWS, cut=st.sampled_from((1, 3, 1000)))
@tries(60)
def test_every_count_is_that_of_plain_loops(pack: Pack, rows: list[Row], cut: int) -> None:
    side = tried([pack], rows, cut=cut).tested
    assert {(one.outcome, one.tier): one.events for one in side.decided} == Counter(map(decided, rows))
    for rule in side.rules:
        says = [PLAIN[rule.rule](row) for row in rows]
        mine = [row for row, word in zip(rows, says, strict=True) if word]
        assert (rule.hits, rule.not_evaluable, rule.errors) == (len(mine), says.count(None), 0)
        assert rule.groups == len({row.group for row in mine})
        assert rule.alone == sum(sum(bool(says(row)) for says in PLAIN.values()) == 1 for row in mine)
        holds = OUTCOMES.get(rule.rule) in (Outcome.HOLD, Outcome.REJECT)
        assert rule.held_amount == (sum(row.amount or 0 for row in mine) if holds else 0)
        assert [one.event_id for one in rule.examples] == [row.event_id for row in mine[:EXAMPLES]]
    held = [row for row in rows if decided(row)[0] in (Outcome.HOLD, Outcome.REJECT)]
    assert (side.held.events, side.held.amount) == (len(held), sum(row.amount or 0 for row in held))
    assert side.held.without_amount == sum(row.amount is None for row in held)
    for pair in side.overlap:
        both, either = (
            sum(join(bool(PLAIN[name](row)) for name in (pair.rule, pair.other)) for row in rows)
            for join in (all, any)
        )
        assert (pair.both, pair.jaccard) == (both, both / either)
    check_alerts_and_days(side, rows)


def check_alerts_and_days(side: Side, rows: list[Row]) -> None:
    """Alerts are the pairs of group and scenario; days are those of Shanghai."""
    alerts: dict[tuple[str, str], list[tuple[Row, list[str]]]] = defaultdict(list)
    for row in rows:
        for scenario in dict.fromkeys(SCENARIOS.values()):
            if names := [name for name in OUTCOMES if SCENARIOS[name] == scenario and PLAIN[name](row)]:
                alerts[row.group, scenario].append((row, names))
    counts: Counter[tuple[str, Tier]] = Counter()
    days: Counter[tuple[str, Tier]] = Counter()
    stakes: Counter[tuple[str, Tier]] = Counter()
    for (_, scenario), hits in alerts.items():
        tier = max((TIERS[name] for _, names in hits for name in names), key=list(Tier).index)
        counts[scenario, tier] += 1
        stakes[scenario, tier] += sum(row.amount or 0 for row, _ in hits)
        days[min((row.at, day_of(row)) for row, _ in hits)[1], tier] += 1
    assert {(one.scenario, one.tier): one.alerts for one in side.alerts} == counts
    assert {(one.scenario, one.tier): one.amount for one in side.alerts} == stakes
    assert sum(one.hits for one in side.alerts) == sum(len(hits) for hits in alerts.values())
    first, last = min(map(day_of, rows)), max(map(day_of, rows))
    assert (side.days[0].day, side.days[-1].day) == (first, last)
    assert {day.day: day.events for day in side.days if day.events} == Counter(map(day_of, rows))
    for day in side.days:
        for tier in Tier:
            assert getattr(day, tier.value) == days[day.day, tier]
        mine = [decided(row)[0] for row in rows if day_of(row) == day.day]
        told = (day.reviewed, day.held, day.rejected)
        assert told == tuple(mine.count(one) for one in (Outcome.REVIEW, Outcome.HOLD, Outcome.REJECT))


def test_sums_of_money_are_exact_where_64_bits_are_too_few(pack: Pack) -> None:
    rows = [Row(number, amount=BIG, group=f"G{number}") for number in range(3000)]
    side = tried([pack], rows).tested
    assert side.held.amount == 3000 * BIG > 2**63
    assert sum(one.amount for one in side.alerts) == 3000 * BIG


def test_an_example_tells_what_the_rule_saw_and_why(pack: Pack) -> None:
    (example,) = tried([pack], [Row(1, amount=6000_00)]).tested.rules[1].examples
    assert example.observed == {"amount": 6000_00}
    assert example.reason == {"zh": "巨额订单 6,000.00 元", "en": "A huge order of CNY 6,000.00"}
    assert (example.outcome, example.occurred_at) == (Outcome.HOLD, "2025-01-01T04:00:00.000Z")


def test_a_rule_that_fails_is_told_with_its_first_message(tmp_path: Path) -> None:
    # A feature that the windows give as a text breaks whoever computes with it.
    pack = pack_of(tmp_path)
    batch = batch_of([Row(1), Row(2)])
    derived = derive(pack, batch, {"orders_24h": text_column(["many", "few"])})
    count = Count(Trial((Rulebook(pack),), (None,), ()))
    count.add(batch, [batch_hits(Rulebook(pack), batch, evaluate(pack, batch, derived, None, None))])
    report = count.report(TIMING)
    often = report.tested.rules[2]
    assert (often.errors, often.hits) == (2, 0)
    assert often.error is not None
    assert "often" in report.notes[0]["en"]


def test_rules_that_are_not_evaluated_are_named(tmp_path: Path) -> None:
    report = tried([pack_of(tmp_path, PACK.replace("mode: shadow", "mode: draft"))], [Row(1)])
    assert report.tested.left_out == ["far"]
    assert "`far`" in report.notes[0]["zh"]
    assert [rule.rule for rule in report.tested.rules] == ["large", "huge", "often"]


def test_only_the_period_asked_for_counts(pack: Pack) -> None:
    rows = [Row(number, minutes=number, amount=6000_00) for number in range(10)]
    report = tried([pack], rows, since=rows[3].at, until=rows[7].at)
    assert report.tested.rules[0].hits == 4
    assert (report.input.first_at, report.input.last_at) == (
        "2025-01-01T04:03:00.000Z",
        "2025-01-01T04:06:00.000Z",
    )
    assert (report.input.since, report.input.until) == (
        "2025-01-01T04:03:00.000Z",
        "2025-01-01T04:07:00.000Z",
    )


def test_an_empty_period_is_an_error(pack: Pack) -> None:
    with pytest.raises(BacktestError, match="no event to evaluate"):
        tried([pack], [Row(1)], since=Row(1, minutes=1).at)
