"""`fenghuo bench scoring`: anomaly scores by batches of any size, beside scikit-learn's own."""

import time
from collections.abc import Callable, Mapping
from statistics import median
from threading import Event
from typing import Any

import numpy as np
from sklearn.ensemble import IsolationForest

from bench.load import TYPICAL
from bench.report import Section
from bench.scoring import SIZES, Cost, ScoringJob, ScoringRun, Way, figures
from bench.subject import Subject
from events.columns import Column, Kind
from fenghuo.commands.bench_stage import Stage
from fenghuo.ending import RunError
from models.calibration import Calibration
from models.features import Encoder, fit_encoder
from models.forest import Forest, flatten

TREES, SAMPLES, TRAINING = 100, 256, 20_000
MONEY, NUMBERS = 6, 6
"""Features of each kind."""
LONGEST = 8.0
MOST_CALLS = 300  # of one way and size
_NULLS = 0.05
_TOLERANCE = 1e-7


def measure(stage: Stage, rounds: int, seed: int) -> Section:
    """Score, round by round.

    Raises:
        FenghuoError: a run failed, or scores differ from scikit-learn's.
    """
    job = ScoringJob(seed=seed, folder=stage.job_folder("scoring"), seconds=LONGEST)
    runs = list(stage.rounds([job], rounds, ScoringRun))
    setup: dict[str, int | float | str] = {
        "trees": TREES,
        "samples": SAMPLES,
        "features": MONEY + NUMBERS,
        "rows of training": TRAINING,
    }
    return Section(Subject.SCORING, setup, figures(runs), [], list(runs))


def run(job: ScoringJob, stop: Event) -> ScoringRun:
    """Do a job in this process.

    Raises:
        RunError: a score is not scikit-learn's.
    """
    past = _columns(TRAINING, job.seed)
    encoder = fit_encoder(past)
    cells = encoder.matrix(past)
    estimator = IsolationForest(n_estimators=TREES, max_samples=SAMPLES, random_state=job.seed).fit(cells)
    forest = flatten(estimator)
    calibration = Calibration.of(forest.score(cells))
    asked = _columns(max(SIZES), job.seed + 1)
    off = float(
        np.abs(forest.score(encoder.matrix(asked)) + estimator.score_samples(encoder.matrix(asked))).max()
    )
    if off > _TOLERANCE:
        raise RunError(f"bench scoring: a score is {off} off scikit-learn's")
    costs, end = [], time.monotonic() + job.seconds
    for place, rows in enumerate(SIZES):
        ways = _ways(encoder, forest, calibration, estimator, _first(asked, rows))
        for way, score in ways.items():
            share = (end - time.monotonic()) / (len(SIZES) - place) / len(ways)
            costs.append(Cost(way, rows, _timed(score, share, stop) * 1e6 / rows))
    return ScoringRun(costs, off)


def _ways(
    encoder: Encoder, forest: Forest, calibration: Calibration, estimator: Any, columns: Mapping[str, Column]
) -> dict[Way, Callable[[], object]]:
    cells = encoder.matrix(columns)
    return {
        Way.KERNEL: lambda: forest.score(cells),
        Way.COLUMNS: lambda: calibration.percentile(forest.score(encoder.matrix(columns))),
        Way.NAIVE: lambda: estimator.score_samples(cells),
    }


def _timed(work: Callable[[], object], seconds: float, stop: Event) -> float:
    """Median seconds of a call."""
    work()
    took: list[float] = []
    end = time.monotonic() + seconds
    while len(took) < MOST_CALLS and (not took or (time.monotonic() < end and not stop.is_set())):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return median(took)


def _columns(rows: int, seed: int) -> dict[str, Column]:
    """Features of customers of very different size; a few of them are NULL."""
    random = np.random.default_rng(seed)
    size = random.lognormal(np.log(TYPICAL), 1.5, rows)
    columns = {}
    for number in range(MONEY):
        fen = (size * (number + 1) * random.lognormal(0.0, 0.4, rows)).astype(np.int64)
        columns[f"money_{number}"] = Column(fen, np.ones(rows, np.bool_), Kind.MONEY)
    for number in range(NUMBERS):
        days = random.exponential(4.0 * (number + 1), rows)
        columns[f"number_{number}"] = Column(days, random.random(rows) >= _NULLS, Kind.NUMBER)
    return columns


def _first(columns: Mapping[str, Column], rows: int) -> dict[str, Column]:
    places = np.arange(rows)
    return {name: column.take(places) for name, column in columns.items()}
