"""Examples: events that show what is counted, with what a rule saw and why it hit."""

import numpy as np

from backtest.figures import Example
from backtest.hits import BatchHits
from backtest.rulebook import NO_TIER, OUTCOMES
from events.clock import rfc3339
from events.event import Attribute
from rules.decide import cells, observed
from rules.decision import Text, decision_id
from rules.rule import Rule


def example(hits: BatchHits, place: int, rule: Rule) -> Example:
    """An event that a rule hit.

    Args:
        hits: of the batch.
        place: of the event among `hits.rows`.
        rule: one that hit it.
    """
    batch, row = hits.batch, int(hits.rows[place])
    event = batch.events[row]
    (seen,) = observed(hits.judgement, rule, hits.rows[place : place + 1])
    return Example(
        event_id=event.event_id,
        decision_id=decision_id(event.event_id, hits.book.pack.id),
        type=event.type.value,
        occurred_at=rfc3339(int(batch.occurred_at[row])),
        group=batch.groups[row],
        amount=int(batch.amount[row]) if batch.has_amount[row] else None,
        outcome=OUTCOMES[hits.outcomes[place]],
        rule=rule.name,
        observed=seen,
        reason=reason(hits, row, rule, seen),
    )


def reason(hits: BatchHits, row: int, rule: Rule, seen: dict[str, Attribute | None] | None = None) -> Text:
    """Why a rule hit an event, word for word as its decision says it.

    Args:
        hits: of the batch.
        row: of the event in the batch.
        rule: one that hit it.
        seen: what the rule's condition read; looked up where it is not given.
    """
    known = observed(hits.judgement, rule, np.array([row]))[0] if seen is None else seen
    features = hits.judgement.derived.features

    def value(name: str) -> Attribute | None:
        if name in known:
            return known[name]
        if name in features:
            return cells(features[name], slice(row, row + 1))[0]
        return hits.batch.at(name, row)

    return rule.reason.render(value)


def leading(hits: BatchHits, place: int) -> Rule | None:
    """The active rule that gives the reason of a decision; None where no active rule hit."""
    if hits.tiers[place] == NO_TIER:
        return None
    effective = np.flatnonzero(hits.matrix[:, place] & hits.book.active)
    return min((hits.book.rules[number] for number in effective.tolist()), key=lambda rule: rule.precedence)
