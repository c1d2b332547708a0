"""The reservoir: all rows below its limit, a uniform sample above it, the same for the same seed."""

import numpy as np
import pytest

from models.sampling import CHUNK, Reservoir


def filled(rows: int, limit: int, seed: int = 0) -> Reservoir:
    reservoir = Reservoir(2, limit, seed)
    for row in range(rows):
        reservoir.add([float(row), -float(row)])
    return reservoir


@pytest.mark.parametrize("rows", [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 3])
def test_all_rows_are_kept_up_to_the_limit(rows: int) -> None:
    reservoir = filled(rows, 2 * CHUNK + 3)
    kept = reservoir.rows()
    assert kept.shape == (rows, 2)
    assert np.array_equal(kept[:, 0], np.arange(rows))
    assert reservoir.seen == rows


@pytest.mark.parametrize("limit", [1, 100, CHUNK, CHUNK + 1])
def test_never_more_than_the_limit_and_no_row_twice(limit: int) -> None:
    reservoir = filled(3 * CHUNK + 5, limit)
    kept = reservoir.rows()
    assert kept.shape == (limit, 2)
    assert len(np.unique(kept[:, 0])) == limit
    assert np.array_equal(kept[:, 0], -kept[:, 1])
    assert reservoir.seen == 3 * CHUNK + 5


def test_the_choice_follows_from_the_seed() -> None:
    assert np.array_equal(filled(20_000, 50, seed=3).rows(), filled(20_000, 50, seed=3).rows())
    assert not np.array_equal(filled(20_000, 50, seed=3).rows(), filled(20_000, 50, seed=4).rows())


def test_every_row_has_the_same_chance() -> None:
    """40 samples of 1,000 from 10,000 rows: each tenth of the rows gives a tenth, within five deviations."""
    bands = np.zeros(10)
    for seed in range(40):
        bands += np.bincount((filled(10_000, 1000, seed).rows()[:, 0] // 1000).astype(int), minlength=10)
    drawn = 40 * 1000
    deviation = np.sqrt(drawn * 0.1 * 0.9)
    assert np.abs(bands - drawn / 10).max() < 5 * deviation
