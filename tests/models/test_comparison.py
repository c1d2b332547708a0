"""Two models on the same events, added up over batches."""

import numpy as np
import pytest

from models.comparison import EXAMPLES, GRID, DayOf, ModelTally, Pair, agreement


def names(count: int) -> list[str]:
    return [f"e{row}" for row in range(count)]


def test_what_each_would_raise() -> None:
    champion, shadow = np.array([0.5, 0.999, 0.999, 0.2, 1.0]), np.array([0.5, 0.995, 0.9, 0.995, 0.0])
    found = agreement(champion, shadow, (0.99, 0.99), names(5))
    assert (found.events, found.both, found.champion, found.shadow) == (5, 1, 2, 1)
    assert (found.champion_only, found.shadow_only) == (("e2", "e4"), ("e3",))
    assert found.grid[5 * GRID + 5] == 1
    assert found.grid[9 * GRID + 0] == 1


def test_batches_add_up_with_a_bounded_number_of_examples() -> None:
    champion, shadow = np.full(20, 1.0), np.zeros(20)
    one = agreement(champion, shadow, (0.99, 0.99), names(20))
    both = one.joined(one)
    assert (both.events, both.champion, len(both.champion_only)) == (40, 40, EXAMPLES)


@pytest.mark.parametrize(("noise", "low", "high"), [(0.0, 0.99, 1.0), (0.1, 0.8, 0.99), (10.0, -0.1, 0.2)])
def test_correlation_falls_with_noise(noise: float, low: float, high: float) -> None:
    rng = np.random.default_rng(0)
    champion = rng.random(20_000)
    mixed = champion + noise * rng.normal(size=20_000)
    shadow = mixed.argsort().argsort() / 20_000
    found = agreement(champion, shadow, (0.99, 0.99), names(20_000)).correlation
    assert found is not None
    assert low <= found <= high


def test_what_says_one_thing_only_has_no_correlation() -> None:
    assert agreement(np.zeros(3), np.array([0.1, 0.5, 0.9]), (1.0, 1.0), names(3)).correlation is None
    assert agreement(np.zeros(0), np.zeros(0), (1.0, 1.0), []).correlation is None


def test_the_tally_gives_what_was_added_once_and_takes_it_back() -> None:
    tally, day, pair = ModelTally(), DayOf("m", 20_000), Pair("a", "b")
    one = agreement(np.ones(1), np.ones(1), (0.9, 0.9), ["e"])
    for _ in range(2):
        tally.saw(day, np.ones((2, 3), np.int64))
        tally.said(pair, one)
    days, pairs = tally.take()
    assert days[day].tolist() == [[2, 2, 2], [2, 2, 2]]
    assert pairs[pair].both == 2
    assert tally.take() == ({}, {})
    tally.put_back(days, pairs)
    tally.saw(day, np.ones((2, 3), np.int64))
    assert tally.take()[0][day].sum() == 18
