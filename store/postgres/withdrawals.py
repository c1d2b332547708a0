"""Withdrawals: hits of missed deadlines that no longer hold, and the alerts that they end.

A hit and its withdrawal come by two topics, in either order; whichever comes last counts the hit as
withdrawn.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Uuid, bindparam, case, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from alerts.cases import CaseStatus, ends_by_itself
from alerts.overdue import Withdrawal, withdrawn_at
from store.postgres.changes import CHANNEL
from store.postgres.tables import ALERTS, CASES, HITS, WITHDRAWALS

_IDS = ARRAY(Uuid(as_uuid=False))
_UNTOUCHED = [status.value for status in CaseStatus if ends_by_itself(status)]


def keep(connection: Connection, withdrawals: Sequence[Withdrawal], now: int) -> list[str]:
    """Keep withdrawals; gives the hits that were not withdrawn before."""
    rows = {
        one.hit_id: {
            "hit_id": one.hit_id,
            "occurred_at": withdrawn_at(one),
            "in_time": one.in_time,
            "note": one.note,
            "received_at": now,
        }
        for one in reversed(withdrawals)
    }
    statement = insert(WITHDRAWALS).values(list(rows.values())).on_conflict_do_nothing()
    return list(connection.scalars(statement.returning(WITHDRAWALS.c.hit_id)))


def settle(connection: Connection, hit_ids: Sequence[str], now: int) -> None:
    """Count hits that are there and withdrawn, each of them for the first time, and end what is left empty.

    An alert all of whose hits are withdrawn is closed, unless somebody has taken up its case.

    Args:
        connection: in a transaction that holds the groups and scenarios of the hits.
        hit_ids: hits that have just come, or have just been withdrawn.
        now: epoch milliseconds.
    """
    counts = (
        select(HITS.c.alert_id, func.count().label("number"))
        .join_from(HITS, WITHDRAWALS, WITHDRAWALS.c.hit_id == HITS.c.hit_id)
        .where(HITS.c.hit_id == func.any(bindparam("ids", type_=_IDS)))
        .group_by(HITS.c.alert_id)
        .subquery()
    )
    left = ALERTS.c.hits - ALERTS.c.withdrawn - counts.c.number
    untouched = (
        select(literal(1))
        .where(CASES.c.alert_id == ALERTS.c.alert_id, CASES.c.status.in_(_UNTOUCHED))
        .exists()
    )
    over = (ALERTS.c.closed_at.is_(None)) & (left == 0) & untouched
    counted = connection.execute(
        update(ALERTS)
        .where(ALERTS.c.alert_id == counts.c.alert_id)
        .values(
            withdrawn=ALERTS.c.withdrawn + counts.c.number,
            changed_at=now,
            closed_at=case((over, literal(now, ALERTS.c.closed_at.type)), else_=ALERTS.c.closed_at),
        )
        .returning(ALERTS.c.alert_id, ALERTS.c.closed_at),
        {"ids": list(hit_ids)},
    ).all()
    if not counted:
        return
    closed = [row.alert_id for row in counted if row.closed_at is not None]
    connection.execute(
        update(CASES)
        .where(CASES.c.alert_id == func.any(bindparam("alerts", type_=_IDS)), CASES.c.closed_at.is_(None))
        .where(CASES.c.status.in_(_UNTOUCHED))
        .values(status=CaseStatus.CLOSED.value, closed_at=now),
        {"alerts": closed},
    )
    told = func.unnest(bindparam("told", type_=ARRAY(ALERTS.c.group_id.type))).column_valued("id")
    connection.execute(
        select(func.count(func.pg_notify(literal(CHANNEL), told))),
        {"told": [row.alert_id for row in counted]},
    )
