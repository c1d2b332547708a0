"""Sums of binary trees as flat arrays, and the kernel that walks a batch of rows down them.

Nodes are numbered level by level, so that the two children of a node stand side by side: the step from node k
is `children[k] + (cell > threshold[k])`. A leaf leads to itself, so every row can take as many steps as its
tree is high. To hide the latency of memory the rows of a block walk down a tree together; where there are but
a few, each of them walks down all trees together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from events.columns import Bools, Float64s
from models.errors import ModelError
from models.features import Float32s, Int32s, UInt32s
from models.shapley import Paths
from windows.jit import compiled

BLOCK = 64  # rows that walk together: their cells and places stay in the first-level cache
FEW = 8  # with fewer rows than this, walking down all trees together is faster

Nodes = npt.NDArray[np.int64]
"""Indices of nodes."""


@dataclass(frozen=True)
class Trees:
    """Binary trees whose leaf values are added up; arrays but `roots` and `heights` have one entry per node.

    Indices are unsigned: without a sign to look at, an index into an array costs less than half, and the walk
    is nothing but indices.

    Args:
        splits: column of the matrix that the node splits; 0 in a leaf.
        threshold: cells above it go to the second child; infinite in a leaf.
        children: index of the first child; the node itself in a leaf.
        cover: training rows that reached the node.
        value: what the leaf adds to the sum.
        expected: mean of the leaf values below, weighted by cover.
        roots: index of the root of each tree, ascending; a tree's nodes lie between two roots.
        heights: steps from the root to the deepest leaf of each tree.
        width: columns of the matrix.
    """

    splits: UInt32s
    threshold: Float32s
    children: UInt32s
    cover: Int32s
    value: Float64s
    expected: Float64s
    roots: UInt32s
    heights: Int32s
    width: int

    @cached_property
    def mean(self) -> float:
        """Sum of the trees' mean values over their training rows."""
        return float(self.expected[self.roots].sum())

    @property
    def arrays(self) -> tuple[tuple[npt.NDArray[Any], str], ...]:
        """The shape of the trees, each array with the layout that it is hashed in."""
        return (
            (self.roots, "<i4"),
            (self.splits, "<i4"),
            (self.children, "<i4"),
            (self.cover, "<i4"),
            (self.threshold, "<f4"),
        )

    def sums(self, cells: Float32s) -> Float64s:
        """Sum of the values of the leaves that each row falls into, shape (n,).

        Args:
            cells: the matrix, shape (n, width), without NaN.

        Raises:
            ModelError: the matrix has another width.
        """
        self._check(cells)
        sums = np.zeros(len(cells))
        walk = _down_all_trees if len(cells) < FEW else _down_each_tree
        walk(cells, self.splits, self.threshold, self.children, self.value, self.roots, self.heights, sums)
        return sums

    def shapley(self, cells: Float32s) -> Float64s:
        """Shapley value of each column in each row's sum, shape (n, width); a row adds up to sum − `mean`.

        Raises:
            ModelError: the matrix has another width.
        """
        self._check(cells)
        return self._paths.values(cells)

    @cached_property
    def _paths(self) -> Paths:
        return Paths.of(self.splits, self.threshold, self.children, self.cover, self.value, self.roots)

    def _check(self, cells: Float32s) -> None:
        if cells.shape[1:] != (self.width,):  # the kernels check no bounds
            raise ModelError(f"the trees read {self.width} columns, got a matrix of shape {cells.shape}")


@compiled
def _down_each_tree(
    cells: Float32s,
    splits: UInt32s,
    threshold: Float32s,
    children: UInt32s,
    value: Float64s,
    roots: UInt32s,
    heights: Int32s,
    sums: Float64s,
) -> None:
    places = np.empty(BLOCK, np.uint32)
    for start in range(0, len(cells), BLOCK):
        rows = min(BLOCK, len(cells) - start)
        for tree in range(len(roots)):
            places[:rows] = roots[tree]
            for _ in range(heights[tree]):
                for row in range(rows):
                    node = places[row]
                    above = cells[np.uint64(start + row), splits[node]] > threshold[node]
                    places[row] = children[node] + np.uint32(above)
            for row in range(rows):
                sums[start + row] += value[places[row]]


@compiled
def _down_all_trees(
    cells: Float32s,
    splits: UInt32s,
    threshold: Float32s,
    children: UInt32s,
    value: Float64s,
    roots: UInt32s,
    heights: Int32s,
    sums: Float64s,
) -> None:
    places = np.empty(len(roots), np.uint32)
    highest = heights.max()
    for row in range(len(cells)):
        places[:] = roots
        for _ in range(highest):
            for tree in range(len(roots)):
                node = places[tree]
                places[tree] = children[node] + np.uint32(cells[row, splits[node]] > threshold[node])
        for tree in range(len(roots)):  # in the other kernel's order, so that the sum has the same bits
            sums[row] += value[places[tree]]


