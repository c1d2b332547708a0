"""Feeding: messages of input files into Kafka's input topics, as senders would have sent them."""

from typing import Any

import msgspec
from confluent_kafka import KafkaError, Message, Producer
from msgspec import Struct

from events.clock import Clock
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
    """When each line is due: history at once, what follows at a multiple of life's speed.

    Args:
        speed: event seconds per second, None for everything at once.
        live_from: event time at which the pace starts; None for the first line.
        clock: the present in epoch milliseconds.
    """

    def __init__(self, speed: float | None, live_from: int | None, clock: Clock) -> None:
        self._speed = speed
        self._live_from = live_from
        self._clock = clock
        self._started: int | None = None

    def due(self, line: Line) -> int:
        """The moment at which a line is to be sent; its time of production for the broker."""
        if self._live_from is None:
            self._live_from = line.arrived
        ahead = line.arrived - self._live_from
        if self._started is None and ahead >= 0:
            self._started = self._clock()
        start = self._started or self._clock()
        if self._speed is None or ahead < 0:
            return min(start, start + ahead)
        return start + int(ahead / self._speed)
