"""Alerts with their hits and cases, users, and rejected messages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, ENUM, JSONB

revision = "0001"
down_revision = None

_MOMENT = sa.DateTime(timezone=True)
_TIER = ENUM("low", "medium", "high", "critical", name="tier", create_type=False)
_OUTCOME = ENUM("approve", "review", "hold", "reject", name="outcome", create_type=False)
_STATUS = ENUM("open", "investigating", "pending_approval", "closed", name="case_status", create_type=False)


def upgrade() -> None:
    """Build the tables in an empty database."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for kind in (_TIER, _OUTCOME, _STATUS):
        kind.create(op.get_bind())
    _create_alerts()
    _create_hits()
    _create_cases()
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("roles", ARRAY(sa.Text), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
    )
    op.create_table(
        "desk_rejects",
        sa.Column("reject_id", sa.Uuid, primary_key=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("message_offset", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.Column("rejected_at", _MOMENT, nullable=False),
    )


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.Uuid, primary_key=True),
        sa.Column("group_id", sa.Text, nullable=False),
        sa.Column("customer", sa.Text, nullable=False),
        sa.Column("scenario", sa.Text, nullable=False),
        sa.Column("tier", _TIER, nullable=False),
        sa.Column("outcome", _OUTCOME, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("playbook", sa.Text),
        sa.Column("title", JSONB, nullable=False),
        sa.Column("reason", JSONB, nullable=False),
        sa.Column("led_at", _MOMENT, nullable=False),
        sa.Column("first_hit_at", _MOMENT, nullable=False),
        sa.Column("last_hit_at", _MOMENT, nullable=False),
        sa.Column("hits", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.Numeric, nullable=False),
        sa.Column("raised_amount", sa.Numeric, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "alerts_one_open",
        "alerts",
        ["group_id", "scenario"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _create_hits() -> None:
    op.create_table(
        "alert_hits",
        sa.Column("hit_id", sa.Uuid, primary_key=True),
        sa.Column("arrival", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("alert_id", sa.Uuid, sa.ForeignKey("alerts.alert_id"), nullable=False),
        sa.Column("decision_id", sa.Uuid, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("first_of_event", sa.Boolean, nullable=False),
        sa.Column("order_no", sa.Text),
        sa.Column("tier", _TIER, nullable=False),
        sa.Column("occurred_at", _MOMENT, nullable=False),
        sa.Column("hit", JSONB, nullable=False),
    )
    op.create_index(
        "alert_hits_newest", "alert_hits", ["alert_id", sa.text("occurred_at DESC"), sa.text("arrival DESC")]
    )
    op.create_index(
        "alert_hits_event",
        "alert_hits",
        ["alert_id", "event_id"],
        unique=True,
        postgresql_where=sa.text("first_of_event"),
    )
    op.create_index(
        "alert_hits_order",
        "alert_hits",
        ["order_no"],
        postgresql_using="gin",
        postgresql_ops={"order_no": "gin_trgm_ops"},
    )


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", sa.Uuid, primary_key=True),
        sa.Column("alert_id", sa.Uuid, sa.ForeignKey("alerts.alert_id"), nullable=False, unique=True),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("tier", _TIER, nullable=False),
        sa.Column("status", _STATUS, nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("raised_at", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT),
        sa.CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed"),
    )
    board = [sa.text("tier DESC"), sa.text("raised_at DESC"), sa.text("case_id DESC")]
    still_open = sa.text("closed_at IS NULL")
    op.create_index("cases_board", "cases", board, postgresql_where=still_open)
    op.create_index("cases_queue", "cases", ["queue", *board], postgresql_where=still_open)
