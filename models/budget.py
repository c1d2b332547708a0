"""The alert budget: how unusual an event must be, so that a day has no more alerts than people can work."""

import math

import numpy as np
from msgspec import Struct

from events.columns import Float64s, Int64s, Objects
from models.errors import ModelError

LEAST = 0.99
"""The level never falls below: a budget that is not used up makes nothing ordinary worth a look."""


USUAL = 0.999
"""Where a model without a budget would raise: one event in a thousand."""


class Budget(Struct, frozen=True, forbid_unknown_fields=True):
    """What a model may raise, and the level that keeps to it.

    Args:
        per_day: most customers that may be raised on any day of the training period.
        level: the percentile from which on an event is raised, `anomaly_limit` in conditions.
        days: days of the training period with events.
        mean: customers a day at this level, in the mean over these days.
        most: the same on the busiest day.
    """

    per_day: int
    level: float
    days: int
    mean: float
    most: int


def budget_for(
    percentiles: Float64s, groups: Objects, days: Int64s, per_day: int, share: float = 1.0
) -> Budget:
    """The lowest level from `LEAST` on with which no day has more than `per_day` customers at or above it.

    A customer counts once a day: hits of one customer grow the same alert.

    Args:
        percentiles: of the training events, shape (n,), n at least 1.
        groups: unified customer of each, shape (n,).
        days: number of the local day of each, shape (n,).
        per_day: the budget, at least 1.
        share: part of the period's events that the rows are; of a sample the budget is that part.

    Raises:
        ModelError: the budget is below 1, or the rows are too small a part to keep to it.
    """
    if per_day < 1:
        raise ModelError(f"alerts per day: expected at least 1, got {per_day}")
    allowed = math.floor(per_day * share)
    if allowed < 1:
        raise ModelError(
            f"a budget of {per_day} alerts a day can't be kept on {share:.2%} of the events;"
            " train on a shorter period or with more rows"
        )
    _, names = np.unique(groups.astype(str), return_inverse=True)
    order = np.lexsort((-percentiles, names, days))
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(names[order]) != 0) | (np.diff(days[order]) != 0)
    highest, day = percentiles[order][first], days[order][first]
    numbers, starts, counts = np.unique(day, return_index=True, return_counts=True)
    level = LEAST
    for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
        if count > allowed:
            ranked = np.sort(highest[start : start + count])
            level = max(level, float(np.nextafter(ranked[-allowed - 1], 2.0)))
    raised = np.bincount(np.searchsorted(numbers, day[highest >= level]), minlength=len(numbers))
    return Budget(
        per_day, level, len(numbers), float(raised.mean() / share), round(int(raised.max()) / share)
    )
