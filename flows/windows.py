"""The windows in the dataflow: a keyed step that owns shards, and one that judges all of a batch at once.

Bytewax brings the parts of a batch to the worker that owns their shards, one shard after the other. There
they only leave a ticket; the step behind takes all tickets together, so that the store is asked once and the
columns stay whole. A state is saved only when no ticket of its shard is open.

    shard ─► own (keyed by shard: opens, owes, saves) ─► tickets ─► WorkerWindows.judge ─► windowed batches
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from bytewax.operators import StatefulBatchLogic

from events.columns import Bools, EventBatch, Int64s
from flows.rulings import Rulings
from rules.wait import Kept
from rules.waiting import Concern, Duties, Told, Waiting
from rules.watermark import Passing, passing
from telemetry.metrics import FlowMetrics
from windows.feature import Entity
from windows.journal import Appended, StoreUnavailableError
from windows.owned import OwnedWindows
from windows.windowed import WindowedBatch, without_windows


@dataclass(frozen=True, slots=True)
class ShardState:
    """What recovery keeps of a shard; the windows themselves are in the store.

    Args:
        mark: name of the stock of windows that the saved offsets belong to.
        records: how many records the shard's log had taken in.
        recent: blocks that were appended to it lately, in case the store loses them when it is killed.
        owed: batches that were decided without windows and that the windows still have to take in.
        waits: events that others have to follow in time.
    """

    mark: str | None = None
    records: int = 0
    recent: tuple[Appended, ...] = ()
    owed: tuple[EventBatch, ...] = ()
    waits: Kept | None = None


class BatchNumber(NamedTuple):
    """Which batch, in the order of the step that split it.

    Args:
        origin: the running step.
        number: of the batch there.
    """

    origin: str
    number: int


@dataclass(frozen=True, slots=True)
class ShardPart:
    """Events of one shard: rows of a batch that other shards' parts share.

    Args:
        shard: which.
        batch: the batch.
        rows: of the shard's events, shape (m,).
        number: of the batch; None where nobody asks.
        before: what an earlier stage says of the whole batch; None in the first.
        passing: what the batch does to the clocks of its lanes; None where no deadline asks for it.
    """

    shard: int
    batch: EventBatch
    rows: Int64s
    number: BatchNumber | None = None
    before: WindowedBatch | None = None
    passing: Passing | None = None

    def __reduce__(self) -> tuple[type["ShardPart"], tuple[Any, ...]]:
        # To another process only the events of the part travel.
        before = None if self.before is None else self.before.take(self.rows)
        part = self.batch.take(self.rows) if before is None else before.batch
        passing = None if self.passing is None else self.passing.take(self.rows)
        return ShardPart, (self.shard, part, np.arange(len(part)), self.number, before, passing)


class Windowed(NamedTuple):
    """What the windows say of events of one batch.

    Args:
        windowed: that.
        number: of the batch.
    """

    windowed: WindowedBatch
    number: BatchNumber | None


class Overdue(NamedTuple):
    """What is to be told of deadlines.

    Args:
        batch: number of the batch that moved the clocks.
        told: of one shard.
    """

    batch: int
    told: list[Told]


@dataclass(slots=True, eq=False)
class Ticket:
    """A part that waits to be judged, and what came of it.

    Args:
        worker: whose windows judge it.
        logic: owner of the shard.
        part: the events.
        done: the windowed batches; the first ticket of a batch has them for all.
        told: of the shard's deadlines.
    """

    worker: "WorkerWindows"
    logic: "ShardLogic"
    part: ShardPart
    done: list[WindowedBatch] | None = None
    told: list[Told] = field(default_factory=list)


@dataclass
class WorkerWindows:
    """The windows of one worker, and the tickets that wait for them.

    Args:
        windows: of the shards that the worker owns.
        metrics: where batches are timed.
        degrade: False where a wrong answer is worse than none: then the store's failure ends the run.
        rulings: say which features the windows give, and which deadlines are watched; None where the windows
            stay as they are.
        scope: of the stage that the windows are of.
        failure: of the last call to the store, None when it answered.
    """

    windows: OwnedWindows
    metrics: FlowMetrics
    degrade: bool
    rulings: Rulings | None = None
    scope: Entity = Entity.GROUP
    failure: StoreUnavailableError | None = None
    _open: list[Ticket] = field(default_factory=list)

    def queue(self, ticket: Ticket) -> None:
        """Let a ticket wait."""
        self._open.append(ticket)

    def judge(self) -> None:
        """Process all tickets: each shard's in their order, the parts of one batch together."""
        tickets, self._open = self._open, []
        for together in _in_order(tickets):
            with self.metrics.step_seconds.labels("windows").time():
                done = self._together(together)
            for ticket in together:
                ticket.done = []
            together[0].done = done

    def _together(self, tickets: Sequence[Ticket]) -> list[WindowedBatch]:
        whole, before = tickets[0].part.batch, tickets[0].part.before
        lateness = self._follow(whole.edition)
        filled = [ticket for ticket in tickets if len(ticket.part.rows)]
        healthy = [ticket for ticket in filled if ticket.logic.settle()]
        behind = [ticket for ticket in filled if ticket not in healthy]
        done = []
        accepted = np.zeros(len(whole), np.bool_)
        if healthy:
            rows = np.concatenate([ticket.part.rows for ticket in healthy])
            sizes = [len(ticket.part.rows) for ticket in healthy]
            owners = np.repeat([ticket.part.shard for ticket in healthy], sizes)
            order = np.argsort(rows, kind="stable")
            rows, owners = rows[order], owners[order]
            batch = whole if len(rows) == len(whole) else whole.take(rows)
            windowed, left, self.failure = self.windows.process(batch, owners, lateness)
            accepted[rows[np.isin(batch.rows, windowed.batch.rows, assume_unique=True)]] = True
            if before is not None:
                windowed = before.take(np.delete(rows, left)).completed(windowed)
            done.append(windowed)
            refused = set(owners[left].tolist())
            behind += [ticket for ticket in healthy if ticket.part.shard in refused]
        for ticket in behind:
            blind = ticket.logic.owe(whole.take(ticket.part.rows))
            done.append(blind if before is None else before.take(ticket.part.rows).completed(blind))
        self._watch(tickets, accepted)
        return done

    def _follow(self, edition: int) -> int | None:
        """Have the windows give what an edition needs; its lateness."""
        if self.rulings is None:
            return None
        ruling = self.rulings.of(edition)
        ground = self.rulings.ground(self.scope)
        if self.windows.plan is not ground.plan:
            self.windows.follow(*ground)
        return ruling.pack.lateness

    def _watch(self, tickets: Sequence[Ticket], accepted: Bools) -> None:
        """Let the deadlines of the shards see the accepted events of a batch, and its clocks."""
        clocks = tickets[0].part.passing
        if self.rulings is None or clocks is None:
            return
        batch = tickets[0].part.batch
        duties = self.rulings.of(batch.edition).duties
        concern = duties.concern(batch)
        for ticket in tickets:
            rows = ticket.part.rows
            ticket.logic.watch(duties, batch, rows[accepted[rows]], concern, clocks)
            ticket.told = ticket.logic.told()


