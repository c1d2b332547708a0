"""The tally of one pack: everything that is counted of its decisions, batch by batch."""

from dataclasses import dataclass, field

import numpy as np

from backtest.alerts import AlertTally
from backtest.days import DayTally
from backtest.duties import DutiesTally
from backtest.examples import example
from backtest.figures import EXAMPLES, Example
from backtest.hits import BatchHits
from backtest.rulebook import HOLD, NO_TIER, OUTCOMES, TIERS, Rulebook
from events.columns import Int64s
from rules.evaluate import STATUS


@dataclass
class RuleTally:
    """What a rule hit.

    Args:
        events: ids of the events.
        groups: their unified customers.
        held_amount: of those that the rule held or rejected, in fen.
        error: the first message with which it failed.
        examples: the first of the events.
    """

    events: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    held_amount: int = 0
    error: str | None = None
    examples: list[Example] = field(default_factory=list)


class PackTally:
    """Adds up what one pack decided.

    Args:
        book: its rules, R of them.
    """

    def __init__(self, book: Rulebook) -> None:
        size = len(book.rules)
        self.book = book
        self.rules = [RuleTally() for _ in book.rules]
        self.results: Int64s = np.zeros((size, len(STATUS) + 1), np.int64)  # by rule and code of its result
        self.decided: Int64s = np.zeros((len(OUTCOMES), len(TIERS) + 1), np.int64)  # the last is no tier
        self.both: Int64s = np.zeros((size, size), np.int64)  # events that two rules hit
        self.alone: Int64s = np.zeros(size, np.int64)
        self.held_events = self.held_without_amount = self.held_amount = 0
        self.alerts = AlertTally()
        self.duties = DutiesTally(book)
        self.days = DayTally(book.pack.local_time)

    def add(self, hits: BatchHits) -> None:
        """Count what was decided of a batch."""
        judgement, n = hits.judgement, len(hits.batch)
        self.results += np.array(judgement.counts(), np.int64).reshape(self.results.shape)
        for verdict, tally in zip(judgement.verdicts, self.rules, strict=True):
            if verdict.message is not None and tally.error is None:
                tally.error = verdict.message
        self.decided[judgement.least.severity, NO_TIER] += n - len(hits.rows)
        self.days.add(hits.batch, hits)
        self.duties.begin(hits.batch)
        if not len(hits.rows):
            return
        np.add.at(self.decided, (hits.outcomes, hits.tiers), 1)
        matrix = hits.matrix.astype(np.int64)
        self.both += matrix @ matrix.T
        self.alone += matrix[:, matrix.sum(axis=0) == 1].sum(axis=1)
        self._hold(hits)
        for place in np.flatnonzero(hits.matrix.any(axis=1)).tolist():
            self._rule(hits, place)
        self.alerts.add(hits)

    def finish(self) -> None:
        """Let alerts grow by what was missed, once everything is counted: as a replay does."""
        self.alerts.grow_overdue(self.duties.hits())

    def _hold(self, hits: BatchHits) -> None:
        rows = hits.rows[hits.outcomes >= HOLD]
        self.held_events += len(rows)
        self.held_without_amount += int(np.count_nonzero(~hits.batch.has_amount[rows]))
        self.held_amount += hits.amounts(rows)

    def _rule(self, hits: BatchHits, place: int) -> None:
        """Count the hits of one rule."""
        tally, rows = self.rules[place], hits.rows_of(place)
        picks = rows.tolist()
        tally.events.update(hits.batch.events[row].event_id for row in picks)
        tally.groups.update(hits.batch.groups[row] for row in picks)
        if hits.book.holds[place]:
            tally.held_amount += hits.amounts(rows)
        if (wanted := EXAMPLES - len(tally.examples)) > 0:
            shown = np.flatnonzero(hits.matrix[place])[:wanted].tolist()
            tally.examples += [example(hits, one, hits.book.rules[place]) for one in shown]
