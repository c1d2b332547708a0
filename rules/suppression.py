"""Suppressions: hits of a rule or scenario that stay without consequence for one customer for a while."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from rules.decision import Tier


class Judge(Protocol):
    """A rule or a deadline."""

    @property
    def name(self) -> str:
        """Its name in the pack."""
        ...

    @property
    def scenario(self) -> str:
        """What its hits grow into."""
        ...

    @property
    def tier(self) -> Tier:
        """How urgent a hit is."""
        ...


AnyJudge = TypeVar("AnyJudge", bound=Judge)
OnRise = Callable[[str, Judge], None]
"""Told the id of a suppression that ended, and what hit above its tier."""


class Suppression(Struct, frozen=True, kw_only=True):
    """What is not to be told again for a while; the rules go on being evaluated.

    Exactly one of `rule` and `scenario` is given. It ends by itself with the first hit of them that has a
    higher tier.

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

    def covers(self, rule: Judge) -> bool:
        """Whether a hit of the rule, or a missed deadline, is meant."""
        return self.rule == rule.name or (self.scenario is not None and self.scenario == rule.scenario)


class Suppressions:
    """Suppressions by customer.

    Args:
        held: in any order.
        on_rise: told of each that a hit of a higher tier ends; more than once, until it is no longer held.
    """

    def __init__(self, held: Iterable[Suppression] = (), on_rise: OnRise | None = None) -> None:
        self._on_rise = on_rise
        self._by_group: dict[str, list[Suppression]] = {}
        for one in held:
            self._by_group.setdefault(one.group, []).append(one)

    def __bool__(self) -> bool:
        return bool(self._by_group)

    def suppressed(self, group: str, at: int, hits: Sequence[AnyJudge]) -> list[AnyJudge]:
        """Which hits of one event stay without consequence.

        A suppression is lifted for the event when a hit that it covers has a higher tier than its own.

        Args:
            group: the event's unified customer.
            at: event time, epoch milliseconds.
            hits: rules that hit.
        """
        found: dict[str, AnyJudge] = {}
        for one in self._by_group.get(group, ()):
            if not one.starts_at <= at < one.expires_at:
                continue
            covered = [rule for rule in hits if one.covers(rule)]
            above = [rule for rule in covered if rule.tier.severity > one.tier.severity]
            if above and self._on_rise is not None:
                self._on_rise(one.suppression_id, above[0])
            if not above:
                found |= {rule.name: rule for rule in covered}
        return list(found.values())
