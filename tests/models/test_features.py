"""Features to matrix: each kind's transform, NULL, infinities, and that no value breaks it."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from events.columns import Column, Kind, text_column
from models.errors import ModelError
from models.features import Encoder, Transform, fit_encoder, gather
from tests.models.making import column


def test_money_is_linear_below_the_typical_amount_and_logarithmic_above_it() -> None:
    encoder = fit_encoder({"amount": column([100.0, 300.0, 500.0, -300.0, 0.0, 30_000.0], Kind.MONEY)})
    feature = encoder.features[0]
    assert feature.transform is Transform.SIGNED_LOG
    assert feature.unit == 300.0  # median of the magnitudes above 0
    cells = encoder.matrix({"amount": column([300.0, -300.0, 0.0, 30_000.0], Kind.MONEY)})
    assert cells[:, 0] == pytest.approx([math.log(2), -math.log(2), 0.0, math.log(101)])


def test_number_and_bool_are_taken_as_they_are() -> None:
    flags = Column(np.array([True, False, True]), np.ones(3, np.bool_), Kind.BOOL)
    columns = {"count": column([1.0, 7.5, -3.0]), "first": flags}
    assert fit_encoder(columns).matrix(columns).tolist() == [[1.0, 1.0], [7.5, 0.0], [-3.0, 1.0]]


@pytest.mark.parametrize("kind", [Kind.MONEY, Kind.NUMBER])
def test_null_and_nan_become_the_median_of_what_is_there(kind: Kind) -> None:
    training = {"x": column([1.0, None, 2.0, math.nan, 900.0], kind)}
    encoder = fit_encoder(training)
    cells = encoder.matrix({"x": column([None, math.nan, 2.0], kind)})
    assert cells[0] == cells[1] == cells[2]
    assert encoder.features[0].missing == pytest.approx(0.4)


def test_cells_are_clipped_to_the_range_of_the_training_data() -> None:
    encoder = fit_encoder({"x": column([-5.0, 3.0, math.inf, -math.inf])})
    cells = encoder.matrix({"x": column([math.inf, -math.inf, 1e300, -1e300, 4.0, 0.5])})
    assert cells[:, 0].tolist() == [3.0, -5.0, 3.0, -5.0, 3.0, 0.5]


def test_int64_of_any_size_and_foreign_layouts_are_read() -> None:
    everywhere = np.ones(3, np.bool_)
    numbers = np.arange(12, dtype=np.int64).reshape(3, 4)[:, 1]
    numbers.flags.writeable = False
    columns = {
        "big": Column(np.array([2**62, -(2**62), 0]), everywhere, Kind.MONEY),
        "strided": Column(numbers, everywhere, Kind.NUMBER),
    }
    cells = fit_encoder(columns).matrix(columns)
    assert np.isfinite(cells).all()
    assert cells[:, 1].tolist() == [1.0, 5.0, 9.0]


@pytest.mark.parametrize(
    "cells",
    [[None, None, None], [math.nan] * 3, [math.inf] * 3, [0.0] * 3, [7.0] * 3, []],
    ids=["null", "nan", "infinite", "zero", "constant", "empty"],
)
@pytest.mark.parametrize("kind", [Kind.MONEY, Kind.NUMBER])
def test_columns_that_say_nothing_give_one_finite_cell(cells: list[float | None], kind: Kind) -> None:
    encoder = fit_encoder({"x": column(cells, kind)})
    matrix = encoder.matrix({"x": column([None, 0.0, math.inf, -1e300, math.nan], kind)})
    assert np.isfinite(matrix).all()
    assert len(np.unique(matrix)) == 1


ANY_CELL = st.none() | st.floats(width=64)


@settings(derandomize=True, deadline=None, database=None, max_examples=200)
@given(
    training=st.lists(ANY_CELL, max_size=20),
    scored=st.lists(ANY_CELL, max_size=20),
    kind=st.sampled_from([Kind.MONEY, Kind.NUMBER]),
)
def test_every_cell_is_finite_within_the_range_and_in_the_order_of_the_values(
    training: list[float | None], scored: list[float | None], kind: Kind
) -> None:
    encoder = fit_encoder({"x": column(training, kind)})
    feature = encoder.features[0]
    cells = encoder.matrix({"x": column(scored, kind)})[:, 0]
    assert np.all((cells >= feature.low) & (cells <= feature.high))
    numbers = [(cell, row) for row, cell in enumerate(scored) if cell is not None and not math.isnan(cell)]
    in_order = [cells[row] for _, row in sorted(numbers)]
    assert in_order == sorted(in_order)


def test_text_is_no_feature() -> None:
    encoder = fit_encoder({"x": column([1.0, 2.0]), "channel": text_column(["web", None])})
    assert list(encoder.kinds) == ["x"]
    with pytest.raises(ModelError, match="no feature to train on"):
        fit_encoder({"channel": text_column(["web"])})


def test_wrong_columns_are_named() -> None:
    encoder: Encoder = fit_encoder({"a": column([1.0]), "b": column([1.0], Kind.MONEY)})
    with pytest.raises(ModelError, match="feature `b` has no column"):
        encoder.matrix({"a": column([1.0])})
    with pytest.raises(ModelError, match="feature `b`: the model reads money, got number"):
        encoder.matrix({"a": column([1.0]), "b": column([1.0])})
    with pytest.raises(ModelError, match="feature `b`: 2 rows, but others have 1"):
        gather({"a": column([1.0]), "b": column([1.0, 2.0])}, {"a": Kind.NUMBER, "b": Kind.NUMBER})
