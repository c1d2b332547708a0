"""One run of `fenghuo bench`, in a process of its own: `python -m fenghuo.commands.bench_run JOB RESULT`.

Neither memory nor threads nor caches of one run reach the next. Every run starts servers of its own; those
that settings name are left alone. Kernels are loaded before the clock starts.
"""

import sys
import time
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from threading import Event, Timer
from typing import Any

import msgspec
from bytewax.inputs import FixedPartitionedSource
from bytewax.outputs import Sink
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from prometheus_client import CollectorRegistry

from bench.naive import Naive
from bench.run import Job, Pipeline, Run
from bench.stopwatch import Stopwatch, TimedSource
from events.clock import wall_clock
from events.errors import FenghuoError
from fenghuo.commands.replay import SNAPSHOT_SECONDS
from fenghuo.embedded import start_services
from fenghuo.ending import RunError, stop_on_signals
from fenghuo.settings import Settings, load_settings
from fenghuo.wiring import REPLAY_PATIENCE, Risk, build_flow, build_risk, run_flow
from models.registry import load as load_model
from rules.pack import load_pack
from store.redis.journal import connect
from telemetry.metrics import FlowMetrics
from wire.feed import Feed, Pace
from wire.file_source import FileSource
from wire.input_files import InputFiles
from wire.kafka_sink import KafkaSink
from wire.kafka_source import KafkaSource
from wire.kafka_topics import DECISIONS as DECISIONS_TOPIC
from wire.kafka_topics import INPUTS, OUTPUTS, ensure_topics
from wire.messages import RawBatch
from wire.output import Output
from wire.replay_sink import DECISIONS, ReplaySink, Totals
from wire.tables import read_tables

PACK = Path(str(files("bench"))) / "packs" / "bench.yaml"
_SILENCE = 1.0
_NAIVE_WARM_UP = 0.3
OWN_SERVERS = dict.fromkeys(("redis_url", "kafka", "database_url", "mappings", "rates"))


def bench_settings(**options: Any) -> Settings:
    """The settings in force, such as shards and workers, but with the bench's pack and embedded servers."""
    return load_settings(pack=PACK, speed="max", **options).model_copy(update=OWN_SERVERS)


@dataclass(frozen=True)
class Track:
    """One pass through the dataflow: where it reads and writes, and what it does besides as its command does.

    Args:
        source: of messages.
        sink: of outputs.
        folder: for recovery state; its name parts the windows from those of other passes.
        redis_url: where windows are kept.
        stop: what the source heeds; set after `size` messages or `seconds`.
        patience: seconds to wait for the store.
        degrade: whether to judge without windows after that.
        interval: seconds between two saved states.
        size: messages to judge.
        seconds: to judge them in.
    """

    source: FixedPartitionedSource[RawBatch, Any]
    sink: Sink[tuple[str, Output]]
    folder: Path
    redis_url: str
    stop: Event = field(default_factory=Event)
    patience: float = REPLAY_PATIENCE
    degrade: bool = False
    interval: float = SNAPSHOT_SECONDS
    size: int = sys.maxsize
    seconds: float = 60.0

    def run(self, risk: Risk) -> tuple[float, float]:
        """Judge; wall and CPU seconds from the first message read to the last decision safely written."""
        watch = Stopwatch()
        flow = build_flow(
            risk,
            TimedSource(self.source, watch, self.size, self.stop),
            self.sink,
            redis_url=self.redis_url,
            namespace=self.folder.name,
            patience=self.patience,
            degrade=self.degrade,
        )
        timer = Timer(self.seconds, self.stop.set)
        timer.start()
        try:
            run_flow(
                flow,
                workers=risk.settings.workers,
                recovery=self.folder / "recovery",
                interval=self.interval,
            )
            return watch.read()
        finally:
            timer.cancel()


