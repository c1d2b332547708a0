"""The isolation forest as flat arrays, and the kernel that scores a batch of rows with it.

Nodes are numbered level by level, so that the two children of a node stand side by side: the step from node k
is `child[k] + (cell > threshold[k])`. A leaf leads to itself, so every row can take as many steps as its tree
is high; rows of a block walk together, which hides the latency of memory.

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
from models.features import Float32s, Int32s, UInt32s
from windows.jit import compiled

BLOCK = 64  # rows that walk together: their cells and places stay in the first-level cache
EULER = 0.57721566490153286


@dataclass(frozen=True)
class Forest:
    """An isolation forest; every array but `roots` and `heights` has one entry per node of all trees.

    Args:
        feature: column of the matrix that the node splits.
        threshold: cells above it go to the second child; infinite in a leaf.
        child: index of the first child; the node itself in a leaf.
        samples: training rows that reached the node.
        path: length of the path that ends in this leaf, with the length expected below it.
        expected: mean of `path` over the training rows that reached the node.
        roots: index of the root of each tree.
        heights: steps from the root to the deepest leaf of each tree.
        scale: number of trees times c(rows per tree): the sum of path lengths that scores 0.5.
        width: columns of the matrix.
    """

    feature: Int32s
    threshold: Float32s
    child: Int32s
    samples: Int32s
    path: Float64s
    expected: Float64s
    roots: Int32s
    heights: Int32s
    scale: float
    width: int

    @cached_property
    def base(self) -> float:
        """Score of a row whose paths are as long as those of the training rows in the mean."""
        lengths = np.array([self.expected[self.roots].sum()])
        return float(self.score_of(lengths)[0])

    def lengths(self, cells: Float32s) -> Float64s:
        """Sum of each row's path lengths over all trees, shape (n,).

        Args:
            cells: the matrix, shape (n, width).

        Raises:
            ModelError: the matrix has another width.
        """
        if cells.shape[1:] != (self.width,):  # the kernel checks no bounds
            raise ModelError(f"the forest reads {self.width} columns, got a matrix of shape {cells.shape}")
        sums = np.zeros(len(cells))
        _walk(cells, self.splits, self.threshold, self.children, self.path, self.starts, self.heights, sums)
        return sums

    # Without a sign to look at, an index into an array costs less than half: the walk is nothing but indices.

    @cached_property
    def splits(self) -> UInt32s:
        """`feature` for kernels."""
        return self.feature.view(np.uint32)

    @cached_property
    def children(self) -> UInt32s:
        """`child` for kernels."""
        return self.child.view(np.uint32)

    @cached_property
    def starts(self) -> UInt32s:
        """`roots` for kernels."""
        return self.roots.view(np.uint32)

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
        return (
            (self.roots, "<i4"),
            (self.feature, "<i4"),
            (self.child, "<i4"),
            (self.samples, "<i4"),
            (self.threshold, "<f4"),
        )


@compiled
def _walk(
    cells: Float32s,
    splits: UInt32s,
    threshold: Float32s,
    children: UInt32s,
    path: Float64s,
    starts: UInt32s,
    heights: Int32s,
    sums: Float64s,
) -> None:
    places = np.empty(BLOCK, np.uint32)
    for start in range(0, len(cells), BLOCK):
        rows = min(BLOCK, len(cells) - start)
        for tree in range(len(starts)):
            places[:rows] = starts[tree]
            for _ in range(heights[tree]):
                for row in range(rows):
                    node = places[row]
                    above = cells[np.uint64(start + row), splits[node]] > threshold[node]
                    places[row] = children[node] + np.uint32(above)
            for row in range(rows):
                sums[start + row] += path[places[row]]


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
    rows = {int(tree.samples[0]) for tree in trees}
    if len(rows) != 1:
        raise ModelError("the forest's trees are grown on different numbers of rows; train the model again")
    sizes = np.array([len(tree.child) for tree in trees])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
    return Forest(
        feature=np.concatenate([tree.feature for tree in trees]),
        threshold=np.concatenate([tree.threshold for tree in trees]),
        child=np.concatenate([tree.child + root for tree, root in zip(trees, roots, strict=True)]),
        samples=np.concatenate([tree.samples for tree in trees]),
        path=np.concatenate([tree.path for tree in trees]),
        expected=np.concatenate([tree.expected for tree in trees]),
        roots=roots,
        heights=np.concatenate([tree.heights for tree in trees]),
        scale=len(trees) * expected_length(rows.pop()),
        width=width,
    )


def _tree(tree: Any, width: int) -> Forest:
    """The forest of this one tree."""
    levels = _levels(tree)
    order = np.concatenate(levels)
    leaf = tree.children_left[order] < 0
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    samples = tree.n_node_samples[order]
    feature = np.where(leaf, 0, tree.feature[order])
    threshold = tree.threshold[order]
    if feature.min() < 0 or feature.max() >= width or samples.min() < 1 or not np.isfinite(threshold).all():
        raise ModelError("the forest is damaged: a split reads no column or no number; train the model again")
    depth = np.repeat(np.arange(len(levels)), [len(level) for level in levels])
    child = np.where(leaf, place[order], place[tree.children_left[order]]).astype(np.int32)
    sizes, inverse = np.unique(samples, return_inverse=True)
    path = depth + np.array([expected_length(int(size)) for size in sizes])[inverse]
    return Forest(
        feature=feature.astype(np.int32),
        threshold=np.where(leaf, np.float32(np.inf), _round_down(threshold)),
        child=child,
        samples=samples.astype(np.int32),
        path=path,
        expected=_expected(child, leaf, samples, path),
        roots=np.zeros(1, np.int32),
        heights=np.array([len(levels) - 1], np.int32),
        scale=expected_length(int(samples[0])),
        width=width,
    )


def _levels(tree: Any) -> list[npt.NDArray[np.int64]]:
    """The node indices of `tree` level by level, siblings side by side, each node reached once."""
    left, right, count = tree.children_left, tree.children_right, int(tree.node_count)
    levels = [np.zeros(1, np.int64)]
    seen = 1
    while True:
        inner = levels[-1][left[levels[-1]] >= 0]
        if not len(inner):
            break
        below = np.stack([left[inner], right[inner]], axis=1).ravel()
        seen += len(below)
        if seen > count or below.min() < 1 or below.max() >= count:
            raise ModelError("the forest is damaged: a node leads out of its tree; train the model again")
        levels.append(below)
    if len(np.unique(np.concatenate(levels))) != count:
        raise ModelError("the forest is damaged: a node is reached twice or never; train the model again")
    return levels


def _expected(
    child: Int32s, leaf: npt.NDArray[np.bool_], samples: npt.NDArray[np.int64], path: Float64s
) -> Float64s:
    expected = path.copy()
    for node in np.flatnonzero(~leaf)[::-1]:  # children stand behind their parent
        pair = slice(child[node], child[node] + 2)
        expected[node] = (expected[pair] @ samples[pair]) / samples[pair].sum()
    return expected


def _round_down(thresholds: Float64s) -> Float32s:
    """The greatest 32-bit floats not above `thresholds`: a 32-bit cell is above both or above neither."""
    nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
