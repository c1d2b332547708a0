"""A desk on a topic of its own, in a thread, with metrics that a test can wait for."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from sqlalchemy import Engine

from alerts.alert import Raised
from alerts.hit import Hit
from alerts.overdue import Withdrawal
from alerts.views import QueueCount
from desk.consumer import Desk
from desk.metrics import Service
from rules.decision import Tier
from store.postgres.alerts import AlertStore
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.rejects import RejectStore

SECONDS = 40
PARTITIONS = 2


class Recorded:
    """Metrics that are kept, and that wake whoever waits for them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.counts: Counter[str] = Counter()
        self.cases: list[QueueCount] = []
        self.lags: dict[int, int] = {}
        self.seconds = 0.0

    def _add(self, name: str, number: int = 1) -> None:
        with self._changed:
            self.counts[name] += number
            self._changed.notify_all()

    def consumed(self, messages: int) -> None:
        self._add("consumed", messages)

    def applied(self, hits: int, repeated: int, seconds: float) -> None:
        self.seconds = seconds
        self._add("applied", hits)
        self._add("repeated", repeated)

    def withdrawn(self, hits: int) -> None:
        self._add("withdrawn", hits)

    def rejected(self, messages: int) -> None:
        self._add("rejected", messages)

    def raised(self, tier: Tier, why: Raised) -> None:
        self._add(f"raised {tier} {why}")

    def failed(self, service: Service) -> None:
        self._add(f"failed {service}")

    def open_cases(self, counts: Sequence[QueueCount]) -> None:
        self.cases = list(counts)
        self._add("observed")

    def lag(self, partition: int, messages: int) -> None:
        self.lags[partition] = messages

    def wait(self, name: str, number: int) -> None:
        """Until the count has reached `number`."""
        reached = self.reached(name, number, SECONDS)
        assert reached, f"{name}: waited {SECONDS} s for {number}, got {dict(self.counts)}"

    def reached(self, name: str, number: int, seconds: float) -> bool:
        """True as soon as the count has reached `number`, False when it has not in that time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.counts[name] >= number, seconds)


class Topic:
    """A topic with a producer, and the consumer group that belongs to it."""

    def __init__(self, kafka: str, name: str) -> None:
        self.name = name
        self.config: dict[str, str | int | float | bool] = {
            "bootstrap.servers": kafka,
            "group.id": f"{name}-desk",
            "session.timeout.ms": 3_000,  # so that a group soon forgets a desk that died
            "heartbeat.interval.ms": 500,
        }
        self._producer = Producer({"bootstrap.servers": kafka})
        admin = AdminClient({"bootstrap.servers": kafka})
        self.withdrawals = f"{name}.withdrawals"
        for one in (name, self.withdrawals):
            admin.create_topics([NewTopic(one, PARTITIONS, 1)])[one].result(SECONDS)

    def send(self, *messages: Hit | bytes | None) -> None:
        for message in messages:
            key = message.group if isinstance(message, Hit) else None
            value = msgspec.json.encode(message) if isinstance(message, Hit) else message
            self._producer.produce(self.name, value, key)
        assert self._producer.flush(SECONDS) == 0

    def withdraw(self, *messages: Withdrawal | bytes) -> None:
        for message in messages:
            value = msgspec.json.encode(message) if isinstance(message, Withdrawal) else message
            self._producer.produce(self.withdrawals, value)
        assert self._producer.flush(SECONDS) == 0

    def committed(self) -> int:
        """Number of messages behind the group's committed offsets."""
        consumer = Consumer(self.config)
        places = [TopicPartition(self.name, partition) for partition in range(PARTITIONS)]
        try:
            return sum(max(0, place.offset) for place in consumer.committed(places, SECONDS))
        finally:
            consumer.close()


@contextmanager
def running(desk: Desk) -> Iterator[threading.Event]:
    """The desk at work in a thread; it must come to its end when stopped."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            desk.run(stop)
        except BaseException as error:  # noqa: BLE001 - handed to the test's thread below
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(SECONDS)
    assert not thread.is_alive()
    assert not failures


@pytest.fixture
def topic(kafka: str, unique: str) -> Topic:
    return Topic(kafka, f"{unique}.risk.alerts")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    migrate(database_url)
    engine = sync_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def desk(topic: Topic, engine: Engine) -> Callable[[Recorded], AbstractContextManager[threading.Event]]:
    """Starts a desk of the topic's group with the given metrics."""

    def start(metrics: Recorded) -> AbstractContextManager[threading.Event]:
        return running(
            Desk(
                topic.config, topic.name, topic.withdrawals, AlertStore(engine), RejectStore(engine), metrics
            )
        )

    return start
