"""The decision: what Fenghuo says of one event, as the contract of decisions defines it."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import uuid_utils
from msgspec import UNSET, Struct, UnsetType

from events.event import Attribute

NAMESPACE = uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, "urn:fenghuo:decision")


class Outcome(StrEnum):
    """What becomes of the transaction; the worst of all rules' outcomes wins."""

    APPROVE = "approve"
    REVIEW = "review"
    HOLD = "hold"
    REJECT = "reject"

    @property
    def severity(self) -> int:
        """Rank from 0 (approve) to 3 (reject)."""
        return _OUTCOMES.index(self)

    @property
    def limited(self) -> "Outcome":
        """This outcome, or review where it is worse."""
        return min(self, Outcome.REVIEW, key=lambda outcome: outcome.severity)


class Tier(StrEnum):
    """How urgent an alert is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def severity(self) -> int:
        """Rank from 0 (low) to 3 (critical)."""
        return _TIERS.index(self)


class RuleStatus(StrEnum):
    """What a rule said of one event."""

    HIT = "hit"
    NO_HIT = "no_hit"
    SUPPRESSED = "suppressed"
    NOT_EVALUABLE = "not_evaluable"
    ERROR = "error"


_OUTCOMES = list(Outcome)
_TIERS = list(Tier)

Text = dict[str, str]
"""One sentence in several languages, by language code: `{"zh": …, "en": …}`."""


class Threshold(Struct, frozen=True, gc=False):
    """A number of a rule's condition, and the nearest one with which the rule would not have hit.

    Args:
        comparison: where it stands, as written.
        threshold: the number as a decimal; money in yuan.
        turns_at: the other number, likewise.
        unit: `money` or `number`.
    """

    comparison: str
    threshold: str
    turns_at: str
    unit: str


class RuleResult(Struct, frozen=True, omit_defaults=True, gc=False):
    """One rule's word on one event.

    Args:
        rule: name of the rule in its pack.
        version: version of the pack that the rule stood in.
        result: what the rule said.
        observed: the values that its condition read.
        why: for not_evaluable and error, the cause.
        limited: whether the rule's breaker tripped, so that it holds nothing.
        counterfactual: of a hit, the thresholds that together would have prevented it; none where only texts,
            lists or truths led to it.
    """

    rule: str
    version: int
    result: RuleStatus
    observed: dict[str, Attribute | None]
    why: str | None = None
    limited: bool = False
    counterfactual: tuple[Threshold, ...] = ()


class Contribution(Struct, frozen=True, gc=False):
    """One feature's share in an anomaly score; positive pushes towards anomalous.

    Args:
        feature: its name.
        value: its value in the event; money in fen.
        contribution: its share.
        customer_median: median of the customer's events in the training period, likewise; None where too few
            were seen. Left out where the model was trained without customers.
        peers_median: that of the customer's peers.
    """

    feature: str
    value: float | int | None
    contribution: float
    customer_median: float | int | UnsetType | None = UNSET
    peers_median: float | int | UnsetType | None = UNSET


class ModelScore(Struct, frozen=True, gc=False):
    """The anomaly model's word: the raw score and the features that drove it."""

    id: str
    score: float
    top: Sequence[Contribution]


class Decision(Struct, frozen=True, gc=False):
    """What was decided of one event, with all that the judgement used.

    Args:
        features: every feature of the pack by name, None where NULL; money in fen.
        anomaly: percentile of the model's score, 0–1.
        reason: the leading rule's reason by language; None where nothing was hit.
        partial: true where a rule failed, so that the others alone decided; else left out.
    """

    decision_id: str
    event_id: str
    customer: str
    group: str
    outcome: Outcome
    tier: Tier | None
    anomaly: float | None
    rules: Sequence[RuleResult]
    features: Any
    model: ModelScore | None
    pack: str
    degraded: bool
    late: bool
    reason: Text | None
    occurred_at: str
    decided_at: str
    partial: bool | UnsetType = UNSET  # `decide` fills all fields by place


def decision_id(event_id: str, pack: str) -> str:
    """The decision's id: UUIDv5 of the event id and the pack, given as `name@version`."""
    return decision_ids([event_id], pack)[0]


def decision_ids(event_ids: Iterable[str], pack: str) -> list[str]:
    """The ids of the decisions on many events by one pack."""
    end, uuid5 = f"\n{pack}", uuid_utils.uuid5
    return [str(uuid5(NAMESPACE, event_id + end)) for event_id in event_ids]
