"""Terms: what an edition says of the rules of a pack, beside the pack itself."""

from collections.abc import Collection
from dataclasses import replace

from rules.edition import Edition
from rules.pack import Pack
from rules.rule import Mode, Rule


def under(pack: Pack, edition: Edition) -> Pack:
    """The pack as an edition has it: what is paused is not evaluated, limited rules hold nothing."""
    if not edition.paused and not edition.limited:
        return pack
    return replace(
        pack,
        rules=tuple(_rule(rule, edition.paused, edition.limited) for rule in pack.rules),
        deadlines=tuple(
            replace(one, mode=Mode.PAUSED) if one.name in edition.paused else one for one in pack.deadlines
        ),
    )


def _rule(rule: Rule, paused: Collection[str], limited: Collection[str]) -> Rule:
    if rule.name in paused:
        return replace(rule, mode=Mode.PAUSED)
    if rule.name in limited and rule.outcome is not rule.outcome.limited:
        return replace(rule, outcome=rule.outcome.limited, limited=True)
    return rule
