"""`fenghuo bench detection`: its sets, and outliers found by the product's training and scoring."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np
import skops.io
from sklearn.metrics import roc_auc_score

from bench.cards import CardsJob, CardsRun, weeks_back
from bench.cards import figures as card_figures
from bench.detection import OUTLIER_SETS, SEEDS, DetectionSet, OutliersJob, OutliersRun, figures
from bench.figure import Figure
from bench.incidents import CUSTOMERS, DAYS, TRAINING, IncidentsJob, IncidentsRun
from bench.incidents import SEEDS as INCIDENT_SEEDS
from bench.incidents import figures as incident_figures
from bench.report import Section
from bench.run import AnyRun, DetectionJob, DetectionRun
from bench.subject import Subject
from events.columns import Column, Kind
from events.event import EventType
from fenghuo.commands import bench_cards, bench_incidents
from fenghuo.commands.bench_stage import Stage
from fenghuo.ending import RunError
from models.manifest import ARTEFACT, Pack
from models.registry import TRUSTED
from models.training import Origin, train

LONGEST, LONGEST_WEEK = 60.0, 480.0
"""Seconds that one set of outliers or one stream may take, and one week of cards."""
_ORIGIN = Origin(
    pack=Pack("adbench@1", "0" * 64),
    event_types=(EventType.ORDER_PLACED.value,),
    first_at=0,
    last_at=0,
)


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Args:
        data: folder of the published sets.
        sets: which; none for all that are there.
        rounds: weeks of cards; the published one, and so many less one before it.
        blends: seeds of challenger and blend.
        streams: of simulated trade.
    """

    data: Path | None = None
    sets: tuple[DetectionSet, ...] = ()
    rounds: int = 1
    blends: int = 3
    streams: int = len(INCIDENT_SEEDS)


def measure(stage: Stage, asked: Asked, seed: int) -> Section:
    """Find outliers, card fraud and incidents.

    Args:
        stage: where.
        asked: what is asked for.
        seed: of the first model of each set of outliers; the others follow.

    Raises:
        FenghuoError: a set that was named is not there, or a run failed.
    """
    runs: list[AnyRun] = []
    found: list[Figure] = []
    notes: list[str] = []
    for one in asked.sets or DetectionSet:
        if one is not DetectionSet.SIMULATED and (asked.data is None or not (asked.data / one).is_dir()):
            missing = f"no published set `{one}`; name the folder that holds it by --data or FENGHUO_DATA"
            if asked.sets:
                raise RunError(f"bench detection: {missing}")
            notes.append(missing)
            continue
        more, told = _measured(stage, one, asked, seed)
        runs += more
        found += told
    setup: dict[str, int | float | str] = {"seeds": SEEDS, "trees": 100, "samples": 256}
    return Section(Subject.DETECTION, setup, found, notes, runs)


def _measured(
    stage: Stage, one: DetectionSet, asked: Asked, seed: int
) -> tuple[Sequence[AnyRun], list[Figure]]:
    match one:
        case DetectionSet.ADBENCH:
            assert asked.data is not None
            outliers = [
                stage.run(
                    OutliersJob(
                        name=name,
                        file=str(asked.data / one / f"{name}.npz"),
                        seeds=tuple(range(seed - 1, seed - 1 + SEEDS)),
                        folder=stage.job_folder(name),
                        seconds=LONGEST,
                    ),
                    OutliersRun,
                )
                for name in OUTLIER_SETS
            ]
            return outliers, figures(outliers)
        case DetectionSet.HANDBOOK:
            assert asked.data is not None
            job = CardsJob(
                data=str(asked.data / one),
                weeks=weeks_back(asked.rounds),
                seeds=tuple(range(SEEDS)),
                blends=tuple(range(asked.blends)),
                folder=stage.job_folder(one),
                seconds=asked.rounds * LONGEST_WEEK,
            )
            stage.tell(job.what)
            cards = stage.run(job, CardsRun)
            return [cards], card_figures(cards)
        case DetectionSet.SIMULATED:
            incidents = []
            for stream in INCIDENT_SEEDS[: asked.streams]:
                trade = IncidentsJob(
                    training=TRAINING,
                    seed=stream,
                    days=DAYS,
                    customers=CUSTOMERS,
                    folder=stage.job_folder(f"{one}-{stream}"),
                    seconds=LONGEST,
                )
                stage.tell(trade.what)
                incidents.append(stage.run(trade, IncidentsRun))
            return incidents, incident_figures(incidents)


def run(job: DetectionJob, stop: Event) -> DetectionRun:
    """Do a job in this process.

    Raises:
        FenghuoError: a set can't be read, or the job was stopped.
    """
    match job:
        case CardsJob():
            return bench_cards.run(job, stop)
        case IncidentsJob():
            return bench_incidents.run(job, stop)
        case OutliersJob():
            return _outliers(job, stop)


def _outliers(job: OutliersJob, stop: Event) -> OutliersRun:
    cells, outlier = _read(Path(job.file))
    everywhere = np.ones(len(cells), np.bool_)
    columns = {
        f"x{place}": Column(cells[:, place], everywhere, Kind.NUMBER) for place in range(cells.shape[1])
    }
    areas, off = [], 0.0
    for seed in job.seeds:
        if stop.is_set():
            raise RunError("stopped")
        model = train(columns, _ORIGIN, seed=seed)
        scores = model.score(columns).score
        estimator = skops.io.loads(model.parts[ARTEFACT], trusted=list(TRUSTED))
        off = max(off, float(np.abs(scores + estimator.score_samples(cells.astype(np.float32))).max()))
        areas.append(float(roc_auc_score(outlier, scores)))
    return OutliersRun(job.name, len(cells), int(outlier.sum()), areas, off)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return archive["X"].astype(np.float64), archive["y"].astype(np.int64)
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{path}: no set of outliers: {error}; restore the file") from error
