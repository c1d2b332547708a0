"""A stream of trade for tests of rebuilding windows, and the servers and processes that judge it."""

import json
import os
import random
import re
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import msgspec
from confluent_kafka import Message, Producer

from events.clock import DAY, HOUR, MINUTE
from fenghuo.embedded import Service, start_broker, start_valkey
from tests.flows.processes import Running, Topic, command, running
from tests.wire.broker import make
from wire.kafka_topics import INPUTS, OUTPUTS

PARTITIONS = 2
START = 1_740_787_200_000  # 2025-03-01 08:00 in Shanghai
STEP = 2 * MINUTE
PACK = """\
pack: rebuilt
version: 1
timezone: Asia/Shanghai
lateness: 2d
features:
  orders_1d: {aggregate: count, events: [order.placed], by: customer, window: 1d}
  ordered_3d: {aggregate: sum, field: amount, events: [order.placed], by: customer, window: 3d}
  deviation_3d: {aggregate: stddev, field: amount, events: [order.placed], by: group, window: 3d}
  largest_2d: {aggregate: max, field: amount, events: [order.placed], by: customer, window: 2d, delay: 1d}
  regions_2d: {aggregate: distinct, field: region, events: [order.placed], by: group, window: 2d}
  of_order_1d: {aggregate: count, events: [order.placed, shipment.dispatched], by: order, window: 1d}
  of_shop_1d: {aggregate: count, events: [order.placed, shipment.dispatched], by: counterparty, window: 1d}
  shop_east_3d:
    {aggregate: sum, field: amount, events: [order.placed], by: counterparty, window: 3d, where: region = 'E'}
  first: {aggregate: days_since_first, events: [order.placed], by: customer}
  last: {aggregate: days_since_last, events: [order.placed], by: customer}
rules:
  credit:
    title: {zh: 赊销, en: On credit}
    scenario: credit
    on: [order.placed]
    when: ordered_3d > profile.credit_limit OR of_shop_1d > 60
    tier: high
    outcome: hold
    queue: desk
    reason: {zh: "{ordered_3d}", en: "{ordered_3d}"}
"""
REACH = {
    "orders_1d": DAY,
    "ordered_3d": 3 * DAY,
    "deviation_3d": 3 * DAY,
    "largest_2d": 3 * DAY,
    "regions_2d": 2 * DAY,
    "of_order_1d": DAY,
    "of_shop_1d": DAY,
    "shop_east_3d": 3 * DAY,
}
"""How far the features with a window look back."""


@dataclass(frozen=True)
class Sent:
    """A message of the stream.

    Args:
        topic, partition, stamp, raw: as Kafka has them.
    """

    topic: str
    partition: int
    stamp: int
    raw: bytes


def stream(count: int, seed: int) -> list[Sent]:
    """Orders, shipments and profiles of 30 groups, late and repeated ones, and messages that are none."""
    draw = random.Random(seed)
    found: list[Sent] = []
    for number in range(count):
        stamp = START + number * STEP
        if found and draw.random() < 0.02:
            found.append(_again(draw.choice(found[-40:]), stamp))
            continue
        if draw.random() < 0.005:
            found.append(Sent("orders", draw.randrange(PARTITIONS), stamp, b'{"event_id": "broken"'))
            continue
        found.append(_event(number, stamp, draw))
    return found


def _again(sent: Sent, stamp: int) -> Sent:
    return Sent(sent.topic, sent.partition, stamp, sent.raw)


def _event(number: int, stamp: int, draw: random.Random) -> Sent:
    group = draw.randrange(30)
    late = draw.choice((5 * MINUTE, 6 * HOUR, DAY, 4 * DAY)) if draw.random() < 0.05 else 0
    topic, kind = draw.choice((("orders", "order.placed"), ("shipments", "shipment.dispatched")))
    event: dict[str, Any] = {
        "event_id": f"e{number}",
        "occurred_at": stamp - late,
        "subsidiary": f"S{draw.randrange(2)}",
        "customer": f"C{group}",
        "group": f"G{group}",
        "order": f"O{group}-{number // 200}",
        "amount": draw.randrange(1_000, 9_000_000),
        "region": draw.choice("ENSW"),
        # A counterparty deals with the groups of one partition, so that its events have one order.
        "counterparty": f"shop-{group % PARTITIONS}-{draw.randrange(4)}",
    }
    if number % 100 == 0:
        event["attributes"] = {"note": "long" * 300}
    if draw.random() < 0.01:
        topic, kind = "customers", "customer.changed"
        event["attributes"] = {"credit_limit": draw.randrange(10**6, 10**8)}
    event["type"] = kind
    return Sent(topic, group % PARTITIONS, stamp, json.dumps(event).encode())


