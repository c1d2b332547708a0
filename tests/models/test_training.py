"""Training: deterministic, on the rows that were asked for, and on nothing that can't be learnt from."""

import math
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pytest

from events.columns import Column, Kind
from events.event import EventType
from models.errors import ModelError
from models.history import TrainingRow, Value, collect_rows
from models.manifest import Pack
from models.material import Collector
from models.model import Model
from models.registry import save
from models.training import SCORED, Growth, train, train_from_material
from tests.models.making import START, column, origin, small_model, trade

SMALL = Growth(trees=5)
KINDS = {"amount_24h": Kind.MONEY, "orders_24h": Kind.NUMBER, "channel": Kind.TEXT}


def decisions(rows: int, seed: int = 0) -> Iterator[TrainingRow]:
    """Orders and shipments by turns, and between them payments, whose features must not be learnt."""
    rng = np.random.default_rng(seed)
    for row in range(rows):
        event_type = ("order.placed", "shipment.dispatched", "payment.received")[row % 3]
        huge = 1e9 if event_type == "payment.received" else 1.0
        features: dict[str, Value] = {
            "amount_24h": None if row % 10 == 0 else int(rng.lognormal(10, 1) * huge),
            "orders_24h": int(rng.poisson(3)),
            "channel": "web",
        }
        yield TrainingRow(f"e{row}", event_type, f"g{row % 50}", START + row * 1000, features)


def from_decisions(
    rows: Iterator[TrainingRow],
    *,
    event_types: Collection[str] = SCORED,
    bad: Collection[str] = frozenset(),
    most_rows: int = 10_000,
    growth: Growth = SMALL,
) -> Model:
    collector = Collector(KINDS, most_rows, growth.seed)
    collect_rows(rows, collector)
    return train_from_material(
        collector.material(),
        Pack("p@1", "0" * 64),
        growth,
        features=list(KINDS),
        event_types=event_types,
        bad=bad,
    )


def test_the_same_rows_and_seed_give_the_same_model_byte_by_byte(tmp_path: Path) -> None:
    first, second = small_model(), small_model()
    for name, model in (("first", first), ("second", second)):
        save(model, tmp_path / name)
    files = {path.name for path in (tmp_path / "first").iterdir()}
    assert files == {"manifest.json", "model.skops", "calibration.json", "reference.json"}
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
    assert first.manifest.metrics == second.manifest.metrics
    batch = trade(50, seed=9)
    assert np.array_equal(first.score(batch).percentile, second.score(batch).percentile)
    assert len({first.id, small_model(seed=1).id}) == 2


def test_the_manifest_says_what_was_trained(model: Model) -> None:
    manifest = model.manifest
    assert manifest.event_types == ("order.placed", "shipment.dispatched")
    assert manifest.rows == 5000
    assert (manifest.period.first, manifest.period.last) == (
        "2025-01-01T00:00:00.000Z",
        "2025-01-15T00:00:00.000Z",
    )
    assert manifest.parameters == {"trees": 100, "samples": 256, "seed": 0}
    assert manifest.pack == Pack("trade-core@1", "0" * 64)
    assert set(manifest.versions) == {"python", "scikit-learn", "skops", "numpy", "numba"}
    scores = model.score(trade(5000)).score
    assert manifest.metrics["score_max"] == scores.max()
    assert manifest.metrics["score_p50"] == np.quantile(scores, 0.5)
    assert [feature.name for feature in manifest.features] == list(trade(1))
    assert len(model.id) == 12


def test_training_rows_are_ranked_by_their_own_scores(model: Model) -> None:
    scores = model.score(trade(5000))
    ranks = scores.score.argsort().argsort() / 5000
    assert np.abs(scores.percentile - ranks).max() < 0.002
    assert scores.percentile.max() == 5000 / 5001


