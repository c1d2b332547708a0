"""One shard's windows without a store: what it would write is done at once."""

from collections.abc import Sequence

import numpy as np

from events.clock import DAY
from events.columns import EventBatch, Int64s
from events.event import Event, EventType
from tests.windows.streams import batch_of, features
from windows.block import Change
from windows.journal import Stored
from windows.plan import WindowPlan, Words
from windows.profile import EMPTY, Values
from windows.record import Records, encode
from windows.shard import Answer, ShardWindows
from windows.state import blank
from windows.tables import DUPLICATE

PLAN = WindowPlan(features())
EMPTY_STORE = Stored("mark", 0, b"", [], {})

Seen = tuple[object, ...]
"""Of one event its status and profile, and of each feature the value, None for NULL, or `warming`."""


def records_at(times: Int64s, sources: Words, first: int = 0) -> Records:
    """Records of one customer at given times, with ids that begin at a number."""
    n = len(times)
    ones = np.ones(n, np.uint64)
    return Records(
        keys=np.stack([np.arange(first + 1, first + n + 1, dtype=np.uint64), ones], axis=1),
        sources=sources,
        offsets=np.arange(first, first + n),
        times=times,
        types=np.zeros(n, np.uint8),
        names=np.full((n, len(PLAN.entities)), 9, np.uint64),
        conditions=np.zeros((n, PLAN.words), np.uint64),
        has=np.zeros(n, np.uint32),
        values=np.zeros((n, len(PLAN.values)), np.int64),
    )


class Shard:
    """The windows of one shard.

    Args:
        stored: what they begin with.
        saved: records that the log had taken in when the source's place was saved; None for all.
    """

    def __init__(
        self,
        stored: Stored = EMPTY_STORE,
        saved: int | None = None,
        *,
        plan: WindowPlan = PLAN,
        retention: int = 7 * DAY,
    ) -> None:
        self.plan = plan
        self.windows = ShardWindows(
            plan, retention, 3, stored, stored.records if saved is None else saved, loss_window=0.0
        )

    def follow(self, plan: WindowPlan, retention: int = 7 * DAY) -> None:
        """Go over to another plan in the midst of the stream."""
        self.plan = plan
        self.windows.follow(plan, retention)

    def stored(self) -> Stored:
        """What the store holds by now."""
        whole = self.windows.log.anew()
        assert whole.ground is not None
        return Stored(
            self.windows.log.mark, whole.records, whole.ground, list(whole.blocks), dict(whole.schemas)
        )

    def take(self, events: Sequence[Event], first: int = 0) -> list[Seen]:
        """Take in events, do the upkeep, and give what each one sees."""
        return self.judge(batch_of(events, first))

    def judge(self, batch: EventBatch) -> list[Seen]:
        """The same for a batch."""
        n = len(batch)
        changes = [
            Change(row, event.attributes)
            for row, event in enumerate(batch.events)
            if event.type is EventType.CUSTOMER_CHANGED and event.attributes
        ]
        prepared = self.windows.prepare(encode(self.plan, batch), changes, np.arange(n))
        profiles: list[Values] = [EMPTY] * n
        answer = Answer(blank(self.plan, n), profiles, np.full(n, DUPLICATE, np.int8))
        self.windows.commit(prepared, answer)
        write = self.windows.upkeep()
        if write is not None:
            self.windows.kept_up(write)
        return [self._seen(answer, row) for row in range(n)]

    def _seen(self, answer: Answer, row: int) -> Seen:
        result = answer.result
        cells: list[object] = []
        for number in range(len(self.plan.features)):
            if result.warming[number, row]:
                cells.append("warming")
            elif not result.valid[number, row]:
                cells.append(None)
            else:
                cells.append((int(result.integers[number, row]), float(result.floats[number, row])))
        return (int(answer.status[row]), dict(answer.profiles[row]), *cells)
