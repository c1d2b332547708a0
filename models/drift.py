"""Drift: how far features and scores of today lie from those of the training.

Population stability index of two distributions over the same bins, a common measure of credit scoring
(Siddiqi, Credit Risk Scorecards, 2006): the sum over the bins of (now - then) · ln(now / then). Each count is
taken as half an event more than it is, so that an empty bin is no infinite surprise. Up to 0.1 is called
stable, from 0.25 on drifted.
"""

from enum import StrEnum

import numpy as np
from msgspec import Struct

from events.columns import Float64s, Int64s
from models.reference import Bins, Reference

FEWEST = 500
"""Events from which on drift is told: among fewer chance alone looks like drift."""

WATCHED, DRIFTED = 0.1, 0.25
_HALF = 0.5


class Steadiness(StrEnum):
    """What an index says."""

    STABLE = "stable"
    WATCH = "watch"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"  # too few events

    @classmethod
    def of(cls, index: float | None) -> "Steadiness":
        """What an index says.

        >>> [Steadiness.of(index).value for index in (None, 0.05, 0.1, 0.3)]
        ['unknown', 'stable', 'watch', 'drifted']
        """
        if index is None:
            return cls.UNKNOWN
        return cls.DRIFTED if index >= DRIFTED else cls.WATCH if index >= WATCHED else cls.STABLE


class FeatureDrift(Struct, frozen=True):
    """One feature, or the score, now and in training.

    Args:
        name: of the feature, or `score`.
        index: population stability index; None below `FEWEST` events.
        missing: share of NULL now.
        missing_before: share of NULL in training.
        now: share of each bin.
        before: share of each bin in training.
    """

    name: str
    index: float | None
    missing: float
    missing_before: float
    now: tuple[float, ...]
    before: tuple[float, ...]

    @property
    def steadiness(self) -> Steadiness:
        """What the index says."""
        return Steadiness.of(self.index)


def drift(reference: Reference, counts: Int64s) -> list[FeatureDrift]:
    """Drift of each feature, in the order of the reference.

    Args:
        reference: of the training.
        counts: rows by feature and bin, as `Reference.count` gives them, shape (features + 1, bins).
    """
    return [_of(bins, counts[place]) for place, bins in enumerate(reference.bins)]


def _of(bins: Bins, counts: Int64s) -> FeatureDrift:
    then = np.array(bins.counts, np.float64)
    now = counts[: len(then)].astype(np.float64)
    total = float(now.sum())
    shares, before = now / (total or 1.0), then / (float(then.sum()) or 1.0)
    return FeatureDrift(
        name=bins.name,
        index=stability(then, now) if total >= FEWEST else None,
        missing=float(shares[0]),
        missing_before=float(before[0]),
        now=tuple(shares.tolist()),
        before=tuple(before.tolist()),
    )


def stability(then: Float64s, now: Float64s) -> float:
    """Population stability index of two counts over the same bins, shape (bins,).

    >>> stability(np.array([50.0, 50.0]), np.array([500.0, 500.0]))
    0.0
    >>> round(stability(np.array([5000.0, 5000.0]), np.array([7000.0, 3000.0])), 2)
    0.17
    """
    expected = (then + _HALF) / (then.sum() + _HALF * len(then))
    actual = (now + _HALF) / (now.sum() + _HALF * len(now))
    return float(((actual - expected) * np.log(actual / expected)).sum())
