"""Reading what topics hold from some time on, up to their ends; nothing is committed."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from wire.errors import WireError

_TIMEOUT = 30.0
_MANY = 2_000


def messages_since(config: dict[str, Any], topics: Sequence[str], since: int) -> Iterator[Message]:
    """Messages that were produced from a moment on, partition by partition, each in its order.

    Args:
        config: librdkafka configuration with `bootstrap.servers` and security.
        topics: names; one that is not there holds nothing.
        since: epoch milliseconds.

    Raises:
        WireError: Kafka does not answer.
    """
    consumer = Consumer(
        {"group.id": "fenghuo-retraining", "log_level": 0, "fetch.wait.max.ms": 5, **config}
        | {"enable.auto.commit": False, "enable.partition.eof": True, "auto.offset.reset": "earliest"}
    )
    try:
        for place in _begins(consumer, topics, since):
            yield from _read(consumer, place, since)
    except KafkaException as error:
        raise WireError(
            f"Kafka at {config.get('bootstrap.servers')}: {error.args[0].str()}; start it or correct "
            "FENGHUO_KAFKA"
        ) from error
    finally:
        consumer.close()


def _begins(consumer: Consumer, topics: Sequence[str], since: int) -> list[TopicPartition]:
    known = consumer.list_topics(timeout=_TIMEOUT).topics
    places = [
        TopicPartition(topic, number, max(since, 0))
        for topic in topics
        if topic in known
        for number in sorted(known[topic].partitions)
    ]
    if not places:
        return []
    if since <= 0:
        return [TopicPartition(one.topic, one.partition, OFFSET_BEGINNING) for one in places]
    # A negative offset says that nothing was produced since.
    return [place for place in consumer.offsets_for_times(places, _TIMEOUT) if place.offset >= 0]


def _read(consumer: Consumer, place: TopicPartition, since: int) -> Iterator[Message]:
    consumer.assign([place])
    heard = time.monotonic()
    while True:
        for message in consumer.consume(_MANY, 0.02):
            heard = time.monotonic()
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 -- the client's public constant
                    return
                if not error.retriable():
                    raise KafkaException(error)
                continue
            if message.timestamp()[1] >= since:
                yield message
        if time.monotonic() - heard > _TIMEOUT:
            raise WireError(
                f"Kafka: `{place.topic}:{place.partition}` sent nothing for {_TIMEOUT:g} s; "
                "look at the broker, then try again"
            )
