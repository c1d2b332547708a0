"""Tables: alerts with their hits and cases, users, and the messages that the desk had to reject.

The migrations are the schema's history; a test compares what they build with what stands here.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeDecorator

from alerts.cases import CaseStatus
from events.clock import milliseconds, moment
from rules.decision import Outcome, Tier


class Milliseconds(TypeDecorator[int]):
    """Epoch milliseconds in Python, `timestamptz` in PostgreSQL."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The moment that the database keeps."""
        return None if value is None else moment(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """The milliseconds that the program sees."""
        return None if value is None else milliseconds(value)


def _enum(kind: type[StrEnum], name: str) -> Enum:
    """A PostgreSQL enum of the members' values; the database orders it as the members stand."""
    return Enum(kind, name=name, values_callable=lambda members: [member.value for member in members])


TIER = _enum(Tier, "tier")
OUTCOME = _enum(Outcome, "outcome")
CASE_STATUS = _enum(CaseStatus, "case_status")
MONEY = Numeric(asdecimal=True)  # a sum of many bigints may not fit a bigint

METADATA = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "uq": "%(table_name)s_%(column_0_name)s_key",
    }
)

ALERTS = Table(
    "alerts",
    METADATA,
    Column("alert_id", Uuid(as_uuid=False), primary_key=True),
    Column("group_id", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("scenario", Text, nullable=False),
    Column("tier", TIER, nullable=False),
    Column("outcome", OUTCOME, nullable=False),
    Column("queue", Text, nullable=False),
    Column("playbook", Text),
    Column("title", JSONB, nullable=False),
    Column("reason", JSONB, nullable=False),
    Column("led_at", Milliseconds, nullable=False),
    Column("first_hit_at", Milliseconds, nullable=False),
    Column("last_hit_at", Milliseconds, nullable=False),
    Column("hits", BigInteger, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("raised_amount", MONEY, nullable=False),
    Column("withdrawn", BigInteger, nullable=False, server_default="0"),  # hits that no longer hold
    Column("created_at", Milliseconds, nullable=False),
    Column("changed_at", Milliseconds, nullable=False),
    Column("closed_at", Milliseconds),
    postgresql_with={"fillfactor": "70"},  # room for HOT updates: a busy alert changes with every batch
)
_open_alert = ALERTS.c.closed_at.is_(None)
Index("alerts_one_open", ALERTS.c.group_id, ALERTS.c.scenario, unique=True, postgresql_where=_open_alert)

HITS = Table(
    "alert_hits",
    METADATA,
    Column("hit_id", Uuid(as_uuid=False), primary_key=True),
    Column("arrival", BigInteger, Identity(always=True), nullable=False),
    Column("alert_id", Uuid(as_uuid=False), ForeignKey(ALERTS.c.alert_id), nullable=False),
    Column("decision_id", Uuid(as_uuid=False), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("first_of_event", Boolean, nullable=False),  # its amount is in the alert's
    Column("order_no", Text),
    Column("tier", TIER, nullable=False),
    Column("occurred_at", Milliseconds, nullable=False),
    Column("hit", JSONB, nullable=False),
)
Index("alert_hits_newest", HITS.c.alert_id, HITS.c.occurred_at.desc(), HITS.c.arrival.desc())
Index(
    "alert_hits_event",
    HITS.c.alert_id,
    HITS.c.event_id,
    unique=True,
    postgresql_where=HITS.c.first_of_event,
)
Index(
    "alert_hits_order",
    HITS.c.order_no,
    postgresql_using="gin",
    postgresql_ops={"order_no": "gin_trgm_ops"},
)

WITHDRAWALS = Table(
    "alert_withdrawals",
    METADATA,
    Column("hit_id", Uuid(as_uuid=False), primary_key=True),  # of a hit that may not be there yet
    Column("occurred_at", Milliseconds, nullable=False),
    Column("in_time", Boolean, nullable=False),
    Column("note", JSONB, nullable=False),
    Column("received_at", Milliseconds, nullable=False),
)

CASES = Table(
    "cases",
    METADATA,
    Column("case_id", Uuid(as_uuid=False), primary_key=True),
    Column("alert_id", Uuid(as_uuid=False), ForeignKey(ALERTS.c.alert_id), nullable=False, unique=True),
    Column("queue", Text, nullable=False),
    Column("tier", TIER, nullable=False),
    Column("status", CASE_STATUS, nullable=False),
    Column("opened_at", Milliseconds, nullable=False),
    Column("raised_at", Milliseconds, nullable=False),
    Column("closed_at", Milliseconds),
    CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed"),
)
_open_case = CASES.c.closed_at.is_(None)
_board = (CASES.c.tier.desc(), CASES.c.raised_at.desc(), CASES.c.case_id.desc())
Index("cases_board", *_board, postgresql_where=_open_case)
Index("cases_queue", CASES.c.queue, *_board, postgresql_where=_open_case)

USERS = Table(
    "users",
    METADATA,
    Column("user_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("password_hash", Text, nullable=False),
)

DESK_REJECTS = Table(
    "desk_rejects",
    METADATA,
    Column("reject_id", Uuid(as_uuid=False), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("message_offset", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("rejected_at", Milliseconds, nullable=False),
)
