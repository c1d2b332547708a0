"""The dataflow that learns windows anew from messages that were judged before.

    read ─► decode ─► split ─► own ─► windows ─┬─► (nothing)
                                               └─► route ─► own ─► windows ─► (nothing)

Events go through the same windows as live, but their logs stay in memory, nothing is judged and dead letters
are passed over. In the end each shard's log is given to the store under the mark and the number of records
that recovery knows, so that the next run goes on with it as if it had never been lost.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import local
from typing import Any

import bytewax.operators as op
import msgspec
import numpy as np
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import KeyedStream, StatefulBatchLogic

from events.columns import EventBatch, Int64s
from flows import steps
from flows.counterparties import CounterpartyLogic, Expected, route
from flows.saved import FIRST, SECOND
from flows.windows import ShardLogic, ShardPart, ShardState, Ticket, WorkerWindows, results
from telemetry.metrics import FlowMetrics
from windows.errors import WindowError
from windows.ground import pack_ground, unpack_ground
from windows.journal import Journal, Stored, Write
from windows.owned import OwnedWindows
from windows.plan import WindowPlan
from windows.windowed import without_windows
from wire.codec import Codec, Decoded
from wire.history import HistoryBatch

Place = tuple[str, int]
"""Source and offset of an event."""


class MemoryJournal(Journal):
    """A store that keeps nothing: the logs stay with their shards."""

    def claim(self, shard: int) -> Stored:  # noqa: ARG002 -- all begin empty
        """An empty log."""
        return Stored("", 0, b"", [], {})

    def write(self, writes: Sequence[Write]) -> list[WindowError | None]:
        """Nothing is done, and nothing fails."""
        return [None] * len(writes)


@dataclass
class Stage:
    """One stage of the windows while it is learnt.

    Args:
        name: FIRST or SECOND.
        plan: its features.
        lateness: milliseconds after which a late event is marked.
        saved: what recovery keeps of each shard.
        metrics: where batches are timed.
    """

    name: str
    plan: WindowPlan
    lateness: int
    saved: Mapping[int, ShardState]
    metrics: FlowMetrics
    _workers: list[WorkerWindows] = field(default_factory=list)
    _own: local = field(default_factory=local)

    def open_worker(self) -> WorkerWindows:
        """The windows of the worker that calls, always the same ones."""
        held: WorkerWindows | None = getattr(self._own, "windows", None)
        if held is None:
            windows = OwnedWindows(self.plan, MemoryJournal(), self.lateness)
            held = self._own.windows = WorkerWindows(windows, self.metrics, degrade=False)
            self._workers.append(held)
        return held

    def logic(self) -> "LearningLogic":
        """The owner of a shard, on the worker that calls."""
        return LearningLogic(self.open_worker(), self.saved)

    def strangers(self, shards: int) -> list[int]:
        """Shards that hold events now, though recovery says that they held none."""
        return [
            shard
            for shard in range(shards)
            if shard not in self.saved and any(shard in worker.windows for worker in self._workers)
        ]

    def log(self, shard: int, since: int | None) -> "Learnt":
        """What was learnt of a shard, for the store.

        Args:
            shard: that recovery keeps a state of.
            since: event time from which its events are complete; None where nothing is missing.
        """
        state = self.saved[shard]
        write = Write(shard, -1, 0, [], ground=b"")
        for worker in self._workers:
            if shard in worker.windows:
                write = worker.windows.shard(shard).log.anew()
        ground = msgspec.structs.replace(unpack_ground(write.ground or b""), since=since)
        whole = replace(write, records=state.records, ground=pack_ground(ground))
        return Learnt(whole, state.mark or "", write.records)


@dataclass(frozen=True, slots=True)
class Learnt:
    """The log of a shard.

    Args:
        write: that puts it into the store.
        mark: under which recovery knows it.
        records: how many were learnt. The write says how many recovery knows: those that can't come again,
            which may be fewer; the next run takes all of the log for such.
    """

    write: Write
    mark: str
    records: int


class LearningLogic(ShardLogic):
    """Owns a shard whose log stays in memory; what recovery owes it is left for the next run to take in.

    Args:
        worker: windows of the worker that this logic lives on.
        saved: what recovery keeps of each shard.
    """

    def __init__(self, worker: WorkerWindows, saved: Mapping[int, ShardState]) -> None:
        super().__init__(worker, None)
        self._saved = saved
        self._left_out: set[Place] | None = None

    def on_batch(self, values: list[ShardPart]) -> tuple[Iterable[Ticket], bool]:
        """Leave a ticket for each part; what is owed passes as it did, without windows."""
        tickets: list[Ticket] = []
        for part in values:
            owed = self._owed_rows(part)
            taken = part if not len(owed) else replace(part, rows=np.setdiff1d(part.rows, owed))
            if len(taken.rows):
                tickets += super().on_batch([taken])[0]
            if len(owed):
                blind = without_windows(part.batch.take(owed))
                if part.before is not None:
                    blind = part.before.take(owed).completed(blind)
                tickets.append(Ticket(self._worker, self, replace(part, rows=owed), [blind]))
        return tickets, StatefulBatchLogic.RETAIN

    def _owed_rows(self, part: ShardPart) -> Int64s:
        if self._left_out is None:
            state = self._saved.get(part.shard, ShardState())
            self._left_out = {place for batch in state.owed for place in _places(batch)}
        if not self._left_out:
            return np.zeros(0, np.int64)
        places = list(_places(part.batch))
        return np.array([row for row in part.rows.tolist() if places[row] in self._left_out], np.int64)

    def snapshot(self) -> ShardState:
        """A moment to trim the log; there is nothing to save."""
        super().snapshot()
        return ShardState()


def _places(batch: EventBatch) -> Iterable[Place]:
    return zip(batch.sources, batch.offsets.tolist(), strict=True)


def rebuild_flow(
    source: Source[HistoryBatch],
    *,
    codec: Codec,
    shards: int,
    first: Stage,
    second: Stage | None,
    on_batch: Callable[[HistoryBatch, EventBatch], None],
) -> Dataflow:
    """Build the dataflow.

    Args:
        source: gives batches of messages.
        codec: decodes messages.
        shards: number of shards.
        first: windows by group, customer and order.
        second: windows by counterparty; None where no feature asks for them.
        on_batch: told of every batch of messages and the events in it.
    """

    def decode(history: HistoryBatch) -> Decoded:
        decoded = codec.decode(history.raw)
        on_batch(history, decoded.batch)
        return decoded

    flow = Dataflow("rebuild")
    decoded = op.map("decode", op.input("read", flow, source), decode)
    parts = op.flat_map("split", decoded, steps.split(shards, second=second is not None))
    if second is None:
        learnt = _windows(FIRST, parts, lambda _: first.logic())
    else:
        known = op.branch("stages", parts, lambda item: isinstance(item[1], Expected))
        passed = _windows(FIRST, known.falses, lambda _: first.logic())
        routed = op.merge("gather", known.trues, op.flat_map("route", passed, route(shards)))
        learnt = _windows(SECOND, routed, lambda _: CounterpartyLogic(second.logic()))
    op.inspect("done", learnt, lambda step, item: None)  # noqa: ARG005 -- a dataflow must end in something
    return flow


def _windows(
    step: str,
    parts: KeyedStream[Any],
    own: Callable[[ShardState | None], StatefulBatchLogic[Any, Ticket, ShardState]],
) -> KeyedStream[Any]:
    return op.flat_map_batch(step, op.stateful_batch(f"{step}_own", parts, own), results)
