"""One lane: the partitions of one number of several topics, merged in order of production.

orders:3     ─ 1 ──── 4 ─ 5 ─────────┐
shipments:3  ──── 2 ───────── 6 ─────┴─► 1 2 4 5 6
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heapreplace
from typing import Any

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from wire.errors import WireError
from wire.messages import RawBatch

Offsets = dict[str, int]
"""Next offset to read, by topic."""

SILENT = 2.0
"""Seconds for which a partition that neither sends nor ends may hold the others back."""

_LONGEST_GAP = 0.1  # of a longer gap between two calls only so much counts: then the dataflow was busy
_START_OVER = "delete the recovery directory to go on from what is left"


class _Topic:
    """What a lane holds of one topic.

    Args:
        name: of the topic.
        offset: of the first message to read.
        end: offset of the first message that is not to be read; None to read on for ever.
    """

    def __init__(self, name: str, offset: int, end: int | None) -> None:
        self.name = name
        self.next = offset
        self.end = end
        self.waiting: deque[Message] = deque()
        self.at_end = False
        self.started = False
        self.closed = end is not None and offset >= end
        self.silence = 0.0
        self.short = 0.0  # seconds at the partition's end, which comes before the end that was asked for

    @property
    def holds_back(self) -> bool:
        """True while an older message than any other topic's may still come from this one."""
        return not (self.waiting or self.at_end or self.closed or self.silence > SILENT)


