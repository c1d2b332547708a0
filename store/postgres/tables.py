"""Tables: alerts with hits and cases, users, rejected messages, and the life of rule packs and models.

The migrations are the schema's history; a test compares what they build with what stands here.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from alerts.cases import CaseStatus
from rules.decision import Outcome
from store.postgres.columns import METADATA, TIER, Milliseconds, enum

OUTCOME = enum(Outcome, "outcome")
CASE_STATUS = enum(CaseStatus, "case_status")
MONEY = Numeric(asdecimal=True)  # a sum of many bigints may not fit a bigint

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

DISPOSITIONS = Table(
    "dispositions",
    METADATA,
    Column("alert_id", Uuid(as_uuid=False), ForeignKey(ALERTS.c.alert_id), primary_key=True),
    Column("disposition", Text, nullable=False),
    Column("harm", Text),
    Column("reason", Text, nullable=False),
    Column("hits", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("given_at", Milliseconds, nullable=False),
)

LABELS = Table(
    "labels",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("known_at", Milliseconds, nullable=False),
    Column("scenario", Text, nullable=False),
    Column("group_id", Text, nullable=False),
)
Index("labels_known", LABELS.c.known_at, LABELS.c.target)

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

PACK_VERSIONS = Table(
    "pack_versions",
    METADATA,
    Column("pack", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("submitted_at", Milliseconds, nullable=False),
)
Index("pack_versions_sha256", PACK_VERSIONS.c.sha256)

SUPPRESSIONS = Table(
    "suppressions",
    METADATA,
    Column("suppression_id", Uuid(as_uuid=False), primary_key=True),
    Column("group_id", Text, nullable=False),
    Column("rule", Text),
    Column("scenario", Text),
    Column("tier", TIER, nullable=False),
    Column("starts_at", Milliseconds, nullable=False),
    Column("expires_at", Milliseconds, nullable=False),
    Column("requested_by", Text, nullable=False),
    CheckConstraint("(rule IS NULL) <> (scenario IS NULL)", name="target"),
    CheckConstraint("starts_at < expires_at", name="period"),
)

EDITIONS = Table(
    "editions",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", JSONB, nullable=False),
    Column("made_at", Milliseconds, nullable=False),
)

RULE_CHANGES = Table(
    "rule_changes",
    METADATA,
    Column("change_id", BigInteger, Identity(always=True), primary_key=True),
    Column("subject", Text, nullable=False),  # version, suppression, breaker or model
    Column("name", Text, nullable=False),  # of the pack, of the suppression, of the rule; id of the model
    Column("version", Integer),
    Column("action", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("approved_by", Text),
    Column("reason", Text, nullable=False),
    Column("edition", Integer, ForeignKey(EDITIONS.c.number, initially="DEFERRED", deferrable=True)),
    Column("changed_at", Milliseconds, nullable=False),
)
Index("rule_changes_newest", *RULE_CHANGES.c["subject", "name", "version"], RULE_CHANGES.c.change_id.desc())

MODELS = Table(
    "models",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("sha256", Text, nullable=False),  # of the manifest
    Column("manifest", JSONB, nullable=False),
    Column("registered_by", Text, nullable=False),
    Column("registered_at", Milliseconds, nullable=False),
)

BOUNDARIES = Table(
    "boundaries",
    METADATA,
    Column("lane", Text, primary_key=True),
    Column("edition", Integer, ForeignKey(EDITIONS.c.number), primary_key=True, autoincrement=False),
    Column("offsets", JSONB, nullable=False),
    Column("settled_at", Milliseconds, nullable=False),
)

RULE_COUNTS = Table(
    "rule_counts",
    METADATA,
    Column("rule", Text, primary_key=True),
    Column("bucket", Milliseconds, primary_key=True),
    Column("process", Text, primary_key=True),
    Column("judged", BigInteger, nullable=False),
    Column("holds", BigInteger, nullable=False),
)
Index("rule_counts_bucket", RULE_COUNTS.c.bucket)

SHADOW_COUNTS = Table(
    "shadow_counts",
    METADATA,
    Column("live", Text, primary_key=True),
    Column("shadow", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("process", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("examples", ARRAY(Text), nullable=False),
    Column("first_at", Milliseconds, nullable=False),
    Column("last_at", Milliseconds, nullable=False),
)
Index("shadow_counts_shadow", SHADOW_COUNTS.c.shadow)

MODEL_DAYS = Table(
    "model_days",
    METADATA,
    Column("model", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # of event time, since 1 January 1970
    Column("process", Text, primary_key=True),
    Column("counts", ARRAY(BigInteger), nullable=False),  # features by bins, row by row
)

MODEL_PAIRS = Table(
    "model_pairs",
    METADATA,
    Column("champion", Text, primary_key=True),
    Column("shadow", Text, primary_key=True),
    Column("process", Text, primary_key=True),
    Column("counts", ARRAY(BigInteger), nullable=False),  # raised by both, by one, by the other; the grid
    Column("champion_only", ARRAY(Text), nullable=False),
    Column("shadow_only", ARRAY(Text), nullable=False),
    Column("first_at", Milliseconds, nullable=False),
    Column("last_at", Milliseconds, nullable=False),
)
Index("model_pairs_shadow", MODEL_PAIRS.c.shadow)
