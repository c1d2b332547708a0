"""Rules are published while events flow: none is lost, and each is decided under exactly one version.

In full (`make chaos`) 10,000 events a second for a minute, and several kills; a share of that in `make test`.
"""

import json
import os
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message, Producer
from sqlalchemy import Engine

from fenghuo.embedded import start_broker, start_valkey
from rules.lifecycle import Action
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.rules.packs import PackStore
from tests.flows.processes import Running, Topic, running
from tests.store.postgres.rules.making import LIN, ZHOU, pack
from wire.kafka_topics import DECISIONS, INPUTS, OUTPUTS, ensure_topics

FULL = os.environ.get("FENGHUO_TEST_PROFILE") == "chaos"
RATE = 10_000 if FULL else 2_000
SECONDS = 20 if FULL else 5
PARTITIONS = 4
SWITCH = 2.0
"""Seconds from the publication to the last decision by the version before."""


@dataclass
class Stage:
    """Servers, settings and people for one run.

    Args:
        engine: of the database.
        kafka: bootstrap servers.
        settings: of `fenghuo run`.
    """

    engine: Engine
    kafka: str
    settings: dict[str, object]

    def publish(self, version: int, **changes: Any) -> float:
        """Hand a version in and put it into force; the moment on the wall."""
        packs = PackStore(self.engine)
        packs.submit(pack(version, **changes), f"small-{version}.yaml", LIN)
        at = time.time()
        packs.move(Action.PUBLISH, "small", version, ZHOU)
        return at


@pytest.fixture
def stage(tmp_path: Path, database_url: str) -> Iterator[Stage]:
    migrate(database_url)
    engine = sync_engine(database_url)
    first = tmp_path / "pack.yaml"
    first.write_text(pack(1), "utf-8")
    with start_valkey(tmp_path / "valkey") as valkey, start_broker(tmp_path / "broker") as broker:
        config = {"bootstrap.servers": broker.url}
        for topics in (INPUTS, OUTPUTS):
            ensure_topics(config, topics, PARTITIONS)
        settings = {
            "redis_url": valkey.url,
            "kafka": broker.url,
            "database_url": database_url,
            "data_dir": tmp_path / "home",
            "pack": first,
            "model": "none",
            "kafka_partitions": PARTITIONS,
            "snapshot_interval": 0.5,
        }
        yield Stage(engine, broker.url, settings)
    engine.dispose()


def order(number: int) -> bytes:
    event = {
        "event_id": f"e{number}",
        "type": "order.placed",
        "occurred_at": int(time.time() * 1000),
        "subsidiary": "SH01",
        "customer": f"C{number % 5000}",
        "order": f"SO-{number}",
        "amount": 100 * (number % 4000),
    }
    return json.dumps(event).encode()


class Steady:
    """Sends orders at an even pace, as far as it is asked.

    Args:
        kafka: bootstrap servers.
    """

    def __init__(self, kafka: str) -> None:
        # Large batches leave the processors to what is tested.
        self._producer = Producer({"bootstrap.servers": kafka, "linger.ms": 20})
        self.sent = 0

    def go_on(self, seconds: float) -> None:
        """Send for some seconds at RATE."""
        began, first = time.monotonic(), self.sent
        while (passed := time.monotonic() - began) < seconds:
            due = first + int(passed * RATE)
            while self.sent < due:
                try:
                    self._producer.produce(
                        "orders", order(self.sent), partition=self.sent % 5000 % PARTITIONS
                    )
                except BufferError:
                    break  # the broker stands still; what is due is sent when it goes on
                self.sent += 1
            self._producer.poll(0.002)
        assert self._producer.flush(30) == 0


class Decided(msgspec.Struct):
    """What is looked at of a decision."""

    event_id: str
    pack: str
    decided_at: str


def decided(messages: Sequence[Message]) -> list[tuple[int, Decided]]:
    """Decisions with their partitions, in the order of each partition."""
    decoder = msgspec.json.Decoder(Decided)
    return [(message.partition() or 0, decoder.decode(message.value() or b"")) for message in messages]


