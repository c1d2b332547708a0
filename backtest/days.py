"""Days of event time: how many events, outcomes and alerts each local day of a backtest has."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np

from alerts.alert import Alert
from backtest.figures import Day
from backtest.hits import BatchHits
from backtest.rulebook import OUTCOMES
from events.columns import EventBatch, Int64s
from rules.decision import Outcome, Tier
from rules.local_time import LocalTime

_EPOCH = date(1970, 1, 1)
_LONGEST = 3_660
"""Days that are written without gaps; a stray event of another century must not make a report endless."""


class DayTally:
    """Counts by local day.

    Args:
        local_time: of the pack's timezone.
    """

    def __init__(self, local_time: LocalTime) -> None:
        self._local_time = local_time
        self._events: Counter[int] = Counter()
        self._outcomes: Counter[tuple[int, Outcome]] = Counter()

    def add(self, batch: EventBatch, hits: BatchHits) -> None:
        """Count the events of a batch and what was decided of those that were hit."""
        days = self._local_time.days(batch.occurred_at)
        for day, count in zip(*_counted(days), strict=True):
            self._events[day] += count
        for day, severity in zip(days[hits.rows].tolist(), hits.outcomes.tolist(), strict=True):
            self._outcomes[day, OUTCOMES[severity]] += 1

    def days(self, alerts: Iterable[Alert]) -> list[Day]:
        """The days in order, with the alerts whose first hit falls on each; gaps between them are filled."""
        first_hits = [(alert.first_hit_at, alert.tier) for alert in alerts]
        local = self._local_time.days(np.array([at for at, _ in first_hits], np.int64)).tolist()
        tiers = Counter(zip(local, (tier for _, tier in first_hits), strict=True))
        known = sorted(self._events)
        if known and known[-1] - known[0] < _LONGEST:
            known = list(range(known[0], known[-1] + 1))
        return [self._day(day, tiers) for day in known]

    def _day(self, day: int, tiers: Counter[tuple[int, Tier]]) -> Day:
        return Day(
            day=(_EPOCH + timedelta(days=day)).isoformat(),
            events=self._events[day],
            reviewed=self._outcomes[day, Outcome.REVIEW],
            held=self._outcomes[day, Outcome.HOLD],
            rejected=self._outcomes[day, Outcome.REJECT],
            low=tiers[day, Tier.LOW],
            medium=tiers[day, Tier.MEDIUM],
            high=tiers[day, Tier.HIGH],
            critical=tiers[day, Tier.CRITICAL],
        )


def _counted(days: Int64s) -> tuple[list[int], list[int]]:
    if len(days) and days.min() == days.max():  # as most batches
        return [int(days[0])], [len(days)]
    values, counts = np.unique(days, return_counts=True)
    return values.tolist(), counts.tolist()
