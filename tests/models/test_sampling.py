"""The reservoir: all rows up to its limit, then a uniform sample, the same for the same seed; the draw."""

import random

import numpy as np
import numpy.typing as npt
import pytest

from models.sampling import Draw, Reservoir

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


def drawn(names: list[str], limit: int) -> Draw[int]:
    draw: Draw[int] = Draw(limit)
    for place, name in enumerate(names):
        draw.offer(name, place)
    return draw


def test_a_draw_keeps_all_names_up_to_its_limit_and_of_one_name_the_first() -> None:
    draw = drawn(["a", "b", "a", "c"], 3)
    assert draw.kept == {"a": 0, "b": 1, "c": 3}
    assert draw.seen == 3


def test_a_draw_does_not_depend_on_order_and_repetition() -> None:
    names = [f"event-{number}" for number in range(5_000)]
    shuffled = names * 2
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    random.Random(seed).shuffle(shuffled)
    one, other = drawn(names, 1_000), drawn(shuffled, 1_000)
    assert one.kept.keys() == other.kept.keys()
    assert len(one.kept) == 1_000
    assert one.seen == other.seen == pytest.approx(5_000, rel=0.15)  # four standard errors and more


def test_a_draw_is_uniform() -> None:
    names = [f"event-{number}" for number in range(20_000)]
    places = np.array(list(drawn(names, 5_000).kept.values()))
    counts = np.bincount(places // 2_000, minlength=10)
    assert np.all(np.abs(counts - 500) < 100)  # five standard deviations
