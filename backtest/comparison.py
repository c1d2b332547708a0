"""The comparison of two packs over the same events: hits, outcomes and alerts of one alone."""

from dataclasses import dataclass, field

import numpy as np

from alerts.alert import Alert
from backtest.alerts import AlertTally, alert_example
from backtest.difference import (
    AlertDifference,
    DeadlineDifference,
    Difference,
    OutcomeChange,
    RuleDifference,
)
from backtest.examples import example, leading
from backtest.figures import EXAMPLES, Example
from backtest.hits import BatchHits
from backtest.meaning import Meanings, changes, deadline_changes
from backtest.rulebook import OUTCOMES, Rulebook
from backtest.tally import PackTally
from events.columns import Bools, Int64s


@dataclass
class Change:
    """Events that went from one outcome to another: their amounts in fen, and the first of them."""

    amount: int = 0
    examples: list[Example] = field(default_factory=list)


@dataclass
class Moved:
    """The first events that a rule gained and lost."""

    gained: list[Example] = field(default_factory=list)
    lost: list[Example] = field(default_factory=list)


class Comparison:
    """Adds up the differences between a tested pack and another, batch by batch.

    Args:
        tested: rules of the pack in question.
        against: rules of the other.
    """

    def __init__(self, tested: Rulebook, against: Rulebook) -> None:
        self._tested, self._against = tested, against
        self._names = list(dict.fromkeys([*tested.places, *against.places]))
        self._counts: Int64s = np.zeros((len(self._names), 3), np.int64)  # gained, lost, common
        self._moved = {name: Moved() for name in self._names}
        self._outcomes: Int64s = np.zeros((len(OUTCOMES), len(OUTCOMES)), np.int64)  # before, after
        self._changes: dict[tuple[int, int], Change] = {}

    def add(self, tested: BatchHits, against: BatchHits) -> None:
        """Compare what both packs said of the same batch."""
        rows = np.union1d(tested.rows, against.rows)
        least = tested.judgement.least.severity
        self._outcomes[least, least] += len(tested.batch) - len(rows)
        if not len(rows):
            return
        now, then = self._hits(tested, rows), self._hits(against, rows)
        gained, lost = now & ~then, then & ~now
        self._counts += np.stack([one.sum(axis=1) for one in (gained, lost, now & then)], axis=1)
        for number in np.flatnonzero((gained | lost).any(axis=1)).tolist():
            name = self._names[number]
            _show(self._moved[name].gained, tested, rows[gained[number]], name)
            _show(self._moved[name].lost, against, rows[lost[number]], name)
        self._decided(tested, against, rows)

    def _hits(self, hits: BatchHits, rows: Int64s) -> Bools:
        """Which rule hit which of `rows`, of all rules of both packs."""
        matrix = np.zeros((len(self._names), len(rows)), np.bool_)
        columns = np.searchsorted(rows, hits.rows)
        for name, place in hits.book.places.items():
            matrix[self._names.index(name), columns] = hits.matrix[place]
        return matrix

    def _decided(self, tested: BatchHits, against: BatchHits, rows: Int64s) -> None:
        after, before = _severities(tested, rows), _severities(against, rows)
        np.add.at(self._outcomes, (before, after), 1)
        for place in np.flatnonzero(before != after).tolist():
            change = self._changes.setdefault((int(before[place]), int(after[place])), Change())
            row = int(rows[place])
            change.amount += int(tested.batch.amount[row])
            if len(change.examples) < EXAMPLES:
                worse = tested if after[place] > before[place] else against
                at = int(np.searchsorted(worse.rows, row))
                rule = leading(worse, at)
                assert rule is not None  # an outcome that is not the least comes from a rule
                change.examples.append(example(worse, at, rule))

    def difference(self, tested: PackTally, against: PackTally) -> Difference:
        """All differences, given the tallies of both packs over the same batches."""
        rules = self._rules(tested, against)
        deadlines = deadline_differences(tested, against)
        alerts = alert_difference(tested.alerts, against.alerts)
        outcomes = self._changed_outcomes()
        return Difference(
            equal=not (
                any(rule.gained or rule.lost for rule in rules)
                or any(deadline.gained or deadline.lost for deadline in deadlines)
                or any(change.before is not change.after for change in outcomes)
                or any((alerts.gained, alerts.lost, alerts.raised, alerts.lowered))
            ),
            rules=rules,
            deadlines=deadlines,
            outcomes=outcomes,
            held_events=tested.held_events - against.held_events,
            held_amount=tested.held_amount - against.held_amount,
            alerts=alerts,
        )

    def _changed_outcomes(self) -> list[OutcomeChange]:
        found = []
        for before, after in np.argwhere(self._outcomes).tolist():
            change = self._changes.get((before, after))
            found.append(
                OutcomeChange(
                    before=OUTCOMES[before],
                    after=OUTCOMES[after],
                    events=int(self._outcomes[before, after]),
                    amount=change.amount if change else None,
                    examples=change.examples if change else [],
                )
            )
        return found

    def _rules(self, tested: PackTally, against: PackTally) -> list[RuleDifference]:
        new, old = self._tested.pack, self._against.pack
        meanings, meanings_before = Meanings(new), Meanings(old)
        found = []
        for name in dict.fromkeys([*new.rules_by_name, *old.rules_by_name]):
            rule, before = new.rules_by_name.get(name), old.rules_by_name.get(name)
            changed = changes(rule, before, meanings, meanings_before) if rule and before else []
            number = self._names.index(name) if name in self._names else None
            gained, lost, common = (0, 0, 0) if number is None else self._counts[number].tolist()
            moved = self._moved.get(name, Moved())
            found.append(
                RuleDifference(
                    rule=name,
                    change=_change(there=rule is not None, before=before is not None, changed=changed),
                    changed=changed,
                    gained=gained,
                    lost=lost,
                    common=common,
                    held_amount=_held_by(tested, name) - _held_by(against, name),
                    gained_examples=moved.gained,
                    lost_examples=moved.lost,
                )
            )
        return found


