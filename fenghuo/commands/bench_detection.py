"""`fenghuo bench detection`: outliers of published sets, found by the product's training and scoring."""

from pathlib import Path
from threading import Event

import numpy as np
import skops.io
from sklearn.metrics import roc_auc_score

from bench.detection import OUTLIER_SETS, SEEDS, OutliersJob, OutliersRun, figures
from bench.report import Section
from bench.subject import Subject
from events.columns import Column, Kind
from events.event import EventType
from fenghuo.commands.bench_stage import Stage
from fenghuo.ending import RunError
from models.manifest import ARTEFACT, Pack
from models.registry import TRUSTED
from models.training import Origin, train

LONGEST = 60.0
_ORIGIN = Origin(
    pack=Pack("adbench@1", "0" * 64),
    event_types=(EventType.ORDER_PLACED.value,),
    first_at=0,
    last_at=0,
)


def measure(stage: Stage, data: Path | None, seed: int) -> Section:
    """Find the outliers of every set.

    Args:
        stage: where.
        data: folder of the published sets.
        seed: of the first model; the others follow.

    Raises:
        FenghuoError: there are no sets, or a run failed.
    """
    if data is None or not (data / "adbench").is_dir():
        raise RunError(
            "bench detection: no published sets; name the folder of `adbench` by --data or FENGHUO_DATA"
        )
    runs = [
        stage.run(
            OutliersJob(
                name=name,
                file=str(data / "adbench" / f"{name}.npz"),
                seeds=tuple(range(seed - 1, seed - 1 + SEEDS)),
                folder=stage.job_folder(name),
                seconds=LONGEST,
            ),
            OutliersRun,
        )
        for name in OUTLIER_SETS
    ]
    setup: dict[str, int | float | str] = {"sets": len(runs), "seeds": SEEDS, "trees": 100, "samples": 256}
    return Section(Subject.DETECTION, setup, figures(runs), [], list(runs))


def run(job: OutliersJob, stop: Event) -> OutliersRun:
    """Do a job in this process.

    Raises:
        RunError: the set can't be read, or the job was stopped.
    """
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
