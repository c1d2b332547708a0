"""Cases: moves a case between its states, and closes its alert with it."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from alerts.cases import Case, CaseStatus, move
from events.clock import Clock, wall_clock
from store.errors import StoreError
from store.postgres.changes import CHANNEL
from store.postgres.errors import translated
from store.postgres.tables import ALERTS, CASES


class CaseStore:
    """Cases in PostgreSQL, as people work on them."""

    def __init__(self, engine: AsyncEngine, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._clock = clock

    async def move(self, case_id: str, to: CaseStatus) -> Case:
        """Move a case to status `to`; a closed case closes its alert, and the next hit opens a new one.

        Waits for a desk that is adding hits to the alert.

        Raises:
            TransitionError: when the case may not move there.
            StoreError: when there is no such case.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        with translated("move a case"):
            async with self._engine.begin() as connection:
                found = await connection.execute(
                    select(CASES)
                    .select_from(ALERTS)  # first, as the desk does: rows are locked in this order
                    .join(CASES, CASES.c.alert_id == ALERTS.c.alert_id)
                    .where(CASES.c.case_id == _uuid(case_id))
                    .with_for_update(of=[ALERTS, CASES])
                )
                row = found.one_or_none()
                if row is None:
                    raise _unknown(case_id)
                case = Case(
                    case_id=row.case_id,
                    alert_id=row.alert_id,
                    queue=row.queue,
                    tier=row.tier,
                    status=row.status,
                )
                moved = move(case, to)
                closed_at = self._clock() if to is CaseStatus.CLOSED else None
                await connection.execute(
                    update(CASES)
                    .where(CASES.c.case_id == case.case_id)
                    .values(status=moved.status, closed_at=closed_at)
                )
                await connection.execute(
                    update(ALERTS)
                    .where(ALERTS.c.alert_id == case.alert_id)
                    .values(changed_at=self._clock(), closed_at=closed_at)
                )
                await connection.execute(select(func.pg_notify(CHANNEL, case.alert_id)))
        return moved


def _uuid(case_id: str) -> str:
    try:
        return str(UUID(case_id))
    except ValueError as error:
        raise _unknown(case_id) from error


def _unknown(case_id: str) -> StoreError:
    return StoreError(f"case `{case_id}`: not found; look it up on the board")
