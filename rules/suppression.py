"""Suppressions: hits of a rule or scenario that stay without consequence for one customer for a while."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from rules.decision import Tier
from rules.rule import Rule


class Suppression(Struct, frozen=True, kw_only=True):
    """What is not to be told again for a while; the rules go on being evaluated.

    Exactly one of `rule` and `scenario` is given. It ends by itself for an event whose hits of the rule or
    scenario have a higher tier.

    Args:
        suppression_id: UUID.
        group: the unified customer.
        rule: name of a rule.
        scenario: name of a scenario.
        tier: the highest tier that it covers.
        starts_at: event time from which it holds, epoch milliseconds.
        expires_at: event time at which it ends, exclusive.
    """

    suppression_id: str
    group: str
    tier: Tier
    starts_at: int
    expires_at: int
    rule: str | None = None
    scenario: str | None = None

    def covers(self, rule: Rule) -> bool:
        """Whether a hit of the rule is meant."""
        return self.rule == rule.name or (self.scenario is not None and self.scenario == rule.scenario)


class Suppressions:
    """Suppressions by customer.

    Args:
        held: in any order.
    """

    def __init__(self, held: Iterable[Suppression] = ()) -> None:
        self._by_group: dict[str, list[Suppression]] = {}
        for one in held:
            self._by_group.setdefault(one.group, []).append(one)

    def __bool__(self) -> bool:
        return bool(self._by_group)

    def suppressed(self, group: str, at: int, hits: Sequence[Rule]) -> list[Rule]:
        """Which hits of one event stay without consequence.

        A suppression is lifted for the event when a hit that it covers has a higher tier than its own.

        Args:
            group: the event's unified customer.
            at: event time, epoch milliseconds.
            hits: rules that hit.
        """
        found: dict[str, Rule] = {}
        for one in self._by_group.get(group, ()):
            if not one.starts_at <= at < one.expires_at:
                continue
            covered = [rule for rule in hits if one.covers(rule)]
            if all(rule.tier.severity <= one.tier.severity for rule in covered):
                found |= {rule.name: rule for rule in covered}
        return list(found.values())
