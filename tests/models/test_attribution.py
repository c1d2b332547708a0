"""Contributions: they add up, agree with a walk over scikit-learn's own trees, and find the planted cause."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.ensemble import IsolationForest

from events.columns import Float64s
from models.attribution import attribute
from models.features import Float32s
from models.forest import expected_length, flatten


def grown(seed: int, rows: int, width: int, trees: int) -> tuple[Any, Float32s]:
    """A fitted forest and its data, in which the last of several columns is constant."""
    cells = np.random.default_rng(seed).lognormal(size=(rows, width)).astype(np.float32)
    if width > 1:
        cells[:, -1] = 1.0
    return IsolationForest(n_estimators=trees, max_samples=min(64, rows), random_state=seed).fit(cells), cells


def oracle(estimator: Any, cells: Float32s) -> Float64s:
    """Change of the expected path length by column, walked in plain Python over scikit-learn's trees."""
    changes = np.zeros(cells.shape)
    for member in estimator.estimators_:
        tree = member.tree_
        left, right, rows = tree.children_left, tree.children_right, tree.n_node_samples

        def expected(node: int, depth: int, left: Any = left, right: Any = right, rows: Any = rows) -> float:
            if left[node] < 0:
                return depth + expected_length(int(rows[node]))
            pair = (left[node], right[node])
            return float(sum(rows[child] * expected(child, depth + 1) for child in pair) / rows[node])

        for row, line in enumerate(cells):
            node, depth = 0, 0
            while left[node] >= 0:
                column = tree.feature[node]
                below = left[node] if line[column] <= tree.threshold[node] else right[node]
                changes[row, column] += expected(below, depth + 1) - expected(node, depth)
                node, depth = below, depth + 1
    return changes


@settings(derandomize=True, deadline=None, database=None, max_examples=40)
@given(
    seed=st.integers(0, 2**31), rows=st.integers(1, 200), width=st.integers(1, 6), trees=st.integers(1, 10)
)
def test_contributions_add_up_to_the_score_less_the_base(
    seed: int, rows: int, width: int, trees: int
) -> None:
    estimator, cells = grown(seed, rows, width, trees)
    forest = flatten(estimator)
    contributions = attribute(forest, cells)
    assert contributions.shape == cells.shape
    assert np.isfinite(contributions).all()
    assert contributions.sum(axis=1) == pytest.approx(forest.score(cells) - forest.base, abs=1e-9)


def test_contributions_have_the_proportions_of_an_independent_walk() -> None:
    estimator, cells = grown(11, 150, 4, 8)
    forest = flatten(estimator)
    asked = cells[:25]
    changes = oracle(estimator, asked)
    differences = forest.score(asked) - forest.base
    wanted = changes * (differences / changes.sum(axis=1))[:, np.newaxis]
    assert attribute(forest, asked) == pytest.approx(wanted, abs=1e-9)


def test_base_is_the_score_of_the_mean_path_length_of_the_training_rows() -> None:
    cells = np.random.default_rng(12).normal(size=(64, 3)).astype(np.float32)
    forest = flatten(IsolationForest(n_estimators=4, max_samples=64, random_state=0).fit(cells))
    mean = forest.lengths(cells).mean()  # each tree saw all 64 rows
    assert forest.base == pytest.approx(2.0 ** (-mean / forest.scale), abs=1e-9)


def test_column_without_a_split_contributes_nothing() -> None:
    estimator, cells = grown(13, 200, 4, 10)
    assert not attribute(flatten(estimator), cells)[:, -1].any()


@pytest.mark.parametrize("planted", range(5))
def test_planted_cause_leads(planted: int) -> None:
    rng = np.random.default_rng(14)
    cells = rng.normal(size=(2000, 5)).astype(np.float32)
    forest = flatten(IsolationForest(n_estimators=100, max_samples=256, random_state=0).fit(cells))
    odd = np.zeros((2, 5), np.float32)
    odd[0, planted], odd[1, planted] = 9.0, -9.0
    contributions = attribute(forest, odd)
    assert contributions.argmax(axis=1).tolist() == [planted, planted]
    assert (contributions[:, planted] > 0.05).all()
    assert (np.delete(contributions, planted, axis=1) < 0.01).all()
