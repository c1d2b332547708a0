"""`fenghuo bench`: how fast the product judges, beside a naive version in the same run."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import structs
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from bench.load import TYPES, Customers, Load, write
from bench.machine import this_machine
from bench.report import FORMAT, Report, Setup, figures, rate_table, step_table, to_json
from bench.run import Job, Pipeline, Run
from events.clock import rfc3339, wall_clock
from fenghuo.commands import bench_run
from fenghuo.commands.bench_run import PACK, bench_settings
from fenghuo.commands.model_train import Training, train
from fenghuo.ending import RunError
from rules.pack import load_pack

TREES = 100
TRAINING, WARM_UP = 20_000, 2_000
LONGEST = {Pipeline.FILE: 30.0, Pipeline.KAFKA: 30.0, Pipeline.NAIVE: 3.0}
"""Seconds after which a run ends, however far it is."""
SHORTEST = 2.0
START = 6.0
"""Seconds that a run takes before its clock starts, as far as the plan knows."""
PATIENCE = 120.0


@dataclass(frozen=True)
class Bench:
    """What is measured.

    Args:
        pipelines: which; rounds go through them in this order.
        spreads: of events over customers.
        events: in a load.
        customers: in a load.
        rounds: how often each pipeline runs at most.
        seconds: for all of it; fewer rounds, and in the first one shorter runs, where they don't suffice.
    """

    pipelines: tuple[Pipeline, ...] = tuple(Pipeline)
    spreads: tuple[Customers, ...] = tuple(Customers)
    events: int = 100_000
    customers: int = 50_000
    rounds: int = 3
    seconds: float = 180.0


def bench(wanted: Bench, console: Console) -> Report:
    """Measure, with embedded servers only; nothing that settings name is touched.

    Args:
        wanted: what to measure.
        console: for progress.

    Raises:
        FenghuoError: a server can't be started, or a run failed.
    """
    deadline = time.monotonic() + wanted.seconds
    settings, pack, machine = bench_settings(), load_pack(PACK), this_machine()
    with TemporaryDirectory(prefix="fenghuo-bench-") as folder, _progress(console) as (progress, task):
        progress.update(task, description="loads and models")
        jobs = _jobs(wanted, Path(folder))
        runs = list(_rounds(wanted, jobs, deadline, progress, task))
    return Report(
        format=FORMAT,
        version=version("fenghuo"),
        taken_at=rfc3339(wall_clock()),
        machine=machine,
        setup=Setup(
            events=wanted.events,
            customers=wanted.customers,
            pack=pack.id,
            features=len(pack.feature_names),
            rules=len(pack.evaluated),
            trees=TREES,
            shards=settings.shards,
            workers=settings.workers,
            partitions=settings.kafka_partitions,
        ),
        throughput=figures(runs),
    )


def print_report(report: Report, console: Console, json_file: Path | None = None) -> None:
    """Print the figures as JSON, or write it to a file, and then the tables."""
    if json_file is None:
        console.out(to_json(report).decode(), highlight=False)
    else:
        json_file.write_bytes(to_json(report))
    console.print(rate_table(report))
    console.print(step_table(report))


def _jobs(wanted: Bench, folder: Path) -> list[Job]:
    """Loads and models made, one job for each pipeline and spread."""
    jobs = []
    for spread in wanted.spreads:
        load = Load(wanted.events, wanted.customers, spread)
        events, warm_up, training = (
            folder / f"{spread}-{name}.jsonl" for name in ("load", "warm-up", "past")
        )
        write(load, events)
        write(load.part(WARM_UP), warm_up)
        write(load.part(min(TRAINING, wanted.events)), training)
        model = folder / f"{spread}-model"
        settings = bench_settings(events=(training,), model="none")
        train(settings, Training(event_types=TYPES, trees=TREES), model, Console(quiet=True))
        jobs += [
            Job(
                pipeline=pipeline,
                customers=spread,
                events=str(events),
                size=wanted.events,
                warm_up=str(warm_up),
                model=str(model),
                folder=str(folder / f"{spread}-{pipeline}"),
                seconds=LONGEST[pipeline],
            )
            for pipeline in wanted.pipelines
        ]
    return jobs


def _rounds(
    wanted: Bench, jobs: list[Job], deadline: float, progress: Progress, task: TaskID
) -> Iterator[Run]:
    """Every job in turn, again and again: what slows the machine for a while slows all of them."""
    longest = 0.0
    for number in range(wanted.rounds):
        started = time.monotonic()
        if started + longest > deadline:
            return
        for place, job in enumerate(jobs):
            what = f"{job.pipeline}, {job.customers}"
            progress.update(task, description=f"round {number + 1}/{wanted.rounds}: {what}")
            if number == 0:
                share = (deadline - time.monotonic()) / (len(jobs) - place) - START
                jobs[place] = structs.replace(job, seconds=min(job.seconds, max(SHORTEST, share)))
            yield run_job(jobs[place])
        longest = max(longest, time.monotonic() - started)


def run_job(job: Job) -> Run:
    """Run a job in a process of its own.

    Raises:
        RunError: it failed or does not end.
    """
    folder, what = Path(job.folder), f"bench: {job.pipeline}, {job.customers}"
    folder.mkdir()
    order, result = folder / "job.json", folder / "result.json"
    order.write_bytes(msgspec.json.encode(job))
    command = [sys.executable, "-m", bench_run.__name__, str(order), str(result)]
    limit = job.seconds + PATIENCE
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)  # noqa: S603 -- our own module
        content = result.read_bytes() if result.exists() else b""
    except subprocess.TimeoutExpired as error:
        raise RunError(f"{what}: no end after {limit:.0f} s; try fewer --events") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if done.returncode:
        told = content.decode() or "".join(done.stderr.splitlines()[-1:])
        raise RunError(f"{what}: {told or f'ended with exit code {done.returncode}'}")
    return msgspec.json.decode(content, type=Run)


@contextmanager
def _progress(console: Console) -> Iterator[tuple[Progress, TaskID]]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield progress, progress.add_task("bench", total=None)
