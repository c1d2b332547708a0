"""What people said of alerts, and the labels that follow from it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Build the tables; what was said can't be changed or removed."""
    op.create_table(
        "dispositions",
        sa.Column("alert_id", sa.Uuid, sa.ForeignKey("alerts.alert_id"), primary_key=True),
        sa.Column("disposition", sa.Text, nullable=False),
        sa.Column("harm", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("hits", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("given_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "labels",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("known_at", _MOMENT, nullable=False),
        sa.Column("scenario", sa.Text, nullable=False),
        sa.Column("group_id", sa.Text, nullable=False),
    )
    op.create_index("labels_known", "labels", ["known_at", "target"])
    for table in ("dispositions", "labels"):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