def joined(trees: Sequence[Trees]) -> Trees:
    """The sum of at least one `trees` of the same width."""
    sizes = [len(tree.children) for tree in trees]
    shifts = np.cumsum([0, *sizes[:-1]]).astype(np.uint32)
    return Trees(
        splits=np.concatenate([tree.splits for tree in trees]),
        threshold=np.concatenate([tree.threshold for tree in trees]),
        children=np.concatenate([tree.children + shift for tree, shift in zip(trees, shifts, strict=True)]),
        cover=np.concatenate([tree.cover for tree in trees]),
        value=np.concatenate([tree.value for tree in trees]),
        expected=np.concatenate([tree.expected for tree in trees]),
        roots=np.concatenate([tree.roots + shift for tree, shift in zip(trees, shifts, strict=True)]),
        heights=np.concatenate([tree.heights for tree in trees]),
        width=trees[0].width,
    )


def levels_of(left: Nodes, right: Nodes) -> list[Nodes]:
    """The nodes of a tree level by level, siblings side by side, each node reached once.

    Args:
        left: index of the first child of each node, node 0 being the root; negative in a leaf.
        right: index of its second child.

    Raises:
        ModelError: it is no tree (an index that leads out of it, or a cycle).
    """
    count = len(left)
    levels: list[Nodes] = [np.zeros(1, np.int64)]
    seen = 1
    while True:
        inner = levels[-1][left[levels[-1]] >= 0]
        if not len(inner):
            break
        below = np.stack([left[inner], right[inner]], axis=1).ravel().astype(np.int64)
        seen += len(below)
        if seen > count or below.min() < 1 or below.max() >= count:
            raise ModelError("the forest is damaged: a node leads out of its tree; train the model again")
        levels.append(below)
    if len(np.unique(np.concatenate(levels))) != count:
        raise ModelError("the forest is damaged: a node is reached twice or never; train the model again")
    return levels


def one_tree(
    levels: Sequence[Nodes],
    left: Nodes,
    feature: Nodes,
    threshold: Float64s,
    cover: Nodes,
    value: Float64s,
    width: int,
) -> Trees:
    """A single tree whose nodes come in any order, as scikit-learn keeps them.

    Args:
        levels: its nodes as `levels_of` gives them.
        left: index of the first child of each node; negative in a leaf.
        feature: column that the node splits; anything in a leaf.
        threshold: cells above it go to the second child; any number in a leaf.
        cover: training rows that reached the node.
        value: what the leaf adds; read in leaves only.
        width: columns of the matrix.

    Raises:
        ModelError: a split reads no column or no number, or the rows of two children aren't their parent's.
    """
    order = np.concatenate(levels)
    leaf = left[order] < 0
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    splits = np.where(leaf, 0, feature[order])
    thresholds = threshold[order]
    if splits.min() < 0 or splits.max() >= width or not np.isfinite(thresholds).all():
        raise ModelError("the forest is damaged: a split reads no column or no number; train the model again")
    children = np.where(leaf, place[order], place[left[order]])
    rows = cover[order].astype(np.int64)
    first = children[~leaf]
    if rows.min() < 1 or (rows[first] + rows[first + 1] != rows[~leaf]).any():
        raise ModelError("the forest is damaged: rows get lost at a split; train the model again")
    leaf_value = np.where(leaf, value[order], 0.0)
    return Trees(
        splits=splits.astype(np.uint32),
        threshold=np.where(leaf, np.float32(np.inf), _round_down(thresholds)),
        children=children.astype(np.uint32),
        cover=rows.astype(np.int32),
        value=leaf_value,
        expected=_expected(children, leaf, rows, leaf_value),
        roots=np.zeros(1, np.uint32),
        heights=np.array([len(levels) - 1], np.int32),
        width=width,
    )


def _expected(children: Nodes, leaf: Bools, cover: Nodes, value: Float64s) -> Float64s:
    expected = value.copy()
    for node in np.flatnonzero(~leaf)[::-1]:  # children stand behind their parent
        pair = slice(children[node], children[node] + 2)
        expected[node] = (expected[pair] @ cover[pair]) / cover[pair].sum()
    return expected


def _round_down(thresholds: Float64s) -> Float32s:
    """The greatest 32-bit floats not above `thresholds`: a 32-bit cell is above both or above neither."""
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(np.float32)
    return np.where(nearest > thresholds, np.nextafter(nearest, np.float32(-np.inf)), nearest)
