"""The difference between two versions of a pack, as the report has it."""

from msgspec import Struct

from backtest.figures import Example
from rules.decision import Outcome, Text, Tier


class RuleDifference(Struct, frozen=True, kw_only=True):
    """What a rule does otherwise than in the other version.

    Args:
        rule: its name.
        change: `added`, `removed`, `changed` or `same`, by what is written in the packs.
        changed: keys of the rule that differ; `when` also where a list or the timezone that it reads does,
            `features` where it reads features that mean something else.
        gained: events that it hits now and did not.
        lost: events that it hit and does not now.
        common: events that it hits in both.
        held_amount: how much more it holds or rejects, in fen.
        gained_examples: the first of the gained.
        lost_examples: the first of the lost, as the other version judged them.
    """

    rule: str
    change: str
    changed: list[str]
    gained: int
    lost: int
    common: int
    held_amount: int
    gained_examples: list[Example]
    lost_examples: list[Example]


class DeadlineDifference(Struct, frozen=True, kw_only=True):
    """What a deadline does otherwise than in the other version.

    Args:
        deadline: its name.
        change: `added`, `removed`, `changed` or `same`, by what is written in the packs.
        changed: keys of the deadline that differ.
        gained: events that it misses now and did not.
        lost: events that it missed and does not now.
        common: events that it misses in both.
        gained_examples: the first of the gained.
        lost_examples: the first of the lost.
    """

    deadline: str
    change: str
    changed: list[str]
    gained: int
    lost: int
    common: int
    gained_examples: list[Example]
    lost_examples: list[Example]


class OutcomeChange(Struct, frozen=True, kw_only=True):
    """Events by what the other version decided and what this one decides.

    Args:
        before: of the other version.
        after: of this version.
        events: how many.
        amount: sum of their amounts, in fen, where both differ; else null.
        examples: the first of them, where both differ, with the reason of the version that decides worse.
    """

    before: Outcome
    after: Outcome
    events: int
    amount: int | None
    examples: list[Example]


class AlertExample(Struct, frozen=True, kw_only=True):
    """An alert with the hit that opened it.

    Args:
        alert_id: as this version names it.
        scenario: its scenario.
        group: its unified customer.
        tier: highest tier of its hits.
        first_hit_at: RFC 3339.
        hits: how many it grew from.
        amount: at stake, in fen.
        event_id: of the hit that opened it.
        decision_id: of the hit that opened it.
        reason: of the hit that opened it.
    """

    alert_id: str
    scenario: str
    group: str
    tier: Tier
    first_hit_at: str
    hits: int
    amount: int
    event_id: str
    decision_id: str
    reason: Text


class AlertDifference(Struct, frozen=True, kw_only=True):
    """Alerts by group and scenario in both versions.

    Args:
        gained: raised by this version alone.
        lost: raised by the other alone.
        common: raised by both.
        raised: of the common, those with a higher tier than in the other version.
        lowered: of the common, those with a lower tier.
        gained_examples: the first of the gained, by their first hit.
        lost_examples: the first of the lost.
    """

    gained: int
    lost: int
    common: int
    raised: int
    lowered: int
    gained_examples: list[AlertExample]
    lost_examples: list[AlertExample]


class Difference(Struct, frozen=True, kw_only=True):
    """What the tested version does otherwise than the one it is compared with.

    Args:
        equal: no decision, hit, missed deadline or alert differs.
        rules: of both packs, the tested one's first.
        deadlines: of both packs, the tested one's first.
        outcomes: every pair that occurs.
        held_events: how many more events are held or rejected.
        held_amount: how much more is held or rejected, in fen.
        alerts: gained and lost.
    """

    equal: bool
    rules: list[RuleDifference]
    deadlines: list[DeadlineDifference]
    outcomes: list[OutcomeChange]
    held_events: int
    held_amount: int
    alerts: AlertDifference
