"""Gradient boosting: trees whose leaves add up to the log odds that an event is bad, kept as plain arrays.

scikit-learn grows them (HistGradientBoostingClassifier). Its own form has a dozen types that a file of
unknown origin should not be let make, so only the flat arrays are kept: numbers, checked before anything
follows them.
"""

import io
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from events.columns import Float64s
from models.errors import ModelError
from models.features import Float32s
from models.shapley import carried_over
from models.trees import Trees, joined, levels_of, one_tree

MOST_NODES = 10_000_000  # far more than any training makes

LAYOUT = {
    "roots": "<u4",
    "children": "<u4",
    "splits": "<u4",
    "threshold": "<f4",
    "cover": "<i4",
    "value": "<f8",
    "offset": "<f8",
    "width": "<u4",
}
"""Arrays of the file, with their types; `offset` and `width` have one entry."""


@dataclass(frozen=True)
class Boosting:
    """Boosted trees.

    Args:
        trees: the value of a leaf is added to the log odds.
        offset: log odds before any tree.
    """

    trees: Trees
    offset: float

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return self.trees.width

    @cached_property
    def base(self) -> float:
        """Probability of a row whose log odds are the mean of the training rows'."""
        return float(probability(np.array([self.offset + self.trees.mean]))[0])

    def log_odds(self, cells: Float32s) -> Float64s:
        """Log odds of each row, shape (n,).

        Raises:
            ModelError: the matrix has another width.
        """
        return self.trees.sums(cells) + self.offset

    def score(self, cells: Float32s) -> Float64s:
        """Probability that each row is bad, as weighted in training, 0–1, shape (n,)."""
        return probability(self.log_odds(cells))

    @property
    def arrays(self) -> tuple[tuple[npt.NDArray[Any], str], ...]:
        """All that the scores follow from, each with the layout that it is hashed in."""
        return (*self.trees.arrays, (self.trees.value, "<f8"), (np.array([self.offset]), "<f8"))

    def explain(self, cells: Float32s) -> Float64s:
        """Contribution of each column to each row's probability, shape (n, width); positive means worse.

        A row's contributions add up to its score less `base`. They are Shapley values of the log odds; the
        probability rises with these, so its difference is divided in the same proportions.

        Raises:
            ModelError: the matrix has another width.
        """
        scores = self.score(cells)
        return carried_over(self.trees.shapley(cells), scores - self.base, scores * (1.0 - scores))

    def to_bytes(self) -> bytes:
        """The arrays as an `.npz` file; the same trees give the same bytes."""
        trees = self.trees
        leaf = trees.children == np.arange(len(trees.children))
        arrays = {
            "roots": trees.roots,
            "children": trees.children,
            "splits": trees.splits,
            "threshold": np.where(leaf, np.float32(0), trees.threshold),
            "cover": trees.cover,
            "value": trees.value,
            "offset": np.array([self.offset]),
            "width": np.array([self.width]),
        }
        target = io.BytesIO()
        np.savez_compressed(target, **{name: arrays[name].astype(LAYOUT[name]) for name in LAYOUT})  # type: ignore[arg-type]  # not `allow_pickle`
        return target.getvalue()


def probability(log_odds: Float64s) -> Float64s:
    """The logistic function of log odds, shape (n,); far ones give 0 or 1 without a warning.

    >>> probability(np.array([-800.0, 0.0, 800.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    small = np.exp(-np.abs(log_odds))
    found: Float64s = np.where(log_odds >= 0, 1.0, small) / (1.0 + small)
    return found


def flatten(estimator: Any) -> Boosting:
    """The flat form of a fitted `sklearn.ensemble.HistGradientBoostingClassifier` of two classes.

    Raises:
        ModelError: it parts more classes than two or reads categories, or a tree is no tree.
    """
    stages = estimator._predictors  # noqa: SLF001 -- scikit-learn offers no other way to the trees
    if any(len(stage) != 1 for stage in stages) or estimator.is_categorical_ is not None:
        raise ModelError("the boosted trees part more than two classes or read categories; train without")
    width = int(estimator.n_features_in_)
    trees = []
    for stage in stages:
        nodes = stage[0].nodes
        leaf = nodes["is_leaf"].astype(np.bool_)
        left = np.where(leaf, -1, nodes["left"].astype(np.int64))
        right = nodes["right"].astype(np.int64)
        trees.append(
            one_tree(
                levels_of(left, right),
                left,
                nodes["feature_idx"].astype(np.int64),
                nodes["num_threshold"],
                nodes["count"].astype(np.int64),
                nodes["value"],
                width,
            )
        )
    if not trees:
        raise ModelError("there is no boosted tree; train with more rounds")
    return Boosting(joined(trees), float(estimator._baseline_prediction.item()))  # noqa: SLF001 -- as above


def of_bytes(content: bytes) -> Boosting:
    """The boosted trees that `Boosting.to_bytes` wrote, checked before anything follows an index.

    Raises:
        ModelError: it is no such file, or a tree in it is no tree.
    """
    arrays = _arrays(content)
    roots, count = arrays["roots"].astype(np.int64), len(arrays["children"])
    width, offset = int(arrays["width"][0]), float(arrays["offset"][0])
    ends = np.append(roots[1:], count)
    if not len(roots) or roots[0] != 0 or (roots >= ends).any() or not math.isfinite(offset):
        raise _damaged("its trees don't follow each other")
    if not np.isfinite(arrays["value"]).all():
        raise _damaged("a leaf has no number")
    trees = []
    for root, end in zip(roots.tolist(), ends.tolist(), strict=True):
        part = slice(root, end)
        child = arrays["children"][part].astype(np.int64) - root
        left = np.where(child == np.arange(end - root), -1, child)
        if left.min() < -1:
            raise _damaged("a node leads out of its tree")
        trees.append(
            one_tree(
                levels_of(left, left + 1),
                left,
                arrays["splits"][part].astype(np.int64),
                arrays["threshold"][part].astype(np.float64),
                arrays["cover"][part].astype(np.int64),
                arrays["value"][part],
                width,
            )
        )
    return Boosting(joined(trees), offset)


def _arrays(content: bytes) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            if set(archive.files) != set(LAYOUT):
                raise _damaged(f"it holds {', '.join(sorted(archive.files))[:200]}")
            arrays = {name: archive[name] for name in LAYOUT}
    except (BadZipFile, ValueError, OSError, EOFError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(type(error).__name__) from None
    nodes = len(arrays["children"]) if arrays["children"].ndim == 1 else -1
    lengths = dict.fromkeys(LAYOUT, nodes) | {"roots": arrays["roots"].size, "offset": 1, "width": 1}
    for name, layout in LAYOUT.items():
        array = arrays[name]
        if array.dtype != np.dtype(layout) or array.shape != (lengths[name],):
            raise _damaged(f"`{name}` is {array.dtype} of shape {array.shape}")
    if nodes > MOST_NODES:
        raise _damaged(f"{nodes} nodes are too many")
    return arrays


def _damaged(how: str) -> ModelError:
    return ModelError(f"the boosted trees are damaged: {how}; restore the file or train the model again")
