"""The model as the dataflow sees it: scores, percentiles, explanations, the check against a pack."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from events.columns import Column, Kind, text_column
from models.errors import ModelError
from models.model import Model
from tests.models.making import column, trade

SHIPPED = ("shipped_24h", "shipped_72h", "shipped_30d")


def odd_batch() -> dict[str, Column]:
    """Ten ordinary events; in row 3 the customer was shipped 300 times what the largest one was."""
    batch = trade(10, seed=5)
    for name in SHIPPED:
        amounts = batch[name].values.copy()
        amounts[3] = amounts.max() * 300
        batch[name] = Column(amounts, batch[name].valid, Kind.MONEY)
    return batch


def test_percentiles_of_fresh_ordinary_events_are_spread_evenly(model: Model) -> None:
    scores = model.score(trade(20_000, seed=2))
    shares = np.histogram(scores.percentile, bins=10, range=(0, 1))[0] / 20_000
    assert shares == pytest.approx(0.1, abs=0.02)
    assert np.all((scores.score > 0) & (scores.score < 1))
    assert np.array_equal(
        np.argsort(scores.score, kind="stable"), np.argsort(scores.percentile, kind="stable")
    )


def test_a_far_amount_scores_high_and_is_explained_by_its_feature(model: Model) -> None:
    batch = odd_batch()
    before, after = model.score(trade(10, seed=5)), model.score(batch)
    assert after.score[3] > before.score[3]
    assert after.percentile[3] > 0.95
    (shares,) = model.explain(batch, np.array([3]), top=3)
    assert {share.feature for share in shares} == set(SHIPPED)
    assert all(share.value == batch[share.feature].at(3) for share in shares)
    assert all(share.contribution > 0 for share in shares)


def test_contributions_of_all_features_add_up(model: Model) -> None:
    batch = odd_batch()
    scores = model.score(batch)
    rows = np.array([3, 0, 9, 3])
    explained = model.explain(batch, rows, top=len(model.feature_names))
    for row, shares in zip(rows, explained, strict=True):
        total = sum(share.contribution for share in shares)
        assert total == pytest.approx(scores.score[row] - model.base, abs=1e-9)
        sizes = [abs(share.contribution) for share in shares]
        assert sizes == sorted(sizes, reverse=True)
    assert explained[0] == explained[3]


def test_scores_and_explanations_do_not_depend_on_the_batch(model: Model) -> None:
    batch = trade(300, seed=6)
    whole = model.score(batch)
    for row in (0, 64, 299):
        alone = {name: cells.take(np.array([row])) for name, cells in batch.items()}
        assert model.score(alone).score[0] == whole.score[row]
        assert model.score(alone).percentile[0] == whole.percentile[row]
        assert model.explain(alone, np.array([0])) == model.explain(batch, np.array([row]))


def test_empty_batch_and_no_rows(model: Model) -> None:
    empty = {name: cells.take(np.array([], np.int64)) for name, cells in trade(1).items()}
    scores = model.score(empty)
    assert (len(scores.score), len(scores.percentile)) == (0, 0)
    assert model.explain(empty, np.array([], np.int64)) == []


@pytest.mark.parametrize("cell", [None, float("nan"), float("inf"), -float("inf")], ids=str)
def test_a_row_without_any_number_is_scored_and_explained_in_json(model: Model, cell: float | None) -> None:
    batch = {name: column([cell], kind) for name, kind in model.encoder.kinds.items()}
    scores = model.score(batch)
    assert 0.0 < scores.score[0] < 1.0
    (shares,) = model.explain(batch, np.array([0]))
    assert all(share.value is None for share in shares)
    json.dumps([share._asdict() for share in shares], allow_nan=False)


def test_unknown_values_alone_are_not_unusual(model: Model) -> None:
    batch = {name: column([None], kind) for name, kind in model.encoder.kinds.items()}
    assert model.score(batch).percentile[0] < 0.5


def test_values_in_explanations_keep_their_kind(model: Model) -> None:
    (shares,) = model.explain(trade(3), np.array([1]), top=20)
    kinds = {share.feature: type(share.value) for share in shares}
    assert kinds["shipped_72h"] is int
    assert kinds["customer_age_days"] is float


def test_threads_share_a_model(model: Model) -> None:
    batch = trade(2000, seed=7)
    alone = model.score(batch)
    with ThreadPoolExecutor(4) as threads:
        for together in threads.map(model.score, [batch] * 16):
            assert np.array_equal(together.score, alone.score)
            assert np.array_equal(together.percentile, alone.percentile)


def test_further_columns_are_left_alone(model: Model) -> None:
    batch = trade(5, seed=8)
    assert np.array_equal(
        model.score({"channel": text_column(["web"] * 5), **batch}).score, model.score(batch).score
    )


def test_missing_column_is_named(model: Model) -> None:
    batch = trade(5)
    del batch["orders_24h"]
    with pytest.raises(ModelError, match="`orders_24h` has no column"):
        model.score(batch)
    with pytest.raises(ModelError, match="`orders_24h` has no column"):
        model.explain(batch, np.array([0]))


def test_pack_with_the_features_is_accepted(model: Model) -> None:
    model.check_features({**model.encoder.kinds, "another": Kind.TEXT})
    assert model.feature_names == tuple(trade(1))
    assert model.event_types == {"order.placed", "shipment.dispatched"}


def test_pack_without_a_feature_is_refused_by_name(model: Model) -> None:
    kinds = dict(model.encoder.kinds)
    kinds["shiped_72h"] = kinds.pop("shipped_72h")
    with pytest.raises(ModelError) as caught:
        model.check_features(kinds)
    assert str(caught.value) == (
        f"model `{model.id}` reads feature `shipped_72h`, which the pack lacks (it has `shiped_72h`);"
        " train a model on this pack, or use pack `trade-core@1`"
    )
    with pytest.raises(ModelError, match="`ordered_24h`, which the pack lacks;"):
        model.check_features({})


def test_pack_that_means_something_else_is_refused(model: Model) -> None:
    with pytest.raises(ModelError, match="`orders_24h`, as number, but in the pack it is money"):
        model.check_features({**model.encoder.kinds, "orders_24h": Kind.MONEY})
