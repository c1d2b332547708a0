"""Exact Shapley values of a sum of trees: what each column's cell adds to a row's sum, fairly divided.

The value of a set S of columns is the mean of the tree where only the columns of S are known: at a split of
another column both ways are taken, in proportion to the training rows that took them (the path-dependent
expectation of Lundberg et al. 2020, "From local explanations to global understanding"). With x the row and a
leaf of value v whose path splits the columns 1…k, let oᵢ ∈ {0, 1} say whether x keeps to the path at all its
splits of column i, and zᵢ be the product of their shares of rows. The value of S is v·∏(i ∈ S: oᵢ, else zᵢ);
since |S|!(k−|S|−1)!/k! = ∫₀¹ t^|S| (1−t)^(k−|S|−1) dt, the Shapley value of column i sums up to

    v (oᵢ − zᵢ) ∫₀¹ ∏_{j≠i} (oⱼ t + zⱼ (1−t)) dt.

The integrand is a polynomial of degree k−1, for which Gauss–Legendre quadrature with ⌈k/2⌉ points is exact.
The products over j are carried down the tree at all points at once; a second split of a column replaces the
factor of the first. On the way up the leaves' products are added, and each edge settles its column's part for
all leaves below it, less what the replaced edge settles for them. The work is nodes × points for each row.
"""

from dataclasses import dataclass

import numpy as np

from events.columns import Float64s, Int64s
from models.features import Float32s, Int32s, UInt32s
from windows.jit import compiled

NO_DIFFERENCE = 1e-9  # sums that are the same but for rounding


def carried_over(changes: Float64s, risen: Float64s, slope: Float64s) -> Float64s:
    """Shares in a sum as shares in what follows from it by a rising or falling function, shape (n, width).

    They keep their proportions: each row is multiplied by the slope of the chord from the base to the row.

    Args:
        changes: shares that add up to the sum less that of the base, shape (n, width).
        risen: what the shares shall add up to: the function's value less that of the base, shape (n,).
        slope: of the function at the row, shape (n,), which counts where row and base fall together.
    """
    differences = changes.sum(axis=1)
    flat = np.abs(differences) < NO_DIFFERENCE
    slopes: Float64s = np.where(flat, slope, risen / np.where(flat, 1.0, differences))
    return changes * slopes[:, np.newaxis]


