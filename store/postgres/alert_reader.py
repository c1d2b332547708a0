"""The reading side of alerts: counts, the list, one alert, and its record."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, Select, bindparam, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from alerts.alert import EVIDENCE, AlertRecord
from alerts.cases import CaseStatus
from alerts.growth import evidence, record
from alerts.hit import Hit
from alerts.views import AlertDetail, AlertFilter, AlertRow, CursorError, QueueCount
from events.clock import Clock, moment, wall_clock
from rules.decision import Outcome, Tier
from store.postgres.alerts import COUNT_OPEN_CASES, count_of
from store.postgres.batch import alert_of
from store.postgres.changes import alert_changes
from store.postgres.columns import TIER, Milliseconds
from store.postgres.errors import DatabaseUnavailableError, translated
from store.postgres.tables import ALERTS, CASES, HITS, WITHDRAWALS

ORDER_SEARCH = 3
"""Search text of fewer characters is not looked for in order numbers: their index holds pieces of three."""

_BOARD = (CASES.c.tier, CASES.c.raised_at, CASES.c.case_id)
_ROW = (
    select(
        *(ALERTS.c[name] for name in ("alert_id", "group_id", "customer", "scenario", "title", "reason")),
        *(
            ALERTS.c[name]
            for name in ("outcome", "playbook", "hits", "withdrawn", "amount", "first_hit_at", "last_hit_at")
        ),
        *(CASES.c[name] for name in ("case_id", "tier", "queue", "status", "raised_at")),
    )
    .select_from(CASES)
    .join(ALERTS, ALERTS.c.alert_id == CASES.c.alert_id)
)


class PostgresAlertReader:
    """Alerts and cases as the console reads them."""

    def __init__(self, engine: AsyncEngine, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._clock = clock

    async def counts(self) -> list[QueueCount]:
        """Number of open cases by queue and tier.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer; so does every method but `alive`.
        """
        return list(map(count_of, await self._rows("count the open cases", COUNT_OPEN_CASES)))

    async def alerts(self, wanted: AlertFilter) -> list[AlertRow]:
        """Open alerts, highest tier first, in a tier the one raised last first.

        The cost of a page does not depend on how far down the list it is.

        Raises:
            CursorError: when `wanted.before` is no cursor of a row.
        """
        return [_alert_row(row) for row in await self._rows("list the alerts", page(wanted))]

    async def alert(self, alert_id: str, hits: int) -> AlertDetail | None:
        """One alert, open or closed, with the newest `hits` of its hits; None where there is none."""
        if not _is_uuid(alert_id):
            return None
        found = await self._rows("read an alert", _ROW.where(ALERTS.c.alert_id == alert_id))
        if not found:
            return None
        newest = _hits(alert_id).order_by(HITS.c.occurred_at.desc(), HITS.c.arrival.desc()).limit(hits)
        shown = await self._rows("read an alert's hits", newest)
        row = _alert_row(found[0])
        return AlertDetail(
            row=row,
            playbook=found[0].playbook,
            decision_ids=row.hits,
            hits=list(map(_hit, shown)),
            withdrawn=found[0].withdrawn,
            notes={one.hit_id: one.note for one in shown if one.note is not None},
        )

    async def record(self, alert_id: str) -> AlertRecord | None:
        """One alert as the contract of alerts writes it, with all its decision ids; None if there is none."""
        if not _is_uuid(alert_id):
            return None
        found = await self._rows("read an alert", select(ALERTS).where(ALERTS.c.alert_id == alert_id))
        if not found:
            return None
        strongest = _hits(alert_id).order_by(
            HITS.c.tier.desc(), HITS.c.occurred_at.desc(), HITS.c.arrival.desc()
        )
        shown = await self._rows("read an alert's evidence", strongest.limit(EVIDENCE))
        decisions = select(HITS.c.decision_id).where(HITS.c.alert_id == alert_id).order_by(HITS.c.arrival)
        ids = [row.decision_id for row in await self._rows("read an alert's decisions", decisions)]
        told = [evidence(_hit(row), row.note) for row in shown]
        return record(alert_of(found[0]), ids, told, found[0].withdrawn)

    def changes(self) -> AsyncGenerator[str, None]:
        """Ids of alerts as they are raised or grow, without end; goes on when PostgreSQL comes back."""
        return alert_changes(self._engine, self._clock)

    async def alive(self) -> bool:
        """True when PostgreSQL answers."""
        try:
            await self._rows("ask for a sign of life", select(literal(1)))
        except DatabaseUnavailableError:
            return False
        return True

    async def _rows(self, doing: str, query: Select[Any]) -> list[Row[Any]]:
        with translated(doing):
            async with self._engine.connect() as connection:
                return list(await connection.execute(query))


def page(wanted: AlertFilter) -> Select[Any]:
    """The query of a page of the list.

    Raises:
        CursorError: when `wanted.before` is no cursor of a row.
    """
    query = _ROW.where(CASES.c.closed_at.is_(None), *_conditions(wanted))
    return query.order_by(*(column.desc() for column in _BOARD)).limit(wanted.limit)


def _conditions(wanted: AlertFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.queue is not None:
        conditions.append(CASES.c.queue == wanted.queue)
    if wanted.tier is not None:
        conditions.append(CASES.c.tier == wanted.tier)
    if wanted.scenario is not None:
        conditions.append(ALERTS.c.scenario == wanted.scenario)
    if wanted.text:
        conditions.append(_containing(wanted.text))
    if wanted.before is not None:
        conditions.append(_after(wanted.before))
    return conditions


def _containing(text: str) -> ColumnElement[bool]:
    """Part of group, customer or order, in any case."""
    escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    pattern = f"%{escaped}%"
    found = ALERTS.c.group_id.ilike(pattern) | ALERTS.c.customer.ilike(pattern)
    if len(text) < ORDER_SEARCH:
        return found
    return found | ALERTS.c.alert_id.in_(select(HITS.c.alert_id).where(HITS.c.order_no.ilike(pattern)))


def _after(cursor: str) -> ColumnElement[bool]:
    tier, raised_at, case_id = _place(cursor)
    values = (
        bindparam("tier", tier, TIER, unique=True),
        bindparam("raised_at", raised_at, Milliseconds, unique=True),
        bindparam("case_id", case_id, CASES.c.case_id.type, unique=True),
    )
    return tuple_(*_BOARD) < tuple_(*values)


def _place(cursor: str) -> tuple[Tier, int, str]:
    try:
        tier, raised_at, case_id = cursor.split("~")
        place = Tier(tier), int(raised_at), str(UUID(case_id))
        moment(place[1])
    except (ValueError, OverflowError) as error:
        raise CursorError(
            f"`before`: got `{cursor}`; give the `cursor` of a row, or nothing for the first page"
        ) from error
    return place


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _hits(alert_id: str) -> Select[Any]:
    return (
        select(HITS.c.hit, HITS.c.hit_id, WITHDRAWALS.c.note)
        .join_from(HITS, WITHDRAWALS, WITHDRAWALS.c.hit_id == HITS.c.hit_id, isouter=True)
        .where(HITS.c.alert_id == alert_id)
    )


def _hit(row: Row[Any]) -> Hit:
    return msgspec.convert(row.hit, Hit)


def _alert_row(row: Row[Any]) -> AlertRow:
    return AlertRow(
        alert_id=row.alert_id,
        case_id=row.case_id,
        group=row.group_id,
        customer=row.customer,
        scenario=row.scenario,
        title=row.title,
        reason=row.reason,
        tier=Tier(row.tier),
        outcome=Outcome(row.outcome),
        queue=row.queue,
        status=CaseStatus(row.status),
        hits=row.hits,
        amount=int(row.amount),
        first_hit_at=row.first_hit_at,
        last_hit_at=row.last_hit_at,
        raised_at=row.raised_at,
        cursor=f"{row.tier}~{row.raised_at}~{row.case_id}",
    )
