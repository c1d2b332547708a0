"""From a raw score to the share of the training rows that score lower.

Levels are dense in the tail, where rules draw their lines: every 0.1 % up to 99.9 %, every 0.01 % up to
99.99 %, then the highest score seen. Only a score above that one is given 1.0.
"""

from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import Struct

from events.columns import Float64s
from models.errors import ModelError
from windows.jit import compiled

LEVELS = np.concatenate([np.arange(0, 1000) / 1000, np.arange(9991, 10_000) / 10_000])


class Points(Struct, frozen=True, forbid_unknown_fields=True):
    """The calibration as `calibration.json` holds it."""

    scores: list[float]
    levels: list[float]


@dataclass(frozen=True)
class Calibration:
    """Quantiles of the training scores.

    Args:
        scores: raw scores in ascending order, shape (m,).
        levels: share of the training rows below each of them, strictly ascending, shape (m,).
    """

    scores: Float64s
    levels: Float64s

    def __post_init__(self) -> None:
        ordered = np.all(np.diff(self.scores) >= 0) and np.all(np.diff(self.levels) > 0)
        if not len(self.scores) or len(self.scores) != len(self.levels) or not ordered:
            raise ModelError("the calibration is damaged: its points don't ascend; train the model again")

    @classmethod
    def of(cls, scores: Float64s) -> "Calibration":
        """The calibration by the training `scores`, at least one, in any order."""
        highest = len(scores) / (len(scores) + 1)
        levels = np.append(LEVELS[highest > LEVELS], highest)
        points = np.quantile(scores, levels)
        points[-1] = scores.max()
        return cls(np.maximum.accumulate(points), levels)

    @classmethod
    def of_points(cls, points: Points) -> "Calibration":
        """The calibration that was kept as `points`.

        Raises:
            ModelError: the points don't ascend or aren't pairs.
        """
        return cls(np.array(points.scores, np.float64), np.array(points.levels, np.float64))

    def to_json(self) -> bytes:
        """The points as JSON, which keeps every bit of them."""
        return msgspec.json.encode(Points(self.scores.tolist(), self.levels.tolist()))

    def percentile(self, scores: Float64s) -> Float64s:
        """Percentiles of raw `scores`, 0–1, both of shape (n,); never falling as the score rises."""
        percentiles = np.empty(len(scores))
        _percentile(scores, self.scores, self.levels, percentiles)
        return percentiles


@compiled
def _percentile(scores: Float64s, points: Float64s, levels: Float64s, percentiles: Float64s) -> None:
    last = len(points) - 1
    for row in range(len(scores)):
        score = scores[row]
        if score > points[last]:
            percentiles[row] = 1.0
            continue
        low, high = 0, last  # the first point that is not below the score
        while low < high:
            middle = (low + high) // 2
            if points[middle] < score:
                low = middle + 1
            else:
                high = middle
        # Many rows may share one score: of the levels that they fill, the lowest is theirs.
        if points[low] == score or low == 0:
            percentiles[row] = levels[low]
        else:
            share = (score - points[low - 1]) / (points[low] - points[low - 1])
            percentiles[row] = levels[low - 1] + share * (levels[low] - levels[low - 1])
