"""`fenghuo bench latency`: from an event's moment to its decision in a reader's hands, at a fixed rate."""

import time
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from msgspec import structs

from bench.latency import LatencyJob, LatencyRun, WorkerView, figures, in_buckets, summary, worst
from bench.load import Load
from bench.naive import Naive
from bench.report import Section
from bench.subject import Subject
from fenghuo.commands.bench_ends import LEAD, READER, START, Ends, Order, both_ends
from fenghuo.commands.bench_stage import TREES, Stage
from fenghuo.commands.bench_track import (
    PACK,
    Track,
    bench_settings,
    new_folder,
    step_seconds,
    total,
    uncounted,
)
from fenghuo.embedded import Services, start_services
from fenghuo.ending import RunError
from fenghuo.settings import Settings
from fenghuo.wiring import REPLAY_PATIENCE, Risk, build_risk
from models.registry import load as load_model
from rules.union import load_packs
from store.redis.journal import connect
from wire.file_source import FileSource
from wire.input_files import InputFiles
from wire.kafka_sink import KafkaSink
from wire.kafka_source import KafkaSource
from wire.kafka_topics import DECISIONS, INPUTS, OUTPUTS, ensure_topics

WARM_UP = 3.0
"""Seconds at the full rate before what is counted."""
LONGEST = 10.0
NAIVE_LONGEST = 5.0
DRAIN = 20.0
"""Seconds after the last event was due in which its decision must have come."""


def measure(
    stage: Stage, load: Load, *, rate: float, naive_rate: float, rounds: int, stall: float
) -> Section:
    """Measure the product at `rate` and the naive version at `naive_rate`, in turn.

    Args:
        stage: where.
        load: as many events as are counted at `rate`; those that warm up come before them.
        rate: events per second.
        naive_rate: what the naive version can bear; 0 leaves it out.
        rounds: of both.
        stall: seconds for which the store holds back its answers once in each run.

    Raises:
        FenghuoError: a server can't be started, a run failed, or the rate is more than the machine bears.
    """
    stage.tell("latency: load and model")
    warm_up = round(rate * WARM_UP)
    whole = structs.replace(load, events=load.events + warm_up)
    job = LatencyJob(
        naive=False,
        rate=rate,
        events=str(stage.load(whole)),
        size=whole.events,
        warm_up=warm_up,
        seed=load.seed,
        model=str(stage.model(load)),
        kernels=str(stage.warm_up(load)),
        stall=stall,
        folder=stage.job_folder("product"),
        seconds=min(LONGEST, load.events / rate),
    )
    jobs = [job]
    if naive_rate:
        few = round(naive_rate * WARM_UP)
        seconds = min(NAIVE_LONGEST, job.seconds)
        jobs.append(
            structs.replace(
                job,
                naive=True,
                rate=naive_rate,
                warm_up=few,
                size=few + round(naive_rate * seconds),
                folder=stage.job_folder("naive"),
                seconds=seconds,
            )
        )
    runs = list(stage.rounds(jobs, rounds, LatencyRun))
    setup: dict[str, int | float | str] = {
        "pack": load_packs([PACK]).id,
        "trees": TREES,
        "customers": load.customers,
        "spread": load.spread,
        "rate": rate,
        "naive rate": naive_rate,
        "stall": stall,
    }
    counted = ", ".join(f"{run.events:,}" for run in runs if not run.naive)
    return Section(Subject.LATENCY, setup, figures(runs), [f"product: {counted} events"], list(runs))


def run(job: LatencyJob, stop: Event) -> LatencyRun:
    """Do a job in this process.

    Raises:
        RunError: decisions are missing.
    """
    settings = bench_settings(model=job.model)
    job = structs.replace(job, size=min(job.size, job.warm_up + round(job.rate * job.seconds)))
    with start_services(settings, Path(job.folder), need={"redis", "kafka"}) as services:
        config: dict[str, Any] = {"bootstrap.servers": services.kafka}
        partitions = ensure_topics(config, INPUTS, settings.kafka_partitions)
        ensure_topics(config, OUTPUTS, partitions)
        order = Order(
            kafka=services.kafka,
            events=job.events,
            size=job.size,
            seed=job.seed,
            rate=job.rate,
            partitions=partitions,
            seconds=_limit(job) + START,
        )
        with both_ends(order, new_folder(job.folder, "ends")) as ends:
            judge = _naively if job.naive else _judged
            worker = judge(job, settings, services, partitions, ends, stop)
            due, handed, arrived = ends.moments()
    missing = np.count_nonzero(arrived == 0)
    if missing or not len(due):
        raise RunError(
            f"{missing:,} of {job.size:,} decisions had not come {DRAIN:.0f} s after the last event was due; "
            f"{job.rate:,.0f} events/s is more than this machine bears, give a lower --rate"
        )
    due, handed, arrived = (moments[job.warm_up :] for moments in (due, handed, arrived))
    return LatencyRun(
        job.naive,
        job.rate,
        len(due),
        latency=summary(arrived - due),
        handed=summary(arrived - handed),
        sender=summary(handed - due),
        worst=worst(arrived - due, job.rate),
        worker=worker,
    )


