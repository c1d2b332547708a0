"""The isolation forest: trees whose leaves hold path lengths, and the score that follows from their sum.

Score (Liu, Ting, Zhou 2008): 2 ** (-mean path length / c(samples)), 0–1, higher is more anomalous; it is the
negative of scikit-learn's `score_samples`.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from events.columns import Float64s
from models.errors import ModelError
from models.features import Float32s
from models.shapley import carried_over
from models.trees import Trees, joined, levels_of, one_tree
from windows.jit import compiled

EULER = 0.57721566490153286


@dataclass(frozen=True)
class Forest:
    """An isolation forest.

    Args:
        trees: the value of a leaf is the length of its path, with the length expected below it.
        scale: number of trees times c(rows per tree): the sum of path lengths that scores 0.5.
    """

    trees: Trees
    scale: float

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return self.trees.width

    @cached_property
    def base(self) -> float:
        """Score of a row whose paths are as long as those of the training rows in the mean."""
        return float(self.score_of(np.array([self.trees.mean]))[0])

    def lengths(self, cells: Float32s) -> Float64s:
        """Sum of each row's path lengths over all trees, shape (n,).

        Args:
            cells: the matrix, shape (n, width).

        Raises:
            ModelError: the matrix has another width.
        """
        return self.trees.sums(cells)

    def score_of(self, lengths: Float64s) -> Float64s:
        """Scores of sums of path lengths, both of shape (n,)."""
        scores = np.empty(len(lengths))
        _score(lengths, self.scale, scores)
        return scores

    def score(self, cells: Float32s) -> Float64s:
        """Scores of the rows of `cells`, 0–1, shape (n,)."""
        return self.score_of(self.lengths(cells))

    @property
    def arrays(self) -> tuple[tuple[npt.NDArray[Any], str], ...]:
        """All that the scores follow from, each with the layout that it is hashed in."""
        return self.trees.arrays

    def explain(self, cells: Float32s) -> Float64s:
        """Contribution of each column to each row's score, shape (n, width); positive means more anomalous.

        A row's contributions add up to its score less `base`. They are Shapley values of the path length; the
        score is a monotone function of it, so its difference is divided in the same proportions.

        Raises:
            ModelError: the matrix has another width.
        """
        scores = self.score(cells)
        slope = -math.log(2.0) * scores / (self.scale or 1.0)
        return carried_over(self.trees.shapley(cells), scores - self.base, slope)


@compiled
def _score(lengths: Float64s, scale: float, scores: Float64s) -> None:
    for row in range(len(lengths)):
        # A forest of single rows has no path at all; scikit-learn gives 0.5 there, and so do we.
        scores[row] = 2.0 ** (-lengths[row] / scale) if scale > 0.0 else 0.5


def expected_length(rows: int) -> float:
    """Mean path length c(n) of an unsuccessful search in a binary tree of n rows.

    >>> [expected_length(1), expected_length(2), round(expected_length(256), 4)]
    [0.0, 1.0, 10.2448]
    """
    if rows <= 2:  # noqa: PLR2004
        return float(max(rows - 1, 0))
    return 2.0 * (math.log(rows - 1.0) + EULER) - 2.0 * (rows - 1.0) / rows


def flatten(estimator: Any) -> Forest:
    """The flat form of a fitted `sklearn.ensemble.IsolationForest`.

    Raises:
        ModelError: the trees are no trees (an index that leads out of the arrays, a cycle, a split at no
            number) or read only some of the columns.
    """
    width = int(estimator.n_features_in_)
    if any(list(columns) != list(range(width)) for columns in estimator.estimators_features_):
        raise ModelError("the forest's trees read different columns; train with all features in each tree")
    trees = [_tree(member.tree_, width) for member in estimator.estimators_]
    rows = {int(tree.cover[0]) for tree in trees}
    if len(rows) != 1:
        raise ModelError("the forest's trees are grown on different numbers of rows; train the model again")
    return Forest(joined(trees), len(trees) * expected_length(rows.pop()))


def _tree(tree: Any, width: int) -> Trees:
    levels = levels_of(tree.children_left, tree.children_right)
    depth = np.empty(len(tree.children_left))
    for steps, level in enumerate(levels):
        depth[level] = steps
    cover = tree.n_node_samples
    sizes, inverse = np.unique(cover, return_inverse=True)
    path = depth + np.array([expected_length(int(size)) for size in sizes])[inverse]
    return one_tree(levels, tree.children_left, tree.feature, tree.threshold, cover, path, width)
