"""`fenghuo bench pipeline`: events per second from files and through Kafka, beside the naive version."""

import time
from pathlib import Path
from threading import Event
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from backtest.rulebook import Rulebook
from backtest.trial import Count, Trial
from bench.load import Load
from bench.naive import Naive
from bench.pipeline import Pipeline, PipelineJob, PipelineRun, figures
from bench.report import Section
from bench.stopwatch import Stopwatch
from bench.subject import Subject
from events.clock import wall_clock
from fenghuo.commands.backtest_flow import TrialJudge, count_sink
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
from fenghuo.embedded import start_services
from fenghuo.ending import RunError
from fenghuo.settings import Settings
from fenghuo.wiring import REPLAY_PATIENCE, Risk, build_risk
from models.registry import load as load_model
from rules.pack import load_pack
from store.redis.journal import connect
from wire.feed import Feed, Pace
from wire.file_source import FileSource
from wire.input_files import InputFiles
from wire.kafka_sink import KafkaSink
from wire.kafka_source import KafkaSource
from wire.kafka_topics import DECISIONS as DECISIONS_TOPIC
from wire.kafka_topics import INPUTS, OUTPUTS, ensure_topics
from wire.replay_sink import DECISIONS, ReplaySink, Totals
from wire.tables import read_tables

LONGEST = {**dict.fromkeys(Pipeline, 30.0), Pipeline.NAIVE: 3.0}
"""Seconds after which a run ends, however far it is."""
_SILENCE = 1.0
_NAIVE_WARM_UP = 0.3


def measure(stage: Stage, pipelines: tuple[Pipeline, ...], loads: list[Load], rounds: int) -> Section:
    """Run every pipeline over every load, `rounds` times in turn.

    Raises:
        FenghuoError: a server can't be started, or a run failed.
    """
    jobs = []
    for load in loads:
        stage.tell(f"pipeline, {load.spread}: load and model")
        jobs += [
            PipelineJob(
                pipeline=pipeline,
                customers=load.spread,
                events=str(stage.load(load)),
                size=load.events,
                warm_up=str(stage.warm_up(load)),
                model=str(stage.model(load)),
                folder=stage.job_folder(f"{load.spread}-{pipeline}"),
                seconds=LONGEST[pipeline],
            )
            for pipeline in pipelines
        ]
    runs = list(stage.rounds(jobs, rounds, PipelineRun))
    pack = load_pack(PACK)
    setup: dict[str, int | float | str] = {
        "pack": pack.id,
        "events": loads[0].events,
        "customers": loads[0].customers,
        "features": len(pack.feature_names),
        "rules": len(pack.evaluated),
        "trees": TREES,
    }
    return Section(Subject.PIPELINE, setup, figures(runs), _notes(runs, loads[0].events), list(runs))


def _notes(runs: list[PipelineRun], events: int) -> list[str]:
    """Which products' runs their time ended; the naive version's always does."""
    short = {
        f"{run.customers} {run.pipeline}: 到时即止 ended by the clock before all {events:,} events"
        for run in runs
        if run.events < events and run.pipeline is not Pipeline.NAIVE
    }
    return sorted(short)


def run(job: PipelineJob, stop: Event) -> PipelineRun:
    """Do a job in this process."""
    settings = bench_settings(model=job.model)
    return _RUNS[job.pipeline](job, settings, stop)


def from_file(job: PipelineJob, settings: Settings, stop: Event) -> PipelineRun:
    """The product from file to file, as `fenghuo replay` runs it."""
    with start_services(settings, Path(job.folder), need={"redis"}) as services:
        risk = build_risk(settings)
        folder = new_folder(job.folder, "warm-up")
        sink = ReplaySink(folder, folder, Totals())
        Track(FileSource(InputFiles([Path(job.warm_up)])), sink, folder, services.redis_url).run(risk)
        counted = uncounted(risk)
        folder = new_folder(job.folder, "timed")
        wall, cpu = Track(
            FileSource(InputFiles([Path(job.events)]), stop=stop),
            ReplaySink(folder, folder, Totals()),
            folder,
            services.redis_url,
            stop,
            size=job.size,
            seconds=job.seconds,
        ).run(counted)
    with (folder / DECISIONS).open("rb") as written:
        return _result(job, counted, wall, cpu, written=sum(1 for _ in written))


