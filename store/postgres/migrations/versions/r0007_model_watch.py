"""What models saw by day, and what models in the shadow said beside the champion."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0007"
down_revision = "0006"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Build the tables."""
    op.create_table(
        "model_days",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("process", sa.Text, primary_key=True),
        sa.Column("counts", ARRAY(sa.BigInteger), nullable=False),
    )
    op.create_table(
        "model_pairs",
        sa.Column("champion", sa.Text, primary_key=True),
        sa.Column("shadow", sa.Text, primary_key=True),
        sa.Column("process", sa.Text, primary_key=True),
        sa.Column("counts", ARRAY(sa.BigInteger), nullable=False),
        sa.Column("champion_only", ARRAY(sa.Text), nullable=False),
        sa.Column("shadow_only", ARRAY(sa.Text), nullable=False),
        sa.Column("first_at", _MOMENT, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=False),
    )
    op.create_index("model_pairs_shadow", "model_pairs", ["shadow"])
