"""Why a row scored as it did: what each split changes in the expected path length goes to its feature.

Along a path n₀ (the root), n₁, …, leaf the changes expected(nᵢ₊₁) − expected(nᵢ) add up to the row's path
length less the mean one. Summed over the trees by feature they divide the difference of lengths exactly; the
score is a monotone function of the length, so its difference is divided in the same proportions.
(Decision-path attribution as in Saabas 2014, on path lengths instead of predictions.)
"""

import math

import numpy as np

from events.columns import Float64s
from models.features import Float32s, UInt32s
from models.forest import Forest
from windows.jit import compiled

NO_DIFFERENCE = 1e-9  # path lengths that are the same but for rounding


def attribute(forest: Forest, cells: Float32s) -> Float64s:
    """Contribution of each column to each row's score, shape (n, width); positive means more anomalous.

    A row's contributions add up to its score less `forest.base`.
    """
    changes = np.zeros((len(cells), forest.width))
    _attribute(
        cells, forest.splits, forest.threshold, forest.children, forest.expected, forest.starts, changes
    )
    lengths = forest.lengths(cells)
    differences = changes.sum(axis=1)
    # The slope of the chord from the base to the row; where they fall together, of the tangent.
    scores = forest.score_of(lengths)
    flat = np.abs(differences) < NO_DIFFERENCE
    tangent = -math.log(2.0) * scores / (forest.scale or 1.0)
    chord = (scores - forest.base) / np.where(flat, 1.0, differences)
    slopes: Float64s = np.where(flat, tangent, chord)
    return changes * slopes[:, np.newaxis]


@compiled
def _attribute(
    cells: Float32s,
    splits: UInt32s,
    threshold: Float32s,
    children: UInt32s,
    expected: Float64s,
    starts: UInt32s,
    changes: Float64s,
) -> None:
    for row in range(len(cells)):
        for tree in range(len(starts)):
            node = starts[tree]
            while children[node] != node:
                below = children[node] + np.uint32(cells[row, splits[node]] > threshold[node])
                changes[row, splits[node]] += expected[below] - expected[node]
                node = below
