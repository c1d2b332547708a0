"""The desk's loop: hits from Kafka become alerts and cases in PostgreSQL, each counted once."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar, cast

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from alerts.errors import AlertError
from alerts.hit import Hit
from alerts.overdue import Withdrawal
from desk.decode import decode, decode_withdrawal
from desk.errors import DeskError, MessageError
from desk.metrics import DeskMetrics, Service
from store.postgres.alerts import AlertStore
from store.postgres.errors import DatabaseUnavailableError, HitRefusedError
from store.postgres.rejects import Reject, RejectStore

GROUP = "fenghuo-desk"
BATCH = 500
WAIT = 0.2  # seconds
OBSERVE = 5.0  # seconds between looks at lag and open cases
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between attempts to reach the database
REASON = 500  # characters; a reason may quote a field, and a field may be megabytes

M = TypeVar("M", Hit, Withdrawal)

_log = structlog.get_logger(__name__)


class _Item(NamedTuple, Generic[M]):
    """A message and what is in it."""

    message: Message
    content: M


class Desk:
    """Consumes hits and what takes hits back, and applies them.

    Offsets are committed after the transaction: a desk that dies in between reads the hits again, and the
    store knows them by their ids.

    Args:
        config: librdkafka's settings, `bootstrap.servers` among them; `group.id` defaults to `fenghuo-desk`.
        topic: of hits.
        withdrawals: topic of what takes hits back.
    """

    def __init__(
        self,
        config: Mapping[str, str | int | float | bool],
        topic: str,
        withdrawals: str,
        alerts: AlertStore,
        rejects: RejectStore,
        metrics: DeskMetrics,
    ) -> None:
        self._config = config
        self._topic = topic
        self._withdrawals = withdrawals
        self._alerts = alerts
        self._rejects = rejects
        self._metrics = metrics
        self._observed_at = 0.0

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then leave the consumer group, and return within a second or so.

        Raises:
            DeskError: when the settings of the consumer are wrong.
        """
        consumer = self._consumer()
        consumer.subscribe([self._topic, self._withdrawals])
        try:
            while not stop.is_set():
                self._turn(consumer, stop)
        finally:
            consumer.close()

    def _consumer(self) -> Consumer:
        settings = {
            "group.id": GROUP,
            "auto.offset.reset": "earliest",
            **self._config,
            "enable.auto.commit": False,
            "error_cb": self._kafka_failed,
        }
        try:
            return Consumer(settings, logger=logging.getLogger(__name__))
        except KafkaException as error:
            raise DeskError(f"can't consume `{self._topic}`: {error.args[0]}; correct the setting") from error

    def _turn(self, consumer: Consumer, stop: threading.Event) -> None:
        """One batch: read, store, commit; nothing is committed that is not stored."""
        messages = []
        for message in consumer.consume(BATCH, WAIT):
            error = message.error()
            if error is None:
                messages.append(message)
            else:
                self._kafka_failed(error)
        if messages:
            self._metrics.consumed(len(messages))
            if not self._store(consumer, messages, stop):
                return
            self._commit(consumer, messages)
        self._observe(consumer)

    def _store(self, consumer: Consumer, messages: Sequence[Message], stop: threading.Event) -> bool:
        """Store every message as part of an alert or as a reject; False when stopped before that."""
        hits: list[_Item[Hit]] = []
        withdrawn: list[_Item[Withdrawal]] = []
        rejects = []
        for message in messages:
            try:
                if message.topic() == self._withdrawals:
                    withdrawn.append(_Item(message, decode_withdrawal(message.value())))
                else:
                    hits.append(_Item(message, decode(message.value())))
            except MessageError as error:
                rejects.append(_reject(message, error))
        pause = FIRST_PAUSE
        while not stop.is_set():
            try:
                refused = self._each(hits, self._apply) + self._each(withdrawn, self._withdraw)
                if rejects or refused:
                    self._rejects.add([*rejects, *refused])
            except DatabaseUnavailableError as error:
                self._metrics.failed(Service.POSTGRES)
                _log.warning("desk_database_unavailable", error=str(error), again_in=pause)
                stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                self._observe(consumer)
                continue
            self._count_rejects([*rejects, *refused])
            return True
        return False

    def _each(self, items: Sequence[_Item[M]], do: Callable[[Sequence[M]], None]) -> list[Reject]:
        """Do something with all items; those that can't be stored come back, found by halving."""
        if not items:
            return []
        try:
            do([item.content for item in items])
        except (HitRefusedError, AlertError) as error:
            if len(items) == 1:
                return [_reject(items[0].message, error)]
            middle = len(items) // 2
            return self._each(items[:middle], do) + self._each(items[middle:], do)
        return []

    def _apply(self, hits: Sequence[Hit]) -> None:
        started = time.monotonic()
        applied = self._alerts.apply(hits)
        self._metrics.applied(applied.applied, applied.repeated, time.monotonic() - started)
        for raised in applied.raised:
            self._metrics.raised(raised.tier, raised.why)

    def _withdraw(self, withdrawals: Sequence[Withdrawal]) -> None:
        self._metrics.withdrawn(self._alerts.withdraw(withdrawals))

    def _count_rejects(self, rejects: Sequence[Reject]) -> None:
        if not rejects:
            return
        self._metrics.rejected(len(rejects))
        for reject in rejects:
            _log.warning(
                "desk_rejected", topic=reject.topic, partition=reject.partition, offset=reject.offset
            )

    def _commit(self, consumer: Consumer, messages: Sequence[Message]) -> None:
        """Commit behind the messages; a failure costs a second reading, which changes nothing."""
        ends: dict[tuple[str, int], int] = {}
        for message in messages:
            topic, partition, offset = _place(message)
            ends[topic, partition] = offset + 1
        try:
            consumer.commit(
                offsets=[TopicPartition(topic, partition, end) for (topic, partition), end in ends.items()],
                asynchronous=False,
            )
        except KafkaException as error:
            self._kafka_failed(error.args[0])

    def _observe(self, consumer: Consumer) -> None:
        """Report lag and open cases, now and then."""
        if time.monotonic() - self._observed_at < OBSERVE:
            return
        self._observed_at = time.monotonic()
        try:
            for place in consumer.position(consumer.assignment()):
                _, high = consumer.get_watermark_offsets(place, cached=True)
                if place.topic == self._topic and high >= 0 and place.offset >= 0:
                    self._metrics.lag(place.partition, max(0, high - place.offset))
        except KafkaException as error:
            self._kafka_failed(error.args[0])
        try:
            self._metrics.open_cases(self._alerts.open_cases())
        except DatabaseUnavailableError as error:
            self._metrics.failed(Service.POSTGRES)
            _log.warning("desk_database_unavailable", error=str(error))

    def _kafka_failed(self, error: KafkaError) -> None:
        self._metrics.failed(Service.KAFKA)
        _log.warning("desk_kafka_error", error=error.name(), text=error.str())


def _reject(message: Message, error: Exception) -> Reject:
    topic, partition, offset = _place(message)
    return Reject(topic, partition, offset, str(error)[:REASON], message.value() or b"")


def _place(message: Message) -> tuple[str, int, int]:
    # Only a message that is an error has no place.
    return cast("tuple[str, int, int]", (message.topic(), message.partition(), message.offset()))
