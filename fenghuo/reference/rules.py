"""The page of rules: what the pack that comes with Fenghuo holds."""

from events.clock import DAY, HOUR, MINUTE, SECOND
from fenghuo.reference.markdown import block, code, codes, page, table
from fenghuo.settings import Settings
from rules.decision import Outcome, Tier
from rules.pack import Pack, load_pack
from rules.reason import Placeholder, Reason
from rules.rule import Expression, Mode, Rule
from windows.feature import Feature

_UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"))


def text() -> str:
    """The whole page."""
    return page(
        "Rules",
        "The packs that come with Fenghuo and judge together where no other is named. Amounts in conditions "
        "are in yuan. [The rule language](../rule-language.md) explains conditions and how to write a pack.",
        f"Outcomes from mild to severe: {codes(outcome.value for outcome in Outcome)}. "
        f"Tiers: {codes(tier.value for tier in Tier)}.",
        *(part for pack in shipped() for part in _pack(pack)),
    )


def _pack(pack: Pack) -> list[str]:
    return [
        f"## {pack.name}",
        (
            f"Version {pack.versions[0].version}, timezone `{pack.timezone}`; an event later than "
            f"{duration(pack.lateness)} is marked late."
        ),
        table(("rule", "规则", "title", "tier", "outcome", "queue"), map(_line, pack.rules)),
        *(part for rule in pack.rules for part in _described(rule)),
        *_deadlines(pack),
        f"### Features of {pack.name}",
        "Every decision shows all of them. Money is in fen there.",
        table(("feature", "what it is", "kind"), _features(pack)),
    ]


def shipped() -> list[Pack]:
    """The packs that come with Fenghuo."""
    return [load_pack(path) for path in Settings.model_fields["pack"].default]


def duration(milliseconds: int) -> str:
    """A length of time as packs write it.

    >>> duration(259_200_000), duration(5_400_000)
    ('3d', '90m')
    """
    return next(f"{milliseconds // unit}{name}" for unit, name in _UNITS if milliseconds % unit == 0)


def _line(rule: Rule) -> tuple[str, ...]:
    name = f"[{code(rule.name)}](#{rule.name})"
    return name, rule.title["zh"], rule.title["en"], rule.tier.value, rule.outcome.value, rule.queue


def _described(rule: Rule) -> list[str]:
    on = codes(sorted(kind.value for kind in rule.on))
    mode = "" if rule.mode is Mode.ACTIVE else f" Its mode is `{rule.mode.value}`."
    playbook = f", playbook `{rule.playbook}`" if rule.playbook else ""
    return [
        f"### {rule.name}",
        f"{rule.title['zh']} · {rule.title['en']}. Judges {on}; scenario `{rule.scenario}`{playbook}.{mode}",
        block("sql", " ".join(rule.when.text.split())),
        f"> {_template(rule.reason, 'zh')}",
        f"> {_template(rule.reason, 'en')}",
    ]


def _template(reason: Reason, language: str) -> str:
    return "".join(_place(part) if isinstance(part, Placeholder) else part for part in reason.parts[language])


def _place(part: Placeholder) -> str:
    return f"`{{{part.name}:%}}`" if part.percent else f"`{{{part.name}}}`"


def _deadlines(pack: Pack) -> list[str]:
    if not pack.deadlines:
        return []
    rows = [
        (code(one.name), code(one.after.value), codes(sorted(one.expect)), code(one.within))
        for one in pack.deadlines
    ]
    return [f"### Deadlines of {pack.name}", table(("deadline", "after", "expects", "within"), rows)]


def _features(pack: Pack) -> list[tuple[str, str, str]]:
    told: dict[str, tuple[str, str]] = {one.name: (_window(one), one.kind.value) for one in pack.features}
    told |= {one.name: (_expression(one), one.kind.value) for one in pack.expressions}
    return [(code(name), *told[name]) for name in pack.feature_names]


def _window(feature: Feature) -> str:
    over = f" of {code(feature.field)}" if feature.field else ""
    window = f", window {duration(feature.window)}" if feature.window is not None else ""
    delay = f", delay {duration(feature.delay)}" if feature.delay else ""
    where = f", where {code(feature.where_text)}" if feature.where_text else ""
    events = codes(sorted(kind.value for kind in feature.events))
    return f"{feature.aggregate.value}{over} over {events} by {feature.by.value}{window}{delay}{where}"


def _expression(expression: Expression) -> str:
    return code(expression.value.text)
