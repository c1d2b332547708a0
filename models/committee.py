"""The committee: forest, challenger and rules heard together by the weights of a blend, as one scorer.

Its matrix has the features first and then a column for each rule, 1 where it hits. Forest and challenger read
the features alone.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from events.columns import Float64s
from models.blend import Blend, likely_odds, surprise
from models.boosting import Boosting, probability
from models.calibration import Calibration
from models.features import Float32s
from models.forest import Forest
from models.shapley import NO_DIFFERENCE, carried_over


@dataclass(frozen=True)
class Committee:
    """A blend with what it hears.

    Args:
        forest: says how unusual an event is.
        calibration: from the forest's scores to percentiles.
        boosting: says how much an event looks like those that turned out bad.
        blend: the weights; its rules stand in the order of the last columns.
    """

    forest: Forest
    calibration: Calibration
    boosting: Boosting
    blend: Blend

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return self.forest.width + len(self.blend.rules)

    @property
    def arrays(self) -> tuple[tuple[npt.NDArray[Any], str], ...]:
        """What the scores follow from beside the files of weights and percentiles."""
        return (*self.forest.arrays, *self.boosting.arrays)

    @cached_property
    def base(self) -> float:
        """Risk of an event of mean path length and mean log odds that no rule hits."""
        return float(probability(np.array([self._base]))[0])

    def score(self, cells: Float32s) -> Float64s:
        """Risk of each row, 0–1, shape (n,).

        Raises:
            ModelError: the matrix has another width.
        """
        unusual, odds, rules = self._heard(cells)
        return probability(self.blend.base + unusual + odds + rules.sum(axis=1))

    def explain(self, cells: Float32s) -> Float64s:
        """Contribution of each column to each row's risk, shape (n, width); positive means worse.

        A row's contributions add up to its score less `base`. The shares of the features in what forest and
        challenger say are Shapley values; a rule has the weight that it adds.

        Raises:
            ModelError: the matrix has another width.
        """
        unusual, odds, rules = self._heard(cells)
        features = self._features(cells)
        usual_unusual, usual_odds = self._usual
        changes = np.concatenate(
            (
                _scaled(self.forest.explain(features), unusual - usual_unusual)
                + _scaled(self.boosting.trees.shapley(features), odds - usual_odds),
                rules,
            ),
            axis=1,
        )
        scores = self.score(cells)
        return carried_over(changes, scores - self.base, scores * (1.0 - scores))

    def _heard(self, cells: Float32s) -> tuple[Float64s, Float64s, Float64s]:
        """Weighted words of forest, challenger, and each rule: shapes (n,), (n,), (n, rules)."""
        features = self._features(cells)
        percentiles = self.calibration.percentile(self.forest.score(features))
        return (
            self.blend.forest * surprise(percentiles),
            self.blend.challenger * likely_odds(self.boosting.score(features)),
            cells[:, self.forest.width :].astype(np.float64) * np.array(list(self.blend.rules.values())),
        )

    def _features(self, cells: Float32s) -> Float32s:
        return np.ascontiguousarray(cells[:, : self.forest.width])

    @cached_property
    def _usual(self) -> tuple[float, float]:
        """The words of forest and challenger on an event of mean path length and mean log odds."""
        percentile = self.calibration.percentile(np.array([self.forest.base]))
        likely = np.array([self.boosting.base])
        return (
            self.blend.forest * float(surprise(percentile)[0]),
            self.blend.challenger * float(likely_odds(likely)[0]),
        )

    @property
    def _base(self) -> float:
        return self.blend.base + sum(self._usual)


def _scaled(shares: Float64s, totals: Float64s) -> Float64s:
    """Shares that add up to `totals`, in their proportions; equal ones where they cancel out."""
    sums = shares.sum(axis=1)
    flat = np.abs(sums) < NO_DIFFERENCE
    scaled = shares * np.where(flat, 0.0, totals / np.where(flat, 1.0, sums))[:, np.newaxis]
    rest: Float64s = scaled + np.where(flat, totals, 0.0)[:, np.newaxis] / shares.shape[1]
    return rest
