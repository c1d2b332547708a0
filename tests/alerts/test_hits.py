"""Hits from decisions: one per scenario, with the values of the converted event."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from alerts.hit import Hit, hit_id
from alerts.hits import hits_of
from events.columns import Kind
from rules.decision import Outcome, Tier
from rules.pack import Pack, load_pack
from tests.rules.making import SMALL, batch, column, decisions_on, event, judged


def hits(pack: Pack, amount: int, ordered: int | None) -> list[Hit]:
    """The hits of one order in a foreign currency, which is worth `amount` fen."""
    events = replace(batch(event(), event(amount=77)), amount=np.array([0, amount]))
    features = {
        "ordered_72h": column(Kind.MONEY, 0, ordered),
        "orders_72h": column(Kind.NUMBER, 0, 3),
    }
    judgement = judged(pack, events, features)
    return hits_of(pack, events, 1, decisions_on(pack, events, judgement)[1])


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    (tmp_path / "pack.yaml").write_text(SMALL)
    return load_pack(tmp_path / "pack.yaml")


def test_no_hit_no_message(pack: Pack) -> None:
    assert hits(pack, 100, 100) == []
    assert hits(pack, 100, None) == []  # not evaluable


def test_one_hit_for_every_scenario(pack: Pack) -> None:
    large, much = hits(pack, 200_000, 600_000)
    assert (large.scenario, large.tier, large.outcome) == ("large", Tier.MEDIUM, Outcome.REVIEW)
    assert (large.queue, large.playbook, large.title["zh"]) == ("desk", "look", "大额")
    assert large.reason == {"zh": "订单 2,000.00 元", "en": "Order of CNY 2,000.00"}
    assert (much.scenario, much.tier, much.outcome) == ("much", Tier.HIGH, Outcome.HOLD)
    assert (much.queue, much.playbook) == ("credit", None)
    assert much.reason["en"] == "CNY 6,000.00 in 3 orders"
    for hit in (large, much):
        assert hit.hit_id == hit_id(hit.decision_id, hit.scenario)
        assert hit.features == {"ordered_72h": 600_000, "orders_72h": 3, "mean_72h": 200_000.0}
        assert hit.units == {"ordered_72h": "money", "orders_72h": "number", "mean_72h": "money"}
        assert (hit.amount, hit.order, hit.customer, hit.group) == (200_000, "SO-1", "C1", "G1")
        assert [result.rule for result in hit.rules] == [hit.scenario]
        assert msgspec.json.decode(msgspec.json.encode(hit), type=Hit).hit_id == hit.hit_id


def test_rules_of_one_scenario_make_one_hit(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(SMALL.replace("scenario: much", "scenario: large"))
    (hit,) = hits(load_pack(tmp_path / "pack.yaml"), 200_000, 600_000)
    assert (hit.tier, hit.outcome, hit.queue) == (Tier.HIGH, Outcome.HOLD, "credit")
    assert [result.rule for result in hit.rules] == ["large", "much"]
    assert hit.reason["zh"] == "累计 6,000.00 元"
