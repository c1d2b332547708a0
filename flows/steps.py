"""The stateless steps of the dataflow, each from one batch to the next."""

from collections.abc import Callable, Iterator
from zlib import crc32

import numpy as np

from events.clock import SECOND
from flows.windows import ShardBatch
from telemetry.metrics import FlowMetrics
from wire.codec import Codec, Decoded
from wire.messages import RawBatch
from wire.output import Output


def shard_key(shard: int) -> str:
    """The key of a shard in keyed streams."""
    return f"{shard:03d}"


def shard_of(group: str, shards: int) -> int:
    """The shard that owns a group; the same on every machine and for ever."""
    return crc32(group.encode()) % shards


def decode(codec: Codec, metrics: FlowMetrics) -> Callable[[RawBatch], Decoded]:
    """The step from bytes to events and dead letters."""
    newest: dict[str, int] = {}

    def step(raw: RawBatch) -> Decoded:
        with metrics.step_seconds.labels("decode").time():
            decoded = codec.decode(raw)
        batch = decoded.batch
        for source, time in zip(batch.sources, batch.occurred_at.tolist(), strict=True):
            newest[source] = max(time, newest.get(source, time))
        for source in set(batch.sources):
            metrics.event_time.labels(source).set(newest[source] / SECOND)
        for letter in decoded.dead:
            metrics.dead_lettered.labels(letter.field or "message").inc()
        return decoded

    return step


def dead_letters(decoded: Decoded) -> Iterator[tuple[str, Output]]:
    """The dead letters of a batch as a part of its output."""
    if decoded.dead:
        yield shard_key(0), Output(decoded.batch.batch, decoded.batch.size, dead=decoded.dead)


def split(shards: int) -> Callable[[Decoded], Iterator[tuple[str, ShardBatch]]]:
    """The step from a batch to the parts of it that each shard owns, in the order of the batch."""

    def step(decoded: Decoded) -> Iterator[tuple[str, ShardBatch]]:
        batch = decoded.batch
        owners = np.fromiter((shard_of(group, shards) for group in batch.groups), np.int64, len(batch))
        for shard in np.unique(owners).tolist():
            yield shard_key(shard), ShardBatch(shard, batch.take(np.flatnonzero(owners == shard)))

    return step
