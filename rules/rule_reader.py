"""Rules and deadlines of a pack."""

from collections.abc import Mapping

from events.columns import EVENT_FIELDS, Kind
from events.event import EventType
from rules.decision import Outcome, Tier
from rules.document import LANGUAGES, Entry, Problems
from rules.errors import LanguageError, did_you_mean
from rules.language import Compiled, Scope, compile_condition
from rules.language.scope import ANOMALY, PROFILE
from rules.reason import PlaceholderError, Reason, parse_reason
from rules.rule import Deadline, Mode, Rule
from windows.feature import Entity

_REQUIRED = ("title", "scenario", "on", "when", "tier", "outcome", "queue", "reason")
_PRINTABLE = {name: kind for name, kind in EVENT_FIELDS.items() if name != "occurred_at"}


def read_rules(entry: Entry, scope: Scope) -> tuple[Rule, ...]:
    """Read the rules of a pack.

    Raises:
        PackError: one of them means nothing; the others that do not are beside it.
    """
    problems = Problems()
    rules = []
    for rank, (name, one) in enumerate(entry.mapping().items()):
        with problems.gathered():
            rules.append(_rule(name, rank, one.within(f"rule `{name}`"), scope))
    problems.settle()
    return tuple(rules)


def read_deadlines(entry: Entry) -> tuple[Deadline, ...]:
    """Read the deadlines of a pack.

    Raises:
        PackError: one of them means nothing; the others that do not are beside it.
    """
    problems = Problems()
    deadlines = []
    for name, one in entry.mapping().items():
        with problems.gathered():
            deadlines.append(_deadline(name, one.within(f"deadline `{name}`")))
    problems.settle()
    return tuple(deadlines)


def _rule(name: str, rank: int, entry: Entry, scope: Scope) -> Rule:
    _check_name(name, entry)
    fields = entry.fields(_REQUIRED, ("playbook", "mode"))
    when = _condition(fields["when"], scope)
    return Rule(
        name=name,
        title=fields["title"].texts(),
        scenario=fields["scenario"].slug(),
        on=frozenset(one.choice(EventType, "event type") for one in fields["on"].items()),
        when=when,
        tier=fields["tier"].choice(Tier, "tier"),
        outcome=fields["outcome"].choice(Outcome, "outcome"),
        queue=fields["queue"].slug(),
        playbook=fields["playbook"].slug() if "playbook" in fields else None,
        reason=_reason(fields["reason"], {**scope.features, **_PRINTABLE, **when.kinds}),
        mode=fields["mode"].choice(Mode, "mode") if "mode" in fields else Mode.ACTIVE,
        rank=rank,
        needs_windows=any(
            read in scope.features or read == ANOMALY or read.startswith(PROFILE) for read in when.kinds
        ),
    )


def _condition(entry: Entry, scope: Scope) -> Compiled:
    try:
        return compile_condition(entry.text(), scope)
    except LanguageError as error:
        raise entry.language_error(error) from None


def _reason(entry: Entry, kinds: Mapping[str, Kind]) -> Reason:
    parts = {}
    for language, text in entry.fields(LANGUAGES).items():
        try:
            parts[language] = parse_reason(text.text(), kinds.__getitem__)
        except PlaceholderError as error:
            raise text.error(str(error)) from None
        except KeyError as error:
            name = str(error.args[0])
            near = did_you_mean(name, kinds)
            known = near or "; it may name features, event fields and what the condition reads"
            raise text.error(f"unknown placeholder `{{{name}}}`{known}") from None
    return Reason(parts)


def _deadline(name: str, entry: Entry) -> Deadline:
    _check_name(name, entry)
    fields = entry.fields(("after", "expect", "by", "within", "tier", "outcome", "queue"))
    return Deadline(
        name=name,
        after=fields["after"].choice(EventType, "event type"),
        expect=fields["expect"].choice(EventType, "event type"),
        by=fields["by"].choice(Entity, "entity"),
        within=fields["within"].duration(),
        tier=fields["tier"].choice(Tier, "tier"),
        outcome=fields["outcome"].choice(Outcome, "outcome"),
        queue=fields["queue"].slug(),
    )


def _check_name(name: str, entry: Entry) -> None:
    if name != name.lower() or not all(part.isalnum() and part.isascii() for part in name.split("-")):
        raise entry.error("the name is not usable; write lower-case letters, digits and hyphens")