class Lane:
    """Reads one partition of every topic.

    Args:
        config: librdkafka configuration with `bootstrap.servers` and security.
        partition: number of the partition.
        offsets: where to begin in each topic.
        ends: where to stop in each topic; None to read on for ever.
        limit: messages that one call gives at most.
    """

    def __init__(
        self,
        config: dict[str, Any],
        partition: int,
        offsets: Mapping[str, int],
        ends: Mapping[str, int] | None = None,
        *,
        limit: int,
    ) -> None:
        self._partition = partition
        self._limit = limit
        self._filled = time.monotonic()
        self._topics = {
            name: _Topic(name, offset, None if ends is None else ends[name])
            for name, offset in offsets.items()
        }
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
                TopicPartition(one.name, partition, one.next or OFFSET_BEGINNING)
                for one in self._topics.values()
                if not one.closed
            ]
        )

    @property
    def partition(self) -> int:
        """The number of its partitions."""
        return self._partition

    @property
    def sources(self) -> dict[str, str]:
        """The name of each partition that is read, by topic."""
        return {name: f"{name}:{self._partition}" for name in self._topics}

    @property
    def offsets(self) -> Offsets:
        """Where reading goes on."""
        return {name: topic.next for name, topic in self._topics.items()}

    @property
    def finished(self) -> bool:
        """True when there is nothing to read, for the moment or for ever."""
        return all((one.at_end or one.closed) and not one.waiting for one in self._topics.values())

    @property
    def closed(self) -> bool:
        """True when everything up to the ends that were asked for was given."""
        return all(one.closed and not one.waiting for one in self._topics.values())

    def high(self, name: str) -> int:
        """Offset of the next message that the topic will get, as last heard; negative before."""
        where = TopicPartition(name, self._partition)
        return int(self._consumer.get_watermark_offsets(where, cached=True)[1])

    def take(self) -> list[Message]:
        """The oldest messages, as far as no topic may still bring an older one; none while there are none.

        Raises:
            WireError: Kafka does not hold what is to be read.
        """
        passed = self._fill()
        messages = self._merge()
        if not messages:
            self._check_places(passed)
        return messages

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()

    def _fill(self) -> float:
        """Take what the client has fetched, without waiting. Gives the seconds since the last time."""
        now = time.monotonic()
        passed = min(now - self._filled, _LONGEST_GAP)
        self._filled = now
        topics = self._topics.values()
        at_hand = sum(len(one.waiting) for one in topics)
        for one in topics:
            one.silence = one.silence + passed if at_hand else 0.0
        if at_hand >= 4 * self._limit and not any(one.holds_back for one in topics):
            return passed
        try:
            fetched = self._consumer.consume(self._limit, 0)
        except KafkaException as error:
            raise WireError(f"Kafka: {error.args[0].str()}; check FENGHUO_KAFKA") from error
        for message in fetched:
            failure = message.error()
            topic = self._topics.get(message.topic() or "")
            if failure is not None:
                self._heed(failure, topic, message.offset() or 0)
            elif topic is not None:
                self._keep(message, topic)
        return passed

    def _keep(self, message: Message, topic: _Topic) -> None:
        offset = message.offset() or 0
        if topic.end is None or offset < topic.end:
            topic.waiting.append(message)
        topic.at_end = False
        topic.started = True
        topic.silence = topic.short = 0.0
        if topic.end is not None and offset + 1 >= topic.end and not topic.closed:
            topic.closed = True
            self._consumer.pause([TopicPartition(topic.name, self._partition)])

    def _heed(self, error: KafkaError, topic: _Topic | None, offset: int) -> None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 -- the client's public constant
            if topic is not None:
                topic.at_end = topic.started = True
                # The last messages may have been compacted away.
                topic.closed = topic.closed or (topic.end is not None and offset >= topic.end)
        elif error.code() == KafkaError._AUTO_OFFSET_RESET and topic is not None:  # noqa: SLF001
            raise WireError(
                f"Kafka: `{topic.name}:{self._partition}` no longer holds offset {topic.next}: messages were "
                f"deleted before they were read; {_START_OVER}"
            )
        elif error.fatal() or not error.retriable():
            name = topic.name if topic is not None else "?"
            if error.code() != KafkaError._ALL_BROKERS_DOWN and error.code() != KafkaError._TRANSPORT:  # noqa: SLF001
                raise WireError(f"Kafka: `{name}:{self._partition}`: {error.str()}")

    def _check_places(self, passed: float) -> None:
        """Refuse to wait at a place beyond the end, for brokers that do not refuse it themselves."""
        for name, topic in self._topics.items():
            if topic.closed:
                continue
            if not topic.started and topic.next > (high := self.high(name)) >= 0:
                raise WireError(
                    f"Kafka: `{name}:{self._partition}` ends at offset {high}, and reading was to go on at "
                    f"{topic.next}: it was emptied or made anew; {_START_OVER}"
                )
            topic.short = topic.short + passed if topic.at_end and topic.end is not None else 0.0
            if topic.short > SILENT:
                raise WireError(
                    f"Kafka: `{name}:{self._partition}` ends at offset {topic.next}, and had been read up to "
                    f"{topic.end}: it was emptied or made anew; {_START_OVER}"
                )

    def _merge(self) -> list[Message]:
        topics = list(self._topics.values())
        if any(topic.holds_back for topic in topics):
            return []
        merged: list[Message] = []
        heads = [(_stamp(topic.waiting[0]), place) for place, topic in enumerate(topics) if topic.waiting]
        heapify(heads)
        while heads and len(merged) < self._limit:
            place = heads[0][1]
            topic = topics[place]
            merged.append(message := topic.waiting.popleft())
            topic.next = (message.offset() or 0) + 1
            if topic.waiting:
                heapreplace(heads, (_stamp(topic.waiting[0]), place))
            else:
                heappop(heads)
                if topic.holds_back:
                    break
        return merged


def _stamp(message: Message) -> int:
    return message.timestamp()[1]


def produced_at(messages: Sequence[Message]) -> list[int]:
    """Epoch milliseconds at which each message was produced, 0 or less where it doesn't say."""
    return [_stamp(message) for message in messages]


def raw_batch(
    messages: Sequence[Message],
    produced: Sequence[int],
    number: int,
    sources: Mapping[str, str],
    now: int,
    edition: int = 0,
) -> RawBatch:
    """Messages of a lane as a batch.

    Args:
        messages: in their order.
        produced: when each was.
        number: of the batch within the lane.
        sources: name of each topic's partition.
        now: epoch milliseconds.
        edition: of the rules that judges them.
    """
    return RawBatch(
        batch=number,
        values=[message.value() for message in messages],
        sources=[sources[message.topic() or ""] for message in messages],
        offsets=np.array([message.offset() for message in messages], np.int64),
        oldest_at=min((stamp for stamp in produced if stamp > 0), default=now),
        edition=edition,
    )
