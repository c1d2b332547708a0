"""Shapley values equal their definition on small trees, and those of the shap library on large ones."""

import itertools
import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import shap
from hypothesis import given, settings
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingClassifier, IsolationForest
from sklearn.tree import DecisionTreeRegressor

from events.columns import Float64s
from models.boosting import flatten as boosted
from models.features import Float32s
from models.forest import flatten
from models.trees import Trees, joined, levels_of, one_tree


def flat(estimators: list[Any], width: int) -> Trees:
    """The sum of fitted regression trees."""
    return joined(
        [
            one_tree(
                levels_of(tree.children_left, tree.children_right),
                tree.children_left,
                tree.feature,
                tree.threshold,
                tree.n_node_samples,
                tree.value[:, 0, 0],
                width,
            )
            for tree in (estimator.tree_ for estimator in estimators)
        ]
    )


def known(tree: Any, row: Float32s, columns: frozenset[int], node: int = 0) -> float:
    """Mean of the tree where only `columns` are known, by a walk over scikit-learn's own tree."""
    left, right = tree.children_left[node], tree.children_right[node]
    if left < 0:
        return float(tree.value[node, 0, 0])
    if tree.feature[node] in columns:
        return known(tree, row, columns, left if row[tree.feature[node]] <= tree.threshold[node] else right)
    rows = tree.n_node_samples
    both = sum(known(tree, row, columns, below) * int(rows[below]) for below in (left, right))
    return both / int(rows[node])


def by_definition(tree: Any, row: Float32s) -> list[float]:
    """The Shapley values by their definition: the mean change when a column joins, over all orders."""
    width = len(row)
    values = []
    for column in range(width):
        rest = [other for other in range(width) if other != column]
        total = 0.0
        for size in range(width):
            weight = math.factorial(size) * math.factorial(width - size - 1) / math.factorial(width)
            for chosen in itertools.combinations(rest, size):
                without = frozenset(chosen)
                total += weight * (known(tree, row, without | {column}) - known(tree, row, without))
        values.append(total)
    return values


@settings(derandomize=True, deadline=None, database=None, max_examples=60)
@given(seed=st.integers(0, 2**31), rows=st.integers(1, 60), width=st.integers(1, 5), depth=st.integers(1, 12))
def test_values_equal_their_definition(seed: int, rows: int, width: int, depth: int) -> None:
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, 6, (rows, width)).astype(np.float32)  # ties: columns come again on a path
    fitted = DecisionTreeRegressor(splitter="random", max_depth=depth, random_state=seed % 1000)
    fitted.fit(cells, rng.normal(size=rows))
    asked = rng.uniform(-1, 7, (4, width)).astype(np.float32)
    trees = flat([fitted], width)
    wanted = [by_definition(fitted.tree_, row) for row in asked]
    assert trees.shapley(asked) == pytest.approx(np.array(wanted), abs=1e-9)


@settings(derandomize=True, deadline=None, database=None, max_examples=40)
@given(
    seed=st.integers(0, 2**31), rows=st.integers(1, 300), width=st.integers(1, 9), trees=st.integers(1, 10)
)
def test_values_add_up_to_the_sum_less_the_mean(seed: int, rows: int, width: int, trees: int) -> None:
    rng = np.random.default_rng(seed)
    cells = rng.lognormal(size=(rows, width)).astype(np.float32)
    if width > 1:
        cells[:, -1] = 1.0
    fitted = IsolationForest(n_estimators=trees, max_samples=min(256, rows), random_state=seed).fit(cells)
    summed = flatten(fitted).trees
    values = summed.shapley(cells)
    assert values.shape == cells.shape
    assert np.isfinite(values).all()
    assert values.sum(axis=1) == pytest.approx(summed.sums(cells) - summed.mean, abs=1e-9)
    if width > 1:
        assert not values[:, -1].any()


def test_values_of_an_isolation_forest_are_those_of_the_shap_library() -> None:
    rng = np.random.default_rng(21)
    cells = rng.lognormal(size=(3000, 12)).astype(np.float32)
    cells[:, 3] = rng.integers(0, 3, len(cells))
    fitted = IsolationForest(n_estimators=100, max_samples=256, random_state=2).fit(cells)
    trees = flatten(fitted).trees
    explainer = shap.TreeExplainer(fitted)  # of the mean path length, where ours is of the sum
    wanted: Float64s = explainer.shap_values(cells[:200])
    assert np.abs(trees.shapley(cells[:200]) / 100 - wanted).max() <= 1e-6
    assert explainer.expected_value == pytest.approx(trees.mean / 100, abs=1e-6)


def test_values_of_deep_trees_are_those_of_the_shap_library() -> None:
    rng = np.random.default_rng(22)
    cells = rng.normal(size=(2000, 15)).astype(np.float32)
    target = cells[:, 0] * cells[:, 1] + np.sin(3 * cells[:, 2]) + rng.normal(size=len(cells))
    fitted = ExtraTreesRegressor(n_estimators=5, random_state=3).fit(cells, target)
    trees = flat(list(fitted.estimators_), 15)
    assert trees.heights.max() >= 20
    wanted: Float64s = shap.TreeExplainer(fitted).shap_values(cells[:50])
    assert np.abs(trees.shapley(cells[:50]) / 5 - wanted).max() <= 1e-6


def test_a_row_has_the_same_values_in_any_batch() -> None:
    cells = np.random.default_rng(23).normal(size=(200, 6)).astype(np.float32)
    trees = flatten(IsolationForest(n_estimators=20, max_samples=128, random_state=0).fit(cells)).trees
    whole = trees.shapley(cells)
    assert np.array_equal(np.concatenate([trees.shapley(cells[[row]]) for row in range(200)]), whole)
    assert trees.shapley(cells[:0]).shape == (0, 6)


def test_values_of_boosted_trees_are_those_of_the_shap_library() -> None:
    rng = np.random.default_rng(24)
    cells = rng.normal(size=(3000, 10)).astype(np.float32)
    cells[:, 4] = rng.integers(0, 3, len(cells))
    bad = cells[:, 0] * cells[:, 1] + cells[:, 4] + rng.normal(size=len(cells)) > 2
    fitted = HistGradientBoostingClassifier(max_iter=40, early_stopping=False, random_state=4)
    fitted.fit(cells, bad)
    boosting = boosted(fitted)
    asked = rng.normal(size=(100, 10)).astype(np.float32)
    wanted: Float64s = shap.TreeExplainer(fitted).shap_values(asked)
    assert np.abs(boosting.trees.shapley(asked) - wanted).max() <= 1e-6
    sums = boosting.trees.sums(asked) - boosting.trees.mean
    assert boosting.trees.shapley(asked).sum(axis=1) == pytest.approx(sums, abs=1e-9)
