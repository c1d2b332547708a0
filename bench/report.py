"""The report: from runs to figures, as tables for people and as JSON for machines; pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median

import msgspec
from msgspec import Struct
from rich import box
from rich.table import Table

from bench.load import Customers
from bench.machine import Machine
from bench.run import Pipeline, Run

FORMAT = 1  # raised when a key changes its meaning or goes
TARGETS = {Pipeline.KAFKA: 60_000, Pipeline.FILE: 120_000}
"""Events per second that the design asks for on two cores; docs/benchmarks.md says where it stands."""

STEPS = ("decode", "store", "windows", "score", "rules", "decide", "encode")


class Rates(Struct, frozen=True):
    """Events per second over all rounds."""

    median: float
    min: float
    max: float


class Figures(Struct, frozen=True):
    """What one pipeline does with one spread of customers.

    Args:
        events_per_second: over the rounds.
        times_naive: median over the rounds of its rate by the naive version's in the same round; None where
            that was not run.
        target: events per second to reach; None where there is none.
        microseconds: per event, median over the rounds: `wall`, `cpu` of the judging process, each step, and
            `rest`, which is reading, sharding, writing and waiting.
        rounds: the runs themselves.
    """

    pipeline: Pipeline
    customers: Customers
    events_per_second: Rates
    times_naive: float | None
    target: int | None
    microseconds: dict[str, float]
    rounds: list[Run]

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target."""
        return None if self.target is None else self.events_per_second.median >= self.target


class Setup(Struct, frozen=True):
    """What was run.

    Args:
        events: in the load; a run that its time ends decides fewer.
        customers: in the load.
        pack: name and version.
        features: of the pack.
        rules: of the pack.
        trees: of the forest.
        shards: that customers are spread over in the window store.
        workers: of the dataflow.
        partitions: of each topic.
    """

    events: int
    customers: int
    pack: str
    features: int
    rules: int
    trees: int
    shards: int
    workers: int
    partitions: int


class Report(Struct, frozen=True):
    """All figures of one call of the bench."""

    format: int
    version: str
    taken_at: str
    machine: Machine
    setup: Setup
    throughput: list[Figures]


def figures(runs: Iterable[Run]) -> list[Figures]:
    """Figures of all pipelines from the runs of all rounds, each pipeline's in order of the rounds."""
    grouped: dict[tuple[Customers, Pipeline], list[Run]] = defaultdict(list)
    for run in runs:
        grouped[run.customers, run.pipeline].append(run)
    return [
        Figures(
            pipeline,
            customers,
            _rates(rounds),
            _ratio(rounds, grouped.get((customers, Pipeline.NAIVE), [])),
            TARGETS.get(pipeline),
            _microseconds(rounds),
            rounds,
        )
        for (customers, pipeline), rounds in grouped.items()
    ]


def _rates(rounds: Sequence[Run]) -> Rates:
    rates = [run.rate for run in rounds]
    return Rates(round(median(rates), 1), round(min(rates), 1), round(max(rates), 1))


def _ratio(rounds: Sequence[Run], naive: Sequence[Run]) -> float | None:
    # Round by round: what else the machine does in a minute slows both alike.
    ratios = [run.rate / other.rate for run, other in zip(rounds, naive, strict=False)]
    return round(median(ratios), 1) if ratios else None


def _microseconds(rounds: Sequence[Run]) -> dict[str, float]:
    tables = [_of_run(run) for run in rounds]
    return {name: round(median(table[name] for table in tables), 2) for name in tables[0]}


def _of_run(run: Run) -> dict[str, float]:
    steps = {name: run.steps[name] for name in STEPS if name in run.steps}
    if "store" in steps:
        steps["windows"] -= steps["store"]  # the call to the store is a part of that step
    seconds = {"wall": run.seconds, "cpu": run.cpu_seconds, **steps}
    if steps:
        seconds["rest"] = max(0.0, run.seconds - sum(steps.values()))
    return {name: 1e6 * value / max(1, run.events) for name, value in seconds.items()}


def to_json(report: Report) -> bytes:
    """The report as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def rate_table(report: Report) -> Table:
    """Events per second beside the naive version and the target."""
    setup = report.setup
    what = f"{setup.rules} rules, {setup.features} features, {setup.trees} trees"
    table = Table(box=box.SIMPLE, title=f"每秒事件 Events per second: {what}", title_justify="left")
    for name in ("客户 customers", "管线 pipeline"):
        table.add_column(name)
    for name in ("中位 median", "最低 min", "最高 max", "倍数 × naive", "目标 target", "轮 rounds"):
        table.add_column(name, justify="right")
    for row in report.throughput:
        rates, short = row.events_per_second, any(run.events < setup.events for run in row.rounds)
        table.add_row(
            row.customers,
            row.pipeline,
            *(f"{rate:,.0f}" for rate in (rates.median, rates.min, rates.max)),
            "" if row.times_naive is None else f"{row.times_naive:,.1f}",
            "" if row.target is None else f"{row.target:,} {'✓' if row.met else '✗'}",
            f"{len(row.rounds)}{'*' if short else ''}",
        )
    if any(run.events < setup.events for row in report.throughput for run in row.rounds):
        table.caption = f"* 到时即止 ended by the clock before all {setup.events:,} events"
    return table


def step_table(report: Report) -> Table:
    """Microseconds per event by step."""
    columns = ("wall", "cpu", *STEPS, "rest")
    table = Table(box=box.SIMPLE, title="每事件微秒 Microseconds per event", title_justify="left")
    for name in ("客户 customers", "管线 pipeline"):
        table.add_column(name)
    for name in columns:
        table.add_column(name, justify="right")
    for row in report.throughput:
        cells = (f"{row.microseconds[name]:,.1f}" if name in row.microseconds else "" for name in columns)
        table.add_row(row.customers, row.pipeline, *cells)
    return table
