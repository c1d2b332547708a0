"""The evaluator: who is judged by what, what NULL means, and that a failing rule fails alone."""

from pathlib import Path

import numpy as np
import pytest

from events.columns import Column, EventBatch, Kind
from events.event import EventType
from rules.decision import RuleStatus
from rules.errors import RuleError
from rules.evaluate import ERROR, HIT, NO_HIT, NOT_EVALUABLE, SILENT, STATUS, Judgement
from rules.pack import Pack, load_pack
from tests.rules.making import SMALL, Profiles, batch, cells, column, event, judged


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return load(tmp_path, SMALL)


def load(directory: Path, text: str) -> Pack:
    path = directory / "pack.yaml"
    path.write_text(text)
    return load_pack(path)


EVENTS = batch(
    event(0, amount=200_000),
    event(1, amount=199_999),
    event(2, kind=EventType.SHIPMENT_DISPATCHED, amount=200_000),
    event(3, kind=EventType.ORDER_CONFIRMED, amount=None),
)
FEATURES = {
    "ordered_72h": column(Kind.MONEY, 500_001, 500_000, None, 900_000),
    "orders_72h": column(Kind.NUMBER, 2, 0, None, 1),
}


def codes(judgement: Judgement) -> dict[str, list[int]]:
    return {verdict.rule.name: verdict.codes.tolist() for verdict in judgement.verdicts}


def test_rules_judge_the_types_that_they_name(pack: Pack) -> None:
    judgement = judged(pack, EVENTS, FEATURES)
    assert codes(judgement) == {
        "large": [HIT, NO_HIT, SILENT, SILENT],
        "much": [HIT, NO_HIT, NOT_EVALUABLE, SILENT],
    }
    assert judgement.hit_rows.tolist() == [0]
    shown = {verdict.rule.name: rows.tolist() for verdict, rows in judgement.shown()}
    assert shown == {"large": [0], "much": [0, 2]}
    assert {
        (verdict.rule.name, STATUS[code], count)
        for verdict, counts in zip(judgement.verdicts, judgement.counts(), strict=True)
        for code, count in enumerate(counts)
        if count
    } == {
        ("large", RuleStatus.HIT, 1),
        ("large", RuleStatus.NO_HIT, 1),
        ("much", RuleStatus.HIT, 1),
        ("much", RuleStatus.NO_HIT, 1),
        ("much", RuleStatus.NOT_EVALUABLE, 1),
    }


def test_expressions_are_features(pack: Pack) -> None:
    judgement = judged(pack, EVENTS, FEATURES)
    assert list(judgement.derived.features) == ["ordered_72h", "orders_72h", "mean_72h"]
    assert cells(judgement.derived.features["mean_72h"]) == [250_000.5, None, None, 900_000.0]
    assert judgement.derived.failures == {}


def test_an_event_is_judged_alike_whatever_its_neighbours_are(pack: Pack) -> None:
    together = codes(judged(pack, EVENTS, FEATURES))
    for row in range(len(EVENTS)):
        one = np.array([row])
        features = {name: feature.take(one) for name, feature in FEATURES.items()}
        alone = codes(judged(pack, EVENTS.take(one), features))
        assert alone == {name: [found[row]] for name, found in together.items()}


def test_no_events_no_results(pack: Pack) -> None:
    nothing = np.zeros(0, np.int64)
    features = {name: feature.take(nothing) for name, feature in FEATURES.items()}
    assert codes(judged(pack, EVENTS.take(nothing), features)) == {"large": [], "much": []}


def test_paused_and_draft_rules_are_not_evaluated_and_shadow_rules_do_not_hit(tmp_path: Path) -> None:
    for mode, evaluated in (("draft", False), ("paused", False), ("retired", False), ("shadow", True)):
        pack = load(tmp_path, SMALL.replace("queue: desk\n", f"queue: desk\n    mode: {mode}\n"))
        judgement = judged(pack, EVENTS.take(np.array([0])), one_row(FEATURES, 0))
        assert ("large" in codes(judgement)) is evaluated
        assert judgement.hit_rows.tolist() == [0]  # by the other rule
        quiet = judged(pack, EVENTS.take(np.array([0])), one_row(FEATURES, 1))
        assert quiet.hit_rows.tolist() == []


