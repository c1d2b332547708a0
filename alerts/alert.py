"""The alert: what the hits of one group and scenario have grown into."""

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from rules.decision import Outcome, RuleResult, Text, Tier


class Raised(StrEnum):
    """Why an alert asks for attention."""

    NEW = "new"
    TIER_ROSE = "tier rose"
    AMOUNT_DOUBLED = "amount doubled"


class Alert(Struct, frozen=True, kw_only=True):
    """The state of an alert, whose size does not depend on its number of hits; times in epoch milliseconds.

    The leading hit is the one of the highest tier, the newest of these by event time; of hits of the same
    moment, the last to arrive.

    Args:
        alert_id: UUIDv5 of group, scenario and the id of the first hit that arrived.
        customer: customer code of the leading hit; so are queue, playbook, title and reason.
        tier: highest tier of any hit.
        outcome: worst outcome of any hit.
        led_at: event time of the leading hit.
        first_hit_at: smallest event time of any hit.
        last_hit_at: largest event time of any hit.
        hits: number of hits, exact.
        amount: at stake: sum of the amounts of the distinct events that hit, in fen of CNY.
        raised_amount: `amount` when the alert was last raised.
    """

    alert_id: str
    group: str
    customer: str
    scenario: str
    tier: Tier
    outcome: Outcome
    queue: str
    playbook: str | None
    title: Text
    reason: Text
    led_at: int
    first_hit_at: int
    last_hit_at: int
    hits: int
    amount: int
    raised_amount: int


class Evidence(Struct, frozen=True, kw_only=True):
    """One hit in brief: which decision, when, how bad, what the rules observed; amount in fen.

    Args:
        withdrawn: why the hit no longer holds, by language; left out where it holds.
    """

    decision_id: str
    occurred_at: str
    tier: Tier
    outcome: Outcome
    amount: int | None
    rules: list[RuleResult]
    withdrawn: Text | UnsetType = UNSET


class AlertRecord(Struct, frozen=True, kw_only=True):
    """An alert as the contract of alerts writes it to JSON; times are RFC 3339 text.

    Args:
        decision_ids: one per hit, in the order of arrival.
        evidence: the strongest hits first, at most 20.
        withdrawn: number of hits that no longer hold; left out where all do.
    """

    alert_id: str
    group: str
    customer: str
    scenario: str
    tier: Tier
    first_hit_at: str
    last_hit_at: str
    hits: int
    amount: int
    reason: Text
    decision_ids: list[str]
    evidence: list[Evidence]
    withdrawn: int | UnsetType = UNSET


EVIDENCE = 20
"""Number of hits that an alert's record shows; the count of hits stays exact."""
