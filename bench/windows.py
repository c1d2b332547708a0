"""The subject `windows`: the windows and their store alone, without dataflow, rules and model; pure."""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from bench.figure import TIMES, Better, Figure, figure, ratios
from bench.job import LoadJob
from bench.load import Customers
from bench.subject import Subject


class Batches(StrEnum):
    """How many events the windows are given at once."""

    LARGE = "large"  # thousands
    SMALL = "small"  # tens
    NAIVE = "naive"  # one, into the sorted sets of the naive version


class WindowsJob(LoadJob, frozen=True, kw_only=True):
    """Give a load to the windows.

    Args:
        batches: how, or the naive version.
    """

    batches: Batches

    @property
    def what(self) -> str:
        """Subject, batches, customers."""
        return f"windows, {self.batches}, {self.customers}"


class WindowsRun(Struct, frozen=True, tag=True):
    """What a job came to.

    Args:
        batches: how events were given.
        customers: how they were spread.
        events: that got their features.
        seconds: that took.
        batch: quantiles of the time of one batch, in milliseconds.
    """

    batches: Batches
    customers: Customers
    events: int
    seconds: float
    batch: dict[str, float]

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds


def figures(runs: Iterable[WindowsRun]) -> list[Figure]:
    """Rate, cost of an event, quantiles of a batch, and the rate by the naive version's."""
    grouped: dict[tuple[Customers, Batches], list[WindowsRun]] = defaultdict(list)
    for run in runs:
        grouped[run.customers, run.batches].append(run)
    found: list[Figure] = []
    for (customers, batches), rounds in grouped.items():
        name = f"{Subject.WINDOWS}.{customers}.{batches}"
        rates = [run.rate for run in rounds]
        found += [
            figure(f"{name}.rate", "events/s", Better.HIGHER, rates),
            figure(f"{name}.event", "µs", Better.LOWER, [1e6 / rate for rate in rates]),
        ]
        found += [
            figure(f"{name}.batch_{quantile}", "ms", Better.LOWER, [run.batch[quantile] for run in rounds])
            for quantile in rounds[0].batch
        ]
        naive = [run.rate for run in grouped.get((customers, Batches.NAIVE), [])]
        if naive and batches is not Batches.NAIVE:
            found.append(figure(f"{name}.times_naive", TIMES, Better.HIGHER, ratios(rates, naive)))
    return found
