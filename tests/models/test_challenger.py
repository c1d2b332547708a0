"""Challenger and blend: what they may learn from, that they learn it, and the same when trained twice."""

import numpy as np
import pytest

from events.columns import Bools, Column, Kind
from models.blending import train_blend
from models.challenger import Course, Lessons, lessons, train_challenger
from models.committee import Committee
from models.errors import ModelError
from models.manifest import Algorithm, Pack
from models.material import Material
from models.training import Growth
from tests.models.making import DAY, START, trade

PACK = Pack("trade-core@1", "0" * 64)
TYPE = "order.placed"
COURSE, GROWTH = Course(rounds=15), Growth(trees=20)


def material(rows: int, seed: int = 0) -> tuple[Material, Bools]:
    """Events of two weeks, and which are bad: many orders of a big customer, of which one rule hits most."""
    columns = trade(rows, seed)
    size, orders = columns["ordered_24h"].values, columns["orders_24h"].values
    bad = (size > np.quantile(size, 0.8)) & (orders >= 5)
    rng = np.random.default_rng(seed)
    everywhere = np.ones(rows, np.bool_)
    columns["sharp"] = Column(bad & (rng.random(rows) < 0.7), everywhere, Kind.BOOL)
    columns["vain"] = Column(rng.random(rows) < 0.05, everywhere, Kind.BOOL)
    return (
        Material(
            events=np.array([f"e{row}" for row in range(rows)], object),
            types=np.full(rows, TYPE, object),
            groups=np.array([f"g{row % 50}" for row in range(rows)], object),
            occurred_at=START + np.arange(rows, dtype=np.int64) * (14 * DAY) // rows,
            columns=columns,
            seen=rows,
        ),
        bad,
    )


FEATURES = tuple(trade(1))


@pytest.fixture(scope="module")
def taught() -> Lessons:
    return Lessons(*material(4_000))


def test_only_what_is_known_teaches() -> None:
    events, _ = material(1_400)
    told = lessons(events, {"e0", "e1399"}, until=START + 13 * DAY, settled=7 * DAY)
    days = (told.material.occurred_at - START) / DAY
    assert days.max() <= 6.0  # younger events may still turn out bad; the one that is known to be comes later
    assert told.material.events[told.bad].tolist() == ["e0"]
    known = lessons(events, {"e0", "e1200"}, until=START + 13 * DAY, settled=7 * DAY)
    assert known.material.events[known.bad].tolist() == ["e0", "e1200"]
    assert len(lessons(events, set()).material) == 1_400


def test_the_challenger_finds_what_it_was_taught(taught: Lessons) -> None:
    model = train_challenger(taught, PACK, COURSE, features=FEATURES, event_types=(TYPE,))
    assert model.manifest.algorithm is Algorithm.GRADIENT_BOOSTING
    assert model.feature_names == FEATURES
    later, bad = material(2_000, seed=5)
    scores = model.score(later.columns).score
    assert scores[bad].min() > 0.5 > np.quantile(scores[~bad], 0.95)
    again = train_challenger(taught, PACK, COURSE, features=FEATURES, event_types=(TYPE,))
    assert again.id == model.id
    assert again.parts == model.parts


def test_the_blend_hears_rules_that_are_right(taught: Lessons) -> None:
    given = {"features": FEATURES, "rules": ("sharp", "vain"), "event_types": (TYPE,)}
    model = train_blend(taught, PACK, GROWTH, COURSE, **given)
    assert model.manifest.algorithm is Algorithm.BLEND
    assert isinstance(model.scorer, Committee)
    weights = model.scorer.blend.rules
    assert weights["sharp"] > 0.5
    assert weights["sharp"] > 2 * weights["vain"]
    later, bad = material(2_000, seed=5)
    columns = dict(later.columns)
    scores = model.score(columns).score
    assert scores[bad].min() > np.quantile(scores[~bad], 0.95)
    again = train_blend(taught, PACK, GROWTH, COURSE, **given)
    assert (again.id, again.parts) == (model.id, model.parts)
    cells = model.encoder.matrix(columns)
    shares = model.scorer.explain(cells)
    assert np.abs(shares.sum(axis=1) - (model.scorer.score(cells) - model.scorer.base)).max() <= 1e-6


def test_too_few_bad_events_teach_nothing(taught: Lessons) -> None:
    few = Lessons(taught.material, np.arange(len(taught.bad)) < 3)
    with pytest.raises(ModelError, match="3 bad events and 3997 others to train on"):
        train_challenger(few, PACK, COURSE, features=FEATURES, event_types=(TYPE,))
    with pytest.raises(ModelError, match="no feature to train on"):
        train_challenger(taught, PACK, COURSE, features=(), event_types=(TYPE,))
