"""What processes saw and said of models adds up over calls and processes."""

import numpy as np
import pytest
from sqlalchemy import Engine

from models.comparison import DayOf, Pair, agreement
from models.reference import Reference
from store.postgres.rules.model_watch import ModelWatchStore
from tests.models.making import trade

REFERENCE = Reference.of(trade(2000), np.random.default_rng(0).random(2000))
PAIR = Pair("champion", "shadow")


def seen(rows: int, seed: int) -> np.ndarray:
    return REFERENCE.count(trade(rows, seed=seed), np.random.default_rng(seed).random(rows))


@pytest.fixture
def stores(engine: Engine) -> tuple[ModelWatchStore, ModelWatchStore]:
    return ModelWatchStore(engine, "one", lambda: 1000), ModelWatchStore(engine, "two", lambda: 2000)


def test_days_add_up(stores: tuple[ModelWatchStore, ModelWatchStore], engine: Engine) -> None:
    one, two = stores
    one.add({DayOf("m", 20_000): seen(600, 1), DayOf("m", 20_001): seen(50, 2)}, {})
    one.add({DayOf("m", 20_000): seen(300, 3)}, {})
    two.add({DayOf("m", 20_000): seen(100, 4), DayOf("other", 20_000): seen(9, 5)}, {})
    report = ModelWatchStore(engine).report("m", REFERENCE)
    assert (report.events, [(day.day, day.events) for day in report.days]) == (
        1050,
        [(20_000, 1000), (20_001, 50)],
    )
    assert all(one.index is not None and one.index < 0.1 for one in report.features)
    assert all(one.index is None for one in report.days[1].features)
    assert ModelWatchStore(engine).report("m", REFERENCE, days=1).events == 50
    assert ModelWatchStore(engine).report("unknown", REFERENCE).events == 0


def test_counts_of_another_shape_are_left_out(engine: Engine) -> None:
    ModelWatchStore(engine, "one").add({DayOf("m", 1): np.ones((2, 2), np.int64)}, {})
    assert ModelWatchStore(engine).report("m", REFERENCE).events == 0


def test_pairs_add_up(stores: tuple[ModelWatchStore, ModelWatchStore], engine: Engine) -> None:
    one, two = stores
    first = agreement(np.array([1.0, 1.0]), np.array([1.0, 0.0]), (0.9, 0.9), ["a", "b"])
    one.add({}, {PAIR: first})
    one.add({}, {PAIR: first})
    two.add({}, {PAIR: agreement(np.zeros(1), np.ones(1), (0.9, 0.9), ["c"])})
    two.add({}, {})
    [report] = ModelWatchStore(engine).comparisons("shadow")
    found = report.found
    assert (report.champion, found.events, found.both, found.champion, found.shadow) == (
        "champion",
        5,
        2,
        2,
        1,
    )
    assert (found.champion_only, found.shadow_only) == (("b", "b"), ("c",))
    assert (report.since, report.until) == (1000, 2000)
    assert ModelWatchStore(engine).comparisons("champion") == []
