"""Features of a pack: aggregates over windows, and expressions over them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from events.columns import EVENT_FIELDS, TEXT_FIELDS, Bools, EventBatch, Kind
from events.event import EventType
from rules.document import Entry, Problems
from rules.errors import LanguageError, did_you_mean
from rules.feature_label import LABELS, FeatureLabel, FeatureUnit
from rules.language import Compiled, Scope, compile_condition
from rules.language.names import names_in
from rules.language.scope import ATTRIBUTES, CALENDAR, RESERVED
from rules.local_time import LocalTime
from rules.rule import Expression
from rules.sources import EventColumns
from windows.feature import NEEDS_FIELD, NEEDS_WINDOW, Aggregate, Entity, Feature, Predicate

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_DAYS = frozenset({Aggregate.DAYS_SINCE_FIRST, Aggregate.DAYS_SINCE_LAST})
_DISTINCT_FIELDS = TEXT_FIELDS | {"group", "region"}


@dataclass(frozen=True)
class FeatureSet:
    """The features of a pack.

    Args:
        features: over windows, in the pack's order.
        expressions: derived, each after those that it reads.
        kinds: of all by name, in the pack's order.
        labels: how people read those that have a title or a unit, by name.
    """

    features: tuple[Feature, ...]
    expressions: tuple[Expression, ...]
    kinds: Mapping[str, Kind]
    labels: Mapping[str, FeatureLabel] = field(default_factory=dict)


def read_features(entry: Entry, lists: Mapping[str, frozenset[str]], local_time: LocalTime) -> FeatureSet:
    """Read the features of a pack.

    Raises:
        PackError: one of them means nothing; the others that do not are beside it.
    """
    return _Reader(entry, lists, local_time).read()


@dataclass
class _Reader:
    entry: Entry
    lists: Mapping[str, frozenset[str]]
    local_time: LocalTime
    problems: Problems = field(default_factory=Problems)

    def read(self) -> FeatureSet:
        entries = {name: one.within(f"feature `{name}`") for name, one in self.entry.mapping().items()}
        features: dict[str, Feature] = {}
        labels: dict[str, FeatureLabel] = {}
        texts: dict[str, Entry] = {}
        for name, entry in entries.items():
            with self.problems.gathered():
                self.check_name(name, entry)
                if "expression" in entry.mapping():
                    fields = entry.fields(("expression",), LABELS)
                    texts[name] = fields["expression"]
                    labels[name] = self.label(fields)
                else:
                    features[name] = self.feature(name, entry, frozenset(entries))
                    labels[name] = self.label(entry.mapping(), features[name].aggregate)
        self.problems.settle()
        kinds = {name: feature.kind for name, feature in features.items()}
        expressions = []
        for name in self.ordered(texts):
            with self.problems.gathered():
                scope = Scope(kinds, self.lists, profile=False, anomaly=False, place="an expression")
                expression = Expression(name, _compiled(texts[name], scope, None))
                expressions.append(expression)
                kinds[name] = expression.kind
        self.problems.settle()
        return FeatureSet(
            tuple(features.values()), tuple(expressions), {name: kinds[name] for name in entries}, labels
        )

    def label(self, fields: Mapping[str, Entry], aggregate: Aggregate | None = None) -> FeatureLabel:
        unit = fields["unit"].choice(FeatureUnit, "unit") if "unit" in fields else None
        if unit is None and aggregate in _DAYS:
            unit = FeatureUnit.DAYS
        return FeatureLabel(fields["title"].texts() if "title" in fields else None, unit)

    def check_name(self, name: str, entry: Entry) -> None:
        if not _NAME.fullmatch(name):
            what = "a feature's name has letters, digits and underscores, begins with a letter"
            raise entry.error(f"{what} and has at most 64 characters")
        if name in RESERVED:
            raise entry.error(f"`{name}` is the name of an event field or of the language; choose another")
        try:
            bare = names_in(name) == [name]
        except LanguageError:
            bare = False
        if not bare:
            raise entry.error(f"`{name}` is a word of SQL; choose another name")

    def feature(self, name: str, entry: Entry, all_names: frozenset[str]) -> Feature:
        fields = entry.fields(("aggregate", "events", "by"), ("field", "window", "delay", "where", *LABELS))
        aggregate = fields["aggregate"].choice(Aggregate, "aggregate")
        feature = Feature(
            name=name,
            aggregate=aggregate,
            events=frozenset(one.choice(EventType, "event type") for one in fields["events"].items()),
            by=fields["by"].choice(Entity, "entity"),
            field=self.field(aggregate, entry, fields.get("field")),
            window=self.window(aggregate, entry, fields.get("window")),
            delay=self.delay(aggregate, fields.get("delay")),
        )
        if where := fields.get("where"):
            place = "a feature's `where`, which sees one event alone"
            scope = Scope({}, self.lists, profile=False, anomaly=False, hidden=all_names, place=place)
            condition = _compiled(where, scope, Kind.BOOL)
            feature = replace(feature, where=self.predicate(condition), where_text=self.meaning(condition))
        return feature

    def meaning(self, condition: Compiled) -> str:
        """The condition with all that its meaning hangs on: equal texts in two packs hold the same events."""
        context = [f"{name}: {sorted(members)}" for name, members in sorted(condition.lists.items())]
        if condition.names & CALENDAR.keys():
            context.append(self.local_time.name)
        return f"{condition.text} -- {'; '.join(context)}" if context else condition.text

    def predicate(self, condition: Compiled) -> Predicate:
        def holds(batch: EventBatch) -> Bools:
            result = condition.evaluate(EventColumns(batch, self.local_time))
            holding: Bools = result.values & result.valid
            return holding

        return holds

    def field(self, aggregate: Aggregate, entry: Entry, written: Entry | None) -> str | None:
        if aggregate not in NEEDS_FIELD:
            if written:
                raise written.error(f"`{aggregate}` takes no `field`; remove it")
            return None
        if written is None:
            raise entry.error(f"`{aggregate}` needs a `field`, such as `amount`")
        name = written.text()
        if name.startswith(ATTRIBUTES) and len(name) > len(ATTRIBUTES):
            return name
        usable = _DISTINCT_FIELDS if aggregate is Aggregate.DISTINCT else {"amount"}
        if name in usable:
            return name
        if name in EVENT_FIELDS:
            wanted = "a text field" if aggregate is Aggregate.DISTINCT else "`amount`"
            raise written.error(f"`{aggregate}` cannot use `{name}`; give {wanted} or `attributes.x`")
        raise written.error(f"unknown field `{name[:80]}`{did_you_mean(name, usable)}")

    def window(self, aggregate: Aggregate, entry: Entry, written: Entry | None) -> int | None:
        if written:
            return written.duration()
        if aggregate in NEEDS_WINDOW:
            raise entry.error(f"`{aggregate}` needs a `window`, such as `72h`")
        return None

    def delay(self, aggregate: Aggregate, written: Entry | None) -> int:
        if written is None:
            return 0
        if aggregate not in NEEDS_WINDOW:
            raise written.error(f"`{aggregate}` takes no `delay`; remove it")
        return written.duration(least=0)

    def ordered(self, texts: Mapping[str, Entry]) -> list[str]:
        """The names of expressions, each after those that it reads."""
        reads: dict[str, list[str]] = {}
        for name, entry in texts.items():
            with self.problems.gathered():
                reads[name] = [one for one in _names(entry) if one in texts]
        self.problems.settle()
        done: dict[str, None] = {}
        for name in texts:
            self.follow(name, reads, texts, done)
        return list(done)

    def follow(
        self, start: str, reads: Mapping[str, list[str]], texts: Mapping[str, Entry], done: dict[str, None]
    ) -> None:
        """Depth first, without recursion: a chain of expressions may be long."""
        path = [start]
        while path:
            name = path[-1]
            waiting = [one for one in reads[name] if one not in done]
            if name in done or not waiting:
                done[path.pop()] = None
            elif waiting[0] in path:
                circle = " → ".join((*path[path.index(waiting[0]) :], waiting[0]))
                raise texts[name].error(f"the expression reads itself: {circle}")
            else:
                path.append(waiting[0])


def _compiled(entry: Entry, scope: Scope, expect: Kind | None) -> Compiled:
    try:
        return compile_condition(entry.text(), scope, expect)
    except LanguageError as error:
        raise entry.language_error(error) from None


def _names(entry: Entry) -> list[str]:
    try:
        return names_in(entry.text())
    except LanguageError as error:
        raise entry.language_error(error) from None
