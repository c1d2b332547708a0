"""Duties: what was missed of the deadlines of one pack, as the dataflow tells it while it goes."""

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from msgspec.structs import replace

from alerts.hit import Hit
from alerts.overdue import consequential, hit_of
from backtest.figures import EXAMPLES, Example
from backtest.rulebook import Rulebook
from events.clock import rfc3339
from events.columns import EventBatch
from rules.deadline import Deadline
from rules.wait import Wait
from rules.waiting import Missed, Told


@dataclass
class DutyTally:
    """What became of one deadline.

    Args:
        begun: events that started its time.
        missed: the waits whose time ran out, by id of these events.
        late: of these, how many were answered after their time.
        in_time: of these, how many were answered in time, by a message that came late.
    """

    begun: int = 0
    missed: dict[str, Wait] = field(default_factory=dict)
    late: int = 0
    in_time: int = 0


class DutiesTally:
    """Adds up what became of the deadlines of one pack.

    Args:
        book: the deadlines.
    """

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self.of = {deadline.name: DutyTally() for deadline in book.deadlines}

    def begin(self, batch: EventBatch) -> None:
        """Count the events of a batch that start the time of a deadline."""
        for deadline in self.book.deadlines:
            self.of[deadline.name].begun += int(np.count_nonzero(deadline.begins(batch)))

    def tell(self, told: Told) -> None:
        """Count what is told of a deadline of the pack."""
        tally = self.of[told.deadline.name]
        if isinstance(told, Missed):
            tally.missed[told.wait.event_id] = replace(told.wait, pack=self.book.pack.id)
        elif told.in_time:
            tally.in_time += 1
        else:
            tally.late += 1

    def hits(self) -> list[Hit]:
        """The hits of what active deadlines missed, by the moment at which their time ended."""
        found = [
            self._hit(deadline, wait)
            for deadline in self.book.deadlines
            if consequential(deadline.mode)
            for wait in self.of[deadline.name].missed.values()
        ]
        return sorted(found, key=lambda hit: (hit.occurred_at, hit.hit_id))

    def missed(self, name: str) -> set[str]:
        """Ids of the events for which a deadline was missed; none where the pack does not watch it."""
        return set(self.of[name].missed) if name in self.of else set()

    def examples(self, name: str, events: Collection[str]) -> list[Example]:
        """The first of some events whose deadline was missed, by their time."""
        if not events:
            return []
        missed = self.of[name].missed
        waits = sorted((missed[event] for event in events), key=lambda one: (one.occurred_at, one.event_id))
        deadline = self.book.pack.deadlines_by_name[name]
        return [self._example(deadline, wait) for wait in waits[:EXAMPLES]]

    def _example(self, deadline: Deadline, wait: Wait) -> Example:
        hit = self._hit(deadline, wait)
        return Example(
            event_id=hit.event_id,
            decision_id=hit.decision_id,
            type=hit.event_type,
            occurred_at=rfc3339(wait.occurred_at),
            group=hit.group,
            amount=hit.amount,
            outcome=hit.outcome,
            rule=deadline.name,
            observed={"due": hit.occurred_at},
            reason=hit.reason,
        )

    @staticmethod
    def _hit(deadline: Deadline, wait: Wait) -> Hit:
        return hit_of(Missed(deadline, wait), wait.due)
