"""The subject `scoring`: what an anomaly score and its explanation cost by the size of the batch; pure."""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from bench.figure import TIMES, Better, Figure, figure, ratios
from bench.job import Job
from bench.subject import Subject

SIZES = (1, 10, 100, 1_000, 10_000)
"""Rows of a batch."""

SCORE_TARGET = 5.0
"""Microseconds per event that the design allows from cells to scores, at any batch size."""

EXPLAIN_TARGET = 2.0
"""Milliseconds that the design allows to explain a score that takes part in an alert."""


class Way(StrEnum):
    """What is timed."""

    KERNEL = "kernel"  # from the cells of the matrix to scores
    COLUMNS = "columns"  # from feature columns to scores and percentiles
    NAIVE = "naive"  # scikit-learn's score_samples of the same cells


class ScoringJob(Job, frozen=True, kw_only=True):
    """Score batches of every size in every way.

    Args:
        seed: of training data and events.
    """

    seed: int

    @property
    def what(self) -> str:
        """Subject."""
        return "scoring"


class Cost(Struct, frozen=True):
    """What one event cost in batches of one size.

    Args:
        way: what was timed.
        rows: of a batch.
        event: microseconds; the least of all batches.
    """

    way: Way
    rows: int
    event: float


class ScoringRun(Struct, frozen=True, tag=True):
    """What a job came to.

    Args:
        costs: by way and size.
        off_naive: largest difference of a score to scikit-learn's.
        explain: milliseconds to explain one score, with medians and in words; the least of all calls.
    """

    costs: list[Cost]
    off_naive: float
    explain: float


def figures(runs: Iterable[ScoringRun]) -> list[Figure]:
    """Cost of an event by size and way, and the naive cost by the others."""
    grouped: dict[int, dict[Way, list[float]]] = defaultdict(lambda: defaultdict(list))
    off, explained = [], []
    for run in runs:
        off.append(run.off_naive)
        explained.append(run.explain)
        for cost in run.costs:
            grouped[cost.rows][cost.way].append(cost.event)
    found: list[Figure] = []
    for rows, ways in grouped.items():
        for way, costs in ways.items():
            name = f"{Subject.SCORING}.{rows}.{way}"
            target = SCORE_TARGET if way is Way.KERNEL else None
            found.append(figure(f"{name}.event", "µs", Better.LOWER, costs, target))
            if way is not Way.NAIVE:
                found.append(
                    figure(f"{name}.times_naive", TIMES, Better.HIGHER, ratios(ways[Way.NAIVE], costs))
                )
    found.append(figure(f"{Subject.SCORING}.explain", "ms", Better.LOWER, explained, EXPLAIN_TARGET))
    # In units of 1e-9: a figure has three decimals.
    found.append(
        figure(f"{Subject.SCORING}.off_naive", "1e-9", Better.LOWER, [one * 1e9 for one in off], 100.0)
    )
    return found
