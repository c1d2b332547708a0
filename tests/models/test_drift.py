"""Drift: bins of the training, how they are counted later, and what an index says."""

import math

import hypothesis.strategies as st
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings

from events.columns import Column, Kind
from models.drift import FEWEST, Steadiness, drift, stability
from models.errors import ModelError
from models.reference import MOST_BINS, SCORE, Bins, Document, Reference
from tests.models.making import column, trade

CELLS = st.lists(
    st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1.0, -5.0])),
    min_size=1,
    max_size=80,
)


def scores_of(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(rows)


@settings(derandomize=True, deadline=None, database=None, max_examples=150)
@given(training=CELLS, later=CELLS)
def test_every_value_falls_into_one_bin(training: list[float | None], later: list[float | None]) -> None:
    reference = Reference.of({"x": column(training)}, np.zeros(len(training)))
    bins = reference.bins[0]
    assert sum(bins.counts) == len(training)
    counts = reference.count({"x": column(later)}, np.zeros(len(later)))
    assert counts[0].sum() == len(later)
    edges = np.array(bins.edges)
    for value in later:
        place = 0 if value is None or math.isnan(value) else 1 + int(np.searchsorted(edges, value))
        assert counts[0, place] > 0


def test_bins_hold_about_equally_many_training_rows() -> None:
    reference = Reference.of(trade(5000), scores_of(5000))
    amounts = reference.bins[0]
    assert len(amounts.edges) == 11
    assert amounts.counts[:2] == (0, 0)  # no NULL, and nothing below the least
    assert amounts.counts[-1] == 0  # nothing above the greatest
    assert max(amounts.counts) <= 1.02 * 500


def test_a_constant_a_truth_and_nothing_at_all_have_bins() -> None:
    truth = Column(np.array([True, False, True]), np.ones(3, np.bool_), Kind.BOOL)
    columns = {"constant": column([4.0] * 3), "truth": truth, "nothing": column([None] * 3)}
    reference = Reference.of(columns, np.zeros(3))
    assert [one.counts for one in reference.bins] == [(0, 0, 3, 0), (0, 0, 1, 2, 0), (3, 0), (0, 0, 3, 0)]
    later = {**columns, "constant": column([3.9, 4.0, 4.1])}
    assert reference.count(later, np.zeros(3))[0, :4].tolist() == [0, 1, 1, 1]


def test_the_same_trade_is_stable_and_another_one_is_not() -> None:
    reference = Reference.of(trade(5000), scores_of(5000))
    same = drift(reference, reference.count(trade(5000, seed=1), scores_of(5000, seed=1)))
    assert {one.steadiness for one in same} == {Steadiness.STABLE}
    other = trade(5000, seed=2)
    other["orders_24h"] = Column(other["orders_24h"].values * 3, other["orders_24h"].valid, Kind.NUMBER)
    other["days_since_last"] = column([None] * 5000)
    found = {one.name: one for one in drift(reference, reference.count(other, scores_of(5000)))}
    assert found["orders_24h"].steadiness is Steadiness.DRIFTED
    assert found["days_since_last"].steadiness is Steadiness.DRIFTED
    assert found["days_since_last"].missing == 1.0
    assert found["days_since_last"].missing_before == pytest.approx(0.05, abs=0.01)
    assert found[SCORE].steadiness is Steadiness.STABLE


def test_few_events_say_nothing() -> None:
    reference = Reference.of(trade(1000), scores_of(1000))
    counts = reference.count(trade(FEWEST - 1, seed=1), scores_of(FEWEST - 1))
    assert {one.steadiness for one in drift(reference, counts)} == {Steadiness.UNKNOWN}
    assert drift(reference, np.zeros_like(counts))[0].now[0] == 0.0


def test_the_index_by_hand() -> None:
    then, now = np.array([99.5, 99.5]), np.array([149.5, 49.5])  # 100 and 100, 150 and 50 with the half
    assert stability(then, now) == pytest.approx(0.25 * math.log(1.5) + -0.25 * math.log(0.5))
    assert math.isfinite(stability(np.array([0.0, 1e6]), np.array([1e6, 0.0])))


def test_the_reference_is_read_back_and_checked() -> None:
    columns = trade(500)
    reference = Reference.of(columns, scores_of(500))
    again = Reference.of_bytes(reference.to_json(), tuple(columns))
    assert again == reference
    for broken, words in (
        (b"{", "damaged"),
        (b"\xff", "damaged"),
        (reference.to_json().replace(b'"orders_24h"', b'"orders"'), "other features"),
        (document(Bins("x", (2.0, 1.0), (0, 0, 0, 0))), "the bins of `x`"),
        (document(Bins("x", (1.0,), (0, 0))), "the bins of `x`"),
        (document(Bins("x", (1.0,), (0, 0, -1))), "the bins of `x`"),
        (document(Bins("x", tuple(map(float, range(MOST_BINS))), (0,) * (MOST_BINS + 2))), "the bins of `x`"),
    ):
        with pytest.raises(ModelError, match=words):
            Reference.of_bytes(broken, ("x",) if b'"x"' in broken else tuple(columns))


def document(bins: Bins) -> bytes:
    return msgspec.json.encode(Document((bins, Bins(SCORE, (), (0, 0)))))
