"""Workers of the dataflow on a Redis of a test's own, and streams that they judge."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry

from events.clock import DAY
from events.columns import EventBatch
from events.event import Event, EventType
from flows.shards import shard_key, shard_of
from flows.windows import ShardLogic, ShardPart, ShardState, Windowed, WorkerWindows, results
from store.redis.journal import Client, RedisJournal, connect
from telemetry.metrics import FlowMetrics
from tests.windows.streams import REGIONS, TYPES, batch_of, features
from windows.owned import OwnedWindows
from windows.plan import WindowPlan
from windows.windowed import WindowedBatch

PLAN = WindowPlan(features())
SHARDS = 3
START = 1_700_000_000_000

Answers = dict[str, tuple[object, ...] | None]
"""By event the value of each feature; None where it was decided without windows."""


_OPEN: list[RedisJournal] = []


def close_all() -> None:
    """Close the connections of all workers; for the end of a test."""
    while _OPEN:
        _OPEN.pop().close()


def journal_on(
    redis: str | Client,
    namespace: str = "live",
    *,
    patience: float = 5.0,
    timeout: float = 5.0,
    lifetime: float = 3600.0,
    registry: CollectorRegistry | None = None,
) -> RedisJournal:
    """A journal with a connection of its own, as in another process."""
    client = connect(redis, timeout) if isinstance(redis, str) else redis
    metrics = FlowMetrics(registry or CollectorRegistry())
    journal = RedisJournal(client, namespace, patience, lifetime, metrics)
    _OPEN.append(journal)
    return journal


class Worker:
    """One worker with its own connection and metrics.

    Args:
        redis: URL or client of the server.
        namespace: of its keys.
        patience: seconds to try a failing call again.
        timeout: seconds for one call.
        degrade: judge without windows while the store is away.
        shards: how many there are.
        states: what recovery kept of each shard.
        plan: the features.
        loss_window: seconds of answered writes that the store may lose.
    """

    def __init__(
        self,
        redis: str | Client,
        namespace: str = "live",
        *,
        patience: float = 10.0,
        timeout: float = 5.0,
        degrade: bool = True,
        shards: int = SHARDS,
        states: Mapping[int, ShardState] | None = None,
        plan: WindowPlan = PLAN,
        lateness: int = 7 * DAY,
        loss_window: float = 0.0,
    ) -> None:
        self.registry = CollectorRegistry()
        self.metrics = FlowMetrics(self.registry)
        client = connect(redis, timeout) if isinstance(redis, str) else redis
        self.journal = RedisJournal(client, namespace, patience, 3600, self.metrics)
        _OPEN.append(self.journal)
        self.journal.claim_shards(shards)
        self.windows = OwnedWindows(plan, self.journal, lateness, loss_window)
        self._plan = plan
        self._shards = shards
        self._seen: set[int] = set()
        worker = WorkerWindows(self.windows, self.metrics, degrade)
        kept = states or {}
        self.logics = {shard: ShardLogic(worker, kept.get(shard)) for shard in range(shards)}

    def judge(self, batch: EventBatch) -> list[WindowedBatch]:
        """What the windows say of a batch."""
        owners = np.array([shard_of(group, self._shards) for group in batch.groups])
        tickets = []
        for shard in np.unique(owners).tolist():
            part = ShardPart(shard, batch, np.flatnonzero(owners == shard))
            self._seen.add(shard)
            left, _ = self.logics[shard].on_batch([part])
            tickets += [(shard_key(shard), ticket) for ticket in left]
        return [item.windowed for _, item in results(tickets) if isinstance(item, Windowed)]

    def answers(self, batch: EventBatch) -> Answers:
        """The features of each event of a batch that is no duplicate."""
        found: Answers = {}
        for windowed in self.judge(batch):
            for row, event in enumerate(windowed.batch.events):
                found[event.event_id] = (
                    None
                    if windowed.degraded
                    else tuple(windowed.features[feature.name].at(row) for feature in self._plan.features)
                )
        return found

    def settled(self) -> bool:
        """Whether the windows got all that they were owed; tries it."""
        return all(self.logics[shard].settle() for shard in self._seen)

    def save(self) -> dict[int, ShardState]:
        """What recovery would keep."""
        return {shard: logic.snapshot() for shard, logic in self.logics.items()}

    def failures(self) -> dict[str, int]:
        """Failed calls by cause, causes without one left out."""
        counted: dict[str, int] = {}
        for family in self.registry.collect():
            for sample in family.samples:
                if sample.name == "fenghuo_window_store_failures_total" and sample.value:
                    counted[sample.labels["cause"]] = int(sample.value)
        return counted


def stream(number: int, seed: int = 7) -> list[Event]:
    """Events of twelve groups with ties, late ones and some ids that come twice."""
    dice = random.Random(seed)
    clock = START
    events: list[Event] = []
    for place in range(number):
        clock += dice.randrange(4)
        kind = dice.choice(TYPES)
        attributes: dict[str, Any] | None = (
            {"rating": dice.choice("ABC")} if kind is EventType.CUSTOMER_CHANGED else None
        )
        events.append(
            Event(
                event_id=f"e{place if dice.random() > 0.05 else dice.randrange(place + 1)}",
                type=kind,
                occurred_at=clock - dice.choice([0, 0, 0, 5, 30]),
                subsidiary=dice.choice(["SH", "GD"]),
                customer=dice.choice(["a", "b"]),
                group=f"g{dice.randrange(12)}",
                order=dice.choice([None, "o1", "o2"]),
                amount=dice.randrange(-(10**7), 10**9),
                region=dice.choice(REGIONS),
                attributes=attributes,
            )
        )
    return events


def batches(events: Sequence[Event], size: int) -> list[EventBatch]:
    """The events in batches, offsets as in one source."""
    return [batch_of(events[begin : begin + size], begin) for begin in range(0, len(events), size)]
