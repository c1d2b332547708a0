"""Suppressions: asked for by one person, in force once another approved."""

import uuid_utils
from sqlalchemy import Connection, Engine, insert, select

from events.clock import DAY, Clock, wall_clock
from events.rights import SYSTEM, LifecycleError, Person, Refusal
from rules.deadline import Deadline
from rules.lifecycle import Action, Standing, may, right_of, stand
from rules.rule import Rule
from rules.suppression import Suppression
from rules.views import Moved, SuppressionRow
from store.postgres.errors import translated
from store.postgres.rules.editions import make, newest, packs_in_force, suppression_of
from store.postgres.rules.history import Subject, alone, record, standings
from store.postgres.tables import RULE_CHANGES, SUPPRESSIONS

LONGEST = 90 * DAY
"""Milliseconds that a suppression may last; who still needs it then asks again."""


class SuppressionStore:
    """Suppressions in PostgreSQL, as people work on them."""

    def __init__(self, engine: Engine, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._clock = clock

    def request(self, wanted: Suppression, person: Person, reason: str) -> Moved:
        """Ask for a suppression; its id is given here, whatever `wanted` says.

        Raises:
            LifecycleError: the person may not, the time is wrong, or nothing in force has the name.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        may(Action.REQUEST, person)
        now = self._clock()
        _check_time(wanted, now)
        identity = str(uuid_utils.uuid4())
        row = {
            "suppression_id": identity,
            "group_id": wanted.group,
            "rule": wanted.rule,
            "scenario": wanted.scenario,
            "tier": wanted.tier,
            "starts_at": wanted.starts_at,
            "expires_at": wanted.expires_at,
            "requested_by": person.name,
        }
        with translated("ask for a suppression"), self._engine.begin() as connection:
            _check_target(connection, wanted)
            connection.execute(insert(SUPPRESSIONS), row)
            record(
                connection,
                now,
                Subject.SUPPRESSION,
                identity,
                action=Action.REQUEST,
                to=Standing.REQUESTED,
                actor=person.name,
                reason=reason,
            )
        return Moved(name=identity, state=Standing.REQUESTED, edition=None)

    def move(self, action: Action, identity: str, person: Person, reason: str = "") -> Moved:
        """Approve or lift a suppression; what changes what is in force makes an edition.

        Raises:
            LifecycleError: there is no such suppression, the person may not, or it is settled already.
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        now = self._clock()
        with translated("settle a suppression"), self._engine.begin() as connection:
            alone(connection)
            before = standings(connection).get(identity)
            if before is None:
                raise LifecycleError(
                    Refusal.UNKNOWN,
                    f"suppression `{identity[:64]}`: not found; `fenghuo rules list` shows what there is",
                )
            asked = select(SUPPRESSIONS.c.requested_by).where(SUPPRESSIONS.c.suppression_id == identity)
            may(action, person, connection.scalar(asked))
            to = stand(action, before, identity)
            edition = newest(connection) + 1 if Standing.APPROVED in {before, to} else None
            record(
                connection,
                now,
                Subject.SUPPRESSION,
                identity,
                action=action,
                before=before,
                to=to,
                actor=person.name,
                approved_by=person.name if right_of(action).second else None,
                reason=reason,
                edition=edition,
            )
            if edition is not None:
                make(connection, now)
        return Moved(name=identity, state=to, edition=edition)

    def end(self, identity: str, reason: str) -> None:
        """End a suppression because the tier rose; nothing where it has ended already.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        now = self._clock()
        with translated("end a suppression"), self._engine.begin() as connection:
            alone(connection)
            before = standings(connection).get(identity)
            if before is not Standing.APPROVED:
                return
            record(
                connection,
                now,
                Subject.SUPPRESSION,
                identity,
                action=Action.LIFT,
                before=before,
                to=Standing.LIFTED,
                actor=SYSTEM,
                reason=reason,
                edition=newest(connection) + 1,
            )
            make(connection, now)

    def suppressions(self) -> list[SuppressionRow]:
        """Those that were asked for or are in force and have not ended, the newest first.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer.
        """
        wanted = (
            select(
                SUPPRESSIONS,
                select(RULE_CHANGES.c.reason)
                .where(
                    RULE_CHANGES.c.subject == Subject.SUPPRESSION.value,
                    RULE_CHANGES.c.action == Action.REQUEST.value,
                    RULE_CHANGES.c.name == SUPPRESSIONS.c.suppression_id.cast(RULE_CHANGES.c.name.type),
                )
                .scalar_subquery()
                .label("reason"),
                select(RULE_CHANGES.c.approved_by)
                .where(
                    RULE_CHANGES.c.subject == Subject.SUPPRESSION.value,
                    RULE_CHANGES.c.action == Action.APPROVE.value,
                    RULE_CHANGES.c.name == SUPPRESSIONS.c.suppression_id.cast(RULE_CHANGES.c.name.type),
                )
                .scalar_subquery()
                .label("approved_by"),
            )
            .where(SUPPRESSIONS.c.expires_at > self._clock())
            .order_by(SUPPRESSIONS.c.starts_at.desc(), SUPPRESSIONS.c.suppression_id)
        )
        with translated("list the suppressions"), self._engine.connect() as connection:
            at = standings(connection)
            rows = connection.execute(wanted).all()
        live = [row for row in rows if at[row.suppression_id] is not Standing.LIFTED]
        return [
            SuppressionRow(
                suppression=suppression_of(row),
                standing=at[row.suppression_id],
                requested_by=row.requested_by,
                approved_by=row.approved_by,
                reason=row.reason,
            )
            for row in live
        ]


def _check_time(wanted: Suppression, now: int) -> None:
    if not wanted.starts_at < wanted.expires_at or wanted.expires_at <= now:
        raise LifecycleError(
            Refusal.TIME, "a suppression ends after it begins and after now; give a later `expires_at`"
        )
    if wanted.expires_at - max(wanted.starts_at, now) > LONGEST:
        raise LifecycleError(
            Refusal.TIME, f"a suppression lasts {LONGEST // DAY} days at most; give an earlier `expires_at`"
        )


def _check_target(connection: Connection, wanted: Suppression) -> None:
    packs = packs_in_force(connection)
    judging: list[Rule | Deadline] = []
    for pack in packs:
        judging += [*pack.rules, *pack.deadlines]
    if wanted.rule is not None and wanted.rule not in {judge.name for judge in judging}:
        raise LifecycleError(
            Refusal.UNKNOWN, f"rule `{wanted.rule[:64]}`: no pack in force has it; correct the name"
        )
    if wanted.scenario is not None and wanted.scenario not in {judge.scenario for judge in judging}:
        raise LifecycleError(
            Refusal.UNKNOWN, f"scenario `{wanted.scenario[:64]}`: no pack in force has it; correct the name"
        )
    if (wanted.rule is None) == (wanted.scenario is None):
        raise LifecycleError(Refusal.UNKNOWN, "a suppression names a rule or a scenario; give one of them")
