"""Figures of one version of a pack: what it would have done, as the report has it."""

from msgspec import Struct

from events.event import Attribute
from rules.decision import Outcome, Text, Tier
from rules.rule import Mode

EXAMPLES = 20
"""Most examples of each kind."""


class Quality(Struct, frozen=True, kw_only=True):
    """How well something finds what is labelled bad; shares are null where they would divide by zero.

    Args:
        bad: what there is to find.
        found: of this, what was hit.
        missed: of this, what was not.
        hits: all that was hit.
        legitimate: of this, what is labelled legitimate.
        precision: found by hits; what has no label counts as not bad.
        recall: found by bad.
        f1: harmonic mean of both.
    """

    bad: int
    found: int
    missed: int
    hits: int
    legitimate: int
    precision: float | None
    recall: float | None
    f1: float | None


class ScenarioQuality(Struct, frozen=True, kw_only=True):
    """How well the rules of one scenario find what is labelled with it.

    Args:
        scenario: its name.
        events: events.
        incidents: pairs of group and scenario; null where the labels name none.
    """

    scenario: str
    events: Quality
    incidents: Quality | None


class Found(Struct, frozen=True, kw_only=True):
    """How well a pack finds what is labelled bad.

    Args:
        events: an event is found when any active rule hits it, or when it started the time of an active
            deadline that was missed.
        incidents: an incident is found when an alert of its group and scenario was raised; null where the
            labels name none.
        scenarios: of the pack and of the labels, in the order of their names.
    """

    events: Quality
    incidents: Quality | None
    scenarios: list[ScenarioQuality]


class Example(Struct, frozen=True, kw_only=True):
    """An event that shows what is counted.

    Args:
        event_id: the event.
        decision_id: the decision that this version makes of it, as `fenghuo decision show` takes it.
        type: of the event.
        occurred_at: event time, RFC 3339.
        group: the unified customer.
        amount: in fen of CNY; null where it has none.
        outcome: of the decision.
        rule: whose values are shown.
        observed: the values that the rule's condition read; money in fen.
        reason: the rule's reason by language.
    """

    event_id: str
    decision_id: str
    type: str
    occurred_at: str
    group: str
    amount: int | None
    outcome: Outcome
    rule: str
    observed: dict[str, Attribute | None]
    reason: Text


class RuleFigures(Struct, frozen=True, kw_only=True):
    """What one rule did.

    Args:
        rule: its name.
        title: its name for people, by language.
        scenario: its scenario.
        tier: its tier.
        outcome: its outcome.
        mode: active, or shadow: counted without consequence.
        judged: events of the types that it judges.
        hits: events that it hit.
        not_evaluable: events for which a value was missing.
        errors: events at which it failed.
        error: the first message of these; null without one.
        groups: unified customers that it hit.
        alone: events that no other rule hit.
        held_amount: sum of the amounts of the events that it held or rejected, in fen; 0 for other rules.
        units: kind of each name that its condition reads (`money`, `number`, `text`, `bool`), for display.
        quality: how well it finds bad events of its scenario; null without labels.
        examples: the first events that it hit, at most 20.
    """

    rule: str
    title: Text
    scenario: str
    tier: Tier
    outcome: Outcome
    mode: Mode
    judged: int
    hits: int
    not_evaluable: int
    errors: int
    error: str | None
    groups: int
    alone: int
    held_amount: int
    units: dict[str, str]
    quality: Quality | None
    examples: list[Example]


class DeadlineFigures(Struct, frozen=True, kw_only=True):
    """What became of one deadline.

    Args:
        deadline: its name.
        title: its name for people, by language.
        scenario: its scenario.
        tier: its tier.
        outcome: its outcome.
        mode: active, or shadow: counted without consequence.
        within: the allowed time as written.
        begun: events that started its time.
        missed: of these, those whose time ran out; one that is still running at the end is not missed.
        late: of the missed, those that were answered after their time.
        in_time: of the missed, those that were answered in time by a message that came late.
        groups: unified customers of the missed.
        quality: how well the missed are the bad events of its scenario; null without labels.
        examples: the first that were missed, at most 20; the event is the one that started the time.
    """

    deadline: str
    title: Text
    scenario: str
    tier: Tier
    outcome: Outcome
    mode: Mode
    within: str
    begun: int
    missed: int
    late: int
    in_time: int
    groups: int
    quality: Quality | None
    examples: list[Example]


class Decided(Struct, frozen=True, kw_only=True):
    """Events with one outcome and tier.

    Args:
        outcome: what was decided.
        tier: highest tier of the rules that hit; null where none did.
        events: how many.
    """

    outcome: Outcome
    tier: Tier | None
    events: int


class Held(Struct, frozen=True, kw_only=True):
    """What was held or rejected.

    Args:
        events: how many.
        without_amount: of these, those without an amount.
        amount: exact sum of the amounts of the others in fen of CNY.
    """

    events: int
    without_amount: int
    amount: int


class Alerts(Struct, frozen=True, kw_only=True):
    """Alerts of one scenario and tier, none of which is ever closed.

    Args:
        scenario: its name.
        tier: highest tier of their hits.
        alerts: how many.
        hits: that they grew from.
        amount: at stake, in fen.
    """

    scenario: str
    tier: Tier
    alerts: int
    hits: int
    amount: int


class Overlap(Struct, frozen=True, kw_only=True):
    """Two rules that hit the same events.

    Args:
        rule: the first in the pack's order.
        other: the second.
        both: events that both hit.
        jaccard: `both` by the events that either hit, 0–1.
    """

    rule: str
    other: str
    both: int
    jaccard: float


class Day(Struct, frozen=True, kw_only=True):
    """One day of event time in the pack's timezone.

    Args:
        day: YYYY-MM-DD.
        events: evaluated.
        reviewed: decided `review`.
        held: decided `hold`.
        rejected: decided `reject`.
        low: alerts of that tier whose first hit falls on the day; so are the others.
        medium: alerts of that tier.
        high: alerts of that tier.
        critical: alerts of that tier.
    """

    day: str
    events: int
    reviewed: int
    held: int
    rejected: int
    low: int
    medium: int
    high: int
    critical: int


class Side(Struct, frozen=True, kw_only=True):
    """What one version of a pack would have done.

    Args:
        pack: name and version.
        sha256: of its content.
        timezone: of its days.
        model: id of the anomaly model; null without one.
        decided: events by outcome and tier, the worst first.
        held: what was held or rejected.
        rules: the evaluated ones in the pack's order.
        deadlines: the watched ones in the pack's order.
        left_out: rules and deadlines in mode draft, paused or retired, which are not evaluated.
        alerts: by scenario and tier.
        days: every day from the first to the last event.
        overlap: pairs of rules that hit the same events, in the pack's order.
        quality: how well it finds what is labelled bad; null without labels.
    """

    pack: str
    sha256: str
    timezone: str
    model: str | None
    decided: list[Decided]
    held: Held
    rules: list[RuleFigures]
    deadlines: list[DeadlineFigures]
    left_out: list[str]
    alerts: list[Alerts]
    days: list[Day]
    overlap: list[Overlap]
    quality: Found | None
