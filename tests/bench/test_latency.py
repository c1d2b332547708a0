"""Latency: counted from when an event was due, by a sender and a reader that are processes of their own."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from bench.latency import LatencyRun, WorkerView, figures, in_buckets, schedule, summary, worst
from bench.load import Customers, Load, write
from fenghuo.commands.bench_ends import Order, both_ends
from fenghuo.embedded import start_broker
from wire.kafka_topics import DECISIONS, INPUTS, OUTPUTS, ensure_topics

SECOND = 1_000_000_000


def test_events_are_due_at_the_rate_from_the_start() -> None:
    due = schedule(3_000, 1_000.0, 5 * SECOND)
    assert (due[0], due[1], due[-1]) == (5 * SECOND, 5 * SECOND + 1_000_000, 8 * SECOND - 1_000_000)


def test_a_summary_has_measured_values_in_milliseconds() -> None:
    durations = np.arange(1, 1_001, dtype=np.int64) * 1_000_000
    assert summary(durations) == {"p50": 501.0, "p95": 951.0, "p99": 991.0, "max": 1_000.0}


def test_a_stall_counts_for_everything_that_was_due_in_it() -> None:
    # One event each millisecond; from second 1 to second 2 nothing is answered, then all that waited.
    due = schedule(3_000, 1_000.0, 0)
    arrived = np.where((due >= SECOND) & (due < 2 * SECOND), 2 * SECOND, due + 1_000_000)
    found = summary(arrived - due)
    assert found["p50"] == 1.0
    assert found["p95"] == pytest.approx(850, abs=5)
    assert found["max"] == 1_000.0
    tenths = worst(arrived - due, 1_000.0)
    assert tenths[9:12] == [1.0, 1_000.0, 900.0]
    assert (len(tenths), tenths[20]) == (30, 1.0)


def test_quantiles_of_a_histogram_lie_within_their_buckets() -> None:
    counts = {0.01: 50.0, 0.1: 90.0, 1.0: 100.0, float("inf"): 100.0}
    found = in_buckets(counts)
    assert found == {"p50": pytest.approx(10), "p95": pytest.approx(550), "p99": pytest.approx(910)}
    assert in_buckets({0.01: 0.0, float("inf"): 10.0})["p50"] == 10.0
    assert in_buckets({0.01: 0.0, float("inf"): 0.0}) == {}


def run(naive: bool, p50: float, p99: float) -> LatencyRun:
    quantiles = {"p50": p50, "p95": p99, "p99": p99, "max": p99}
    worker = WorkerView(quantiles, 10, 1_000, {"decode": 0.002, "windows": 0.02, "store": 0.015})
    return LatencyRun(naive, 1_000.0, 500, quantiles, quantiles, quantiles, [p99], None if naive else worker)


def test_the_figures_stand_beside_those_of_the_naive_version() -> None:
    found = {
        one.name.removeprefix("latency."): one
        for one in figures([run(False, 5, 60), run(True, 15, 30), run(False, 7, 40), run(True, 14, 20)])
    }
    assert found["product.p50"].values == [5, 7]
    assert (found["product.p50"].met, found["product.p99"].met) == (True, True)
    assert found["naive.p50"].met is None
    assert found["naive_by_product.p50"].values == [3.0, 2.0]
    assert found["product.batch"].median == 100
    assert (found["product.us.store"].median, found["product.us.windows"].median) == (15.0, 5.0)
    assert "naive.us.store" not in found


def echo(kafka: str, partitions: int, size: int) -> None:
    """A judge that sends every event back as its decision."""
    consumer, producer = (
        Consumer({"bootstrap.servers": kafka, "group.id": "echo"}),
        Producer({"bootstrap.servers": kafka, "linger.ms": 0}),
    )
    consumer.assign(
        [TopicPartition(topic, number, OFFSET_BEGINNING) for topic in INPUTS for number in range(partitions)]
    )
    deadline = time.monotonic() + 30
    while size and time.monotonic() < deadline:
        message = consumer.poll(0.05)
        if message is not None and message.error() is None:
            producer.produce(DECISIONS, message.value())
            producer.poll(0)
            size -= 1
    producer.flush(10)
    consumer.close()


@pytest.mark.slow
def test_what_a_stalled_sender_holds_back_is_late_all_the_same(tmp_path: Path) -> None:
    size, rate, stall = 1_500, 1_000.0, 0.6
    load = Load(size, 50, Customers.ZIPF, seed=7)
    write(load, tmp_path / "load.jsonl")
    with start_broker(tmp_path / "broker") as broker:
        config = {"bootstrap.servers": broker.url}
        partitions = ensure_topics(config, INPUTS, 2)
        ensure_topics(config, OUTPUTS, partitions)
        folder = tmp_path / "ends"
        folder.mkdir()
        order = Order(broker.url, str(tmp_path / "load.jsonl"), size, load.seed, rate, partitions, 60.0)
        with both_ends(order, folder) as ends:
            judge = threading.Thread(target=echo, args=(broker.url, partitions, size))
            judge.start()
            ends.begin()
            ends.later(0.5, lambda: os.kill(ends.sender.pid, signal.SIGSTOP))
            ends.later(0.5 + stall, lambda: os.kill(ends.sender.pid, signal.SIGCONT))
            judge.join()
            due, handed, arrived = ends.moments()
    assert (arrived > 0).all()
    # Handed over in no time once it went on again, but late by what it had stood still.
    assert np.median(arrived - handed) < 0.3 * SECOND
    assert (arrived - due > 0.2 * SECOND).sum() > 0.5 * (stall - 0.2) * rate
    assert (arrived - due).max() > 0.9 * stall * SECOND