def test_useless_columns_do_no_harm() -> None:
    rows = 200
    rng = np.random.default_rng(0)
    columns = {
        "null": column([None] * rows),
        "nan": column([math.nan] * rows, Kind.MONEY),
        "constant": column([4.0] * rows),
        "infinite": column([math.inf, -math.inf] * (rows // 2)),
        "huge": column([1e300, -1e300] * (rows // 2), Kind.MONEY),
        "normal": Column(rng.normal(size=rows), np.ones(rows, np.bool_), Kind.NUMBER),
    }
    model = train(columns, origin(), trees=10)
    scores = model.score(columns)
    assert np.isfinite(scores.score).all()
    assert scores.percentile.max() < 1.0
    alike = {"constant": column([4.0] * rows)}
    assert train(alike, origin(), trees=3).score(alike).percentile.max() == 0.0


@pytest.mark.parametrize("rows", [0, 1, 99])
def test_too_few_rows_are_refused(rows: int) -> None:
    columns = {"x": column([float(row) for row in range(rows)])}
    with pytest.raises(ModelError, match=f"^{rows} events to train on; at least 100 are needed"):
        train(columns, origin())


@pytest.mark.parametrize("options", [{"trees": 0}, {"samples": 1}, {"seed": -1}, {"seed": 2**32}], ids=str)
def test_parameters_out_of_range_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ModelError, match=f"parameter `{next(iter(options))}`: expected"):
        train(trade(100), origin(), **options)


def test_decisions_of_the_chosen_types_are_learnt() -> None:
    model = from_decisions(decisions(900))
    assert model.manifest.rows == 600
    assert model.event_types == set(SCORED) == {EventType.ORDER_PLACED, EventType.SHIPMENT_DISPATCHED}
    assert model.feature_names == ("amount_24h", "orders_24h")
    assert model.manifest.features[0].missing == pytest.approx(0.1)
    assert model.manifest.features[0].unit < 1e6  # no payment among them
    assert model.manifest.period.last == "2025-01-01T00:14:58.000Z"  # event 898; 899 is a payment
    payments = from_decisions(decisions(900), event_types=["payment.received"])
    assert payments.manifest.rows == 300
    assert payments.manifest.features[0].unit > 1e9


def test_events_known_to_be_bad_are_not_learnt() -> None:
    bad = frozenset(f"e{row}" for row in range(90))
    model = from_decisions(decisions(900), bad=bad)
    assert model.manifest.rows == 540
    assert model.manifest.period.first == "2025-01-01T00:01:30.000Z"
    kept = [row for row in decisions(900) if row.event_id not in bad]
    without = from_decisions(iter(kept))
    assert without.parts == model.parts
    assert (model.manifest.left_out, without.manifest.left_out) == (60, 0)


def test_memory_is_bounded_by_a_sample() -> None:
    model = from_decisions(decisions(9000), most_rows=500)
    manifest = model.manifest
    assert 290 < manifest.rows < 375  # two thirds of the sample are of the wanted types
    assert manifest.seen == pytest.approx(6000, rel=0.1)
    assert from_decisions(decisions(9000), most_rows=500).id == model.id
    other = Growth(trees=5, seed=1)
    assert from_decisions(decisions(9000), most_rows=500, growth=other).id != model.id


def test_segments_are_learnt_from_a_feature_that_the_forest_need_not_read() -> None:
    growth = Growth(trees=5, segment="orders_24h", segments=3)
    model = from_decisions(decisions(9000), growth=growth)
    segments = model.manifest.segments
    assert segments is not None
    assert segments.feature == "orders_24h"
    assert len(segments.edges) == 2
    assert model.kinds == {"amount_24h": Kind.MONEY, "orders_24h": Kind.NUMBER}
    with pytest.raises(ModelError, match="segments by `nothing`: no such feature"):
        from_decisions(decisions(900), growth=Growth(trees=5, segment="nothing"))


def test_a_budget_keeps_alerts_to_its_number() -> None:
    growth = Growth(trees=20, alerts_per_day=7, days=lambda times: times // 500_000)
    model = from_decisions(decisions(9000), growth=growth)
    budget = model.manifest.budget
    assert budget is not None
    assert (budget.per_day, budget.days, budget.most) == (7, 19, 7)
    assert 0.9 < budget.level < 1.0
    assert model.limit == budget.level
    assert from_decisions(decisions(900)).limit is None


@pytest.mark.parametrize("segment", [None, "orders_24h"])
def test_explanations_name_the_medians_of_the_training_period(segment: str | None) -> None:
    growth = Growth(trees=5, segment=segment)
    model = from_decisions(decisions(3000), event_types=["order.placed"], growth=growth)
    again = from_decisions(decisions(3000), event_types=["order.placed"], growth=growth)
    assert again.parts == model.parts
    learnt = [row for row in decisions(3000) if row.event_type == "order.placed"]
    amounts = np.array([row.features["amount_24h"] for row in learnt], np.float64)
    orders = np.array([row.features["orders_24h"] for row in learnt], np.float64)
    asked = {
        "amount_24h": column([1e9, 1e9], Kind.MONEY),
        "orders_24h": column([40.0, 40.0]),
    }
    known, stranger = model.explain(asked, np.arange(2), groups=["g3", "stranger"])
    own = np.array([row.group == "g3" for row in learnt])
    like = np.ones(len(learnt), np.bool_)
    if segment is not None:
        segments = model.manifest.segments
        assert segments is not None
        like = orders >= segments.edges[-1]
    for shares, theirs in ((known, own), (stranger, None)):
        found = {share.feature: (share.customer_median, share.peers_median) for share in shares}
        assert found.keys() == {"amount_24h", "orders_24h"}
        customer, peers = found["amount_24h"]
        assert peers == pytest.approx(np.nanmedian(amounts[like]), rel=1e-6)
        assert customer == (
            None if theirs is None else pytest.approx(np.nanmedian(amounts[theirs]), rel=1e-6)
        )
        assert isinstance(peers, int)
        assert found["orders_24h"][1] == np.median(orders[like])


def test_a_model_of_columns_alone_knows_no_medians() -> None:
    model = small_model()
    assert model.baseline is None
    (shares,) = model.explain(trade(3), np.array([1]), groups=["g"])
    assert {(share.customer_median, share.peers_median) for share in shares} == {(None, None)}
