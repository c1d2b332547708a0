"""The subject `memory`: bytes that an event takes while it is kept in windows; pure."""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from bench.figure import TIMES, Better, Figure, figure, ratios
from bench.job import LoadJob
from bench.load import Customers
from bench.subject import Subject

TARGET = 40.0
"""Bytes per event that the design allows the store."""


class Arrival(StrEnum):
    """How events reach the windows."""

    LARGE = "large"  # in batches of thousands, as from a backlog
    TRICKLE = "trickle"  # a few at a time, as from a quiet topic
    NAIVE = "naive"  # one by one into the sorted sets of the naive version


class MemoryJob(LoadJob, frozen=True, kw_only=True):
    """Let the windows take in a load of which nothing leaves them again, and see what it takes.

    Args:
        arrival: how events come, or the naive version.
    """

    arrival: Arrival

    @property
    def what(self) -> str:
        """Subject, arrival, customers."""
        return f"memory, {self.arrival}, {self.customers}"


class MemoryRun(Struct, frozen=True, tag=True):
    """What a job came to; all memory is over what there was before.

    Args:
        arrival: how events came.
        customers: how they were spread.
        events: how many are kept.
        store: bytes that the store uses for them.
        worker: bytes of memory of the judging process that they take; 0 for the naive version.
        loaded: bytes of that that the windows say to hold; 0 for the naive version.
    """

    arrival: Arrival
    customers: Customers
    events: int
    store: int
    worker: int
    loaded: int


def figures(runs: Iterable[MemoryRun]) -> list[Figure]:
    """Bytes per event of store and worker, and the naive version's by the product's."""
    grouped: dict[tuple[Customers, Arrival], list[MemoryRun]] = defaultdict(list)
    for run in runs:
        grouped[run.customers, run.arrival].append(run)
    found: list[Figure] = []
    for (customers, arrival), rounds in grouped.items():
        name = f"{Subject.MEMORY}.{customers}.{arrival}"
        ours = arrival is not Arrival.NAIVE
        store = [run.store / run.events for run in rounds]
        found.append(figure(f"{name}.store", "B/event", Better.LOWER, store, TARGET if ours else None))
        if not ours:
            continue
        for part in ("worker", "loaded"):
            values = [getattr(run, part) / run.events for run in rounds]
            found.append(figure(f"{name}.{part}", "B/event", Better.LOWER, values))
        naive = [run.store / run.events for run in grouped.get((customers, Arrival.NAIVE), [])]
        if times := ratios(naive, store):
            found.append(figure(f"{name}.naive_by_product", TIMES, Better.HIGHER, times))
    return found
