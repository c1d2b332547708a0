"""Rejects: messages of `risk.alerts` that can't become part of an alert, kept with the reason."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import uuid_utils
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert

from events.clock import Clock, wall_clock
from store.postgres.errors import translated
from store.postgres.tables import DESK_REJECTS

_NAMESPACE = uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, "urn:fenghuo:desk-reject")


class Reject(NamedTuple):
    """A message with its place in Kafka and the reason for a person, in one line."""

    topic: str
    partition: int
    offset: int
    reason: str
    message: bytes


class RejectStore:
    """Rejected messages in PostgreSQL; the same message delivered again is kept once."""

    def __init__(self, engine: Engine, clock: Clock = wall_clock) -> None:
        self._engine = engine
        self._clock = clock

    def add(self, rejects: Sequence[Reject]) -> None:
        """Keep `rejects`, in one transaction.

        Raises:
            DatabaseUnavailableError: when PostgreSQL does not answer; call again.
        """
        now = self._clock()
        rows = [
            {
                "reject_id": _reject_id(reject),
                "topic": reject.topic,
                "partition": reject.partition,
                "message_offset": reject.offset,
                "reason": reject.reason.replace("\0", "\N{SYMBOL FOR NULL}"),
                "message": reject.message,
                "rejected_at": now,
            }
            for reject in rejects
        ]
        with translated(f"keep {len(rows)} rejected messages"), self._engine.begin() as connection:
            connection.execute(insert(DESK_REJECTS).on_conflict_do_nothing(), rows)


def _reject_id(reject: Reject) -> str:
    # The digest tells a topic that was deleted and made anew from a message that was delivered again.
    digest = hashlib.sha256(reject.message).hexdigest()
    place = f"{reject.topic}\n{reject.partition}\n{reject.offset}\n{digest}"
    return str(uuid_utils.uuid5(_NAMESPACE, place))
