"""The stateless steps of the dataflow, each from one batch to the next."""

import secrets
from collections.abc import Callable, Iterator
from itertools import count, groupby

import msgspec
import numpy as np

from alerts.hit import Hit
from alerts.overdue import Withdrawal, consequential, hit_of, withdrawal_of
from events.clock import SECOND, Clock
from events.columns import EventBatch
from flows.counterparties import Expected, expected
from flows.shards import shard_key, shard_of
from flows.windows import BatchNumber, Overdue, ShardPart, Windowed, lanes_of
from rules.waiting import Missed
from rules.watermark import passing
from telemetry.metrics import FlowMetrics
from wire.codec import Codec, Decoded
from wire.messages import RawBatch, joined
from wire.output import Output


def decode(
    codec: Codec, metrics: FlowMetrics, *, gather: bool
) -> Callable[[list[RawBatch]], Iterator[Decoded]]:
    """The step from bytes to events and dead letters.

    Args:
        codec: decodes messages.
        metrics: what is counted.
        gather: make one batch of all that the partitions have given at a time. What a batch costs is then
            paid once; it is no way for a sink that needs the readers' own batches.
    """
    newest: dict[str, int] = {}
    seconds = metrics.step_seconds.labels("decode")

    def step(raws: list[RawBatch]) -> Iterator[Decoded]:
        for raw in _gathered(raws) if gather else raws:
            with seconds.time():
                decoded = codec.decode(raw)
            _note_times(decoded.batch, newest)
            for source in set(decoded.batch.sources):
                metrics.event_time.labels(source).set(newest[source] / SECOND)
            for letter in decoded.dead:
                metrics.dead_lettered.labels(letter.field or "message").inc()
            yield decoded

    return step


def _gathered(raws: list[RawBatch]) -> Iterator[RawBatch]:
    """One batch of all that one edition judges; an older edition comes first, as its messages did."""
    for _, together in groupby(sorted(raws, key=_edition), _edition):
        yield joined(list(together))


def _edition(raw: RawBatch) -> int:
    return raw.edition


def _note_times(batch: EventBatch, newest: dict[str, int]) -> None:
    """Keep the newest event time of each source."""
    sources = batch.sources
    begins = [0, *(place for place in range(1, len(sources)) if sources[place] is not sources[place - 1])]
    if not sources:
        return
    for begin, time in zip(begins, np.maximum.reduceat(batch.occurred_at, begins).tolist(), strict=True):
        source = sources[begin]
        newest[source] = max(time, newest.get(source, time))


def dead_letters(decoded: Decoded) -> Iterator[tuple[str, Output]]:
    """The dead letters of a batch as a part of its output."""
    if decoded.dead:
        yield shard_key(0), Output(decoded.batch.batch, decoded.batch.size, dead=decoded.dead)


def split(
    shards: int, *, second: bool, watch: bool = False, clock: Clock | None = None
) -> Callable[[Decoded], Iterator[tuple[str, ShardPart | Expected]]]:
    """The step from a batch to the parts of it that each shard owns, in the order of the batch.

    Args:
        shards: how many there are, of groups and of counterparties.
        second: there is a second stage, which is told what to expect.
        watch: deadlines are watched: every shard is told how far event time has come.
        clock: the present, which no event can be ahead of; None where history is played.
    """
    origin, numbers = secrets.token_hex(8), count()

    def step(decoded: Decoded) -> Iterator[tuple[str, ShardPart | Expected]]:
        batch = decoded.batch
        number = BatchNumber(origin, next(numbers)) if second else None
        owners = np.fromiter((shard_of(group, shards) for group in batch.groups), np.int64, len(batch))
        clocks = None
        if watch:
            latest = None if clock is None else clock()
            clocks = passing(batch.occurred_at, lanes_of(batch), latest, decoded.silent)
        for shard in range(shards) if watch else np.unique(owners).tolist():
            rows = np.flatnonzero(owners == shard)
            yield shard_key(shard), ShardPart(shard, batch, rows, number, passing=clocks)
        if number is not None:
            yield from expected(batch, number, shards)

    return step


def duplicates(metrics: FlowMetrics) -> Callable[[tuple[str, Windowed]], Iterator[tuple[str, Output]]]:
    """The step that takes the duplicates of a first stage out; the second stage does not see them."""

    def step(item: tuple[str, Windowed]) -> Iterator[tuple[str, Output]]:
        key, (windowed, _) = item
        batch = windowed.batch
        if len(windowed.duplicates):
            metrics.duplicate.inc(len(windowed.duplicates))
            yield key, Output(batch.batch, batch.size, duplicates=windowed.duplicates)

    return step


def tell(clock: Clock, metrics: FlowMetrics) -> Callable[[Overdue], Output]:
    """The step from what is to be told of deadlines to hits, and to what takes hits back.

    Args:
        clock: gives `decided_at`.
        metrics: what is counted.
    """
    encode = msgspec.json.Encoder().encode

    def step(overdue: Overdue) -> Output:
        output, now = Output(overdue.batch, 0), clock()
        for told in overdue.told:
            deadline = told.deadline
            if isinstance(told, Missed) and told.suppressed:
                metrics.deadline_results.labels(deadline.name, "suppressed").inc()
                continue
            if isinstance(told, Missed):
                result, into = "missed", output.overdue
                message: Hit | Withdrawal = hit_of(told, now)
            else:
                result, into = "answered_in_time" if told.in_time else "answered_late", output.withdrawn
                message = withdrawal_of(told)
            metrics.deadline_results.labels(deadline.name, result).inc()
            if consequential(deadline.mode):
                into.append((told.wait.group, encode(message)))
                if isinstance(told, Missed):
                    metrics.hits.labels(deadline.tier.value, deadline.scenario).inc()
                name = f"{deadline.name} {result}"
                output.deadlines[name] = output.deadlines.get(name, 0) + 1
        return output

    return step
