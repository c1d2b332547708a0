"""The flat forest scores exactly as scikit-learn does, whatever the data, the batch and the thread."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.ensemble import IsolationForest
from sklearn.tree import ExtraTreeRegressor

from events.columns import Float64s
from models.errors import ModelError
from models.features import Float32s
from models.forest import Forest, flatten
from models.model import Model
from tests.models.making import trade

TOLERANCE = 1e-7


def grown(cells: Float32s, trees: int = 20, samples: int = 256, seed: int = 0) -> Any:
    """A fitted scikit-learn forest."""
    samples = min(samples, len(cells))
    return IsolationForest(n_estimators=trees, max_samples=samples, random_state=seed).fit(cells)


def drawn(seed: int, rows: int, width: int) -> Float32s:
    """A matrix whose columns are constant, tied, tiny, huge, heavy-tailed or normal; some rows come again."""
    rng = np.random.default_rng(seed)
    cells = np.stack([drawn_column(rng, rows) for _ in range(width)], axis=1).astype(np.float32)
    again = rng.random(rows) < rng.choice([0.0, 0.5])
    cells[again] = cells[rng.integers(0, rows, again.sum())]
    return cells


def extremes(width: int) -> Float32s:
    """Rows of the least and greatest numbers that 32 bits hold, of both zeros, and of mixtures."""
    most = np.finfo(np.float32).max
    least = np.finfo(np.float32).smallest_subnormal
    numbers = np.array([-most, -least, -0.0, 0.0, least, most], np.float32)
    alike, mixed = np.zeros(width, np.int64), np.arange(width)
    return np.concatenate([numbers[(np.arange(6)[:, np.newaxis] + shift) % 6] for shift in (alike, mixed)])


def drawn_column(rng: np.random.Generator, rows: int) -> Float64s:
    normal = rng.normal(size=rows)
    match rng.integers(6):
        case 0:
            return np.full(rows, normal[0])
        case 1:
            return rng.integers(0, 3, rows).astype(np.float64)
        case 2:
            return normal * 1e-30
        case 3:
            return normal * 1e29
        case 4:
            return np.exp(4.0 * normal)
        case _:
            return normal


def at_the_thresholds(estimator: Any, cells: Float32s) -> Float32s:
    """Rows of `cells` with values on, next above and next below splits, where rounding would show."""
    edges = [cells]
    for member in estimator.estimators_:
        tree = member.tree_
        inner = np.flatnonzero(tree.children_left >= 0)
        for nudge in (-np.inf, 0.0, np.inf):
            rows = cells[np.arange(len(inner)) % len(cells)].copy()
            exact = tree.threshold[inner].astype(np.float32)
            moved = exact if nudge == 0.0 else np.nextafter(exact, np.float32(nudge))
            rows[np.arange(len(inner)), tree.feature[inner]] = moved
            edges.append(rows)
    return np.concatenate(edges)


@settings(derandomize=True, deadline=None, database=None, max_examples=100)
@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(1, 400),
    width=st.integers(1, 9),
    trees=st.integers(1, 12),
    samples=st.integers(1, 400),
)
def test_scores_equal_those_of_scikit_learn(
    seed: int, rows: int, width: int, trees: int, samples: int
) -> None:
    cells = drawn(seed, rows, width)
    estimator = grown(cells, trees, samples, seed)
    forest = flatten(estimator)
    asked = at_the_thresholds(estimator, np.concatenate([cells, drawn(seed + 1, 70, width), extremes(width)]))
    assert np.abs(forest.score(asked) + estimator.score_samples(asked)).max() <= TOLERANCE


def test_data_without_any_difference_score_one_half() -> None:
    forest = flatten(grown(np.ones((300, 3), np.float32)))
    assert forest.score(np.zeros((2, 3), np.float32)).tolist() == [0.5, 0.5]


def test_a_row_scores_the_same_in_any_batch() -> None:
    cells = drawn(3, 500, 6)
    forest = flatten(grown(cells))
    whole = forest.score(cells)
    for size in (1, 7, 63, 64, 65, 128):
        parts = [forest.score(cells[start : start + size]) for start in range(0, len(cells), size)]
        assert np.array_equal(np.concatenate(parts), whole), size
    assert forest.score(cells[:0]).shape == (0,)


def test_threads_score_at_the_same_time_and_alike() -> None:
    cells = drawn(4, 3000, 6)
    forest = flatten(grown(cells))
    alone = forest.score(cells)
    with ThreadPoolExecutor(4) as threads:
        for together in threads.map(forest.score, [cells] * 32):
            assert np.array_equal(together, alone)


def test_matrix_of_another_width_is_refused() -> None:
    forest = flatten(grown(drawn(5, 100, 3)))
    with pytest.raises(ModelError, match="read 3 columns"):
        forest.score(np.zeros((10, 2), np.float32))
    with pytest.raises(ModelError, match="read 3 columns"):
        forest.score(np.zeros(10, np.float32))


def damaged(field: str, node: int, value: float) -> Any:
    """A forest in whose first tree one number of one node was changed."""
    estimator = grown(drawn(6, 300, 4), trees=3)
    tree = estimator.estimators_[0].tree_
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    nodes[field][node] = value
    tree.__setstate__({**state, "nodes": nodes})
    return estimator


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("left_child", 10**6),
        ("right_child", 10**6),
        ("right_child", -5),
        ("left_child", 0),
        ("right_child", 1),
        ("left_child", -1),
        ("feature", 4),
        ("feature", -7),
        ("threshold", np.nan),
        ("threshold", np.inf),
        ("n_node_samples", 0),
        ("n_node_samples", 7),
    ],
)
def test_damaged_tree_is_refused(field: str, value: float) -> None:
    flatten(damaged("left_child", 0, 1))  # what it is anyway
    with pytest.raises(ModelError, match=r"damaged|different numbers of rows"):
        flatten(damaged(field, 0, value))


def test_forest_whose_trees_read_only_some_columns_is_refused() -> None:
    cells = drawn(7, 100, 4)
    estimator = IsolationForest(n_estimators=3, max_features=0.5, random_state=0).fit(cells)
    with pytest.raises(ModelError, match="different columns"):
        flatten(estimator)


def test_deep_tree_is_walked_to_its_leaves() -> None:
    """A chain: each split parts one row from the rest, far deeper than a forest's own trees."""
    cells = (2.0 ** np.arange(60))[:, np.newaxis].astype(np.float32)
    estimator = grown(cells, trees=1, samples=60)
    chain = ExtraTreeRegressor(random_state=0).fit(cells, np.arange(60))
    estimator.estimators_ = [chain]
    forest: Forest = flatten(estimator)
    depths = chain.tree_.compute_node_depths()[chain.apply(cells)] - 1
    assert forest.trees.heights[0] == depths.max() > 8
    assert forest.lengths(cells) == pytest.approx(depths)


