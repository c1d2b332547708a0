"""The history of rules and models: changes are rows that nothing alters; the newest says where a thing is."""

from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from models.lifecycle import Change, ModelState
from rules.lifecycle import Standing
from rules.rule import Mode
from rules.views import ChangeRow
from store.postgres.tables import RULE_CHANGES

CHANGES = 200
"""Changes of a history that are shown at once."""

_LOCK = 0x72756C6573  # `rules`: whoever changes what is in force is alone


class Subject(StrEnum):
    """What a change is about."""

    VERSION = "version"
    SUPPRESSION = "suppression"
    BREAKER = "breaker"
    MODEL = "model"


LIMITED, FREE = "limited", "free"
"""The states of a rule's breaker."""


def alone(connection: Connection) -> None:
    """Wait until nobody else changes rules, and keep others waiting until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def record(
    connection: Connection,
    now: int,
    subject: Subject,
    name: str,
    *,
    action: str,
    to: str,
    actor: str,
    before: str | None = None,
    version: int | None = None,
    approved_by: str | None = None,
    reason: str = "",
    edition: int | None = None,
) -> None:
    """Write a change down."""
    row = {
        "subject": subject.value,
        "name": name,
        "version": version,
        "action": action,
        "from_state": before,
        "to_state": to,
        "actor": actor,
        "approved_by": approved_by,
        "reason": reason,
        "edition": edition,
        "changed_at": now,
    }
    connection.execute(insert(RULE_CHANGES), row)


def states(connection: Connection) -> dict[tuple[str, int], Mode]:
    """Where every version of every pack stands, by pack and number."""
    rows = connection.execute(newest_changes(Subject.VERSION))
    return {(row.name, row.version): Mode(row.to_state) for row in rows}


def standings(connection: Connection) -> dict[str, Standing]:
    """Where every suppression stands, by its id."""
    rows = connection.execute(newest_changes(Subject.SUPPRESSION))
    return {row.name: Standing(row.to_state) for row in rows}


def breakers(connection: Connection) -> dict[str, tuple[str, int]]:
    """The state of every breaker that ever tripped, and since when, by rule."""
    rows = connection.execute(newest_changes(Subject.BREAKER))
    return {row.name: (row.to_state, row.changed_at) for row in rows}


def model_states(connection: Connection) -> dict[str, ModelState]:
    """Where every model stands, by its id."""
    rows = connection.execute(newest_changes(Subject.MODEL))
    return {row.name: ModelState(row.to_state) for row in rows}


def model_changes(connection: Connection) -> list[Change]:
    """All changes of models, the oldest first."""
    wanted = (
        select(RULE_CHANGES)
        .where(RULE_CHANGES.c.subject == Subject.MODEL.value)
        .order_by(RULE_CHANGES.c.change_id)
    )
    return [
        Change(model=row.name, action=row.action, before=row.from_state, to=row.to_state, edition=row.edition)
        for row in connection.execute(wanted)
    ]


def changes(
    connection: Connection, name: str | None = None, subject: Subject | None = None
) -> list[ChangeRow]:
    """The newest changes first: of everything, of one thing by its name, or of one kind."""
    wanted = select(RULE_CHANGES).order_by(RULE_CHANGES.c.change_id.desc()).limit(CHANGES)
    if name is not None:
        wanted = wanted.where(RULE_CHANGES.c.name == name)
    if subject is not None:
        wanted = wanted.where(RULE_CHANGES.c.subject == subject.value)
    return [
        ChangeRow(
            change=row.change_id,
            subject=row.subject,
            name=row.name,
            version=row.version,
            action=row.action,
            before=row.from_state,
            to=row.to_state,
            actor=row.actor,
            approved_by=row.approved_by,
            reason=row.reason,
            edition=row.edition,
            changed_at=row.changed_at,
        )
        for row in connection.execute(wanted)
    ]


def newest_changes(subject: Subject) -> Select[Any]:
    """The newest change of each thing of a kind."""
    return (
        select(RULE_CHANGES)
        .where(RULE_CHANGES.c.subject == subject.value)
        .ext(distinct_on(RULE_CHANGES.c.name, RULE_CHANGES.c.version))
        .order_by(RULE_CHANGES.c.name, RULE_CHANGES.c.version, RULE_CHANGES.c.change_id.desc())
    )
