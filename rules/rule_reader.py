"""Rules of a pack."""

from collections.abc import Mapping
from typing import NamedTuple

from events.columns import EVENT_FIELDS, Kind
from events.event import EventType
from rules.breaker import DEFAULT, Breaker, read_breaker
from rules.decision import Outcome, Tier
from rules.document import LANGUAGES, Entry, Problems, check_name
from rules.errors import LanguageError, did_you_mean
from rules.language import Compiled, Scope, compile_condition
from rules.language.scope import ANOMALY, PROFILE
from rules.reason import PlaceholderError, Reason, parse_reason
from rules.rule import Mode, Rule

_REQUIRED = ("title", "scenario", "on", "when", "tier", "outcome", "queue", "reason")
_PRINTABLE = {name: kind for name, kind in EVENT_FIELDS.items() if name != "occurred_at"}


class Duty(NamedTuple):
    """What a pack says for all its rules, where they say nothing themselves.

    Args:
        breaker: when a rule is limited.
        owner: the queue that is told of it; None for the rule's own.
    """

    breaker: Breaker = DEFAULT
    owner: str | None = None


def read_rules(entry: Entry, scope: Scope, version: int, duty: Duty) -> tuple[Rule, ...]:
    """Read the rules of a pack.

    Args:
        entry: the rules by name.
        scope: what their conditions may read.
        version: of the pack.
        duty: the pack's breaker and owner.

    Raises:
        PackError: one of them means nothing; the others that do not are beside it.
    """
    problems = Problems()
    rules = []
    for rank, (name, one) in enumerate(entry.mapping().items()):
        with problems.gathered():
            rules.append(_rule(name, rank, one.within(f"rule `{name}`"), scope, version, duty))
    problems.settle()
    return tuple(rules)


def _rule(name: str, rank: int, entry: Entry, scope: Scope, version: int, duty: Duty) -> Rule:
    check_name(name, entry)
    fields = entry.fields(_REQUIRED, ("playbook", "mode", "breaker", "owner"))
    when = condition(fields["when"], scope)
    queue = fields["queue"].slug()
    return Rule(
        name=name,
        title=fields["title"].texts(),
        scenario=fields["scenario"].slug(),
        on=frozenset(one.choice(EventType, "event type") for one in fields["on"].items()),
        when=when,
        tier=fields["tier"].choice(Tier, "tier"),
        outcome=fields["outcome"].choice(Outcome, "outcome"),
        queue=queue,
        playbook=fields["playbook"].slug() if "playbook" in fields else None,
        reason=read_reason(fields["reason"], {**scope.features, **_PRINTABLE, **when.kinds}),
        mode=fields["mode"].choice(Mode, "mode") if "mode" in fields else Mode.ACTIVE,
        rank=rank,
        needs_windows=any(
            read in scope.features or read == ANOMALY or read.startswith(PROFILE) for read in when.kinds
        ),
        version=version,
        breaker=read_breaker(fields["breaker"]) if "breaker" in fields else duty.breaker,
        owner=fields["owner"].slug() if "owner" in fields else duty.owner or queue,
    )


def condition(entry: Entry, scope: Scope) -> Compiled:
    """Compile the condition that an entry holds.

    Raises:
        PackError: it is none.
    """
    try:
        return compile_condition(entry.text(), scope)
    except LanguageError as error:
        raise entry.language_error(error) from None


def read_reason(entry: Entry, kinds: Mapping[str, Kind]) -> Reason:
    """Read a reason that may name values of these kinds.

    Raises:
        PackError: it names something else, or a brace means nothing.
    """
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
