"""What a pack holds: rules and derived features."""

from dataclasses import dataclass
from enum import StrEnum

from events.columns import Kind
from events.event import EventType
from rules.breaker import Breaker
from rules.decision import Outcome, Text, Tier
from rules.language import Compiled
from rules.reason import Reason


class Mode(StrEnum):
    """Where a rule stands in its life."""

    DRAFT = "draft"
    SHADOW = "shadow"  # evaluated and counted, without consequence
    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"


EVALUATED = frozenset({Mode.ACTIVE, Mode.SHADOW})


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule.

    Args:
        name: unique in its pack.
        title: its name for people, by language.
        scenario: hits of one scenario grow into one alert.
        on: types of the events that it judges.
        when: its condition.
        tier: how urgent a hit is.
        outcome: what becomes of the transaction.
        queue: case queue of its alerts.
        playbook: response plan, or None.
        reason: why it hit, by language.
        mode: whether it is evaluated, and whether that counts.
        rank: its place in the pack; the first of equals leads.
        needs_windows: whether it reads features, the profile or the anomaly, which go with the windows.
        version: of its pack.
        breaker: when it is limited to `review`.
        owner: case queue that is told when it is.
        limited: whether its breaker tripped: then its outcome is `review` at most.
    """

    name: str
    title: Text
    scenario: str
    on: frozenset[EventType]
    when: Compiled
    tier: Tier
    outcome: Outcome
    queue: str
    playbook: str | None
    reason: Reason
    mode: Mode
    rank: int
    needs_windows: bool
    version: int
    breaker: Breaker
    owner: str
    limited: bool = False

    @property
    def precedence(self) -> tuple[int, int, int]:
        """Sorts the leading rule first: worst outcome, then highest tier, then first in the pack."""
        return (-self.outcome.severity, -self.tier.severity, self.rank)


@dataclass(frozen=True, eq=False)
class Expression:
    """A feature that is computed from other features and from fields of the event."""

    name: str
    value: Compiled

    @property
    def kind(self) -> Kind:
        """MONEY or NUMBER."""
        return self.value.kind
