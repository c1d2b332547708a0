"""From a raw score to the share of the training rows of the same segment that score lower.

Levels are dense in the tail, where rules draw their lines: every 0.1 % up to 99.9 %, every 0.01 % up to
99.99 %, then the highest score seen. Only a score above that one is given 1.0.
"""

from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np
from msgspec import Struct

from events.columns import Float64s, Int64s
from models.errors import ModelError
from models.segments import FEWEST_ROWS
from windows.jit import compiled

LEVELS = np.concatenate([np.arange(0, 1000) / 1000, np.arange(9991, 10_000) / 10_000])


class Points(Struct, frozen=True, forbid_unknown_fields=True):
    """Quantiles as `calibration.json` holds them."""

    scores: list[float]
    levels: list[float]


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """The calibration as `calibration.json` holds it; a segment with too few rows is null."""

    overall: Points
    segments: list[Points | None] = []


@dataclass(frozen=True)
class Quantiles:
    """Quantiles of training scores.

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
    def of(cls, scores: Float64s) -> "Quantiles":
        """The quantiles of the training `scores`, at least one, in any order."""
        highest = len(scores) / (len(scores) + 1)
        levels = np.append(LEVELS[highest > LEVELS], highest)
        points = np.quantile(scores, levels)
        points[-1] = scores.max()
        return cls(np.maximum.accumulate(points), levels)

    @classmethod
    def of_points(cls, points: Points) -> "Quantiles":
        """The quantiles that were kept as `points`.

        Raises:
            ModelError: the points don't ascend or aren't pairs.
        """
        return cls(np.array(points.scores, np.float64), np.array(points.levels, np.float64))

    @property
    def points(self) -> Points:
        """The quantiles as they are kept."""
        return Points(self.scores.tolist(), self.levels.tolist())


@dataclass(frozen=True)
class Calibration:
    """Percentiles among all training rows, and among those of each segment that has enough of them.

    Args:
        overall: of all rows.
        segments: by code of the segment; None where `overall` counts.
    """

    overall: Quantiles
    segments: tuple[Quantiles | None, ...] = ()

    @classmethod
    def of(cls, scores: Float64s, codes: Int64s | None = None, count: int = 0) -> "Calibration":
        """The calibration by training `scores`, at least one.

        Args:
            scores: shape (n,).
            codes: segment of each, shape (n,), 0 to `count` - 1; None where there are no segments.
            count: of segments.
        """
        overall = Quantiles.of(scores)
        if codes is None:
            return cls(overall)
        parts = [scores[codes == code] for code in range(count)]
        return cls(overall, tuple(Quantiles.of(part) if len(part) >= FEWEST_ROWS else None for part in parts))

    @classmethod
    def of_document(cls, document: Document) -> "Calibration":
        """The calibration that was kept.

        Raises:
            ModelError: points don't ascend or aren't pairs.
        """
        return cls(
            Quantiles.of_points(document.overall),
            tuple(None if points is None else Quantiles.of_points(points) for points in document.segments),
        )

    def to_json(self) -> bytes:
        """The calibration as JSON, which keeps every bit of it."""
        segments = [None if one is None else one.points for one in self.segments]
        return msgspec.json.encode(Document(self.overall.points, segments))

    def percentile(self, scores: Float64s, codes: Int64s | None = None) -> Float64s:
        """Percentiles of raw `scores` within their segments, 0–1, shape (n,).

        Within a segment they never fall as the score rises.
        """
        percentiles = np.empty(len(scores))
        if codes is None:
            codes = np.zeros(len(scores), np.int64)
        _percentile(scores, codes, *self._tables, percentiles)
        return percentiles

    @cached_property
    def _tables(self) -> tuple[Float64s, Float64s, Int64s, Int64s]:
        """All quantiles behind one another, their levels, and by segment the first and last of its own."""
        own = self.segments or (None,)
        tables = [self.overall, *(one for one in own if one is not None)]
        ends = np.cumsum([len(table.scores) for table in tables])
        starts = ends - [len(table.scores) for table in tables]
        places = iter(range(1, len(tables)))
        chosen = np.array([0 if one is None else next(places) for one in own])
        return (
            np.concatenate([table.scores for table in tables]),
            np.concatenate([table.levels for table in tables]),
            starts[chosen],
            ends[chosen] - 1,
        )


@compiled
def _percentile(
    scores: Float64s,
    codes: Int64s,
    points: Float64s,
    levels: Float64s,
    firsts: Int64s,
    lasts: Int64s,
    percentiles: Float64s,
) -> None:
    for row in range(len(scores)):
        score = scores[row]
        first, last = firsts[codes[row]], lasts[codes[row]]
        if score > points[last]:
            percentiles[row] = 1.0
            continue
        low, high = first, last  # the first point that is not below the score
        while low < high:
            middle = (low + high) // 2
            if points[middle] < score:
                low = middle + 1
            else:
                high = middle
        # Many rows may share one score: of the levels that they fill, the lowest is theirs.
        if points[low] == score or low == first:
            percentiles[row] = levels[low]
        else:
            share = (score - points[low - 1]) / (points[low] - points[low - 1])
            percentiles[row] = levels[low - 1] + share * (levels[low] - levels[low - 1])
