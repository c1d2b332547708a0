"""Dispositions: an analyst's word closes an alert and becomes labels of its events, in one transaction."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Connection, Engine, exists, func, insert, literal, select, update

from alerts.cases import Case, CaseStatus, move
from alerts.dispositions import RIGHT, Act, Answer, check, check_seen, label_of
from alerts.views import Answered, LabelRow
from events.clock import Clock, wall_clock
from events.rights import LifecycleError, Person, Refusal, allow
from store.postgres.changes import CHANNEL
from store.postgres.errors import translated
from store.postgres.tables import ALERTS, CASES, DISPOSITIONS, HITS, LABELS, WITHDRAWALS


class DispositionStore:
    """Dispositions and the labels that follow from them, in PostgreSQL."""

    def __init__(self, engine: Engine, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._clock = clock

    def give(self, alert_id: str, answer: Answer, person: Person) -> Answered:
        """Say what an alert turned out to be: its case is closed, and its events get labels.

        A desk that is adding hits to the alert is waited for; the next hit opens a new alert.

        Raises:
            DispositionError: the answer says too little, or the alert has grown since it was looked at.
            LifecycleError: the person may not, there is no such alert, or it is closed.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        allow(Act.DISPOSE, RIGHT, person)
        check(answer)
        with translated("dispose of an alert"), self._engine.begin() as connection:
            hits, case = _locked(connection, alert_id)
            if case.status is CaseStatus.CLOSED:
                raise LifecycleError(Refusal.STATE, f"alert `{alert_id}` is closed; nothing was changed")
            check_seen(answer, hits)
            now = self._clock()
            labels = self._record(connection, case, answer, person, now)
            _close(connection, move(case, CaseStatus.CLOSED), now)
        return Answered(
            alert_id=alert_id, disposition=answer.disposition, label=label_of(answer), labels=labels
        )

    def labels(self, by: int | None = None) -> Iterator[LabelRow]:
        """Every label that people gave, the oldest first.

        Args:
            by: what became known later is left out, epoch milliseconds.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        query = select(LABELS).order_by(LABELS.c.known_at, LABELS.c.target)
        if by is not None:
            query = query.where(LABELS.c.known_at <= by)
        with translated("read labels"), self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=5000).execute(query):
                yield LabelRow(
                    target=row.target,
                    label=row.label,
                    known_at=row.known_at,
                    scenario=row.scenario,
                    group=row.group_id,
                    source=row.source,
                )

    def _record(self, connection: Connection, case: Case, answer: Answer, person: Person, now: int) -> int:
        """Keep the answer and the labels that follow from it; how many these are."""
        connection.execute(
            insert(DISPOSITIONS).values(
                alert_id=case.alert_id,
                disposition=answer.disposition.value,
                harm=answer.harm,
                reason=answer.reason,
                hits=answer.hits,
                actor=person.name,
                given_at=now,
            )
        )
        label = label_of(answer)
        if label is None:
            return 0
        withdrawn = exists().where(WITHDRAWALS.c.hit_id == HITS.c.hit_id)
        events = (
            select(
                HITS.c.event_id,
                literal(label),
                literal(now, LABELS.c.known_at.type),
                ALERTS.c.scenario,
                ALERTS.c.group_id,
                func.concat("alert:", ALERTS.c.alert_id),
            )
            .join_from(HITS, ALERTS, ALERTS.c.alert_id == HITS.c.alert_id)
            .where(ALERTS.c.alert_id == case.alert_id, ~withdrawn)
            .distinct()
        )
        names = ["target", "label", "known_at", "scenario", "group_id", "source"]
        added = insert(LABELS).from_select(names, events).returning(LABELS.c.target).cte()
        return connection.scalar(select(func.count()).select_from(added)) or 0


def _locked(connection: Connection, alert_id: str) -> tuple[int, Case]:
    """The alert's number of hits and its case, held until the transaction ends."""
    found = connection.execute(
        select(ALERTS.c.hits, CASES)
        .select_from(ALERTS)  # first, as the desk does: rows are locked in this order
        .join(CASES, CASES.c.alert_id == ALERTS.c.alert_id)
        .where(ALERTS.c.alert_id == _uuid(alert_id))
        .with_for_update(of=[ALERTS, CASES])
    ).one_or_none()
    if found is None:
        raise _unknown(alert_id)
    return found.hits, Case(
        case_id=found.case_id,
        alert_id=found.alert_id,
        queue=found.queue,
        tier=found.tier,
        status=found.status,
    )


def _close(connection: Connection, case: Case, now: int) -> None:
    connection.execute(
        update(CASES).where(CASES.c.case_id == case.case_id).values(status=case.status, closed_at=now)
    )
    connection.execute(
        update(ALERTS).where(ALERTS.c.alert_id == case.alert_id).values(changed_at=now, closed_at=now)
    )
    connection.execute(select(func.pg_notify(CHANNEL, case.alert_id)))


def _uuid(alert_id: str) -> str:
    try:
        return str(UUID(alert_id))
    except ValueError as error:
        raise _unknown(alert_id) from error


def _unknown(alert_id: str) -> LifecycleError:
    return LifecycleError(Refusal.UNKNOWN, f"alert `{alert_id[:64]}`: there is none")
