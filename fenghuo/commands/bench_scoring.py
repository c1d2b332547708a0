"""`fenghuo bench scoring`: anomaly scores by batches of any size, beside scikit-learn's own."""

import time
from collections.abc import Callable, Mapping
from itertools import count
from threading import Event
from typing import Any

import numpy as np
import skops.io

from alerts.explanation import explain
from bench.load import TYPICAL
from bench.report import Section
from bench.scoring import SIZES, Cost, ScoringJob, ScoringRun, Way, figures
from bench.subject import Subject
from events.columns import Column, Kind
from events.event import EventType
from fenghuo.commands.bench_stage import Stage
from fenghuo.ending import RunError
from flows.judge import TOP
from models.manifest import ARTEFACT, Pack
from models.material import Material
from models.model import Model
from models.registry import TRUSTED
from models.training import Growth, train_from_material
from rules.decision import Contribution

TREES, SAMPLES, TRAINING = 100, 256, 20_000
MONEY, NUMBERS = 6, 6
"""Features of each kind."""
LONGEST = 8.0
MOST_CALLS = 300  # of one way and size
CUSTOMERS = 1_000
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
    model = _model(job.seed)
    estimator = skops.io.loads(model.parts[ARTEFACT], trusted=list(TRUSTED))
    asked = _columns(max(SIZES), job.seed + 1)
    cells = model.encoder.matrix(asked)
    off = float(np.abs(model.scorer.score(cells) + estimator.score_samples(cells)).max())
    if off > _TOLERANCE:
        raise RunError(f"bench scoring: a score is {off} off scikit-learn's")
    costs, end = [], time.monotonic() + job.seconds
    for place, rows in enumerate(SIZES):
        ways = _ways(model, estimator, _first(asked, rows))
        for way, score in ways.items():
            share = (end - time.monotonic()) / (len(SIZES) + 1 - place) / len(ways)
            costs.append(Cost(way, rows, _timed(score, share, stop) * 1e6 / rows))
    return ScoringRun(costs, off, _timed(_explaining(model, asked), 1.0, stop) * 1e3)


def _model(seed: int) -> Model:
    columns = _columns(TRAINING, seed)
    events = np.arange(TRAINING).astype(str).astype(object)
    groups = np.array([_customer(row) for row in range(TRAINING)], object)
    types = np.full(TRAINING, EventType.ORDER_PLACED.value, object)
    material = Material(events, types, groups, np.arange(TRAINING), columns, TRAINING)
    return train_from_material(
        material,
        Pack("bench@1", "0" * 64),
        Growth(seed=seed, trees=TREES, samples=SAMPLES),
        features=columns,
        event_types=(EventType.ORDER_PLACED.value,),
    )


def _customer(row: int) -> str:
    return f"G-{row % CUSTOMERS}"


def _ways(model: Model, estimator: Any, columns: Mapping[str, Column]) -> dict[Way, Callable[[], object]]:
    cells = model.encoder.matrix(columns)
    return {
        Way.KERNEL: lambda: model.scorer.score(cells),
        Way.COLUMNS: lambda: model.score(columns),
        Way.NAIVE: lambda: estimator.score_samples(cells),
    }


def _explaining(model: Model, columns: Mapping[str, Column]) -> Callable[[], object]:
    """Explains one event, another one at each call: contributions, medians and sentences."""
    turn = count()
    kinds = {name: column.kind for name, column in columns.items()}

    def explained() -> object:
        row = next(turn) % max(SIZES)
        (shares,) = model.explain(columns, np.array([row]), TOP, [_customer(row)])
        return explain([Contribution(*share) for share in shares], kinds, {})

    return explained


def _timed(work: Callable[[], object], seconds: float, stop: Event) -> float:
    """Least seconds of a call: what else the machine does only adds to it."""
    work()
    took: list[float] = []
    end = time.monotonic() + seconds
    while len(took) < MOST_CALLS and (not took or (time.monotonic() < end and not stop.is_set())):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return min(took)


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
