"""The second stage: windows by counterparty, whose events come from the groups of all shards.

    split ─┬─► first stage ─► route ─► arrived ──┐
           └─► expected (how many of each) ──────┴─► own (by counterparty) ─► windows

Parts of one batch come from several workers in any order. So that a counterparty sees events in the order of
their source, its shard waits until all that a batch has for it are there, and takes batches in the order in
which they were split.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from bytewax.operators import StatefulBatchLogic

from events.columns import EventBatch, Int64s
from flows.shards import shard_key, shard_of
from flows.windows import BatchNumber, ShardLogic, ShardPart, ShardState, Ticket, Windowed
from windows.windowed import joined


class Expected(NamedTuple):
    """How many messages a batch has for a shard of counterparties.

    Args:
        shard: of the counterparties.
        number: of the batch.
        messages: how many, duplicates included.
    """

    shard: int
    number: BatchNumber
    messages: int


class Arrived(NamedTuple):
    """Events of a batch for a shard of counterparties, that have been through the first stage.

    Args:
        part: the events; it may have none.
        dropped: duplicates among the batch's messages for the shard, which the first stage dropped.
    """

    part: ShardPart
    dropped: int


def owners_of(batch: EventBatch, shards: int) -> Int64s:
    """Shard of each event's counterparty, shape (n,); an event without one goes along with its group's."""
    names = (event.counterparty for event in batch.events)
    owners = (shard_of(name or group, shards) for name, group in zip(names, batch.groups, strict=True))
    return np.fromiter(owners, np.int64, len(batch))


def expected(batch: EventBatch, number: BatchNumber, shards: int) -> Iterator[tuple[str, Expected]]:
    """What each shard of counterparties is to wait for."""
    counts = np.bincount(owners_of(batch, shards), minlength=shards)
    for shard in np.flatnonzero(counts).tolist():
        yield shard_key(shard), Expected(shard, number, int(counts[shard]))


def route(shards: int) -> Callable[[tuple[str, Windowed]], Iterator[tuple[str, Arrived]]]:
    """The step from the first stage to the shards of counterparties."""

    def step(item: tuple[str, Windowed]) -> Iterator[tuple[str, Arrived]]:
        windowed, number = item[1]
        owners = owners_of(windowed.batch, shards)
        dropped = np.bincount(owners_of(windowed.dropped, shards), minlength=shards)
        for shard in np.union1d(owners, np.flatnonzero(dropped)).tolist():
            rows = np.flatnonzero(owners == shard)
            part = ShardPart(shard, windowed.batch, rows, number, windowed)
            yield shard_key(shard), Arrived(part, int(dropped[shard]))

    return step


@dataclass
class _Gathered:
    parts: list[ShardPart] = field(default_factory=list)
    count: int = 0


class CounterpartyLogic(StatefulBatchLogic[Expected | Arrived, Ticket, ShardState]):
    """Waits for all parts of a batch, and hands them on to the owner of the shard.

    Nothing waits when a state is saved: what was split before has arrived by then.

    Args:
        owner: of the shard.
    """

    def __init__(self, owner: ShardLogic) -> None:
        self._owner = owner
        self._queues: dict[str, deque[Expected]] = {}
        self._gathered: dict[BatchNumber, _Gathered] = {}

    def on_batch(self, values: list[Expected | Arrived]) -> tuple[Iterable[Ticket], bool]:
        """Take note of what is expected and what arrived; leave tickets for what is complete."""
        for value in values:
            if isinstance(value, Expected):
                self._queues.setdefault(value.number.origin, deque()).append(value)
            elif value.part.number is not None:
                gathered = self._gathered.setdefault(value.part.number, _Gathered())
                gathered.count += len(value.part.rows) + value.dropped
                if len(value.part.rows):
                    gathered.parts.append(value.part)
        return self._owner.on_batch(list(self._complete()))

    def _complete(self) -> Iterator[ShardPart]:
        for queue in self._queues.values():
            while queue:
                gathered = self._gathered.get(queue[0].number)
                if gathered is None or gathered.count < queue[0].messages:
                    break
                del self._gathered[queue.popleft().number]
                if gathered.parts:
                    yield _together(gathered.parts)

    def snapshot(self) -> ShardState:
        """What recovery must keep of the shard."""
        return self._owner.snapshot()


def _together(parts: list[ShardPart]) -> ShardPart:
    """One part of the parts of a batch, in the order of the source."""
    if len(parts) == 1:
        return parts[0]
    whole = joined([part.before.take(part.rows) for part in parts if part.before is not None])
    order = np.argsort(whole.batch.rows, kind="stable")
    windowed = whole.take(order)
    return ShardPart(parts[0].shard, windowed.batch, np.arange(len(order)), parts[0].number, windowed)