def backtested(job: PipelineJob, settings: Settings, stop: Event) -> PipelineRun:
    """The product from file to counts, as `fenghuo rules backtest` runs it."""
    with start_services(settings, Path(job.folder), need={"redis"}) as services:
        risk = build_risk(settings)
        book = Rulebook(risk.pack)
        trial = Trial((book,), (risk.model.id if risk.model is not None else None,), ())
        names = [{feature.name: feature.name for feature in risk.pack.features}]

        def track(risk: Risk, events: str, folder: Path, **limits: Any) -> tuple[Count, float, float]:
            count = Count(trial)
            judge = TrialJudge(trial, names, [risk.model], risk.metrics)
            source = FileSource(InputFiles([Path(events)]), stop=limits.get("stop"))
            passed = Track(source, count_sink(count), folder, services.redis_url, judge=judge, **limits)
            return (count, *passed.run(risk))

        track(risk, job.warm_up, new_folder(job.folder, "warm-up"))
        counted = uncounted(risk)
        limits = {"stop": stop, "size": job.size, "seconds": job.seconds}
        count, wall, cpu = track(counted, job.events, new_folder(job.folder, "timed"), **limits)
    events = count.messages.evaluated
    return PipelineRun(job.pipeline, job.customers, events, wall, cpu, step_seconds(counted))


def through_kafka(job: PipelineJob, settings: Settings, stop: Event) -> PipelineRun:
    """The product from topic to topic, as `fenghuo run` runs it, over a backlog that waits for it."""
    with start_services(settings, Path(job.folder), need={"redis", "kafka"}) as services:
        config: dict[str, Any] = {"bootstrap.servers": services.kafka}
        partitions = ensure_topics(config, INPUTS, settings.kafka_partitions)
        ensure_topics(config, OUTPUTS, partitions)
        _feed(config, job.events)
        risk = build_risk(settings)
        source, sink = (
            FileSource(InputFiles([Path(job.warm_up)])),
            KafkaSink(config, settings.shards, risk.metrics),
        )
        Track(source, sink, new_folder(job.folder, "warm-up"), services.redis_url).run(risk)
        counted = uncounted(risk)
        wall, cpu = Track(
            KafkaSource(config, INPUTS, partitions, counted.metrics, stop),
            KafkaSink(config, settings.shards, counted.metrics),
            new_folder(job.folder, "timed"),
            services.redis_url,
            stop,
            patience=settings.degrade_after,
            degrade=True,
            interval=settings.snapshot_interval,
            size=job.size,
            seconds=job.seconds,
        ).run(counted)
        written = _messages(config, DECISIONS_TOPIC, partitions) - _decided(risk)
        return _result(job, counted, wall, cpu, written=written)


def naively(job: PipelineJob, settings: Settings, stop: Event) -> PipelineRun:  # noqa: ARG001 -- one event takes milliseconds
    """The naive version from file to file, with the same server."""
    model = load_model(Path(job.model))
    with (
        start_services(settings, Path(job.folder), need={"redis"}) as services,
        connect(services.redis_url, REPLAY_PATIENCE) as client,
        (Path(job.folder) / DECISIONS).open("wb") as out,
    ):
        pack = load_pack(PACK).id
        with Path(job.warm_up).open("rb") as lines:
            Naive(client, "warm-up", pack, model).run(lines, out, _NAIVE_WARM_UP)
        naive = Naive(client, "timed", pack, model)
        watch = Stopwatch()
        with Path(job.events).open("rb") as lines:
            watch.start(time.perf_counter(), time.process_time())
            count = naive.run(lines, out, job.seconds)
            wall, cpu = watch.read()
    return PipelineRun(job.pipeline, job.customers, count, wall, cpu, {})


_RUNS = {
    Pipeline.FILE: from_file,
    Pipeline.KAFKA: through_kafka,
    Pipeline.BACKTEST: backtested,
    Pipeline.NAIVE: naively,
}


def _feed(config: dict[str, Any], events: str) -> None:
    """Fill the input topics with the events of a file."""
    feed, pace = Feed(config, read_tables(None, None)), Pace(None, wall_clock)
    for line in InputFiles([Path(events)]).lines(timed=True):
        feed.send(line, pace.due(line))
    feed.flush()


def _messages(config: dict[str, Any], topic: str, partitions: int) -> int:
    """How many messages a topic holds, by reading them: not every broker tells it right."""
    consumer = Consumer({**config, "group.id": "fenghuo-bench", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)])
    count = 0
    at_end: set[int | None] = set()
    try:
        while len(at_end) < partitions:
            for message in consumer.consume(10_000, _SILENCE):
                error = message.error()
                if error is None:
                    count += 1
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 -- the client's public constant
                    at_end.add(message.partition())
        return count
    finally:
        consumer.close()


def _result(job: PipelineJob, risk: Risk, wall: float, cpu: float, *, written: int) -> PipelineRun:
    """What the metrics say of a pass.

    Raises:
        RunError: not every decision was written, or some were made without windows.
    """
    decided, degraded = _decided(risk), total(risk, "fenghuo_events_degraded_total")
    if degraded or written != decided:
        raise RunError(f"{decided} decided, {written} written, {degraded:.0f} without windows")
    return PipelineRun(job.pipeline, job.customers, written, wall, cpu, step_seconds(risk))


def _decided(risk: Risk) -> int:
    return round(total(risk, "fenghuo_events_decided_total"))
