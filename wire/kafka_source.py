"""The Kafka source of the dataflow: whole batches from co-partitioned topics, in order of production.

All topics are keyed by the customer's group and have the same number of partitions, so everything about one
customer lies in the partitions of one number. Lane p reads partition p of every topic and merges them by the
messages' timestamps: catching up with a backlog then judges an order before its shipment, as it happened.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import numpy as np
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from confluent_kafka import Message

from events.clock import SECOND, wall_clock
from telemetry.metrics import FlowMetrics
from wire.kafka_lane import Lane, Offsets, produced_at, raw_batch
from wire.messages import RawBatch
from wire.turnover import Editions, Reach, Turnover

__all__ = ["BATCH", "KafkaSource", "LanePlace", "Offsets", "lane_name", "lane_number"]

BATCH = 8192
"""Messages of a batch at most."""


def lane_name(number: int) -> str:
    """The name under which the dataflow knows the lane of a partition number."""
    return f"lane-{number:03d}"


def lane_number(name: str) -> int:
    """The partition number of a lane."""
    return int(name.removeprefix("lane-"))


class LanePlace(NamedTuple):
    """How far a lane was read.

    Args:
        offsets: of the next message of each topic.
        batches: number of the next batch.
        heard_at: epoch milliseconds of the last message, or of the last batch that told of silence.
    """

    offsets: Offsets
    batches: int
    heard_at: int


class KafkaSource(FixedPartitionedSource[RawBatch, LanePlace]):
    """Reads co-partitioned topics lane by lane; offsets live in the dataflow's recovery, not in the broker.

    Args:
        config: librdkafka configuration with `bootstrap.servers` and security.
        topics: names of the topics.
        partitions: number of partitions of every topic.
        metrics: where messages and lag are counted.
        stop: when set, reading ends; the offsets are kept.
        silence: seconds without a message after which batches tell of silence; None for never.
        editions: of the rules, where they may change; None where one judges all.
        reach: directory where lanes note how far they have read, to go on with `editions` after a crash.
        stop_at_end: end when everything that the topics hold has been read, for tests and benchmarks.
    """

    def __init__(
        self,
        config: dict[str, Any],
        topics: Sequence[str],
        partitions: int,
        metrics: FlowMetrics,
        stop: Event | None = None,
        *,
        silence: float | None = None,
        editions: Editions | None = None,
        reach: Path | None = None,
        stop_at_end: bool = False,
    ) -> None:
        self._reach = reach
        self._silence = silence
        self._editions = editions
        self._stop = stop or Event()
        self._config = config
        self._topics = list(topics)
        self._partitions = partitions
        self._metrics = metrics
        self._stop_at_end = stop_at_end

    def list_parts(self) -> list[str]:
        """One lane per partition number."""
        return [lane_name(number) for number in range(self._partitions)]

    def build_part(
        self,
        step_id: str,  # noqa: ARG002
        for_part: str,
        resume_state: LanePlace | None,
    ) -> "_Part":
        """Start reading a lane where its saved offsets say, or at the beginning."""
        place = resume_state or LanePlace({}, 0, wall_clock())
        begin = {name: place.offsets.get(name, 0) for name in self._topics}
        lane = Lane(self._config, lane_number(for_part), begin, limit=BATCH)
        silence = None if self._silence is None else round(self._silence * SECOND)
        turnover = None
        if self._editions is not None:
            reach = None if self._reach is None else Reach(self._reach / for_part)
            turnover = Turnover(self._editions, for_part, begin, reach)
        return _Part(lane, place, self._metrics, self._stop, silence, turnover, stop_at_end=self._stop_at_end)


class _Part(StatefulSourcePartition[RawBatch, LanePlace]):
    def __init__(
        self,
        lane: Lane,
        place: LanePlace,
        metrics: FlowMetrics,
        stop: Event,
        silence: int | None,
        turnover: Turnover | None,
        *,
        stop_at_end: bool,
    ) -> None:
        self._lane = lane
        self._batches = place.batches
        self._heard_at = self._last_at = place.heard_at
        self._silence = silence
        self._turnover = turnover
        self._metrics = metrics
        self._stop = stop
        self._stop_at_end = stop_at_end

    def next_batch(self) -> list[RawBatch]:
        if self._stop.is_set():
            raise StopIteration
        if self._turnover is not None:
            self._turnover.advance(self._lane.offsets)
            if not self._turnover.ready:
                return []
        messages = self._lane.take()
        if not messages:
            if self._stop_at_end and self._lane.finished:
                raise StopIteration
            return self._silent(wall_clock())
        sources = self._lane.sources
        for name, count in Counter(message.topic() or "" for message in messages).items():
            self._metrics.events.labels(sources[name]).inc(count)
        self._heard_at = self._last_at = wall_clock()
        batches = []
        for edition, part in self._by_edition(messages):
            made = produced_at(part)
            batches.append(raw_batch(part, made, self._batches, sources, self._heard_at, edition))
            self._batches += 1
        self._measure_lag(sources)
        return batches

    def _by_edition(self, messages: list[Message]) -> Iterator[tuple[int, list[Message]]]:
        if self._turnover is None:
            yield 0, messages
        else:
            yield from self._turnover.judged(messages, self._lane.offsets)

    def _silent(self, now: int) -> list[RawBatch]:
        """A batch that tells of silence, about once a second; none while there may be something to read."""
        if (
            self._silence is None
            or not self._lane.finished
            or now - self._last_at < self._silence
            or now - self._heard_at < SECOND
        ):
            return []
        silent = {str(self._lane.partition): now - self._heard_at}
        self._heard_at = now
        edition = 0 if self._turnover is None else self._turnover.edition
        batch = RawBatch(self._batches, [], [], np.zeros(0, np.int64), now, silent, edition)
        self._batches += 1
        return [batch]

    def _measure_lag(self, sources: dict[str, str]) -> None:
        for name, offset in self._lane.offsets.items():
            if (high := self._lane.high(name)) >= 0:
                self._metrics.lag.labels(sources[name]).set(max(0, high - offset))

    def snapshot(self) -> LanePlace:
        return LanePlace(self._lane.offsets, self._batches, self._heard_at)

    def close(self) -> None:
        self._lane.close()
        if self._turnover is not None:
            self._turnover.close()