def all_of(topic: Topic, count: int, run: Running) -> list[tuple[int, Decided]]:
    """Decisions on so many events; those that came again are there again."""
    known: set[str] = set()
    place = 0

    def done(messages: list[Message]) -> bool:
        nonlocal place
        for message in messages[place:]:
            known.add(
                (message.value() or b"")[:120].decode(errors="replace").split('"event_id":"')[1].split('"')[0]
            )
        place = len(messages)
        return len(known) >= count

    return decided(topic.until(done, 60, run))


def check(found: Sequence[tuple[int, Decided]], sent: int, order_of_packs: Sequence[str]) -> None:
    """Every event has a decision, by one version only, and each lane goes from version to version once."""
    versions: defaultdict[str, set[str]] = defaultdict(set)
    for _, decision in found:
        versions[decision.event_id].add(decision.pack)
    assert len(versions) == sent
    assert [event for event, packs in versions.items() if len(packs) != 1] == []
    assert {pack for packs in versions.values() for pack in packs} == set(order_of_packs)
    last: dict[str, int] = {}
    for number in range(sent):
        (version,) = versions[f"e{number}"]
        lane, place = str(number % 5000 % PARTITIONS), order_of_packs.index(version)
        assert place >= last.get(lane, 0), number
        last[lane] = place


def switched(found: Sequence[tuple[int, Decided]], before: str, at: float) -> float:
    """Seconds from a moment to the last decision by a version."""
    last = max(decision.decided_at for _, decision in found if decision.pack == before)
    return datetime.fromisoformat(last).timestamp() - at


@pytest.mark.slow
def test_each_event_is_decided_under_one_version_and_the_switch_is_quick(
    stage: Stage, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        decisions = stack.enter_context(closing(Topic(stage.kafka, DECISIONS, PARTITIONS)))
        run = stack.enter_context(running(tmp_path / "run.log", "run", **stage.settings))
        sender = Steady(stage.kafka)
        sender.go_on(0.1)
        all_of(decisions, sender.sent, run)  # it is up
        began, first = time.monotonic(), sender.sent
        sender.go_on(SECONDS)
        thresholds = stage.publish(2, amount=1000)
        sender.go_on(SECONDS)
        rate = (sender.sent - first) / (time.monotonic() - began)
        found = all_of(decisions, sender.sent, run)
        assert run.stop() == 0
    check(found, sender.sent, ["small@1", "small@2"])
    assert len(found) == sender.sent  # nothing came twice
    seconds = switched(found, "small@1", thresholds)
    print(f"{sender.sent:,} events, {rate:,.0f}/s; the last by the version before {seconds:.2f} s after")
    assert seconds < SWITCH
    assert rate > 0.9 * RATE


@pytest.mark.slow
def test_kills_around_a_publication_change_no_version(stage: Stage, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    rounds = 10 if FULL else 2
    names = ["small@1"]
    sender = Steady(stage.kafka)
    with ExitStack() as stack:
        decisions = stack.enter_context(closing(Topic(stage.kafka, DECISIONS, PARTITIONS)))
        for version in range(2, rounds + 2):
            with running(tmp_path / "run.log", "run", **stage.settings) as run:
                sender.go_on(0.2)
                all_of(decisions, sender.sent, run)
                sender.go_on(moments.uniform(0.1, 1))
                stage.publish(version, amount=1000 + version)
                sender.go_on(moments.uniform(0, 1))
                run.kill()
            names.append(f"small@{version}")
        with running(tmp_path / "run.log", "run", **stage.settings) as run:
            # What lies there at the start may be read along with what is read again, by the version before.
            all_of(decisions, sender.sent, run)
            sender.go_on(0.5)
            found = all_of(decisions, sender.sent, run)
            assert run.stop() == 0
    used = {decision.pack for _, decision in found}
    check(found, sender.sent, [name for name in names if name in used])
    assert names[-1] in used
