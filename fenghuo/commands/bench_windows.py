"""`fenghuo bench windows`: the windows and their store alone, without dataflow, rules and model."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import redis
from prometheus_client import CollectorRegistry

from bench.latency import summary
from bench.load import Load
from bench.naive import Naive
from bench.report import Section
from bench.subject import Subject
from bench.windows import Batches, WindowsJob, WindowsRun, figures
from events.columns import EventBatch, Int64s
from fenghuo.commands.bench_stage import Stage
from fenghuo.commands.bench_track import PACK, bench_settings
from fenghuo.embedded import start_services
from fenghuo.ending import RunError
from fenghuo.settings import Settings
from fenghuo.wiring import REPLAY_LIFETIME, REPLAY_PATIENCE
from flows.shards import shard_of
from rules.pack import Pack, load_pack
from store.redis.journal import RedisJournal, connect
from telemetry.metrics import FlowMetrics
from windows.owned import OwnedWindows
from windows.plan import WindowPlan
from wire.codec import Codec
from wire.file_source import FileSource
from wire.input_files import InputFiles
from wire.tables import read_tables

SIZES = {Batches.LARGE: 8_192, Batches.SMALL: 50}
LONGEST = {Batches.LARGE: 20.0, Batches.SMALL: 10.0, Batches.NAIVE: 2.0}
"""Seconds after which a run ends, however far it is."""

Given = tuple[EventBatch, Int64s]
"""A batch and the shard of each of its events."""


def measure(stage: Stage, loads: list[Load], rounds: int) -> Section:
    """Give every load to the windows in large and in small batches, and to the naive version, in turn.

    Raises:
        FenghuoError: a server can't be started, or a run failed.
    """
    jobs = [
        WindowsJob(
            batches=batches,
            customers=load.spread,
            events=str(stage.load(load)),
            size=load.events,
            warm_up=str(stage.warm_up(load)),
            folder=stage.job_folder(f"{load.spread}-{batches}"),
            seconds=LONGEST[batches],
        )
        for load in loads
        for batches in Batches
    ]
    runs = list(stage.rounds(jobs, rounds, WindowsRun))
    pack = load_pack(PACK)
    setup: dict[str, int | float | str] = {
        "pack": pack.id,
        "features": len(pack.feature_names),
        "events": loads[0].events,
        "customers": loads[0].customers,
        **{f"events of a batch, {batches}": size for batches, size in SIZES.items()},
    }
    notes = {
        f"{run.customers} {run.batches}: 到时即止 ended by the clock after {run.events:,} events"
        for run in runs
        if run.events < loads[0].events and run.batches is not Batches.NAIVE
    }
    return Section(Subject.WINDOWS, setup, figures(runs), sorted(notes), list(runs))


def run(job: WindowsJob, stop: Event) -> WindowsRun:
    """Do a job in this process.

    Raises:
        RunError: an event did not get its features.
    """
    settings, pack = bench_settings(model="none"), load_pack(PACK)
    with (
        start_services(settings, Path(job.folder), need={"redis"}) as services,
        connect(services.redis_url, REPLAY_PATIENCE) as client,
    ):
        if job.batches is Batches.NAIVE:
            return _naively(job, pack, client, stop)
        size = SIZES[job.batches]
        warm_up = list(_batches(Path(job.warm_up), size, settings))
        batches = list(_batches(Path(job.events), size, settings))
        _timed(_windows(client, "warm-up", settings, pack), warm_up, job.seconds, stop)
        took = _timed(_windows(client, "timed", settings, pack), batches, job.seconds, stop)
    events = sum(len(batch) for batch, _ in batches[: len(took)])
    return _run(job, events, took)


def _windows(
    client: redis.Redis, namespace: str, settings: Settings, pack: Pack
) -> Callable[[Given], object]:
    """Fresh windows of all shards; what this module knows of the windows and their store is here."""
    journal = RedisJournal(
        client, namespace, REPLAY_PATIENCE, REPLAY_LIFETIME, FlowMetrics(CollectorRegistry())
    )
    journal.claim_shards(settings.shards)
    windows = OwnedWindows(WindowPlan(pack.features), journal, pack.lateness)
    for shard in range(settings.shards):
        windows.open(shard, None, 0)

    def process(given: Given) -> None:
        processed = windows.process(*given)
        if len(processed.windowed.batch) != len(given[0]):
            raise RunError(
                f"{len(processed.windowed.batch)} of the {len(given[0])} events of a batch got features"
            )

    return process


def _naively(job: WindowsJob, pack: Pack, client: redis.Redis, stop: Event) -> WindowsRun:
    with Path(job.events).open("rb") as lines:
        events: list[dict[str, Any]] = [json.loads(line) for line in lines]
    took = _timed(Naive(client, "timed", pack.id, None).features, events, job.seconds, stop)
    return _run(job, len(took), took)


def _batches(path: Path, size: int, settings: Settings) -> Iterator[Given]:
    """Decoded batches of a file; their decoding is not timed."""
    codec = Codec(read_tables(None, None), settings.max_message_bytes)
    part = FileSource(InputFiles([path]), batch=size).build_part("read", "files", None)
    while True:
        try:
            (raw,) = part.next_batch()
        except StopIteration:
            part.close()
            return
        batch = codec.decode(raw).batch
        yield (
            batch,
            np.fromiter((shard_of(one, settings.shards) for one in batch.groups), np.int64, len(batch)),
        )


def _timed(process: Callable[[Any], object], work: Sequence[Any], seconds: float, stop: Event) -> list[int]:
    """Nanoseconds that each piece of work took, until all is done or the seconds are over."""
    took: list[int] = []
    end = time.monotonic() + seconds
    for one in work:
        started = time.perf_counter_ns()
        process(one)
        took.append(time.perf_counter_ns() - started)
        if stop.is_set() or time.monotonic() >= end:
            break
    return took


def _run(job: WindowsJob, events: int, took: list[int]) -> WindowsRun:
    times = np.array(took, np.int64)
    return WindowsRun(job.batches, job.customers, events, float(times.sum()) / 1e9, summary(times))