def _limit(job: LatencyJob) -> float:
    """Seconds after which judging ends."""
    return LEAD + job.size / job.rate + DRAIN


def _judged(
    job: LatencyJob, settings: Settings, services: Services, partitions: int, ends: Ends, stop: Event
) -> WorkerView:
    """The product, as `fenghuo run` runs it."""
    config: dict[str, Any] = {"bootstrap.servers": services.kafka}
    risk = build_risk(settings)
    Track(
        FileSource(InputFiles([Path(job.kernels)])),
        KafkaSink(config, settings.shards, risk.metrics),
        new_folder(job.folder, "warm-up"),
        services.redis_url,
    ).run(risk)
    counted = uncounted(risk)
    before: dict[float, float] = {}

    def begin() -> None:
        ends.begin()
        ends.later(job.warm_up / job.rate, lambda: before.update(_buckets(counted)))
        _stall(job, ends, services.redis_url)

    Track(
        KafkaSource(config, INPUTS, partitions, counted.metrics, stop),
        KafkaSink(config, settings.shards, counted.metrics),
        new_folder(job.folder, "timed"),
        services.redis_url,
        stop,
        patience=settings.degrade_after,
        degrade=True,
        interval=settings.snapshot_interval,
        size=job.size,
        seconds=_limit(job),
        begun=begin,
    ).run(counted)
    latency = in_buckets({end: count - before.get(end, 0.0) for end, count in _buckets(counted).items()})
    batches = round(total(counted, "fenghuo_event_to_decision_seconds_count"))
    events = round(total(counted, "fenghuo_events_decided_total"))
    return WorkerView(latency, batches, events, step_seconds(counted))


def _stall(job: LatencyJob, ends: Ends, redis_url: str) -> None:
    """Let the store hold back its answers in the middle of what is counted, where that is wanted."""

    def pause() -> None:
        with connect(redis_url, REPLAY_PATIENCE) as client:
            client.client_pause(round(job.stall * 1000))

    if job.stall:
        ends.later((job.warm_up + job.size) / 2 / job.rate, pause)


def _buckets(risk: Risk) -> dict[float, float]:
    """How many batches took at most so many seconds in the worker's own view."""
    return {
        float(sample.labels["le"]): sample.value
        for metric in risk.metrics.event_to_decision.collect()
        for sample in metric.samples
        if sample.name.endswith("_bucket")
    }


def _naively(
    job: LatencyJob, settings: Settings, services: Services, partitions: int, ends: Ends, stop: Event
) -> None:
    """The naive version: one message, one decision, sent before the next message is asked for."""
    config: dict[str, Any] = {"bootstrap.servers": services.kafka}
    consumer, producer = Consumer({**config, **READER, "group.id": "naive"}), Producer(config)
    consumer.assign(
        [TopicPartition(topic, number, OFFSET_BEGINNING) for topic in INPUTS for number in range(partitions)]
    )
    with connect(services.redis_url, REPLAY_PATIENCE) as client:
        pack, model = load_packs(settings.pack).id, load_model(Path(job.model))
        naive = Naive(client, "timed", pack, model)
        with Path(job.kernels).open("rb") as lines:
            Naive(client, "warm-up", pack, model).judge(next(lines))
        ends.begin()
        _stall(job, ends, services.redis_url)
        left, deadline = job.size, time.monotonic() + _limit(job)
        try:
            while left and not stop.is_set() and time.monotonic() < deadline:
                message = consumer.poll(0.1)
                value = message.value() if message is not None and message.error() is None else None
                if value is None:
                    continue
                producer.produce(DECISIONS, naive.judge(value))
                producer.flush()
                left -= 1
        finally:
            consumer.close()
