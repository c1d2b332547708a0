"""The balance of the contract: input = decided + duplicate + dead-lettered, in the metrics, at all times."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import local

import pytest
import redis
from bytewax.errors import BytewaxRuntimeError
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, cluster_main
from confluent_kafka import Producer
from prometheus_client import CollectorRegistry

from events.clock import DAY, wall_clock
from flows.judge import Judge
from flows.risk import risk_flow
from flows.windows import OpenWorker, WorkerWindows
from rules.pack import load_pack
from store.redis.journal import RedisJournal, connect, forget
from telemetry.metrics import FlowMetrics
from tests.rules.making import SMALL
from tests.wire.bad_messages import BAD
from tests.wire.broker import make
from tests.wire.making import LIMIT, message
from windows.owned import OwnedWindows
from windows.plan import WindowPlan
from windows.windowed import WindowedBatch
from wire import kafka_source
from wire.codec import Codec
from wire.kafka_source import KafkaSource
from wire.output import Output
from wire.tables import Tables

PARTITIONS = 2


class Pipeline:
    """The dataflow from Kafka to a list, on a real Valkey."""

    def __init__(self, kafka: str, valkey: str, unique: str, home: Path) -> None:
        self.kafka, self.valkey, self.unique = kafka, valkey, unique
        self.topics = (f"{unique}-orders", f"{unique}-shipments")
        make(kafka, self.topics, PARTITIONS)
        (home / "pack.yaml").write_text(SMALL)
        self.pack = load_pack(home / "pack.yaml")
        (home / "recovery").mkdir()
        init_db_dir(home / "recovery", 1)
        self.recovery = RecoveryConfig(str(home / "recovery"))
        self._journals: list[RedisJournal] = []
        self.sent = 0

    def send(self, values: list[bytes | None]) -> None:
        """Spread messages over topics and partitions."""
        producer = Producer({"bootstrap.servers": self.kafka, "message.max.bytes": 64 << 20})
        for number, value in enumerate(values):
            producer.produce(self.topics[number % 2], value, partition=number // 2 % PARTITIONS)
        assert producer.flush(20) == 0
        self.sent += len(values)

    def _open_worker(self, metrics: FlowMetrics) -> OpenWorker:
        own = local()  # each worker is a thread

        def open_worker() -> WorkerWindows:
            held: WorkerWindows | None = getattr(own, "windows", None)
            if held is None:
                journal = RedisJournal(connect(self.valkey, 5), self.unique, 5, 600, metrics)
                self._journals.append(journal)
                windows = OwnedWindows(WindowPlan(self.pack.features), journal, 7 * DAY)
                held = own.windows = WorkerWindows(windows, metrics, degrade=True)
            return held

        return open_worker

    def close(self) -> None:
        """Forget the windows and close all connections."""
        for journal in self._journals:
            journal.close()
        with redis.Redis.from_url(self.valkey) as client:
            forget(client, self.unique)

    def run(
        self, workers: int, crash_at: int | None = None, *, gather: bool = False
    ) -> tuple[CollectorRegistry, list[Output]]:
        """Judge what the topics hold; fail on purpose at some batch."""
        registry = CollectorRegistry()
        metrics = FlowMetrics(registry)
        judge = Judge(self.pack, None, wall_clock, metrics)

        def judged(windowed: WindowedBatch) -> Output:
            if windowed.batch.batch == crash_at:
                raise RuntimeError
            return judge(windowed)

        out: list[tuple[str, Output]] = []
        flow = risk_flow(
            KafkaSource(
                {"bootstrap.servers": self.kafka}, self.topics, PARTITIONS, metrics, stop_at_end=True
            ),
            TestingSink(out),
            codec=Codec(Tables(), LIMIT),
            gather=gather,
            shards=8,
            open_worker=self._open_worker(metrics),
            open_second=None,
            judge=judged,
            tell=None,
            clock=None,
            metrics=metrics,
        )
        try:
            cluster_main(
                flow,
                [],
                0,
                epoch_interval=timedelta(0),
                recovery_config=self.recovery,
                worker_count_per_proc=workers,
            )
        except BytewaxRuntimeError:
            assert crash_at is not None
        return registry, [output for _, output in out]


@pytest.fixture
def pipeline(kafka: str, valkey_url: str, unique: str, tmp_path: Path) -> Iterator[Pipeline]:
    made = Pipeline(kafka, valkey_url, unique, tmp_path)
    yield made
    made.close()


def total(registry: CollectorRegistry, name: str) -> int:
    """A counter over all its labels."""
    return int(
        sum(
            sample.value
            for family in registry.collect()
            if family.name == f"fenghuo_events_{name}"
            for sample in family.samples
            if sample.name.endswith("_total")
        )
    )


def mixed() -> list[bytes | None]:
    """Good messages, some of them twice, and every bad one."""
    dice = random.Random(20250101)
    good = [message(event_id=f"e{n}", customer=f"C{dice.randrange(40)}", amount=n) for n in range(400)]
    values: list[bytes | None] = [*good, *dice.choices(good, k=60)]
    values += [value for messages in BAD.values() for value in messages.values()]
    dice.shuffle(values)
    return values


@pytest.mark.parametrize(("workers", "gather"), [(1, False), (1, True), (2, True)])
def test_input_is_decided_duplicate_or_dead_lettered(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, workers: int, *, gather: bool
) -> None:
    monkeypatch.setattr(kafka_source, "BATCH", 50)
    pipeline.send(mixed())
    registry, outputs = pipeline.run(workers, gather=gather)
    found = {name: total(registry, name) for name in ("in", "decided", "duplicate", "dead_lettered")}
    assert found == {
        "in": pipeline.sent,
        "decided": 400,
        "duplicate": 60,
        "dead_lettered": pipeline.sent - 460,
    }
    assert sum(output.accounted for output in outputs) == pipeline.sent
    assert sum(len(output.decisions) for output in outputs) == 400
    assert total(registry, "degraded") == total(registry, "late") == total(registry, "repeated") == 0


def test_what_a_crash_makes_come_again_is_counted_apart(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_source, "BATCH", 50)
    pipeline.send(mixed())
    pipeline.run(1, crash_at=3)
    registry, outputs = pipeline.run(1)
    counts = {name: total(registry, name) for name in ("in", "decided", "duplicate", "dead_lettered")}
    assert 0 < counts["in"] < pipeline.sent
    assert counts["in"] == counts["decided"] + counts["duplicate"] + counts["dead_lettered"]
    assert counts["in"] == sum(output.accounted for output in outputs)
    # Some events of the crashed batch stood in the windows already.
    assert 0 < total(registry, "repeated") < counts["decided"]
