"""Two versions over the same events: nothing where they agree, and exactly what differs where they do not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.difference import Difference, RuleDifference
from rules.decision import Outcome
from rules.pack import Pack
from tests.backtest.making import PACK, PLAIN, Row, at_least, pack_of, tried
from tests.backtest.test_tally import ROWS
from tests.properties.examples import tries

NEAR = """\
  near:
    title: {zh: 近, en: Near}
    scenario: near
    on: [order.placed]
    when: LISTED(region, 'near') AND hour < 5 AND orders_24h > 3
    tier: high
    outcome: hold
    queue: desk
    reason: {zh: 近, en: Near}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return pack_of(tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="module")
def stricter(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """The same pack, whose mark for large orders is higher."""
    text = PACK.replace("version: 1", "version: 2").replace("amount >= 1000\n", "amount >= 4999.99\n")
    return pack_of(tmp_path_factory.mktemp("stricter"), text)


def compared(tested: Pack, against: Pack, rows: list[Row], cut: int = 1000) -> Difference:
    difference = tried([tested, against], rows, cut=cut).difference
    assert difference is not None
    return difference


def of(difference: Difference, name: str) -> RuleDifference:
    (found,) = [rule for rule in difference.rules if rule.rule == name]
    return found


@given(rows=ROWS)
@tries(30)
def test_against_itself_nothing_differs(pack: Pack, rows: list[Row]) -> None:
    report = tried([pack, pack], rows)
    difference = report.difference
    assert difference is not None
    assert difference.equal
    assert report.against == report.tested
    assert all((rule.change, rule.gained, rule.lost) == ("same", 0, 0) for rule in difference.rules)
    assert [rule.common for rule in difference.rules] == [rule.hits for rule in report.tested.rules]
    assert all(change.before is change.after for change in difference.outcomes)
    assert (difference.held_amount, difference.alerts.gained, difference.alerts.lost) == (0, 0, 0)
    assert report.notes == []


@given(rows=ROWS, cut=st.sampled_from((1, 4, 1000)))
@tries(40)
def test_a_higher_mark_loses_exactly_what_lies_between(
    pack: Pack, stricter: Pack, rows: list[Row], cut: int
) -> None:
    between = [row for row in rows if PLAIN["large"](row) and not at_least(4999_99)(row)]
    difference = compared(stricter, pack, rows, cut)
    large = of(difference, "large")
    assert (large.change, large.changed) == ("changed", ["when"])
    assert (large.gained, large.lost) == (0, len(between))
    assert [one.event_id for one in large.lost_examples] == [row.event_id for row in between[:20]]
    assert large.common == sum(bool(PLAIN["large"](row)) for row in rows) - len(between)
    freed = [row for row in between if not PLAIN["often"](row)]
    moved = {(one.before, one.after): one for one in difference.outcomes if one.before is not one.after}
    if freed:
        (change,) = moved.values()
        assert (change.before, change.after) == (Outcome.REVIEW, Outcome.APPROVE)
        assert (change.events, change.amount) == (len(freed), sum(row.amount or 0 for row in freed))
        assert [one.event_id for one in change.examples] == [row.event_id for row in freed[:20]]
    else:
        assert not moved
    groups = {row.group for row in rows if PLAIN["large"](row)}
    kept = {row.group for row in rows if at_least(4999_99)(row)}
    assert (difference.alerts.gained, difference.alerts.lost) == (0, len(groups - kept))
    assert difference.equal == (not between)


@given(rows=ROWS)
@tries(20)
def test_the_other_way_round_gained_and_lost_change_places(
    pack: Pack, stricter: Pack, rows: list[Row]
) -> None:
    there, back = compared(stricter, pack, rows), compared(pack, stricter, rows)
    assert [(rule.gained, rule.lost) for rule in there.rules] == [
        (rule.lost, rule.gained) for rule in back.rules
    ]
    assert {(one.before, one.after, one.events) for one in there.outcomes} == {
        (one.after, one.before, one.events) for one in back.outcomes
    }
    assert (there.alerts.gained, there.alerts.lost) == (back.alerts.lost, back.alerts.gained)
    assert there.held_amount == -back.held_amount


def test_added_and_removed_rules_gain_and_lose_all_their_hits(pack: Pack, folder: Path) -> None:
    renamed = pack_of(folder, PACK.replace("  huge:", "  enormous:"))
    rows = [Row(1, amount=6000_00), Row(2, amount=7000_00, group="G2"), Row(3)]
    difference = compared(renamed, pack, rows)
    added, removed = of(difference, "enormous"), of(difference, "huge")
    assert (added.change, added.gained, added.lost, added.held_amount) == ("added", 2, 0, 13000_00)
    assert (removed.change, removed.gained, removed.lost, removed.held_amount) == ("removed", 0, 2, -13000_00)
    assert [rule.rule for rule in difference.rules] == ["large", "enormous", "often", "far", "huge"]
    assert difference.held_amount == 0


def test_a_draft_that_goes_live_gains(pack: Pack, folder: Path) -> None:
    draft = pack_of(folder, PACK.replace("mode: shadow", "mode: draft"))
    difference = compared(pack, draft, [Row(1, region="440000")])
    far = of(difference, "far")
    assert (far.change, far.changed, far.gained) == ("changed", ["mode"], 1)
    assert all(change.before is change.after for change in difference.outcomes)  # a shadow changes nothing


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("timezone: Asia/Shanghai", "timezone: UTC", ["when"]),  # the rule reads `hour`
        ("near: ['310000']", "near: ['310000', '320000']", ["when"]),
        ("window: 24h", "window: 48h", ["features"]),
        ("on: [order.placed]\n    when: LISTED", "on: [order.confirmed]\n    when: LISTED", ["on"]),
        (
            "queue: desk\n    reason: {zh: 近",
            "queue: other\n    playbook: look\n    reason: {zh: 近",
            ["queue", "playbook"],
        ),
        ("title: {zh: 近", "title: {zh: 很近", ["title"]),
        ("reason: {zh: 近", "reason: {zh: 很近", ["reason"]),
        ("scenario: near", "scenario: place", ["scenario"]),
        ("tier: high\n    outcome: hold", "tier: low\n    outcome: review", ["tier", "outcome"]),
        ("lateness: 7d", "lateness: 8d", []),
    ],
)
def test_what_changed_in_a_rule_is_named(folder: Path, old: str, new: str, changed: list[str]) -> None:
    text = PACK.replace("features:\n", "lateness: 7d\nlists:\n  near: ['310000']\nfeatures:\n") + NEAR
    assert old in text
    difference = compared(pack_of(folder, text.replace(old, new)), pack_of(folder, text), [Row(1)])
    near = of(difference, "near")
    assert (near.change, near.changed) == ("changed" if changed else "same", changed)


