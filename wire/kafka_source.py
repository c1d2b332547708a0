"""The Kafka source of the dataflow: whole batches from co-partitioned topics, in order of production.

All topics are keyed by the customer's group and have the same number of partitions, so everything about one
customer lies in the partitions of one number. Lane p reads partition p of every topic and merges them by the
messages' timestamps: catching up with a backlog then judges an order before its shipment, as it happened.
"""

import time
from collections import deque
from collections.abc import Sequence
from threading import Event
from typing import Any

import numpy as np
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from events.clock import wall_clock
from telemetry.metrics import FlowMetrics
from wire.errors import WireError
from wire.messages import RawBatch

BATCH = 8192
_POLL = 0.005
_START_OVER = "delete the recovery directory to go on from what is left"
_SILENT = 2.0  # seconds for which a partition that neither sends nor ends may hold the others back
_LONGEST_GAP = 0.1  # of a longer gap between two calls only so much counts: then the dataflow was busy

Offsets = dict[str, int]
"""Next offset to read, by topic."""


class KafkaSource(FixedPartitionedSource[RawBatch, tuple[Offsets, int]]):
    """Reads co-partitioned topics lane by lane; offsets live in the dataflow's recovery, not in the broker.

    Args:
        config: librdkafka configuration with `bootstrap.servers` and security.
        topics: names of the topics.
        partitions: number of partitions of every topic.
        metrics: where messages and lag are counted.
        stop: when set, reading ends; the offsets are kept.
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
        stop_at_end: bool = False,
    ) -> None:
        self._stop = stop or Event()
        self._config = config
        self._topics = list(topics)
        self._partitions = partitions
        self._metrics = metrics
        self._stop_at_end = stop_at_end

    def list_parts(self) -> list[str]:
        """One lane per partition number."""
        return [f"lane-{number:03d}" for number in range(self._partitions)]

    def build_part(
        self,
        step_id: str,  # noqa: ARG002
        for_part: str,
        resume_state: tuple[Offsets, int] | None,
    ) -> "_Lane":
        """Start reading a lane where its saved offsets say, or at the beginning."""
        offsets, batches = resume_state or ({}, 0)
        number = int(for_part.removeprefix("lane-"))
        return _Lane(
            self._config,
            self._topics,
            number,
            offsets,
            batches,
            self._metrics,
            self._stop,
            stop_at_end=self._stop_at_end,
        )


class _Topic:
    """What a lane holds of one topic."""

    def __init__(self, name: str, offset: int) -> None:
        self.name = name
        self.next = offset
        self.waiting: deque[Message] = deque()
        self.at_end = False
        self.started = False
        self.silence = 0.0

    @property
    def holds_back(self) -> bool:
        """True while an older message than any other topic's may still come from this one."""
        return not (self.waiting or self.at_end or self.silence > _SILENT)


