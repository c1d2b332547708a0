"""`fenghuo bench`: what the product does, beside a naive version in the same run, subject by subject."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench.detection import DetectionSet
from bench.gate import Gate, shortfalls
from bench.hot import HotPack
from bench.load import Customers, Load
from bench.machine import this_machine
from bench.pipeline import Pipeline
from bench.report import FORMAT, Report, Section, to_json
from bench.subject import Subject
from bench.tables import section_table, step_table, summary_table
from events.clock import rfc3339, wall_clock
from fenghuo.commands import (
    bench_detection,
    bench_hot,
    bench_latency,
    bench_memory,
    bench_pipeline,
    bench_rules,
    bench_scoring,
    bench_windows,
)
from fenghuo.commands.bench_detection import Asked
from fenghuo.commands.bench_stage import Stage
from fenghuo.commands.bench_track import bench_settings
from fenghuo.ending import RunError

SHARES = {**dict.fromkeys(Subject, 2.0), Subject.PIPELINE: 4.0}
"""How the seconds are shared out among the subjects that are measured."""

EVENTS = {**dict.fromkeys(Subject, 100_000), Subject.HOT: 1_000_000}
ROUNDS = {**dict.fromkeys(Subject, 3), Subject.HOT: 5, Subject.MEMORY: 1}
SHORT_EVENTS = {
    Subject.WINDOWS: 30_000,
    Subject.PIPELINE: 60_000,
    Subject.LATENCY: 50_000,
    Subject.HOT: 100_000,
    Subject.MEMORY: 30_000,
    Subject.RULES: 0,
    Subject.SCORING: 0,
    Subject.DETECTION: 0,
}
SHORT_ROUNDS = {**dict.fromkeys(Subject, 1), Subject.HOT: 3}
"""Where everything is measured in one call."""

WIDTH = 120
"""Columns of the tables where no terminal says how many there are."""


@dataclass(frozen=True)
class Bench:
    """What is measured.

    Args:
        subjects: which; none for all, in a short form.
        pipelines: of the subject `pipeline`; rounds go through them in this order.
        spreads: of events over customers, for `windows`, `pipeline` and `memory`.
        packs: of the subject `hot`.
        events: in a load: all of them, for `latency` those that are counted, for `hot` those of the hot
            customer; None for what the subject does by itself.
        customers: in a load.
        rounds: at most; None as above.
        seconds: for all of it; fewer rounds, and shorter runs, where they don't suffice.
        seed: of all loads.
        rate: events per second of `latency`.
        naive_rate: the naive version's; 0 leaves it out.
        late: share of late events of `hot`.
        stall: seconds of a stall of the store in `latency`.
        data: folder of the published sets of `detection`.
        sets: of `detection`; none for all that are there.
    """

    subjects: tuple[Subject, ...] = ()
    pipelines: tuple[Pipeline, ...] = tuple(Pipeline)
    spreads: tuple[Customers, ...] = tuple(Customers)
    packs: tuple[HotPack, ...] = tuple(HotPack)
    events: int | None = None
    customers: int = 50_000
    rounds: int | None = None
    seconds: float = 180.0
    seed: int = 1
    rate: float = 10_000.0
    naive_rate: float = 50.0
    late: float = 0.0
    stall: float = 0.0
    data: Path | None = None
    sets: tuple[DetectionSet, ...] = ()

    @property
    def detection(self) -> Asked:
        """What is asked of `detection`; in the short form what takes seconds."""
        if self.subjects or self.sets:
            return Asked(self.data, self.sets, self.rounds or 1)
        there = self.data is not None and (self.data / DetectionSet.ADBENCH).is_dir()
        quick = (DetectionSet.ADBENCH,) if there else ()
        return Asked(self.data, (*quick, DetectionSet.SIMULATED), streams=1)

    def events_of(self, subject: Subject) -> int:
        """Events in a load of a subject."""
        return self.events or (EVENTS if self.subjects else SHORT_EVENTS)[subject]

    def rounds_of(self, subject: Subject) -> int:
        """Rounds of a subject."""
        return self.rounds or (ROUNDS if self.subjects else SHORT_ROUNDS)[subject]


def bench(wanted: Bench, console: Console) -> Report:
    """Measure, with embedded servers only; nothing that settings name is touched.

    Args:
        wanted: what to measure.
        console: for progress.

    Raises:
        FenghuoError: a server can't be started, or a run failed.
    """
    deadline = time.monotonic() + wanted.seconds
    settings, machine, taken_at = bench_settings(), this_machine(), rfc3339(wall_clock())
    subjects = list(wanted.subjects or Subject)
    sections = []
    with TemporaryDirectory(prefix="fenghuo-bench-") as folder, _progress(console) as tell:
        for place, subject in enumerate(subjects):
            waiting = sum(SHARES[one] for one in subjects[place:])
            share = (deadline - time.monotonic()) * SHARES[subject] / waiting
            own = Path(folder) / subject
            own.mkdir()
            sections.append(_measure(wanted, subject, Stage(own, time.monotonic() + share, tell)))
    return Report(
        format=FORMAT,
        version=version("fenghuo"),
        taken_at=taken_at,
        machine=machine,
        seed=wanted.seed,
        setup={
            "shards": settings.shards,
            "workers": settings.workers,
            "partitions": settings.kafka_partitions,
        },
        sections=sections,
    )


def _measure(wanted: Bench, subject: Subject, stage: Stage) -> Section:
    events, rounds, seed = wanted.events_of(subject), wanted.rounds_of(subject), wanted.seed
    customers = wanted.customers
    match subject:
        case Subject.WINDOWS:
            loads = [Load(events, customers, spread, seed) for spread in wanted.spreads]
            section = bench_windows.measure(stage, loads, rounds)
        case Subject.PIPELINE:
            loads = [Load(events, customers, spread, seed) for spread in wanted.spreads]
            section = bench_pipeline.measure(stage, wanted.pipelines, loads, rounds)
        case Subject.LATENCY:
            section = bench_latency.measure(
                stage,
                Load(events, customers, Customers.ZIPF, seed),
                rate=wanted.rate,
                naive_rate=wanted.naive_rate,
                rounds=rounds,
                stall=wanted.stall,
            )
        case Subject.HOT:
            section = bench_hot.measure(
                stage, wanted.packs, held=events, rounds=rounds, late=wanted.late, seed=seed
            )
        case Subject.MEMORY:
            loads = [bench_memory.load_of(events, customers, spread, seed) for spread in wanted.spreads]
            section = bench_memory.measure(stage, loads)
        case Subject.DETECTION:
            section = bench_detection.measure(stage, wanted.detection, seed)
        case Subject.SCORING:
            section = bench_scoring.measure(stage, rounds, seed)
        case Subject.RULES:
            section = bench_rules.measure(stage, rounds, seed)
    return section


def print_report(report: Report, console: Console, json_file: Path | None = None) -> None:
    """Print the figures as JSON, or write it to a file, and then the tables."""
    if json_file is None:
        console.out(to_json(report).decode(), highlight=False)
    else:
        json_file.write_bytes(to_json(report))
    if not console.is_terminal:
        console.width = max(console.width, WIDTH)
    for section in report.sections:
        console.print(section_table(section))
        steps = step_table(section.figures)
        if steps is not None:
            console.print(steps)
    if len(report.sections) > 1:
        console.print(summary_table(report.figures))


def check_gate(report: Report, path: Path, gate: Gate, console: Console) -> None:
    """Hold a report against the gate that was read from a file; print one line for each that falls short.

    Raises:
        RunError: a figure falls short.
    """
    lines = shortfalls(gate, report.figures, (section.subject for section in report.sections))
    for line in lines:
        console.print(f"{path}: {line}", soft_wrap=True, highlight=False)
    if lines:
        raise RunError(f"{path}: {len(lines)} of its figures fall short")


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str], None]]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("bench", total=None)
        yield lambda what: progress.update(task, description=what)
