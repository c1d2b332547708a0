"""The rulebook: what of a pack is evaluated, its rules as arrays, to count without loops over events."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from events.columns import Bools, Int64s
from rules.deadline import Deadline
from rules.decision import Outcome, Tier
from rules.pack import Pack
from rules.rule import EVALUATED, Mode, Rule

OUTCOMES = tuple(Outcome)
TIERS = tuple(Tier)
HOLD = Outcome.HOLD.severity
NO_TIER = -1


@dataclass(frozen=True)
class Rulebook:
    """The evaluated rules of a pack, R of them, and its watched deadlines, in the pack's order.

    Args:
        pack: whose they are.
    """

    pack: Pack

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, active and shadow."""
        return self.pack.evaluated

    @cached_property
    def deadlines(self) -> tuple[Deadline, ...]:
        """The deadlines, active and shadow."""
        return tuple(one for one in self.pack.deadlines if one.mode in EVALUATED)

    @cached_property
    def subjects(self) -> tuple[Rule | Deadline, ...]:
        """Rules and deadlines."""
        return (*self.rules, *self.deadlines)

    @cached_property
    def active(self) -> Bools:
        """Which rules have consequences, shape (R,)."""
        return np.array([rule.mode is Mode.ACTIVE for rule in self.rules], np.bool_)

    @cached_property
    def outcomes(self) -> Int64s:
        """Severity of the outcome of each rule, shape (R,)."""
        return np.array([rule.outcome.severity for rule in self.rules], np.int64)

    @cached_property
    def tiers(self) -> Int64s:
        """Severity of the tier of each rule, shape (R,)."""
        return np.array([rule.tier.severity for rule in self.rules], np.int64)

    @cached_property
    def holds(self) -> Bools:
        """Which rules hold or reject the transactions that they hit, shape (R,)."""
        return self.active & (self.outcomes >= HOLD)

    @cached_property
    def places(self) -> dict[str, int]:
        """Place of each rule by name."""
        return {rule.name: place for place, rule in enumerate(self.rules)}