def test_a_higher_tier_raises_alerts(pack: Pack, folder: Path) -> None:
    text = PACK.replace("tier: medium", "tier: critical")
    difference = compared(pack_of(folder, text), pack, [Row(1, amount=1000_00)])
    assert (difference.alerts.raised, difference.alerts.lowered, difference.alerts.common) == (1, 0, 1)
    assert of(difference, "large").changed == ["tier"]
    assert not difference.equal


def test_alerts_show_the_hit_that_opened_them(pack: Pack, stricter: Pack) -> None:
    rows = [Row(1, amount=1000_00), Row(2, amount=2000_00, minutes=5)]
    (lost,) = compared(stricter, pack, rows).alerts.lost_examples
    assert (lost.group, lost.scenario, lost.hits, lost.amount) == ("G1", "size", 2, 3000_00)
    assert (lost.event_id, lost.reason["en"]) == ("event-1", "An order of CNY 1,000.00")


def test_examples_end_at_twenty(pack: Pack, stricter: Pack) -> None:
    rows = [Row(number, amount=1000_00, group=f"G{number}") for number in range(50)]
    difference = compared(stricter, pack, rows, cut=7)
    assert of(difference, "large").lost == 50
    assert [one.event_id for one in of(difference, "large").lost_examples] == [
        f"event-{number}" for number in range(20)
    ]
    assert len(difference.alerts.lost_examples) == 20


def test_other_content_under_the_same_version_is_noted(pack: Pack, folder: Path) -> None:
    report = tried([pack_of(folder, PACK.replace("amount >= 1000", "amount >= 1001")), pack], [Row(1)])
    assert "raise the version" in report.notes[0]["en"]
