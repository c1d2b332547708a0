"""One batch: the transaction in which hits become alerts and cases."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

import msgspec
import psycopg
from psycopg import sql
from sqlalchemy import Connection, Row, Text, Uuid, bindparam, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from alerts.alert import Alert, Raised
from alerts.cases import Case, CaseStatus, follow, open_case
from alerts.growth import grow, occurred
from alerts.hit import Hit
from alerts.overdue import Withdrawal
from events.clock import moment
from rules.decision import Outcome, Tier
from store.postgres.changes import CHANNEL
from store.postgres.tables import ALERTS, CASES, HITS
from store.postgres.withdrawals import settle

_IDS = ARRAY(Uuid(as_uuid=False))
_Key = tuple[str, str]  # group, scenario
_HitRow = tuple[str, str, str, str, bool, str | None, str, datetime, str]
_HIT_COLUMNS = [column.name for column in HITS.c if column.identity is None]


class Raise(NamedTuple):
    """One alert asked for attention."""

    alert_id: str
    tier: Tier
    why: Raised


@dataclass
class _Tracked:
    """An open alert and its case as the transaction goes on."""

    alert: Alert
    case: Case
    new: bool
    raised: bool = False


def lock(connection: Connection, hits: Sequence[Hit | Withdrawal]) -> None:
    """Hold the hits' groups and scenarios until the transaction ends; sorted, so desks never deadlock."""
    texts = func.unnest(bindparam("keys", type_=ARRAY(Text))).column_valued("key")
    hashes = select(func.hashtextextended(texts, 0).label("hash")).order_by("hash").subquery()
    connection.execute(
        select(func.count(func.pg_advisory_xact_lock(hashes.c.hash))),
        {"keys": list({f"{hit.group}\n{hit.scenario}" for hit in hits})},
    )


def uncounted(connection: Connection, hits: Sequence[Hit]) -> list[Hit]:
    """The hits that no alert has counted, open or closed; each once."""
    by_id = {hit.hit_id: hit for hit in reversed(hits)}  # of two with one id, the first stays
    counted = connection.scalars(
        select(HITS.c.hit_id).where(HITS.c.hit_id == func.any(bindparam("ids", type_=_IDS))),
        {"ids": list(by_id)},
    )
    for hit_id in counted:
        by_id.pop(hit_id, None)
    return [hit for hit in hits if by_id.pop(hit.hit_id, None) is not None]


def write(connection: Connection, hits: list[Hit], now: int) -> list[Raise]:
    """Let the alerts grow by `hits`, none of which was counted before, and say which were raised.

    1. Load and lock the open alerts with their cases, and which of the events they have seen.
    2. Grow them in memory.
    3. Write alerts, cases and hits; notify `CHANNEL` of every alert that changed.
    4. Count those that were withdrawn before they came.
    """
    tracked = _load(connection, hits)
    seen = _seen_events(connection, tracked, hits)
    raised: list[Raise] = []
    rows: list[_HitRow] = []
    for hit in hits:
        key = (hit.group, hit.scenario)
        entry = tracked.get(key)
        first_of_event = (*key, hit.event_id) not in seen
        growth = grow(entry.alert if entry else None, hit, first_of_event=first_of_event)
        if entry is None:
            entry = tracked[key] = _Tracked(growth.alert, open_case(growth.alert), new=True)
        else:
            entry.alert = growth.alert
            entry.case = follow(entry.case, growth.alert, growth.raised)
        if growth.raised is not None:
            entry.raised = True
            raised.append(Raise(entry.alert.alert_id, entry.alert.tier, growth.raised))
        seen.add((*key, hit.event_id))
        rows.append(_hit_row(hit, entry.alert.alert_id, first_of_event=first_of_event))
    _write_alerts(connection, tracked.values(), now)
    _copy(connection, rows)
    settle(connection, [hit.hit_id for hit in hits], now)
    return raised


def _load(connection: Connection, hits: list[Hit]) -> dict[_Key, _Tracked]:
    """The open alerts of the hits' pairs with their cases, locked against people who close them."""
    keys = sorted({(hit.group, hit.scenario) for hit in hits})
    pairs = (
        func.unnest(bindparam("groups", type_=ARRAY(Text)), bindparam("scenarios", type_=ARRAY(Text)))
        .table_valued("group_id", "scenario", name="pairs")
        .render_derived()
    )
    rows = connection.execute(
        select(ALERTS, CASES.c.case_id, CASES.c.queue.label("case_queue"), CASES.c.status)
        .join_from(
            pairs,
            ALERTS,
            (ALERTS.c.group_id == pairs.c.group_id) & (ALERTS.c.scenario == pairs.c.scenario),
        )
        .join(CASES, CASES.c.alert_id == ALERTS.c.alert_id)
        .where(ALERTS.c.closed_at.is_(None))
        .with_for_update(of=[ALERTS, CASES]),
        {"groups": [key[0] for key in keys], "scenarios": [key[1] for key in keys]},
    )
    return {(row.group_id, row.scenario): _tracked(row) for row in rows}


