"""The writing side of alerts: applies batches of hits to the tables, each hit once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine, Row, func, select

from alerts.hit import Hit
from alerts.overdue import Withdrawal
from alerts.views import QueueCount
from events.clock import Clock, wall_clock
from store.postgres.batch import Raise, lock, uncounted, write
from store.postgres.errors import translated
from store.postgres.tables import CASES
from store.postgres.withdrawals import keep, settle

BATCH = 1_000
"""Most hits of one transaction: each pair of group and scenario takes one of PostgreSQL's 6,400 locks."""

COUNT_OPEN_CASES = (
    select(CASES.c.queue, CASES.c.tier, func.count().label("open"))
    .where(CASES.c.closed_at.is_(None))
    .group_by(CASES.c.queue, CASES.c.tier)
    .order_by(CASES.c.queue, CASES.c.tier.desc())
)


class Applied(NamedTuple):
    """What became of a batch of hits.

    Args:
        applied: number of hits that counted.
        repeated: number of hits that had been counted before.
        raised: alerts raised by them, in order; an alert may stand here more than once.
    """

    applied: int
    repeated: int
    raised: list[Raise]


class AlertStore:
    """Alerts and cases in PostgreSQL, as the desk writes them; safe to use from several desks at once."""

    def __init__(self, engine: Engine, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._clock = clock

    def apply(self, hits: Sequence[Hit]) -> Applied:
        """Let alerts and cases grow by `hits`, in order, at most `BATCH` of them, in one transaction.

        Another desk with hits of the same group and scenario waits until it ends. A hit that was counted
        before changes nothing, be its alert open or closed.

        Raises:
            AlertError: when a hit's `occurred_at` is no time with an offset; nothing was written.
            HitRefusedError: when PostgreSQL can't store one of the hits; nothing was written.
            DatabaseUnavailableError: when PostgreSQL does not answer; call again with the same hits.
            ValueError: when there are more than `BATCH` hits.
        """
        if len(hits) > BATCH:
            raise ValueError(f"`hits`: got {len(hits)}; apply at most {BATCH} at once")
        with translated(f"apply {len(hits)} hits"), self._engine.begin() as connection:
            lock(connection, hits)
            fresh = uncounted(connection, hits)
            raised = write(connection, fresh, self._clock()) if fresh else []
        return Applied(len(fresh), len(hits) - len(fresh), raised)

    def withdraw(self, withdrawals: Sequence[Withdrawal]) -> int:
        """Take hits back, whether they came already or come later; each once.

        An alert all of whose hits are withdrawn is closed, unless somebody has taken up its case.

        Args:
            withdrawals: at most `BATCH`.

        Returns:
            how many were not known before.

        Raises:
            AlertError: when an `occurred_at` is no time with an offset; nothing was written.
            HitRefusedError: when PostgreSQL can't store one of them; nothing was written.
            DatabaseUnavailableError: when PostgreSQL does not answer; call again.
        """
        now = self._clock()
        with translated(f"withdraw {len(withdrawals)} hits"), self._engine.begin() as connection:
            lock(connection, withdrawals)
            new = keep(connection, withdrawals, now)
            settle(connection, new, now)
        return len(new)

    def open_cases(self) -> list[QueueCount]:
        """Number of open cases by queue and tier.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("count the open cases"), self._engine.connect() as connection:
            return list(map(count_of, connection.execute(COUNT_OPEN_CASES)))


def count_of(row: Row[Any]) -> QueueCount:
    """One row of `COUNT_OPEN_CASES`."""
    return QueueCount(queue=row.queue, tier=row.tier, open=row.open)