class Site:
    """A Valkey, a broker and a data directory, and `fenghuo run` on them."""

    def __init__(self, home: Path, stack: ExitStack, *, workers: int = 1) -> None:
        self.home = home
        home.mkdir()
        (home / "pack.yaml").write_text(PACK)
        self._stack = stack
        self.valkey: Service = stack.enter_context(start_valkey(home / "valkey"))
        broker = stack.enter_context(start_broker(home / "broker"))
        self.kafka = broker.url
        make(self.kafka, (*INPUTS, *OUTPUTS), PARTITIONS)
        self.settings: dict[str, object] = {
            "redis_url": self.valkey.url,
            "kafka": self.kafka,
            "data_dir": home / "data",
            "pack": home / "pack.yaml",
            "snapshot_interval": 0.2,
            "workers": workers,
            "degrade_after": 60,
        }
        self.decisions = Topic(self.kafka, "risk.decisions", PARTITIONS)
        stack.callback(self.decisions.close)
        self._logs = 0

    def send(self, messages: Sequence[Sent]) -> None:
        producer = Producer({"bootstrap.servers": self.kafka, "linger.ms": 5})
        for one in messages:
            producer.produce(one.topic, one.raw, partition=one.partition, timestamp=one.stamp)
        assert producer.flush(30) == 0

    def run(self, decided: int, *, kill: bool = False) -> None:
        """Run until so many different decisions were written, then stop or kill it."""
        with self.running() as process:
            self.decisions.until(lambda messages: len(ids(messages)) >= decided, 60, process)
            if kill:
                process.kill()
            else:
                assert process.stop() == 0
        self.decisions.read(1.0)

    def running(self, **settings: object) -> AbstractContextManager[Running]:
        """A run that the test ends."""
        self._logs += 1
        return running(self.home / f"run-{self._logs}.log", "run", **{**self.settings, **settings})

    def tried(self) -> str:
        """The last line of a run that ends by itself."""
        done = command("run", **self.settings)
        assert done.returncode == 1, (done.stdout, done.stderr)
        return done.stderr.strip().splitlines()[-1]

    def rebuild(self, since: str, *more: object, **settings: object) -> CompletedProcess[str]:
        return command("windows", "rebuild", "--since", since, *more, **{**self.settings, **settings})

    def kill_valkey(self) -> None:
        os.kill(self.valkey.pid, signal.SIGKILL)
        self.valkey.stop()

    def start_empty_valkey(self) -> None:
        """Delete all that Valkey had, and start it at the same port."""
        shutil.rmtree(self.home / "valkey")
        self.valkey = self._stack.enter_context(start_valkey(self.home / "valkey", port=self.valkey.port))


@contextmanager
def site(home: Path, *, workers: int = 1) -> Iterator[Site]:
    """A site that is torn down at the end of the block."""
    with ExitStack() as stack:
        yield Site(home, stack, workers=workers)


_ID = re.compile(rb'"decision_id":"([^"]*)"')


def ids(messages: Sequence[Message]) -> set[bytes]:
    """The different decisions among messages."""
    found = (_ID.search(message.value() or b"") for message in messages)
    return {match[1] for match in found if match}


def features(messages: Sequence[Message]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Event time and features of each decision, by event id."""
    found = {}
    for message in messages:
        decision = msgspec.json.decode(message.value() or b"", type=_Decision)
        found[decision.event_id] = (decision.occurred_at, decision.features)
    return found


class _Decision(msgspec.Struct):
    event_id: str
    occurred_at: str
    features: dict[str, Any]