def test_scoring_is_fast(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    """Target 5 µs per event for 100 trees × 12 features; the bound leaves room for a busy machine."""
    figures = {}
    for rows in (1, 100, 1000, 10_000):
        batch = trade(rows, seed=1)
        rounds = max(1, 2000 // rows)
        best = float("inf")
        for _ in range(5):
            began = time.perf_counter()
            for _ in range(rounds):
                model.score(batch)
            best = min(best, time.perf_counter() - began)
        figures[rows] = best / rounds / rows * 1e6
    with capsys.disabled():
        text = ", ".join(f"{rows}: {figure:.2f}" for rows, figure in figures.items())
        sys.stdout.write(f"\n  model score, µs per event by batch size: {text}\n")
    assert max(figures[rows] for rows in (100, 1000, 10_000)) <= 20.0


def test_contributions_add_up_to_the_score_less_the_base() -> None:
    cells = drawn(8, 600, 6)
    forest = flatten(grown(cells, trees=50))
    contributions = forest.explain(cells)
    assert np.isfinite(contributions).all()
    assert contributions.sum(axis=1) == pytest.approx(forest.score(cells) - forest.base, abs=1e-9)


def test_contributions_have_the_proportions_of_the_path_lengths() -> None:
    cells = drawn(9, 300, 5)
    forest = flatten(grown(cells))
    changes = forest.trees.shapley(cells)
    slopes = (forest.score(cells) - forest.base) / changes.sum(axis=1)
    assert (slopes < 0.0).all()  # longer paths are less anomalous
    assert forest.explain(cells) == pytest.approx(changes * slopes[:, np.newaxis], abs=1e-12)


def test_data_without_any_difference_have_nothing_to_explain() -> None:
    forest = flatten(grown(np.ones((300, 3), np.float32)))
    assert not forest.explain(np.zeros((2, 3), np.float32)).any()


def test_base_is_the_score_of_the_mean_path_length_of_the_training_rows() -> None:
    cells = np.random.default_rng(12).normal(size=(64, 3)).astype(np.float32)
    forest = flatten(grown(cells, trees=4, samples=64))
    mean = forest.lengths(cells).mean()  # each tree saw all 64 rows
    assert forest.base == pytest.approx(2.0 ** (-mean / forest.scale), abs=1e-9)


@pytest.mark.parametrize("planted", range(5))
def test_planted_cause_leads(planted: int) -> None:
    cells = np.random.default_rng(14).normal(size=(2000, 5)).astype(np.float32)
    forest = flatten(grown(cells, trees=100))
    odd = np.zeros((2, 5), np.float32)
    odd[0, planted], odd[1, planted] = 9.0, -9.0
    contributions = forest.explain(odd)
    assert contributions.argmax(axis=1).tolist() == [planted, planted]
    assert (contributions[:, planted] > 0.05).all()
    assert (np.delete(contributions, planted, axis=1) < 0.01).all()