class _Lane(StatefulSourcePartition[RawBatch, tuple[Offsets, int]]):
    def __init__(
        self,
        config: dict[str, Any],
        topics: list[str],
        partition: int,
        offsets: Offsets,
        batches: int,
        metrics: FlowMetrics,
        stop: Event,
        *,
        stop_at_end: bool,
    ) -> None:
        self._stop = stop
        self._partition = partition
        self._metrics = metrics
        self._batches = batches
        self._stop_at_end = stop_at_end
        self._filled = time.monotonic()
        self._topics = {name: _Topic(name, offsets.get(name, 0)) for name in topics}
        self._consumer = Consumer(
            {
                "group.id": "fenghuo-run",
                "fetch.wait.max.ms": 5,
                "fetch.error.backoff.ms": 100,
                "queued.min.messages": 20_000,
                "queued.max.messages.kbytes": 65_536,
                "fetch.max.bytes": 52_428_800,
                **config,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
            }
        )
        self._consumer.assign(
            [
                TopicPartition(name, partition, topic.next or OFFSET_BEGINNING)
                for name, topic in self._topics.items()
            ]
        )

    def next_batch(self) -> list[RawBatch]:
        if self._stop.is_set():
            raise StopIteration
        self._fill()
        messages = self._merge()
        if not messages:
            self._check_places()
            if self._stop_at_end and all(t.at_end and not t.waiting for t in self._topics.values()):
                raise StopIteration
            return []
        now = wall_clock()
        produced = [message.timestamp()[1] for message in messages]
        names = [message.topic() or "" for message in messages]
        sources = {name: f"{name}:{self._partition}" for name in self._topics}
        for name in self._topics:
            count = names.count(name)
            if count:
                self._metrics.events.labels(sources[name]).inc(count)
        batch = RawBatch(
            batch=self._batches,
            values=[message.value() for message in messages],
            sources=[sources[name] for name in names],
            offsets=np.array([message.offset() for message in messages], np.int64),
            read_at=now,
            oldest_at=min((stamp for stamp in produced if stamp > 0), default=now),
        )
        self._batches += 1
        self._measure_lag(sources)
        return [batch]

    def _fill(self) -> None:
        """Take what the client has fetched; wait only when nothing is at hand."""
        now = time.monotonic()
        passed = min(now - self._filled, _LONGEST_GAP)
        self._filled = now
        topics = self._topics.values()
        at_hand = sum(len(one.waiting) for one in topics)
        for one in topics:
            one.silence = one.silence + passed if at_hand else 0.0
        if at_hand >= 4 * BATCH and not any(one.holds_back for one in topics):
            return
        try:
            fetched = self._consumer.consume(BATCH, 0 if at_hand else _POLL)
        except KafkaException as error:
            raise WireError(f"Kafka: {error.args[0].str()}; check FENGHUO_KAFKA") from error
        for message in fetched:
            failure = message.error()
            topic = self._topics.get(message.topic() or "")
            if failure is not None:
                self._heed(failure, topic)
            elif topic is not None:
                topic.waiting.append(message)
                topic.at_end = False
                topic.started = True
                topic.silence = 0.0

    def _heed(self, error: KafkaError, topic: _Topic | None) -> None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 -- the client's public constant
            if topic is not None:
                topic.at_end = topic.started = True
        elif error.code() == KafkaError._AUTO_OFFSET_RESET and topic is not None:  # noqa: SLF001
            raise WireError(
                f"Kafka: `{topic.name}:{self._partition}` no longer holds offset {topic.next}: messages were "
                f"deleted before they were read; {_START_OVER}"
            )
        elif error.fatal() or not error.retriable():
            name = topic.name if topic is not None else "?"
            if error.code() != KafkaError._ALL_BROKERS_DOWN and error.code() != KafkaError._TRANSPORT:  # noqa: SLF001
                raise WireError(f"Kafka: `{name}:{self._partition}`: {error.str()}")

    def _check_places(self) -> None:
        """Refuse to wait at a place beyond the end, for brokers that do not refuse it themselves."""
        for name, topic in self._topics.items():
            if not topic.started and topic.next > (high := self._high(name)) >= 0:
                raise WireError(
                    f"Kafka: `{name}:{self._partition}` ends at offset {high}, and reading was to go on at "
                    f"{topic.next}: it was emptied or made anew; {_START_OVER}"
                )

    def _high(self, name: str) -> int:
        """Offset of the next message that the topic will get, as last heard; negative before."""
        where = TopicPartition(name, self._partition)
        return int(self._consumer.get_watermark_offsets(where, cached=True)[1])

    def _merge(self) -> list[Message]:
        """The oldest messages at hand, as far as no other topic may still bring an older one."""
        merged: list[Message] = []
        topics = list(self._topics.values())
        while len(merged) < BATCH and not any(topic.holds_back for topic in topics):
            ready = [topic for topic in topics if topic.waiting]
            if not ready:
                break
            if len(ready) == 1 and all(topic.at_end for topic in topics if topic is not ready[0]):
                room = BATCH - len(merged)
                taken = [ready[0].waiting.popleft() for _ in range(min(room, len(ready[0].waiting)))]
                oldest = ready[0]
            else:
                oldest = min(ready, key=lambda topic: topic.waiting[0].timestamp()[1])
                taken = [oldest.waiting.popleft()]
            merged += taken
            oldest.next = (taken[-1].offset() or 0) + 1
        return merged

    def _measure_lag(self, sources: dict[str, str]) -> None:
        for name, topic in self._topics.items():
            if (high := self._high(name)) >= 0:
                self._metrics.lag.labels(sources[name]).set(max(0, high - topic.next))

    def snapshot(self) -> tuple[Offsets, int]:
        return {name: topic.next for name, topic in self._topics.items()}, self._batches

    def close(self) -> None:
        self._consumer.close()