def from_file(job: Job, settings: Settings, stop: Event) -> Run:
    """The product from file to file, as `fenghuo replay` runs it."""
    with start_services(settings, Path(job.folder), need={"redis"}) as services:
        risk = build_risk(settings)
        folder = _folder(job, "warm-up")
        sink = ReplaySink(folder, folder, Totals())
        Track(FileSource(InputFiles([Path(job.warm_up)])), sink, folder, services.redis_url).run(risk)
        counted = _uncounted(risk)
        folder = _folder(job, "timed")
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


def through_kafka(job: Job, settings: Settings, stop: Event) -> Run:
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
        Track(source, sink, _folder(job, "warm-up"), services.redis_url).run(risk)
        counted = _uncounted(risk)
        wall, cpu = Track(
            KafkaSource(config, INPUTS, partitions, counted.metrics, stop),
            KafkaSink(config, settings.shards, counted.metrics),
            _folder(job, "timed"),
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


def naively(job: Job, settings: Settings, stop: Event) -> Run:  # noqa: ARG001 -- one event takes milliseconds
    """The naive version from file to file, with the same server."""
    model = load_model(Path(job.model))
    with (
        start_services(settings, Path(job.folder), need={"redis"}) as services,
        connect(services.redis_url, REPLAY_PATIENCE) as client,
        (Path(job.folder) / DECISIONS).open("wb") as out,
    ):
        pack = load_pack(PACK).id
        with Path(job.warm_up).open("rb") as lines:
            Naive(client, "warm-up", model, pack).run(lines, out, _NAIVE_WARM_UP)
        naive = Naive(client, "timed", model, pack)
        watch = Stopwatch()
        with Path(job.events).open("rb") as lines:
            watch.start(time.perf_counter(), time.process_time())
            count = naive.run(lines, out, job.seconds)
            wall, cpu = watch.read()
    return Run(job.pipeline, job.customers, count, wall, cpu, {})


RUNS = {Pipeline.FILE: from_file, Pipeline.KAFKA: through_kafka, Pipeline.NAIVE: naively}


def _folder(job: Job, name: str) -> Path:
    folder = Path(job.folder) / name
    folder.mkdir()
    return folder


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


def _uncounted(risk: Risk) -> Risk:
    """The same with metrics that begin at zero."""
    registry = CollectorRegistry()
    return replace(risk, registry=registry, metrics=FlowMetrics(registry))


def _result(job: Job, risk: Risk, wall: float, cpu: float, *, written: int) -> Run:
    """What the metrics say of a pass.

    Raises:
        RunError: not every decision was written, or some were made without windows.
    """
    decided, degraded = _decided(risk), _total(risk, "fenghuo_events_degraded_total")
    if degraded or written != decided:
        raise RunError(f"{decided} decided, {written} written, {degraded:.0f} without windows")
    steps = {
        sample.labels["step"]: sample.value
        for metric in risk.metrics.step_seconds.collect()
        for sample in metric.samples
        if sample.name.endswith("_sum")
    }
    steps["store"] = _total(risk, "fenghuo_window_store_seconds_sum")
    return Run(job.pipeline, job.customers, written, wall, cpu, steps)


def _decided(risk: Risk) -> int:
    return round(_total(risk, "fenghuo_events_decided_total"))


def _total(risk: Risk, name: str) -> float:
    samples = (sample for metric in risk.registry.collect() for sample in metric.samples)
    return sum(sample.value for sample in samples if sample.name == name)


def main(job_path: str, result_path: str) -> int:
    """Do a job and write its result; 1 when it failed, and then the result is the reason in one line."""
    job = msgspec.json.decode(Path(job_path).read_bytes(), type=Job)
    try:
        with stop_on_signals() as stop:
            run = RUNS[job.pipeline](job, bench_settings(model=job.model), stop)
    except FenghuoError as error:
        Path(result_path).write_text(str(error), encoding="utf-8")
        return 1
    Path(result_path).write_bytes(msgspec.json.encode(run))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
