"""Several packs in force at once: their union judges every event as one pack."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TypeVar

from rules.errors import RuleError
from rules.feature_label import FeatureLabel
from rules.feature_reader import FeatureSet
from rules.pack import Pack, load_pack
from rules.rule import Expression
from windows.feature import Feature

Named = TypeVar("Named")


def load_packs(paths: Sequence[Path], lists: Mapping[str, frozenset[str]] | None = None) -> Pack:
    """Read one or more packs that judge together.

    Args:
        paths: the YAML files.
        lists: named lists; they replace the packs' own of the same name.

    Raises:
        RuleError: one of them cannot be used, or they contradict each other.
    """
    return united([load_pack(path, lists) for path in paths])


def united(packs: Sequence[Pack]) -> Pack:
    """One pack of several, in the order of their names, whichever order they are given in.

    What they share by name must be defined alike in all of them; rules and deadlines must not share names.

    Raises:
        RuleError: they contradict each other.
    """
    if len(packs) == 1:
        return packs[0]
    packs = sorted(packs, key=lambda pack: pack.id)
    for one, other in combinations(packs, 2):
        _check(one, other)
    rules = [rule for pack in packs for rule in pack.rules]
    kinds = {name: kind for pack in packs for name, kind in pack.kinds.items()}
    return Pack(
        versions=tuple(version for pack in packs for version in pack.versions),
        local_time=packs[0].local_time,
        lateness=max(pack.lateness for pack in packs),
        feature_set=FeatureSet(
            _once((one.name, one) for pack in packs for one in pack.features),
            _once((one.name, one) for pack in packs for one in pack.expressions),
            kinds,
            _labels(packs),
        ),
        rules=tuple(replace(rule, rank=rank) for rank, rule in enumerate(rules)),
        deadlines=tuple(deadline for pack in packs for deadline in pack.deadlines),
        lists={name: members for pack in packs for name, members in pack.lists.items()},
    )


def _labels(packs: Sequence[Pack]) -> dict[str, FeatureLabel]:
    """Of a feature that several packs share, the first title counts."""
    labels: dict[str, FeatureLabel] = {}
    for pack in packs:
        for name, label in pack.feature_set.labels.items():
            if name not in labels or (label.title and not labels[name].title):
                labels[name] = label
    return labels


def _once(named: Iterable[tuple[str, Named]]) -> tuple[Named, ...]:
    return tuple(dict(named).values())


def _check(one: Pack, other: Pack) -> None:
    both = f"packs `{one.id}` and `{other.id}`"
    if one.timezone != other.timezone:
        raise RuleError(f"{both}: timezones `{one.timezone}` and `{other.timezone}`; give both the same")
    if {version.pack for version in one.versions} & {version.pack for version in other.versions}:
        raise RuleError(f"{both} are versions of one pack; name one of them")
    for what, mine, others in (
        ("rule", set(one.rules_by_name), set(other.rules_by_name)),
        ("deadline", set(one.deadlines_by_name), set(other.deadlines_by_name)),
    ):
        if shared := sorted(mine & others):
            raise RuleError(f"{both} both have a {what} `{shared[0]}`; rename one")
    features, others_features = _definitions(one), _definitions(other)
    for name in sorted(features.keys() & others_features):
        if features[name] != others_features[name]:
            raise RuleError(f"{both} define feature `{name}` differently; rename one")
    for name in sorted(one.lists.keys() & other.lists):
        if one.lists[name] != other.lists[name]:
            raise RuleError(f"{both} define list `{name}` differently; rename one")


def _definitions(pack: Pack) -> dict[str, Hashable]:
    features = {one.name: definition(one) for one in pack.features}
    return {**features, **{one.name: definition(one) for one in pack.expressions}}


def definition(feature: Feature | Expression) -> Hashable:
    """What a feature means, apart from its name: equal where it has the same values."""
    if isinstance(feature, Expression):
        return feature.value.text
    return replace(feature, name="", where=None)