def _tracked(row: Row[Any]) -> _Tracked:
    alert = alert_of(row)
    case = Case(
        case_id=row.case_id,
        alert_id=alert.alert_id,
        queue=row.case_queue,
        tier=alert.tier,
        status=CaseStatus(row.status),
    )
    return _Tracked(alert, case, new=False)


def alert_of(row: Row[Any]) -> Alert:
    """The alert that stands in a row of the table of alerts."""
    return Alert(
        alert_id=row.alert_id,
        group=row.group_id,
        customer=row.customer,
        scenario=row.scenario,
        tier=Tier(row.tier),
        outcome=Outcome(row.outcome),
        queue=row.queue,
        playbook=row.playbook,
        title=row.title,
        reason=row.reason,
        led_at=row.led_at,
        first_hit_at=row.first_hit_at,
        last_hit_at=row.last_hit_at,
        hits=row.hits,
        amount=int(row.amount),
        raised_amount=int(row.raised_amount),
    )


def _seen_events(
    connection: Connection, tracked: dict[_Key, _Tracked], hits: list[Hit]
) -> set[tuple[str, str, str]]:
    """(group, scenario, event) of the events whose amount an open alert already holds."""
    asked = [
        (tracked[hit.group, hit.scenario].alert.alert_id, hit.event_id)
        for hit in hits
        if (hit.group, hit.scenario) in tracked
    ]
    if not asked:
        return set()
    pairs = (
        func.unnest(bindparam("alerts", type_=_IDS), bindparam("events", type_=ARRAY(Text)))
        .table_valued("alert_id", "event_id", name="pairs")
        .render_derived()
    )
    found = connection.execute(
        select(HITS.c.alert_id, HITS.c.event_id).join_from(
            pairs,
            HITS,
            (HITS.c.alert_id == pairs.c.alert_id)
            & (HITS.c.event_id == pairs.c.event_id)
            & HITS.c.first_of_event,
        ),
        {"alerts": [pair[0] for pair in asked], "events": [pair[1] for pair in asked]},
    )
    keys = {entry.alert.alert_id: key for key, entry in tracked.items()}
    return {(*keys[row.alert_id], row.event_id) for row in found}


def _write_alerts(connection: Connection, tracked: Iterable[_Tracked], now: int) -> None:
    entries = list(tracked)
    born = [entry for entry in entries if entry.new]
    grown = [entry for entry in entries if not entry.new]
    if born:
        connection.execute(
            insert(ALERTS), [{**_alert_row(entry.alert, now), "created_at": now} for entry in born]
        )
        connection.execute(
            insert(CASES), [{**_case_row(entry.case, now), "opened_at": now} for entry in born]
        )
    if grown:
        connection.execute(
            update(ALERTS).where(ALERTS.c.alert_id == bindparam("key")),
            [{**_alert_row(entry.alert, now), "key": entry.alert.alert_id} for entry in grown],
        )
    risen = [entry for entry in grown if entry.raised]
    if risen:
        connection.execute(
            update(CASES).where(CASES.c.case_id == bindparam("key")),
            [{**_case_row(entry.case, now), "key": entry.case.case_id} for entry in risen],
        )
    ids = func.unnest(bindparam("ids", type_=ARRAY(Text))).column_valued("id")
    connection.execute(
        select(func.count(func.pg_notify(literal(CHANNEL), ids))),
        {"ids": [entry.alert.alert_id for entry in entries]},
    )


def _alert_row(alert: Alert, now: int) -> dict[str, Any]:
    row = msgspec.structs.asdict(alert)
    row["group_id"] = row.pop("group")
    row["changed_at"] = now
    return row


def _case_row(case: Case, now: int) -> dict[str, Any]:
    return {**msgspec.structs.asdict(case), "raised_at": now}


def _hit_row(hit: Hit, alert_id: str, *, first_of_event: bool) -> _HitRow:
    return (
        hit.hit_id,
        alert_id,
        hit.decision_id,
        hit.event_id,
        first_of_event,
        hit.order,
        hit.tier.value,
        moment(occurred(hit)),
        msgspec.json.encode(hit).decode(),
    )


def _copy(connection: Connection, rows: Iterable[_HitRow]) -> None:
    """Append to the table of hits by COPY, which takes half the time of INSERT."""
    driver = cast("psycopg.Connection", connection.connection.driver_connection)
    columns = sql.SQL(", ").join(map(sql.Identifier, _HIT_COLUMNS))
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(HITS.name), columns)
    with driver.cursor() as cursor, cursor.copy(command) as copy:
        for row in rows:
            copy.write_row(row)
