"""The blend: what rules, forest and challenger say of an event as one risk, and how the weights are learnt.

    risk = 1 / (1 + exp(-(base + forest · surprise + challenger · log odds + weights of the rules that hit)))

`surprise` is -ln(1 - percentile), at most ln 10,000: one event in ten says 2.3, one in a thousand 6.9. No
weight is below zero: no rule that hits and no higher score makes an event look better.
"""

import math
from collections.abc import Mapping

import msgspec
import numpy as np
from msgspec import Struct

from events.columns import Bools, Float64s
from models.boosting import probability
from models.errors import ModelError

RAREST = 0.9999  # percentiles above say little more: the training period has few such events
SUREST = 1e-6  # probabilities nearer to 0 or 1 say no more than this
SHRINKAGE = 1.0
ROUNDS, HALVINGS = 100, 40
SLACK = 1e-4  # a step must win this share of what the slope promises
ENOUGH = 1e-9  # weights that change by less are found
TINY = 1e-9


class Blend(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights of a blend.

    Args:
        base: log odds of an event of which nothing is said.
        forest: weight of the surprise of the anomaly percentile.
        challenger: weight of the log odds of the challenger's probability.
        rules: weight of each rule by name, added where it hits.
    """

    base: float
    forest: float
    challenger: float
    rules: dict[str, float]

    def risk(self, percentile: Float64s, bad: Float64s, hits: Mapping[str, Bools]) -> Float64s:
        """Risk of n events, 0–1, shape (n,).

        Args:
            percentile: the forest's, 0–1, shape (n,).
            bad: the challenger's probability, 0–1, shape (n,).
            hits: where each rule of the blend hits, shape (n,); others are left alone.

        Raises:
            ModelError: a rule of the blend is not among the hits.
        """
        weights = np.array([self.forest, self.challenger, *self.rules.values()])
        said = inputs(percentile, bad, hits, tuple(self.rules)) * weights
        return probability(self.base + said.sum(axis=1))

    def to_json(self) -> bytes:
        """The weights as JSON, which keeps every bit of them."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def of_json(content: bytes) -> Blend:
    """The blend that `to_json` wrote.

    Raises:
        ModelError: it is no blend, or a weight is below zero or no number.
    """
    try:
        blend = msgspec.json.decode(content, type=Blend)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"the blend is damaged: {error}; restore the file or train it again") from None
    weights = (blend.forest, blend.challenger, *blend.rules.values())
    if not all(math.isfinite(weight) for weight in (blend.base, *weights)) or min(weights) < 0:
        raise ModelError("the blend is damaged: a weight is below zero or no number; train it again")
    return blend


def inputs(
    percentile: Float64s, bad: Float64s, hits: Mapping[str, Bools], rules: tuple[str, ...]
) -> Float64s:
    """What is weighted, shape (n, 2 + rules): surprise, log odds, and 1 where a rule hits."""
    missing = [rule for rule in rules if rule not in hits]
    if missing:
        raise ModelError(f"the blend weighs rule `{missing[0]}`, which nobody evaluated; use its pack")
    columns = [surprise(percentile), likely_odds(bad), *(hits[rule].astype(np.float64) for rule in rules)]
    return np.stack(columns, axis=1)


def surprise(percentile: Float64s) -> Float64s:
    """How rare percentiles are, -ln(1 - percentile), shape (n,).

    >>> surprise(np.array([0.0, 0.9, 0.999, 1.0])).round(2).tolist()
    [0.0, 2.3, 6.91, 9.21]
    """
    rare: Float64s = -np.log1p(-np.clip(percentile, 0.0, RAREST))
    return rare


def likely_odds(bad: Float64s) -> Float64s:
    """Log odds of probabilities, shape (n,); those next to 0 or 1 are as far as any."""
    likely = np.clip(bad, SUREST, 1.0 - SUREST)
    odds: Float64s = np.log(likely / (1.0 - likely))
    return odds


def fit_blend(percentile: Float64s, bad: Float64s, hits: Mapping[str, Bools], labels: Bools) -> Blend:
    """The weights that make the labels of n events most likely (logistic regression, weights ≥ 0).

    The events must be others than those that forest and challenger were trained on: these know them by heart.
    A ridge of `SHRINKAGE` keeps rules that seldom hit from running away. Newton steps are taken over the
    weights that are not held at zero, cut short where they pass it (Bertsekas 1982). Nothing is random.

    Args:
        percentile: the forest's, 0–1, shape (n,).
        bad: the challenger's probability, 0–1, shape (n,).
        hits: where each rule hits, shape (n,); all of them are weighed.
        labels: which events are bad, shape (n,).

    Raises:
        ModelError: all events are bad, or none is.
    """
    count = int(np.count_nonzero(labels))
    if not 0 < count < len(labels):
        raise ModelError(f"{count} of {len(labels)} events are bad; a blend needs bad ones and others")
    rules = tuple(hits)
    given = inputs(percentile, bad, hits, rules)
    fit = _Likelihood(np.column_stack([np.ones(len(labels)), given]), labels.astype(np.float64))
    found = np.zeros(given.shape[1] + 1)
    found[0] = math.log(count / (len(labels) - count))
    for _ in range(ROUNDS):
        after = fit.step(found)
        moved = float(np.abs(after - found).max())
        found = after
        if moved < ENOUGH:
            break
    return Blend(
        base=float(found[0]),
        forest=float(found[1]),
        challenger=float(found[2]),
        rules=dict(zip(rules, found[3:].tolist(), strict=True)),
    )


class _Likelihood:
    """How unlikely weights make the labels, with the ridge; sums are taken the same way on every machine."""

    def __init__(self, given: Float64s, labels: Float64s) -> None:
        self._columns = np.ascontiguousarray(given.T)
        self._labels = labels
        self._ridge = np.full(len(self._columns), SHRINKAGE)
        self._ridge[0] = 0.0  # the base may be what it is, and below zero

    def step(self, weights: Float64s) -> Float64s:
        """Better weights, or the same where there are none."""
        likely = probability(self._odds(weights))
        slope = self._sums(likely - self._labels) + self._ridge * weights
        free = (weights > 0.0) | (slope < 0.0)
        free[0] = True
        bend = self._bend(likely * (1.0 - likely))[np.ix_(free, free)]
        way = np.zeros(len(weights))
        way[free] = np.linalg.solve(bend, -slope[free])
        held = self._loss(weights)
        for halvings in range(HALVINGS):
            after = weights + way * 0.5**halvings
            after[1:] = np.maximum(after[1:], 0.0)
            if self._loss(after) < held + SLACK * float((slope * (after - weights)).sum()):
                return after
        return weights

    def _odds(self, weights: Float64s) -> Float64s:
        odds = np.zeros(self._columns.shape[1])
        for weight, column in zip(weights.tolist(), self._columns, strict=True):
            odds += weight * column
        return odds

    def _loss(self, weights: Float64s) -> float:
        odds = self._odds(weights)
        unlikely = np.logaddexp(0.0, odds) - self._labels * odds
        return float(unlikely.sum() + (self._ridge * weights * weights).sum() / 2)

    def _sums(self, factors: Float64s) -> Float64s:
        return np.array([(column * factors).sum() for column in self._columns])

    def _bend(self, factors: Float64s) -> Float64s:
        rows = [self._sums(column * factors) for column in self._columns]
        return np.array(rows) + np.diag(self._ridge + TINY)
