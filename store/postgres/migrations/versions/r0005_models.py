"""Models that were registered; where they stand is in the history that rules have."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Build the table; its rows can't be changed or removed."""
    op.create_table(
        "models",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("manifest", JSONB, nullable=False),
        sa.Column("registered_by", sa.Text, nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute(
        "CREATE TRIGGER models_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON models "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
