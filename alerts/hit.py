"""The hit: one message of `risk.alerts`, what one decision says for one scenario."""

from typing import Any

import uuid_utils
from msgspec import UNSET, Struct, UnsetType

from rules.decision import ModelScore, Outcome, RuleResult, Text, Tier


class Hit(Struct, frozen=True, kw_only=True):
    """What one decision adds to the alert of its (group, scenario).

    Args:
        hit_id: UUIDv5 of decision and scenario; the same hit delivered twice has the same id.
        tier: highest tier of the scenario's rules that were hit.
        outcome: worst outcome of the scenario's rules that were hit.
        queue: case queue of the leading rule.
        playbook: response plan of the leading rule.
        title: title of the leading rule, by language.
        reason: rendered reason of the leading rule, by language.
        amount: the event's amount in fen of CNY, None where it has none.
        rules: results of the scenario's rules that were hit.
        features: every feature of the pack by name; money in fen.
        units: kind of each feature (`money`, `number`), for display.
        explanation: of the model's score, a sentence by language for each of its top features; left out where
            there is none.
    """

    hit_id: str
    decision_id: str
    event_id: str
    event_type: str
    group: str
    subsidiary: str
    customer: str
    order: str | None
    shipment: str | None
    region: str | None
    counterparty: str | None
    scenario: str
    tier: Tier
    outcome: Outcome
    queue: str
    playbook: str | None
    title: Text
    reason: Text
    amount: int | None
    rules: list[RuleResult]
    features: dict[str, Any]
    units: dict[str, str]
    anomaly: float | None
    model: ModelScore | None
    pack: str
    degraded: bool
    occurred_at: str
    decided_at: str
    explanation: tuple[Text, ...] | UnsetType = UNSET


def hit_id(decision_id: str, scenario: str) -> str:
    """The hit's id: UUIDv5 of scenario within the decision's own id as namespace."""
    return str(uuid_utils.uuid5(uuid_utils.UUID(decision_id), scenario))
