"""Topics on a real broker: what tests put in and what they find there."""

import time
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from wire.kafka_topics import ensure_topics

SECONDS = 20.0


def make(bootstrap: str, topics: Sequence[str], partitions: int = 1) -> None:
    """Make topics."""
    assert ensure_topics({"bootstrap.servers": bootstrap}, tuple(topics), partitions) == partitions


def put(bootstrap: str, topic: str, messages: Sequence[tuple[int, bytes | None]], partition: int = 0) -> None:
    """Write messages with their timestamps to one partition."""
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 64 << 20})
    for stamp, value in messages:
        producer.produce(topic, value, partition=partition, timestamp=stamp)
    assert producer.flush(SECONDS) == 0


def taken(bootstrap: str, topic: str, partitions: int = 1) -> list[Message]:
    """Everything that a topic holds at this moment, partition by partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "test",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 5,
        }
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    found: list[Message] = []
    ended = 0
    deadline = time.monotonic() + SECONDS
    while ended < partitions:
        assert time.monotonic() < deadline, f"`{topic}` did not end"
        for message in consumer.consume(1_000, 0.01):
            error = message.error()
            if error is None:
                found.append(message)
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
                ended += 1
    consumer.close()
    return sorted(found, key=lambda message: (message.partition() or 0, message.offset() or 0))


def until(condition: Callable[[], object]) -> None:
    """Call until it gives something."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
