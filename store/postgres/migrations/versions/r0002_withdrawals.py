"""Hits of missed deadlines that no longer hold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add what is withdrawn, and how many hits of an alert are."""
    op.add_column("alerts", sa.Column("withdrawn", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "alert_withdrawals",
        sa.Column("hit_id", sa.Uuid, primary_key=True),
        sa.Column("occurred_at", _MOMENT, nullable=False),
        sa.Column("in_time", sa.Boolean, nullable=False),
        sa.Column("note", JSONB, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
    )
