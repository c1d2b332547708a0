"""What a pack says is what the file says."""

from pathlib import Path

import numpy as np
import pytest

from events.clock import DAY, HOUR, MINUTE
from events.columns import Kind
from events.event import EventType
from rules.decision import Outcome, Tier
from rules.errors import PackError
from rules.feature_label import FeatureLabel, FeatureUnit
from rules.pack import Pack, load_pack
from rules.rule import Mode
from tests.rules.making import NOON, SMALL, batch, event
from windows.feature import Aggregate, Entity

DEADLINES = """\
deadlines:
  late:
    after: order.placed
    expect: order.confirmed
    by: order
    within: 10m
    tier: medium
    outcome: review
    queue: service
"""
FLOW = '{expression: "ordered_72h / orders_72h"}'


@pytest.fixture
def load(tmp_path: Path) -> "Load":
    return Load(tmp_path / "pack.yaml")


class Load:
    """Loads the small pack with some of its text replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, *changes: tuple[str, str], lists: dict[str, frozenset[str]] | None = None) -> Pack:
        text = SMALL
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        self._path.write_text(text)
        return load_pack(self._path, lists)


def test_the_small_pack(load: Load) -> None:
    pack = load()
    assert (pack.id, pack.timezone, pack.lateness) == ("small@3", "Asia/Shanghai", 7 * DAY)
    assert pack.kinds == {"ordered_72h": Kind.MONEY, "orders_72h": Kind.NUMBER, "mean_72h": Kind.MONEY}
    assert pack.feature_names == ("ordered_72h", "orders_72h", "mean_72h")
    assert pack.units == {"ordered_72h": "money", "orders_72h": "number", "mean_72h": "money"}
    summed = pack.features[0]
    assert (summed.aggregate, summed.field, summed.window) == (Aggregate.SUM, "amount", 72 * HOUR)
    assert (summed.by, set(summed.events)) == (Entity.CUSTOMER, {EventType.ORDER_PLACED})
    large, much = pack.rules
    assert (large.tier, large.outcome) == (Tier.MEDIUM, Outcome.REVIEW)
    assert (large.queue, large.playbook) == ("desk", "look")
    assert (large.mode, large.needs_windows) == (Mode.ACTIVE, False)
    assert (much.playbook, much.needs_windows) == (None, True)
    assert much.on == {EventType.ORDER_PLACED, EventType.SHIPMENT_DISPATCHED}


def test_every_key_that_is_optional(load: Load) -> None:
    pack = load(
        ("timezone: Asia/Shanghai\n", "timezone: UTC\nlateness: 2d\nlists: {far: ['650000', '540000']}\n"),
        (
            "window: 72h}\n  mean",
            "window: 30s, delay: 10m, where: \"LISTED(region, 'far') AND hour = 4\"}\n  mean",
        ),
        ("rules:\n", DEADLINES + "rules:\n"),
        ("queue: credit\n", "queue: credit\n    mode: shadow\n"),
    )
    assert (pack.timezone, pack.lateness) == ("UTC", 2 * DAY)
    assert pack.lists == {"far": {"650000", "540000"}}
    counted = pack.features[1]
    assert (counted.window, counted.delay) == (30_000, 10 * MINUTE)
    assert counted.where_text == "LISTED(region, 'far') AND hour = 4 -- far: ['540000', '650000']; UTC"
    (deadline,) = pack.deadlines
    assert (deadline.within, deadline.due(NOON), deadline.by) == ("10m", NOON + 10 * MINUTE, Entity.ORDER)
    assert deadline.expect == {EventType.ORDER_CONFIRMED}
    assert [rule.mode for rule in pack.rules] == [Mode.ACTIVE, Mode.SHADOW]


def test_where_is_a_predicate_in_which_null_counts_as_no(load: Load) -> None:
    pack = load(("window: 72h}\n  mean", "window: 72h, where: region <> '310000' OR hour < 5}\n  mean"))
    where = pack.features[1].where
    assert where is not None
    night = NOON - 9 * HOUR
    events = [event(region="310000"), event(region="110000"), event(region=None), event(occurred_at=night)]
    assert where(batch(*events)).tolist() == [False, True, False, True]


def test_expressions_come_after_those_that_they_read(load: Load) -> None:
    pack = load((FLOW, "{expression: c / b}\n  c: {expression: b + 1}\n  b: {expression: orders_72h}"))
    assert [one.name for one in pack.expressions] == ["b", "c", "mean_72h"]
    assert pack.feature_names == ("ordered_72h", "orders_72h", "mean_72h", "c", "b")


def test_profile_names(load: Load) -> None:
    pack = load(("when: amount >= 2000", "when: amount > profile.credit_limit AND profile.rating = 'red'"))
    assert pack.profile_names == {"credit_limit", "rating"}


def test_given_lists_replace_the_packs_own(load: Load) -> None:
    changes = (
        ("rules:\n", "lists: {far: ['650000']}\nrules:\n"),
        ("when: amount >= 2000", "when: LISTED(region, 'far') OR LISTED(region, 'near')"),
    )
    lists = {"far": frozenset({"540000"}), "near": frozenset({"310000"})}
    assert load(*changes, lists=lists).lists == lists
    with pytest.raises(PackError, match="unknown list `near`"):
        load(*changes)


def test_content_hash_follows_the_meaning_not_the_layout(load: Load) -> None:
    same = load().content_hash
    assert load(("rules:\n", "# a comment\nrules:\n")).content_hash == same
    assert load(("when: amount >= 2000", "when: >-\n      amount\n      >= 2000")).content_hash == same
    changed = {
        load(("when: amount >= 2000", "when: amount >= 2001")).content_hash,
        load(("queue: desk", "queue: other")).content_hash,
        load(lists={"far": frozenset({"1"})}).content_hash,
        load(lists={"far": frozenset({"2"})}).content_hash,
    }
    assert len(changed | {same}) == 5


def test_yaml_words_of_truth_stay_text(load: Load) -> None:
    """`on` as a key, and `No` as a title, would be true and false to many a YAML reader."""
    pack = load(("{zh: 大额, en: Large}", "{zh: 大额, en: No}"))
    assert pack.rules[0].title["en"] == "No"
    assert pack.rules[0].on == {EventType.ORDER_PLACED}


def test_a_long_chain_of_expressions(load: Load) -> None:
    chain = "".join(f"  e{i}: {{expression: e{i + 1} + 1}}\n" for i in range(1_500))
    pack = load(("  mean_72h", chain + "  e1500: {expression: orders_72h}\n  mean_72h"))
    assert pack.expressions[0].name == "e1500"
    assert np.array_equal([one.name for one in pack.expressions[-3:]], ["e1", "e0", "mean_72h"])


def test_the_text_of_a_where_tells_what_it_means(load: Load) -> None:
    """Windows are kept by it: what an old list or zone let in must not pass for what the new one would."""

    def text(condition: str, zone: str, far: str) -> str | None:
        where = ("window: 72h}\n  mean", f'window: 72h, where: "{condition}"}}\n  mean')
        zoned = ("timezone: Asia/Shanghai\n", f"timezone: {zone}\nlists: {{far: ['{far}']}}\n")
        return load(where, zoned).features[1].where_text

    for condition, texts in (("amount > 5", 1), ("hour < 5", 2), ("LISTED(region, 'far')", 2)):
        found = {
            text(condition, zone, far) for zone, far in (("UTC", "1"), ("UTC", "2"), ("Asia/Tokyo", "1"))
        }
        assert len(found) == texts, condition


def test_a_title_and_a_unit_say_how_a_feature_is_read(load: Load) -> None:
    assert load().labels["mean_72h"] == FeatureLabel()
    titled = load(
        (FLOW, '{title: {zh: 均额, en: Mean}, unit: percent, expression: "ordered_72h / orders_72h"}'),
        ("orders_72h: {", "orders_72h: {title: {zh: 笔数, en: Orders}, "),
    )
    assert titled.labels["mean_72h"] == FeatureLabel({"zh": "均额", "en": "Mean"}, FeatureUnit.PERCENT)
    assert titled.labels["orders_72h"] == FeatureLabel({"zh": "笔数", "en": "Orders"}, None)
    assert titled.kinds == load().kinds
    with pytest.raises(PackError, match="unknown unit `weeks`; known are percent, days, hour"):
        load((FLOW, FLOW.replace("{", "{unit: weeks, ")))
    with pytest.raises(PackError, match="`en` is missing"):
        load((FLOW, FLOW.replace("{", "{title: {zh: 均额}, ")))
