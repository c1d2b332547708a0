"""Topics: what exists on the broker, and making what is missing."""

from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from events.event import TOPICS
from wire.errors import WireError

DECISIONS, ALERTS, DEAD_LETTERS = "risk.decisions", "risk.alerts", "risk.dead_letters"
INPUTS = tuple(dict.fromkeys(TOPICS.values()))
WITHDRAWALS = "risk.withdrawals"
OUTPUTS = (DECISIONS, ALERTS, WITHDRAWALS, DEAD_LETTERS)


def ensure_topics(
    config: dict[str, Any], topics: tuple[str, ...], partitions: int, timeout: float = 15.0
) -> int:
    """Make the missing topics and return the number of partitions that all of them have.

    Args:
        config: librdkafka configuration.
        topics: names; those that exist stay as they are.
        partitions: for topics that are made now.
        timeout: seconds to wait for each answer of the broker.

    Raises:
        WireError: the broker does not answer, or the topics have different numbers of partitions.
    """
    admin = AdminClient({"log_level": 0, **config})  # its log would repeat one refusal every 50 ms
    try:
        cluster = admin.list_topics(timeout=timeout)
        known = cluster.topics
        missing = [name for name in topics if name not in known or not known[name].partitions]
        if missing:
            wanted = [NewTopic(name, partitions, min(3, len(cluster.brokers))) for name in missing]
            made = admin.create_topics(wanted, request_timeout=timeout)
            for future in made.values():
                _settle(future)
        counts = {name: len(known[name].partitions) if name not in missing else partitions for name in topics}
    except KafkaException as error:
        broker = config.get("bootstrap.servers")
        raise WireError(
            f"Kafka at {broker}: {error.args[0].str()}; start it or correct FENGHUO_KAFKA"
        ) from error
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise WireError(
            f"Kafka: input topics need the same number of partitions, got {told}; repartition them"
        )
    return next(iter(counts.values()))


def _settle(future: Future[None]) -> None:
    try:
        future.result()
    except KafkaException as error:
        # Another process may have made it in the meantime.
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
