import pytest

from simulation.dice import Dice


def draws(dice: Dice) -> list[float]:
    return [dice.uniform() for _ in range(2_000)]


def test_each_purpose_and_day_has_a_stream_of_its_own() -> None:
    streams = [Dice(1, "a"), Dice(1, "b"), Dice(2, "a"), Dice(1, "a", 0), Dice(1, "a", 1)]
    assert len({tuple(draws(dice)) for dice in streams}) == len(streams)
    assert draws(Dice(1, "a")) == draws(Dice(1, "a"))


def test_draws_fit_their_ranges() -> None:
    dice = Dice(1, "test")
    assert {dice.between(2, 4) for _ in range(200)} == {2, 3, 4}
    assert {dice.pick("abc") for _ in range(200)} == set("abc")
    assert all(5 <= dice.uniform(5, 6) < 6 for _ in range(200))
    assert sorted(dice.shuffled(range(50))) == list(range(50))


def test_weights_and_medians_are_met() -> None:
    dice = Dice(1, "test")
    often = sum(dice.weighted(("often", "seldom"), (0.9, 1.0)) == "often" for _ in range(4_000))
    sizes = sorted(dice.lognormal(100.0, 0.5) for _ in range(4_001))
    assert often / 4_000 == pytest.approx(0.9, abs=0.02)
    assert sizes[2_000] == pytest.approx(100, rel=0.05)
