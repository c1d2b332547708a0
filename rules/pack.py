"""The rule pack: features, rules and deadlines of one version, read from one YAML file."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

from events.clock import DAY
from events.columns import Kind
from rules.breaker import DEFAULT, read_breaker
from rules.deadline import Deadline
from rules.deadline_reader import read_deadlines
from rules.document import Entry, compose, read_document
from rules.edition import PackVersion
from rules.feature_label import FeatureLabel
from rules.feature_reader import FeatureSet, read_features
from rules.language import Scope
from rules.language.cost import MAX_PACK_COST
from rules.language.parts import total_cost
from rules.language.scope import MODEL, PROFILE
from rules.local_time import LocalTime
from rules.rule import EVALUATED, Expression, Rule
from rules.rule_reader import Duty, read_rules
from windows.feature import Feature

DEFAULT_LATENESS = 7 * DAY


@dataclass(frozen=True, eq=False)
class Pack:
    """One version of a rule pack, or of several that judge together.

    Args:
        versions: name, version and hash of each: SHA-256 of the content without layout and comments, named
            lists included.
        local_time: of the pack's timezone, for `hour` and `weekday`.
        lateness: milliseconds after which an event is marked late.
        feature_set: features and expressions.
        rules: in the pack's order, whatever their mode.
        deadlines: whatever their mode.
        lists: named lists.
    """

    versions: tuple[PackVersion, ...]
    local_time: LocalTime
    lateness: int
    feature_set: FeatureSet
    rules: tuple[Rule, ...]
    deadlines: tuple[Deadline, ...]
    lists: Mapping[str, frozenset[str]]

    @property
    def id(self) -> str:
        """Name and version: `name@version`, of several `a@1+b@2`."""
        return "+".join(f"{one.pack}@{one.version}" for one in self.versions)

    @property
    def name(self) -> str:
        """Name of the pack, of several `a+b`."""
        return "+".join(one.pack for one in self.versions)

    @cached_property
    def content_hash(self) -> str:
        """Hash of the content."""
        if len(self.versions) == 1:
            return self.versions[0].sha256
        return hashlib.sha256("\n".join(one.sha256 for one in self.versions).encode()).hexdigest()

    @property
    def timezone(self) -> str:
        """IANA name of the timezone."""
        return self.local_time.name

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features over windows."""
        return self.feature_set.features

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """The derived features, each after those that it reads."""
        return self.feature_set.expressions

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Kind of every feature by name, in the pack's order."""
        return self.feature_set.kinds

    @cached_property
    def readable(self) -> Mapping[str, Kind]:
        """Kind by name of what a model may read: features, and whether rules hit that read no model."""
        free = (rule for rule in self.evaluated if not MODEL & rule.when.kinds.keys())
        return {**self.kinds, **{rule.name: Kind.BOOL for rule in free}}

    @cached_property
    def feature_names(self) -> tuple[str, ...]:
        """Names of all features in the pack's order."""
        return tuple(self.kinds)

    @cached_property
    def units(self) -> dict[str, str]:
        """Kind of every feature as text, for display."""
        return {name: kind.value for name, kind in self.kinds.items()}

    @cached_property
    def labels(self) -> Mapping[str, FeatureLabel]:
        """Titles and units of what a model may read, by name."""
        rules = {rule.name: FeatureLabel(title=rule.title) for rule in self.evaluated}
        return {**rules, **self.feature_set.labels}

    @cached_property
    def evaluated(self) -> tuple[Rule, ...]:
        """The rules that are evaluated: active and shadow."""
        return tuple(rule for rule in self.rules if rule.mode in EVALUATED)

    @cached_property
    def rules_by_name(self) -> dict[str, Rule]:
        """Rules by name."""
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def deadlines_by_name(self) -> dict[str, Deadline]:
        """Deadlines by name."""
        return {deadline.name: deadline for deadline in self.deadlines}

    @cached_property
    def profile_names(self) -> frozenset[str]:
        """Names of the profile values that rules read, without `profile.`."""
        read = {name for rule in self.rules for name in rule.when.kinds}
        return frozenset(name.removeprefix(PROFILE) for name in read if name.startswith(PROFILE))


def load_pack(path: Path | str, lists: Mapping[str, frozenset[str]] | None = None) -> Pack:
    """Read a rule pack and check all of it.

    Args:
        path: the YAML file.
        lists: named lists; they replace the pack's own of the same name.

    Raises:
        PackError: the file cannot be read or something in it means nothing; `others` holds further errors.
    """
    return _pack(read_document(path), lists or {})


def read_pack(text: str, name: str) -> Pack:
    """Read a rule pack from its text and check all of it.

    Args:
        text: the YAML.
        name: what messages call it.

    Raises:
        PackError: something in it means nothing; `others` holds further errors.
    """
    return _pack(compose(name, text), {})


def _pack(root: Entry, lists: Mapping[str, frozenset[str]]) -> Pack:
    fields = root.fields(
        ("pack", "version", "timezone", "features", "rules"),
        ("lateness", "lists", "deadlines", "breaker", "owner"),
    )
    local_time = _local_time(fields["timezone"])
    known = _lists(fields.get("lists"), lists)
    feature_set = read_features(fields["features"], known, local_time)
    version = fields["version"].integer()
    sha256 = _content_hash(root, lists)
    duty = Duty(
        read_breaker(fields["breaker"].within("breaker")) if "breaker" in fields else DEFAULT,
        fields["owner"].slug() if "owner" in fields else None,
    )
    rules = read_rules(fields["rules"], Scope(feature_set.kinds, known), version, duty)
    _check_cost(fields["rules"], rules)
    return Pack(
        versions=(PackVersion(pack=fields["pack"].slug(), version=version, sha256=sha256),),
        local_time=local_time,
        lateness=fields["lateness"].duration() if "lateness" in fields else DEFAULT_LATENESS,
        feature_set=feature_set,
        rules=rules,
        deadlines=read_deadlines(
            fields["deadlines"], known, frozenset(feature_set.kinds), version, local_time
        )
        if "deadlines" in fields
        else (),
        lists=known,
    )


def _check_cost(entry: Entry, rules: tuple[Rule, ...]) -> None:
    cost = total_cost(rule.when.part for rule in rules if rule.when.part is not None)
    if cost > MAX_PACK_COST:
        dearest = max(rules, key=lambda rule: total_cost([rule.when.part] if rule.when.part else []))
        what = f"all conditions together cost about {cost:,} steps for each event"
        cure = f"the limit is {MAX_PACK_COST:,}; use features or LISTED, first in rule `{dearest.name}`"
        raise entry.error(f"{what}, {cure}")


def _local_time(entry: Entry) -> LocalTime:
    name = entry.text()
    try:
        return LocalTime(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise entry.error(
            f"unknown timezone `{name[:80]}`; write an IANA name such as `Asia/Shanghai`"
        ) from None


def _lists(entry: Entry | None, given: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    lists: dict[str, frozenset[str]] = {}
    for name, values in (entry.mapping() if entry else {}).items():
        lists[name] = frozenset(value.text() for value in values.within(f"list `{name}`").items())
    return lists | dict(given)


def _content_hash(root: Entry, given: Mapping[str, frozenset[str]]) -> str:
    lists = json.dumps({name: sorted(given[name]) for name in sorted(given)}, ensure_ascii=False)
    return hashlib.sha256(f"{root.canonical()}\n{lists}".encode()).hexdigest()