@dataclass(frozen=True)
class Paths:
    """What the Shapley values of some trees need of each node, beside the trees themselves.

    An edge is named by the node that it leads to. An edge whose column was not split above has the tree's
    root as the edge that it replaces; the root's factor is 1.

    Args:
        splits: column that the node splits.
        threshold: cells above it go to the second child.
        children: index of the first child; the node itself in a leaf.
        value: what the leaf adds to the sum.
        bounds: index of the root of each tree, and the number of nodes.
        column: column of the edge.
        replaced: the nearest edge above of the same column.
        share: share of rows of the edge itself.
        steps: factor by which the edge changes the product, shape (nodes, kept, points); `kept` says whether
            the row keeps to the path in this column, provided that it did before.
        parts: weight of the edge's leaves in its column's part, of the same shape.
    """

    splits: UInt32s
    threshold: Float32s
    children: UInt32s
    value: Float64s
    bounds: Int64s
    column: UInt32s
    replaced: UInt32s
    share: Float64s
    steps: Float64s
    parts: Float64s

    @classmethod
    def of(
        cls,
        splits: UInt32s,
        threshold: Float32s,
        children: UInt32s,
        cover: Int32s,
        value: Float64s,
        roots: UInt32s,
    ) -> "Paths":
        """Work out the edges of the trees that `Trees` describes by these arrays."""
        count = len(children)
        bounds = np.append(roots.astype(np.int64), count)
        column = np.zeros(count, np.uint32)
        replaced = np.zeros(count, np.uint32)
        share = np.ones(count)
        merged = np.ones(count)  # z: shares of all edges of the column from the root to here
        most = _edges(splits, children, cover, bounds, column, replaced, share, merged)
        points, weights = np.polynomial.legendre.leggauss(max((most + 1) // 2, 1))
        at, weights = (points + 1.0) / 2.0, weights / 2.0
        factor = np.stack(
            [merged[:, np.newaxis] * (1.0 - at), at + merged[:, np.newaxis] * (1.0 - at)], axis=1
        )
        part = np.stack(
            [
                np.broadcast_to(-weights / (1.0 - at), factor[:, 0].shape),
                weights * (1.0 - merged[:, np.newaxis]) / factor[:, 1],
            ],
            axis=1,
        )
        above = replaced.astype(np.int64)
        return cls(
            splits=splits,
            threshold=threshold,
            children=children,
            value=value,
            bounds=bounds,
            column=column,
            replaced=replaced,
            share=share,
            steps=factor / factor[above, 1:],
            parts=part - part[above, 1:],
        )

    def values(self, cells: Float32s) -> Float64s:
        """Shapley values of the cells of each row, of the shape of `cells`."""
        values = np.zeros(cells.shape)
        _values(
            cells,
            self.splits,
            self.threshold,
            self.children,
            self.value,
            self.bounds,
            self.column,
            self.replaced,
            self.share,
            self.steps,
            self.parts,
            values,
        )
        return values


@compiled
def _edges(
    splits: UInt32s,
    children: UInt32s,
    cover: Int32s,
    bounds: Int64s,
    column: UInt32s,
    replaced: UInt32s,
    share: Float64s,
    merged: Float64s,
) -> int:
    """Fill in the last four arrays; returns the greatest number of columns on one path."""
    parent = np.zeros(len(children), np.uint32)
    columns = np.zeros(len(children), np.int64)
    most = 0
    for tree in range(len(bounds) - 1):
        root = bounds[tree]
        replaced[root] = root
        for node in range(root, bounds[tree + 1]):
            first = np.int64(children[node])
            if first == node:
                continue
            above = np.int64(node)
            while above != root and column[above] != splits[node]:
                above = np.int64(parent[above])
            for below in range(first, first + 2):
                parent[below] = node
                column[below] = splits[node]
                replaced[below] = above
                share[below] = cover[below] / cover[node]
                merged[below] = share[below] * merged[above]
                columns[below] = columns[node] + (1 if above == root else 0)
                most = max(most, columns[below])
    return most


@compiled
def _values(
    cells: Float32s,
    splits: UInt32s,
    threshold: Float32s,
    children: UInt32s,
    value: Float64s,
    bounds: Int64s,
    column: UInt32s,
    replaced: UInt32s,
    share: Float64s,
    steps: Float64s,
    parts: Float64s,
    values: Float64s,
) -> None:
    points = steps.shape[2]
    products = np.empty((np.diff(bounds).max(), points))
    kept = np.empty(len(products), np.bool_)
    for row in range(len(cells)):
        for tree in range(len(bounds) - 1):
            root = bounds[tree]
            size = bounds[tree + 1] - root
            # Down: the product of each path; in a leaf, times its value.
            products[0] = 1.0
            kept[0] = True
            for place in range(size):
                node = root + place
                first = np.int64(children[node]) - root
                if first == place:
                    for point in range(points):
                        products[place, point] *= value[node]
                    continue
                above = cells[row, splits[node]] > threshold[node]
                for side in range(2):
                    below = first + side
                    edge = root + below
                    if not kept[np.int64(replaced[edge]) - root]:
                        kept[below] = False
                        for point in range(points):
                            products[below, point] = products[place, point] * share[edge]
                    else:
                        follows = 1 if above == (side == 1) else 0
                        kept[below] = follows == 1
                        for point in range(points):
                            products[below, point] = products[place, point] * steps[edge, follows, point]
            # Up: the sum of the leaves below, and the part of the edge in it.
            for place in range(size - 1, 0, -1):
                node = root + place
                first = np.int64(children[node]) - root
                if first != place:
                    for point in range(points):
                        products[place, point] = products[first, point] + products[first + 1, point]
                if kept[np.int64(replaced[node]) - root]:
                    follows = 1 if kept[place] else 0
                    total = 0.0
                    for point in range(points):
                        total += products[place, point] * parts[node, follows, point]
                    values[row, column[node]] += total
