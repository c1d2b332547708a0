"""What features and rules mean, so that two packs can share what is the same and tell what is not."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from rules.deadline import Deadline
from rules.language import Compiled
from rules.language.meaning import Meanings as Wordings
from rules.language.scope import CALENDAR
from rules.pack import Pack
from rules.rule import Rule
from rules.union import definition


@dataclass(frozen=True)
class Meanings:
    """What the features of a pack mean: equal values mean that they have equal values for every event.

    Args:
        pack: the pack.
    """

    pack: Pack

    @cached_property
    def features(self) -> dict[str, Hashable]:
        """Meaning of every feature by name, expressions included."""
        known: dict[str, Hashable] = {feature.name: definition(feature) for feature in self.pack.features}
        for expression in self.pack.expressions:  # each stands after those that it reads
            read = self._read(expression.value, known)
            known[expression.name] = (self.condition(expression.value), read)
        return known

    def condition(self, compiled: Compiled) -> Hashable:
        """Meaning of a condition or expression, but for the features that it reads."""
        lists = tuple(sorted((name, tuple(sorted(held))) for name, held in compiled.lists.items()))
        zone = self.pack.timezone if compiled.names & CALENDAR.keys() else None
        return (Wordings(compiled.inferred).of(compiled.tree), lists, zone)

    def read_by(self, compiled: Compiled) -> Hashable:
        """Meaning of the features that a condition reads."""
        return self._read(compiled, self.features)

    @staticmethod
    def _read(compiled: Compiled, known: Mapping[str, Hashable]) -> Hashable:
        return tuple((name, known[name]) for name in sorted(compiled.names) if name in known)


def same_features(packs: Iterable[Pack], names: Iterable[str]) -> bool:
    """Whether all packs have the features of these names and mean the same by them."""
    meanings = [Meanings(pack).features for pack in packs]
    return all(len({meaning.get(name) for meaning in meanings}) == 1 for name in names)


def changes(rule: Rule, before: Rule, meanings: Meanings, meanings_before: Meanings) -> list[str]:
    """What of a rule is not as it was before, by the keys of a pack; `features` where it reads others."""
    found = {
        "on": rule.on != before.on,
        "when": meanings.condition(rule.when) != meanings_before.condition(before.when),
        "features": meanings.read_by(rule.when) != meanings_before.read_by(before.when),
    }
    return [name for name, changed in found.items() if changed] + _differing(_OF_RULES, rule, before)


def deadline_changes(
    deadline: Deadline, before: Deadline, meanings: Meanings, meanings_before: Meanings
) -> list[str]:
    """What of a deadline is not as it was before, by the keys of a pack."""
    held, held_before = (
        one.condition(duty.where) if duty.where is not None else None
        for one, duty in ((meanings, deadline), (meanings_before, before))
    )
    return ["where"] * (held != held_before) + _differing(_OF_DEADLINES, deadline, before)


_OF_RULES = ("mode", "tier", "outcome", "scenario", "queue", "playbook", "title", "reason")
_OF_DEADLINES = ("after", "expect", "by", "within", "grace", *_OF_RULES)


def _differing(keys: Iterable[str], one: Rule | Deadline, before: Rule | Deadline) -> list[str]:
    return [key for key in keys if getattr(one, key) != getattr(before, key)]
