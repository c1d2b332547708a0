"""The reservoir: all rows below its limit, a uniform sample above it, the same for the same seed."""

import numpy as np
import numpy.typing as npt
import pytest

from models.sampling import Reservoir

CHUNK = 8192


def kept(rows: int, limit: int, seed: int = 0, chunk: int = CHUNK) -> npt.NDArray[np.int64]:
    """The rows that are kept of so many, by slot."""
    reservoir = Reservoir(limit, seed)
    held = np.full(min(limit, rows), -1)
    for start in range(0, rows, chunk):
        places, slots = reservoir.offer(min(chunk, rows - start))
        held[slots] = start + places
    assert reservoir.seen == rows
    return held


@pytest.mark.parametrize("rows", [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 3])
def test_all_rows_are_kept_up_to_the_limit(rows: int) -> None:
    assert kept(rows, 2 * CHUNK + 3).tolist() == list(range(rows))


@pytest.mark.parametrize("limit", [1, 100, CHUNK, CHUNK + 1])
def test_never_more_than_the_limit_and_no_row_twice(limit: int) -> None:
    held = kept(3 * CHUNK + 5, limit)
    assert len(np.unique(held)) == limit
    assert held.min() >= 0


def test_the_choice_follows_from_the_seed_and_not_from_the_batches() -> None:
    assert np.array_equal(kept(20_000, 50, seed=3), kept(20_000, 50, seed=3, chunk=7))
    assert not np.array_equal(kept(20_000, 50, seed=3), kept(20_000, 50, seed=4))


def test_every_row_has_the_same_chance() -> None:
    """40 samples of 1,000 from 10,000 rows: each tenth of the rows gives a tenth, within five deviations."""
    bands = np.zeros(10)
    for seed in range(40):
        bands += np.bincount(kept(10_000, 1000, seed) // 1000, minlength=10)
    drawn = 40 * 1000
    deviation = np.sqrt(drawn * 0.1 * 0.9)
    assert np.abs(bands - drawn / 10).max() < 5 * deviation
