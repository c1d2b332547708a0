"""The blend: weights that are never below zero, found again where they are known, kept bit by bit."""

import numpy as np
import pytest

from events.columns import Bools, Float64s
from models.blend import Blend, fit_blend, of_json
from models.boosting import probability
from models.errors import ModelError

ROWS = 20_000
BLEND = Blend(base=-4.0, forest=0.3, challenger=0.7, rules={"sharp": 2.0, "vain": 0.0})


def words(seed: int = 0) -> tuple[Float64s, Float64s, dict[str, Bools]]:
    """Percentiles, probabilities and hits of events."""
    rng = np.random.default_rng(seed)
    return (
        rng.random(ROWS),
        probability(rng.normal(-1, 2, ROWS)),
        {"sharp": rng.random(ROWS) < 0.05, "vain": rng.random(ROWS) < 0.05},
    )


def test_weights_are_found_again() -> None:
    said = words()
    bad = np.random.default_rng(1).random(ROWS) < BLEND.risk(*said)
    found = fit_blend(*said, bad)
    assert found.base == pytest.approx(BLEND.base, abs=0.2)
    assert found.forest == pytest.approx(0.3, abs=0.1)
    assert found.challenger == pytest.approx(0.7, abs=0.1)
    assert found.rules["sharp"] == pytest.approx(2.0, abs=0.3)
    assert found.rules["vain"] == pytest.approx(0.0, abs=0.3)
    assert fit_blend(*said, bad) == found
    # Nothing moves the weights any more: the slope of the likelihood is that of the ridge.
    risk = found.risk(*said)
    assert (risk - bad).sum() == pytest.approx(0.0, abs=1e-4)
    assert (risk - bad)[said[2]["sharp"]].sum() == pytest.approx(-found.rules["sharp"], abs=1e-4)


def test_what_speaks_against_harm_is_not_heard() -> None:
    percentile, likely, hits = words()
    bad = likely > 0.9
    bad[hits["sharp"]] = False
    found = fit_blend(1 - percentile, likely, hits, bad)
    assert found.rules["sharp"] == 0.0
    assert min(found.forest, found.challenger, *found.rules.values()) >= 0.0
    everywhere = {name: np.ones(ROWS, np.bool_) for name in hits}
    higher = found.risk(percentile, np.minimum(likely + 0.1, 1.0), everywhere)
    assert (higher >= found.risk(percentile, likely, hits)).all()


def test_extremes_stay_numbers() -> None:
    hits = {"sharp": np.array([True, False]), "vain": np.array([True, False])}
    risk = BLEND.risk(np.array([1.0, 0.0]), np.array([1.0, 0.0]), hits)
    assert 0.0 <= risk[1] < risk[0] <= 1.0
    parted = fit_blend(np.zeros(200), np.repeat([0.0, 1.0], 100), {}, np.repeat([False, True], 100))
    assert np.isfinite([parted.base, parted.challenger]).all()


def test_json_keeps_every_bit_and_nothing_else() -> None:
    blend = Blend(base=-1 / 3, forest=0.1, challenger=2 / 3, rules={"sharp": 1 / 7})
    assert of_json(blend.to_json()) == blend
    for broken in (
        b"{}",
        b"\xff",
        b'{"base": 0, "forest": -1, "challenger": 0, "rules": {}}',
        b'{"base": 0, "forest": 0, "challenger": 0, "rules": {"x": -0.5}}',
        b'{"base": null, "forest": 0, "challenger": 0, "rules": {}}',
        b'{"base": 0, "forest": 0, "challenger": 0, "rules": {}, "more": 1}',
    ):
        with pytest.raises(ModelError, match="blend is damaged"):
            of_json(broken)


def test_it_says_what_is_missing() -> None:
    percentile, likely, hits = words()
    with pytest.raises(ModelError, match="rule `sharp`, which nobody evaluated"):
        BLEND.risk(percentile, likely, {"vain": hits["vain"]})
    with pytest.raises(ModelError, match="0 of 20000 events are bad"):
        fit_blend(percentile, likely, hits, np.zeros(ROWS, np.bool_))
