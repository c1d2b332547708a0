"""Segments: every value has one, and they hold about equally many training rows."""

import math

import numpy as np
import pytest

from events.columns import Column, Kind
from models.errors import ModelError
from models.segments import Segmentation, segmentation
from tests.models.making import column


def test_rows_are_parted_evenly() -> None:
    values = np.random.default_rng(0).lognormal(10, 2, 9000)
    amounts = Column(values, np.ones(9000, np.bool_), Kind.MONEY)
    found = segmentation("ordered_90d", amounts, 3)
    assert np.bincount(found.codes(amounts), minlength=found.count).tolist() == [0, 3000, 3000, 3000]


def test_unknown_is_a_segment_of_its_own() -> None:
    found = Segmentation("orders", Kind.NUMBER, (3.0, 10.0))
    codes = found.codes(column([None, -math.inf, 2.9, 3.0, 9.0, 10.0, math.inf, math.nan]))
    assert codes.tolist() == [0, 1, 1, 2, 2, 3, 3, 0]


def test_segments_that_would_be_empty_fall_together() -> None:
    numbers = column([1.0] * 90 + [2.0] * 10)
    assert segmentation("orders", numbers, 5).edges == ()
    numbers = column([1.0] * 50 + [2.0] * 50)
    assert segmentation("orders", numbers, 5).edges == (2.0,)
    assert segmentation("orders", column([None] * 5), 5).edges == ()


def test_wrong_features_and_numbers_are_refused() -> None:
    with pytest.raises(ModelError, match="segments by `night`: expected money or a number, got bool"):
        segmentation("night", Column(np.zeros(3, np.bool_), np.ones(3, np.bool_), Kind.BOOL), 3)
    with pytest.raises(ModelError, match="segments: expected 2 to 20, got 21"):
        segmentation("orders", column([1.0]), 21)
    with pytest.raises(ModelError, match="the model reads number, got money"):
        Segmentation("orders", Kind.NUMBER, ()).codes(column([1.0], Kind.MONEY))
