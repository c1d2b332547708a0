"""The subject `latency`: from an event's moment to its decision in a reader's hands, at a fixed rate; pure.

Every event has a moment at which it is due, fixed by the rate before anything runs. Its latency counts from
there, whether or not the sender, the broker or the judge kept up: what a stall holds up is counted in full,
also what should have been sent in the meantime.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from bench.figure import TIMES, Better, Figure, figure, ratios
from bench.job import Job
from bench.steps import own_seconds, step_figures
from bench.subject import Subject
from events.columns import Int64s

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
TARGETS = {"p50": 10.0, "p99": 50.0}
"""Milliseconds that the design asks for at 10,000 events per second."""


class LatencyJob(Job, frozen=True, kw_only=True):
    """Send events at a rate, judge them, and note when each decision can be read.

    Args:
        naive: whether the naive version judges.
        rate: events per second.
        events: file of the events; the first `warm_up` of them are not counted.
        size: how many there are.
        warm_up: how many of them only warm up.
        seed: of the events, which is in their ids.
        model: directory of the anomaly model.
        kernels: file of events that load the kernels before anything is sent.
        stall: seconds for which the window store holds back its answers, in the middle of what is counted.
    """

    naive: bool
    rate: float
    events: str
    size: int
    warm_up: int
    seed: int
    model: str
    kernels: str
    stall: float = 0.0

    @property
    def what(self) -> str:
        """Subject, who judges, rate."""
        return f"latency, {'naive' if self.naive else 'product'}, {self.rate:,.0f}/s"


class WorkerView(Struct, frozen=True):
    """What the worker says of itself.

    Args:
        latency: quantiles in milliseconds in its own histogram, of what is counted: from produced to handed
            to the sink, of each batch's oldest; as exact as the histogram's buckets.
        batches: that it made of all events, those of the warm-up too.
        events: in them.
        steps: its seconds by step, over all of them.
    """

    latency: dict[str, float]
    batches: int
    events: int
    steps: dict[str, float]


class LatencyRun(Struct, frozen=True, tag=True):
    """What a job came to, in milliseconds.

    Args:
        naive: whether the naive version judged.
        rate: events per second.
        events: how many were counted; each of them got its decision.
        latency: quantiles and `max` from the moment due to the decision at the reader.
        handed: the same from the moment at which the event was really handed to the producer.
        sender: how far the sender was behind its schedule.
        worst: the largest latency of the events due in each tenth of a second, to see what stood still when.
        worker: the worker's own view; None for the naive version.
    """

    naive: bool
    rate: float
    events: int
    latency: dict[str, float]
    handed: dict[str, float]
    sender: dict[str, float]
    worst: list[float]
    worker: WorkerView | None = None


def schedule(size: int, rate: float, start: int) -> Int64s:
    """The moments at which events are due, shape (size,), nanoseconds like `start`."""
    return start + (np.arange(size) * (1e9 / rate)).astype(np.int64)


def summary(nanoseconds: Int64s) -> dict[str, float]:
    """Quantiles and maximum of durations, in milliseconds; a quantile is a value that was measured."""
    found = np.quantile(nanoseconds, list(QUANTILES.values()), method="higher") / 1e6
    return {**dict(zip(QUANTILES, found.tolist(), strict=True)), "max": float(nanoseconds.max()) / 1e6}


def worst(latency: Int64s, rate: float) -> list[float]:
    """The largest of the latencies of each tenth of a second, in milliseconds."""
    tenths = (np.arange(len(latency)) * (10 / rate)).astype(np.int64)
    return [round(float(latency[tenths == tenth].max()) / 1e6, 3) for tenth in np.unique(tenths).tolist()]


def in_buckets(counts: Mapping[float, float]) -> dict[str, float]:
    """Quantiles in a histogram, in milliseconds; durations are taken to be evenly spread within a bucket.

    Args:
        counts: how many durations were at most so many seconds; beyond the last finite number of seconds
            that number counts.
    """
    ends = sorted(end for end in counts if math.isfinite(end))
    whole = max(counts.values(), default=0.0)
    if not ends or whole <= 0:
        return {}
    shares = np.array([0.0, *(counts[end] / whole for end in ends)])
    found = np.interp(list(QUANTILES.values()), shares, [0.0, *ends]) * 1e3
    return dict(zip(QUANTILES, found.tolist(), strict=True))


def figures(runs: Sequence[LatencyRun]) -> list[Figure]:
    """Quantiles of product and naive version, and the naive version's by the product's."""
    found: list[Figure] = []
    product, naive = ([run for run in runs if run.naive is kind] for kind in (False, True))
    for name, rounds in (("product", product), ("naive", naive)):
        if not rounds:
            continue
        for quantile in rounds[0].latency:
            target = TARGETS.get(quantile) if rounds is product else None
            values = [run.latency[quantile] for run in rounds]
            found.append(_milliseconds(f"{name}.{quantile}", values, target))
        found.append(_milliseconds(f"{name}.sender_p99", [run.sender["p99"] for run in rounds]))
        found += _of_worker(name, [run.worker for run in rounds if run.worker is not None])
    if product and naive:
        for quantile in ("p50", "p99"):
            ours, theirs = ([run.latency[quantile] for run in rounds] for rounds in (product, naive))
            name = f"{Subject.LATENCY}.naive_by_product.{quantile}"
            found.append(figure(name, TIMES, Better.HIGHER, ratios(theirs, ours)))
    return found


def _of_worker(name: str, views: Sequence[WorkerView]) -> list[Figure]:
    if not views:
        return []
    sizes = [view.events / max(1, view.batches) for view in views]
    return [
        *(
            _milliseconds(f"{name}.worker_{quantile}", [view.latency.get(quantile, 0.0) for view in views])
            for quantile in QUANTILES
        ),
        figure(f"{Subject.LATENCY}.{name}.batch", "events", Better.LOWER, sizes),
        *step_figures(
            f"{Subject.LATENCY}.{name}", [(own_seconds(view.steps), view.events) for view in views]
        ),
    ]


def _milliseconds(name: str, values: Sequence[float], target: float | None = None) -> Figure:
    return figure(f"{Subject.LATENCY}.{name}", "ms", Better.LOWER, values, target)