def one_row(features: dict[str, Column], row: int) -> dict[str, Column]:
    return {name: feature.take(np.array([row])) for name, feature in features.items()}


def test_a_failing_rule_is_quarantined_and_the_others_run(pack: Pack) -> None:
    features = {**FEATURES, "ordered_72h": Column(np.array(["x"] * 4), np.ones(4, np.bool_), Kind.MONEY)}
    judgement = judged(pack, EVENTS, features)
    assert codes(judgement) == {"large": [HIT, NO_HIT, SILENT, SILENT], "much": [ERROR, ERROR, ERROR, SILENT]}
    failed = judgement.verdicts[1].message
    assert failed == "RuleError: a money column holds <U1; give int64 or float64"
    assert cells(judgement.derived.features["mean_72h"]) == [None] * 4
    assert judgement.derived.failures == {"mean_72h": failed}


def test_a_rule_that_reads_a_failed_expression_says_so(tmp_path: Path) -> None:
    pack = load(tmp_path, SMALL.replace("when: ordered_72h > 5000", "when: mean_72h > 5000"))
    features = {**FEATURES, "orders_72h": Column(np.array(["x"] * 4), np.ones(4, np.bool_), Kind.NUMBER)}
    verdict = judged(pack, EVENTS, features).verdicts[1]
    assert verdict.codes.tolist() == [ERROR, ERROR, ERROR, SILENT]
    assert "expression `mean_72h` failed" in str(verdict.message)


class Broken:
    """A source of profiles that fails."""

    def column(self, name: str, kind: Kind) -> Column:
        raise ConnectionError(f"no {name} of {kind}\nsecond line")


def test_a_source_that_fails_fails_its_rules_only(tmp_path: Path) -> None:
    pack = load(tmp_path, SMALL.replace("when: amount >= 2000", "when: profile.rating = 'red'"))
    judgement = judged(pack, EVENTS, FEATURES, Broken())
    assert judgement.verdicts[0].message == "ConnectionError: no rating of Kind.TEXT second line"
    assert codes(judgement)["much"] == [HIT, NO_HIT, NOT_EVALUABLE, SILENT]


def test_profile_and_anomaly(tmp_path: Path) -> None:
    when = "when: profile.rating = 'red' AND profile.credit_limit < amount OR anomaly > 0.9"
    pack = load(tmp_path, SMALL.replace("when: amount >= 2000", when))
    events, features = (
        two_orders(EVENTS),
        {name: one.take(np.array([0, 1])) for name, one in FEATURES.items()},
    )
    profile = Profiles({"rating": "red", "credit_limit": 1}, {"rating": "green"})
    anomaly = column(Kind.NUMBER, 0.5, 0.95)

    def large(profile: Profiles | None, anomaly: Column | None) -> list[int]:
        return codes(judged(pack, events, features, profile, anomaly))["large"]

    assert large(profile, anomaly) == [HIT, HIT]
    assert large(None, anomaly) == [NOT_EVALUABLE, HIT]
    assert large(profile, None) == [HIT, NOT_EVALUABLE]


def two_orders(events: EventBatch) -> EventBatch:
    return events.take(np.array([0, 1]))


def test_without_windows_only_the_event_itself_is_judged(pack: Pack) -> None:
    judgement = judged(pack, EVENTS, {}, degraded=True)
    assert codes(judgement) == {
        "large": [HIT, NO_HIT, SILENT, SILENT],
        "much": [NOT_EVALUABLE, NOT_EVALUABLE, NOT_EVALUABLE, SILENT],
    }
    assert [cells(feature) for feature in judgement.derived.features.values()] == [[None] * 4] * 3


def test_a_missing_feature_is_an_error(pack: Pack) -> None:
    with pytest.raises(RuleError, match="pack `small@3` needs feature `orders_72h`"):
        judged(pack, EVENTS, {"ordered_72h": FEATURES["ordered_72h"]})
