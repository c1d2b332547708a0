"""The subject `pipeline`: events per second, from the first message read to the last decision written."""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from bench.figure import TIMES, Better, Figure, figure, ratios
from bench.job import LoadJob
from bench.load import Customers
from bench.steps import own_seconds, step_figures
from bench.subject import Subject


class Pipeline(StrEnum):
    """What is measured; all but the backtest write a decision for each event."""

    FILE = "file"  # the product: JSON lines to JSON lines, windows in Valkey
    KAFKA = "kafka"  # the product: topic to topic through a broker, windows in Valkey
    BACKTEST = (
        "backtest"  # the product: JSON lines to counts of what a pack would have done, windows in Valkey
    )
    NAIVE = "naive"  # the obvious version, event by event: JSON lines to JSON lines, windows in Valkey


TARGETS = {Pipeline.KAFKA: 60_000, Pipeline.FILE: 120_000, Pipeline.BACKTEST: 100_000}
"""Events per second that the design asks for on two cores; docs/benchmarks.md says where it stands."""


class PipelineJob(LoadJob, frozen=True, kw_only=True):
    """Judge a load once.

    Args:
        pipeline: what judges.
        model: directory of the anomaly model.
    """

    pipeline: Pipeline
    model: str

    @property
    def what(self) -> str:
        """Subject, pipeline and customers."""
        return f"pipeline, {self.pipeline}, {self.customers}"


class PipelineRun(Struct, frozen=True, tag=True):
    """What a job came to.

    Args:
        pipeline: what judged.
        customers: how the events were spread.
        events: how many were decided, and their decisions written or counted.
        seconds: from the first message read to the last decision safely written or counted.
        cpu_seconds: of the judging process in that time, all its threads.
        steps: seconds by step, for the product.
    """

    pipeline: Pipeline
    customers: Customers
    events: int
    seconds: float
    cpu_seconds: float
    steps: dict[str, float]

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds


def figures(runs: Iterable[PipelineRun]) -> list[Figure]:
    """Rate, ratio and microseconds per event and step of each pipeline and spread of customers.

    `us.wall` is the whole, `us.cpu` that of the judging process, `us.rest` is reading, sharding, writing and
    waiting.

    Args:
        runs: of all rounds, each pipeline's in order of the rounds.
    """
    grouped: dict[tuple[Customers, Pipeline], list[PipelineRun]] = defaultdict(list)
    for run in runs:
        grouped[run.customers, run.pipeline].append(run)
    found: list[Figure] = []
    for (customers, pipeline), rounds in grouped.items():
        name = f"{Subject.PIPELINE}.{customers}.{pipeline}"
        rates = [run.rate for run in rounds]
        found.append(figure(f"{name}.rate", "events/s", Better.HIGHER, rates, TARGETS.get(pipeline)))
        naive = [run.rate for run in grouped.get((customers, Pipeline.NAIVE), [])]
        if naive and pipeline is not Pipeline.NAIVE:
            found.append(figure(f"{name}.times_naive", TIMES, Better.HIGHER, ratios(rates, naive)))
        found += step_figures(name, [(_seconds(run), run.events) for run in rounds])
    return found


def _seconds(run: PipelineRun) -> dict[str, float]:
    """Seconds of a run by step."""
    steps = own_seconds(run.steps)
    rest = {"rest": max(0.0, run.seconds - sum(steps.values()))} if steps else {}
    return {"wall": run.seconds, "cpu": run.cpu_seconds, **steps, **rest}
