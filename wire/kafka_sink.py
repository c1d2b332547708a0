"""The Kafka sink of the dataflow: decisions, hits, what takes hits back, and dead letters, at least once."""

import threading
from collections.abc import Iterable
from typing import Any

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from confluent_kafka import KafkaError, Message, Producer

from telemetry.metrics import FlowMetrics
from wire.errors import WireError
from wire.kafka_topics import OUTPUTS
from wire.messages import DeadLetter
from wire.output import Output

_FLUSH_SECONDS = 60.0

Headers = list[tuple[str, str | bytes | None]]


class Delivery:
    """One producer with what became of its messages.

    Args:
        config: librdkafka configuration.
        metrics: where refused messages are counted.
    """

    def __init__(self, config: dict[str, Any], metrics: FlowMetrics) -> None:
        self._producer = Producer(
            {
                "linger.ms": 2,
                "batch.num.messages": 10_000,
                "queue.buffering.max.messages": 1_000_000,
                "message.max.bytes": 64 << 20,
                "enable.idempotence": True,
                "delivery.report.only.error": True,
                **config,
            }
        )
        self._metrics = metrics
        self._refused: str | None = None

    def send(self, topic: str, key: str | None, value: bytes, headers: Headers | None = None) -> None:
        """Queue one message; waits while the queue is full."""
        while True:
            try:
                self._producer.produce(
                    topic, value, key=key, headers=headers or [], on_delivery=self._delivered
                )
            except BufferError:
                self._producer.poll(0.05)
            else:
                return

    def send_all(self, topic: str, keys: Iterable[str], values: Iterable[bytes]) -> None:
        """Queue many messages, each with its key; waits while the queue is full."""
        produce, delivered = self._producer.produce, self._delivered
        for key, value in zip(keys, values, strict=True):
            try:
                produce(topic, value, key, on_delivery=delivered)
            except BufferError:
                self.send(topic, key, value)

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            topic = message.topic() or ""
            self._metrics.undelivered.labels(topic).inc()
            self._refused = f"`{topic}`: {error.str()}"

    def serve(self) -> None:
        """Let the client work off deliveries.

        Raises:
            WireError: the broker refused a message; what follows the last saved offsets is sent again.
        """
        self._producer.poll(0)
        if self._refused is not None:
            raise WireError(f"Kafka refused a message for {self._refused}; mend the topic and start again")

    def flush(self) -> None:
        """Wait until the broker has everything; only then may offsets be saved.

        Raises:
            WireError: it did not take everything in a minute.
        """
        left = self._producer.flush(_FLUSH_SECONDS)
        self.serve()
        if left:
            raise WireError(
                f"Kafka did not take {left} messages within {_FLUSH_SECONDS:.0f} s; check the broker"
            )


class KafkaSink(FixedPartitionedSink[Output, None]):
    """Sends decisions, hits and dead letters each to their topic.

    Before the dataflow saves its offsets, everything sent up to them is acknowledged, so nothing is lost;
    after a crash what was sent since is sent again, with the same ids. A process has one producer.

    Args:
        config: librdkafka configuration.
        parts: number of sink partitions, spread over the workers.
        metrics: where refused messages are counted.
        topics: of decisions, hits, withdrawn hits and dead letters.
    """

    def __init__(
        self,
        config: dict[str, Any],
        parts: int,
        metrics: FlowMetrics,
        topics: tuple[str, str, str, str] = OUTPUTS,
    ) -> None:
        self._topics = topics
        self._config = config
        self._parts = parts
        self._metrics = metrics
        self._delivery: Delivery | None = None
        self._lock = threading.Lock()

    def list_parts(self) -> list[str]:
        """As many as there are shards."""
        return [f"{number:03d}" for number in range(self._parts)]

    def part_fn(self, item_key: str) -> int:
        """Partition of a shard: its number."""
        return int(item_key)

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_KafkaPartition":  # noqa: ARG002
        """A partition; the first one makes the producer."""
        with self._lock:
            self._delivery = self._delivery or Delivery(self._config, self._metrics)
        return _KafkaPartition(self._delivery, self._topics)


class _KafkaPartition(StatefulSinkPartition[Output, None]):
    def __init__(self, delivery: Delivery, topics: tuple[str, str, str, str]) -> None:
        self._delivery = delivery
        self._decisions, self._alerts, self._withdrawals, self._dead_letters = topics

    def write_batch(self, values: list[Output]) -> None:
        for output in values:
            self._delivery.send_all(self._decisions, output.keys, output.decisions)
            for place, hit in output.hits:
                self._delivery.send(self._alerts, output.keys[place], hit)
            for group, hit in output.overdue:
                self._delivery.send(self._alerts, group, hit)
            for group, withdrawal in output.withdrawn:
                self._delivery.send(self._withdrawals, group, withdrawal)
            for letter in output.dead:
                self._delivery.send(self._dead_letters, None, letter.raw, _headers(letter))
        self._delivery.serve()

    def snapshot(self) -> None:
        self._delivery.flush()

    def close(self) -> None:
        self._delivery.flush()


def _headers(letter: DeadLetter) -> Headers:
    """Reason, field and origin; the message itself is the original bytes."""
    return [
        ("reason", letter.reason),
        ("field", letter.field or ""),
        ("source", letter.source),
        ("offset", str(letter.offset)),
    ]
