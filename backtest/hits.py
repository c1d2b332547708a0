"""Hits of a batch: which rules hit which events, and what was decided of these, as columns."""

from dataclasses import dataclass

import numpy as np

from backtest.rulebook import NO_TIER, Rulebook
from events.columns import Bools, EventBatch, Int64s
from rules.evaluate import HIT, Judgement


@dataclass(frozen=True)
class BatchHits:
    """What the rules of one pack hit in a batch of n events.

    Args:
        book: the rules, R of them.
        batch: the events.
        judgement: what the rules said of them.
        rows: events that any evaluated rule hit, shadow rules included, ascending, shape (m,).
        matrix: which rule hit which of them, shape (R, m).
        outcomes: severity of the outcome of each of them, shape (m,).
        tiers: severity of the tier of each of them, NO_TIER where only shadow rules hit, shape (m,).
    """

    book: Rulebook
    batch: EventBatch
    judgement: Judgement
    rows: Int64s
    matrix: Bools
    outcomes: Int64s
    tiers: Int64s

    def rows_of(self, place: int) -> Int64s:
        """The events that the rule at `place` hit."""
        rows: Int64s = self.rows[self.matrix[place]]
        return rows

    def amounts(self, rows: Int64s) -> int:
        """The exact sum of the amounts of some events in fen of CNY; an event without one adds nothing."""
        fen: list[int] = self.batch.amount[rows].tolist()
        return sum(fen)  # 64 bits might not hold the sum of a batch


def batch_hits(book: Rulebook, batch: EventBatch, judgement: Judgement) -> BatchHits:
    """The hits of a judged batch; the judgement is that of the rulebook's pack."""
    every = judgement.codes == HIT
    rows = np.flatnonzero(every.any(axis=0))
    matrix = every[:, rows]
    effective = matrix & book.active[:, np.newaxis]
    least = judgement.least.severity
    outcomes = np.where(effective, book.outcomes[:, np.newaxis], least).max(axis=0, initial=least)
    tiers = np.where(effective, book.tiers[:, np.newaxis], NO_TIER).max(axis=0, initial=NO_TIER)
    return BatchHits(book, batch, judgement, rows, matrix, outcomes, tiers)
