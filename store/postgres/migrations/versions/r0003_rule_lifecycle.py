"""Versions of packs, suppressions, editions and their boundaries, the history, and breakers' counts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ENUM, JSONB

revision = "0003"
down_revision = "0002"

_MOMENT = sa.DateTime(timezone=True)
_TIER = ENUM("low", "medium", "high", "critical", name="tier", create_type=False)
_APPEND_ONLY = ("pack_versions", "suppressions", "editions", "rule_changes", "boundaries")

_REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$
"""


def upgrade() -> None:
    """Build the tables beside those of before; rows of the history can't be changed or removed any more."""
    _create_packs()
    _create_editions()
    op.create_table(
        "rule_counts",
        sa.Column("rule", sa.Text, primary_key=True),
        sa.Column("bucket", _MOMENT, primary_key=True),
        sa.Column("process", sa.Text, primary_key=True),
        sa.Column("judged", sa.BigInteger, nullable=False),
        sa.Column("holds", sa.BigInteger, nullable=False),
    )
    op.create_index("rule_counts_bucket", "rule_counts", ["bucket"])
    op.execute(_REFUSE)
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _create_packs() -> None:
    op.create_table(
        "pack_versions",
        sa.Column("pack", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("submitted_at", _MOMENT, nullable=False),
    )
    op.create_index("pack_versions_sha256", "pack_versions", ["sha256"])
    op.create_table(
        "suppressions",
        sa.Column("suppression_id", sa.Uuid, primary_key=True),
        sa.Column("group_id", sa.Text, nullable=False),
        sa.Column("rule", sa.Text),
        sa.Column("scenario", sa.Text),
        sa.Column("tier", _TIER, nullable=False),
        sa.Column("starts_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.CheckConstraint("(rule IS NULL) <> (scenario IS NULL)", name="target"),
        sa.CheckConstraint("starts_at < expires_at", name="period"),
    )


def _create_editions() -> None:
    op.create_table(
        "editions",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", JSONB, nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "rule_changes",
        sa.Column("change_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("approved_by", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column(
            "edition",
            sa.Integer,
            sa.ForeignKey("editions.number", initially="DEFERRED", deferrable=True),
        ),
        sa.Column("changed_at", _MOMENT, nullable=False),
    )
    op.create_index(
        "rule_changes_newest", "rule_changes", ["subject", "name", "version", sa.text("change_id DESC")]
    )
    op.create_table(
        "boundaries",
        sa.Column("lane", sa.Text, primary_key=True),
        sa.Column(
            "edition", sa.Integer, sa.ForeignKey("editions.number"), primary_key=True, autoincrement=False
        ),
        sa.Column("offsets", JSONB, nullable=False),
        sa.Column("settled_at", _MOMENT, nullable=False),
    )
