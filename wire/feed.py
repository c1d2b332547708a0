"""Feeding: messages of input files into Kafka's input topics, as senders would have sent them."""

from typing import Any

import msgspec
from confluent_kafka import KafkaError, Message, Producer
from msgspec import Struct

from events.clock import EARLIEST, Clock
from events.event import TOPICS, topic_of
from wire.errors import WireError
from wire.input_files import Line
from wire.tables import Tables

_UNKNOWN = "orders"  # where a message goes whose type nobody can read


class _Addressed(Struct):
    """What a sender must know of an event to send it."""

    type: str
    subsidiary: str
    customer: str
    group: str | None = None


_decoder = msgspec.json.Decoder(_Addressed)


class Feed:
    """Sends lines to the topic of their type, keyed by the unified customer.

    Args:
        config: librdkafka configuration.
        tables: mapping tables, for the keys.
    """

    def __init__(self, config: dict[str, Any], tables: Tables) -> None:
        self._producer = Producer(
            {
                "linger.ms": 5,
                "message.max.bytes": 64 << 20,
                "queue.buffering.max.messages": 1_000_000,
                "enable.idempotence": True,
                **config,
            }
        )
        self._tables = tables
        self._refused: str | None = None

    def send(self, line: Line, produced_at: int) -> None:
        """Queue one message with its moment of production, epoch milliseconds."""
        topic, key = self._address(line.raw)
        while True:
            try:
                self._producer.produce(
                    topic, line.raw, key=key, timestamp=produced_at, on_delivery=self._delivered
                )
            except BufferError:
                self._producer.poll(0.05)
            else:
                break
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until the broker has everything.

        Raises:
            WireError: it refused a message or does not answer.
        """
        left = self._producer.flush(60.0)
        if self._refused is not None or left:
            raise WireError(f"Kafka did not take everything: {self._refused or f'{left} messages wait'}")

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._refused = f"`{message.topic()}`: {error.str()}"

    def _address(self, raw: bytes) -> tuple[str, str | None]:
        try:
            event = _decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _UNKNOWN, None
        topic = topic_of(event.type) if event.type.partition(".")[0] in TOPICS else _UNKNOWN
        return topic, event.group or self._tables.group_of(event.subsidiary, event.customer)


class Pace:
    """When each line is due: at once, or at a multiple of life's speed.

    Args:
        speed: event seconds per second, None for everything at once.
        clock: the present in epoch milliseconds.
    """

    def __init__(self, speed: float | None, clock: Clock) -> None:
        self._speed = speed
        self._clock = clock
        self._start: tuple[int, int] | None = None  # wall clock and event clock of the first line

    def due(self, line: Line) -> int:
        """The moment at which a line is sent and that the broker notes as its production.

        What is sent at once keeps its own time, so that readers see a backlog in the order in which it grew.
        """
        now = self._clock()
        if self._speed is None:
            return max(1, min(now, line.arrived))  # Kafka takes 0 for the present
        if line.arrived == EARLIEST:
            return now  # no readable time has come yet
        self._start = self._start or (now, line.arrived)
        wall, event = self._start
        return wall + int((line.arrived - event) / self._speed)