def _in_order(tickets: Iterable[Ticket]) -> Iterator[list[Ticket]]:
    """Tickets of one batch each. A batch waits for those that any of its shards got before it.

    Where readers' batches cross (one shard got A, B and another B, A), a batch is cut.
    """
    waiting: dict[int, deque[Ticket]] = {}
    parts: Counter[int] = Counter()
    for ticket in tickets:
        waiting.setdefault(ticket.part.shard, deque()).append(ticket)
        parts[id(ticket.part.batch)] += 1
    while waiting:
        heads: dict[int, list[Ticket]] = {}
        for queue in waiting.values():
            heads.setdefault(id(queue[0].part.batch), []).append(queue[0])
        whole = (batch for batch, together in heads.items() if len(together) == parts[batch])
        together = heads[chosen := next(whole, next(iter(heads)))]
        parts[chosen] -= len(together)
        for ticket in together:
            queue = waiting[ticket.part.shard]
            queue.popleft()
            if not queue:
                del waiting[ticket.part.shard]
        yield together


class ShardLogic(StatefulBatchLogic[ShardPart, Ticket, ShardState]):
    """Owns a shard: opens it with its first part, and keeps what the windows are owed.

    While the store does not answer, the source waits; when the journal gives up waiting, events are judged
    without windows and kept to be taken in as soon as the store is back, in their order.

    Args:
        worker: windows of the worker that this logic lives on.
        state: what recovery kept.
    """

    def __init__(self, worker: WorkerWindows, state: ShardState | None) -> None:
        self._worker = worker
        self._kept = state or ShardState()
        self._owed = list(self._kept.owed)
        self._shard: int | None = None
        self._waiting: Waiting | None = None
        self._told: list[Told] = []

    def on_batch(self, values: list[ShardPart]) -> tuple[Iterable[Ticket], bool]:
        """Leave a ticket for each part; the logic is kept for ever."""
        tickets = []
        for part in values:
            self._shard = part.shard
            ticket = Ticket(self._worker, self, part)
            self._worker.queue(ticket)
            tickets.append(ticket)
        return tickets, StatefulBatchLogic.RETAIN

    def settle(self) -> bool:
        """Open the shard and give the windows what they are owed; False while the store does not answer."""
        assert self._shard is not None
        windows = self._worker.windows
        try:
            if self._shard not in windows:
                windows.open(self._shard, self._kept.mark, self._kept.records, self._kept.recent)
        except StoreUnavailableError as error:
            self._worker.failure = error
            return False
        while self._owed:
            owed = self._owed[0]
            windowed, _, self._worker.failure = windows.process(owed, np.full(len(owed), self._shard))
            if self._worker.failure is not None:
                return False
            self._owed.pop(0)
            self._catch_up(windowed.batch)
        return True

    def _catch_up(self, batch: EventBatch) -> None:
        """Let the deadlines see events that the windows were owed."""
        if self._worker.rulings is None:
            return
        duties = self._worker.rulings.of(batch.edition).duties
        if duties.watched:
            clocks = passing(batch.occurred_at, lanes_of(batch), None)
            self.watch(duties, batch, np.arange(len(batch)), duties.concern(batch), clocks)

    def watch(
        self, duties: Duties, batch: EventBatch, rows: Int64s, concern: Concern, clocks: Passing
    ) -> None:
        """Let the deadlines see events; nothing passes while events wait that may end their time."""
        if self._waiting is None:
            self._waiting = Waiting(duties, self._kept.waits)
        if not self._owed:
            self._waiting.duties = duties
            self._told += self._waiting.take(batch, rows, concern, clocks)

    def told(self) -> list[Told]:
        """What is to be told of deadlines, once."""
        told, self._told = self._told, []
        return told

    def owe(self, batch: EventBatch) -> WindowedBatch:
        """Judge a part without windows, which take it in later.

        Raises:
            StoreUnavailableError: the run must not go on without the store.
        """
        if not self._worker.degrade and self._worker.failure is not None:
            raise self._worker.failure
        self._owed.append(batch)
        return without_windows(batch)

    def snapshot(self) -> ShardState:
        """What recovery must keep; tickets are judged first, for their offsets are saved too."""
        self._worker.judge()
        waits = self._waiting.kept() if self._waiting is not None else self._kept.waits
        windows = self._worker.windows
        if self._shard is None or self._shard not in windows:
            return replace(self._kept, owed=tuple(self._owed), waits=waits)
        shard = windows.shard(self._shard)
        self._worker.metrics.windows_memory.labels(str(self._shard)).set(shard.bytes)
        if self._waiting is not None:
            self._worker.metrics.deadline_waits.labels(str(self._shard)).set(len(self._waiting))
        return ShardState(shard.log.mark, shard.checkpoint(), shard.log.recent(), tuple(self._owed), waits)


def lanes_of(batch: EventBatch) -> list[str]:
    """The lane of each event: the number of its partition; nothing for files, which have one order."""
    lanes = {source: source.rpartition(":")[2] if ":" in source else "" for source in set(batch.sources)}
    return [lanes[source] for source in batch.sources]


def results(tickets: list[tuple[str, Ticket]]) -> Iterable[tuple[str, Windowed | Overdue]]:
    """The step behind the owners: what came of the tickets, judged now unless saving did it before."""
    for key, ticket in tickets:
        if ticket.done is None:
            ticket.worker.judge()
        for windowed in ticket.done or ():
            yield key, Windowed(windowed, ticket.part.number)
        if ticket.told:
            yield key, Overdue(ticket.part.batch.batch, ticket.told)


OpenWorker = Callable[[], WorkerWindows]
"""Gives the windows of the worker that calls, always the same ones."""