def _show(examples: list[Example], hits: BatchHits, rows: Int64s, name: str) -> None:
    """Add the first of `rows`, which the rule `name` hit, to examples that are not yet full."""
    wanted = EXAMPLES - len(examples)
    if wanted > 0 and len(rows):
        rule = hits.book.pack.rules_by_name[name]
        places = np.searchsorted(hits.rows, rows[:wanted]).tolist()
        examples += [example(hits, place, rule) for place in places]


def _severities(hits: BatchHits, rows: Int64s) -> Int64s:
    """Severity of the outcome of each of `rows`, which hold all that the pack hit."""
    found = np.full(len(rows), hits.judgement.least.severity, np.int64)
    found[np.searchsorted(rows, hits.rows)] = hits.outcomes
    return found


def _held_by(tally: PackTally, name: str) -> int:
    place = tally.book.places.get(name)
    return 0 if place is None else tally.rules[place].held_amount


def deadline_differences(tested: PackTally, against: PackTally) -> list[DeadlineDifference]:
    """What one version missed and the other did not, of the deadlines of both packs."""
    new, old = tested.book.pack, against.book.pack
    meanings, meanings_before = Meanings(new), Meanings(old)
    found = []
    for name in dict.fromkeys([*new.deadlines_by_name, *old.deadlines_by_name]):
        deadline, before = new.deadlines_by_name.get(name), old.deadlines_by_name.get(name)
        changed = deadline_changes(deadline, before, meanings, meanings_before) if deadline and before else []
        missed, missed_before = tested.duties.missed(name), against.duties.missed(name)
        gained, lost = missed - missed_before, missed_before - missed
        found.append(
            DeadlineDifference(
                deadline=name,
                change=_change(there=deadline is not None, before=before is not None, changed=changed),
                changed=changed,
                gained=len(gained),
                lost=len(lost),
                common=len(missed & missed_before),
                gained_examples=tested.duties.examples(name, gained),
                lost_examples=against.duties.examples(name, lost),
            )
        )
    return found


def _change(*, there: bool, before: bool, changed: list[str]) -> str:
    if there and before:
        return "changed" if changed else "same"
    return "added" if there else "removed"


def alert_difference(tested: AlertTally, against: AlertTally) -> AlertDifference:
    """Alerts that one version raised and the other did not, by group and scenario."""
    gained = [one for one in tested.ordered() if _key(one.alert) not in against.raised]
    lost = [one for one in against.ordered() if _key(one.alert) not in tested.raised]
    common = tested.raised.keys() & against.raised.keys()
    steps = [
        tested.raised[key].alert.tier.severity - against.raised[key].alert.tier.severity for key in common
    ]
    return AlertDifference(
        gained=len(gained),
        lost=len(lost),
        common=len(common),
        raised=sum(step > 0 for step in steps),
        lowered=sum(step < 0 for step in steps),
        gained_examples=[alert_example(one) for one in gained[:EXAMPLES]],
        lost_examples=[alert_example(one) for one in lost[:EXAMPLES]],
    )


def _key(alert: Alert) -> tuple[str, str]:
    return alert.group, alert.scenario
