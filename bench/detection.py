"""The subject `detection`, and its set `adbench`: published outliers, beside published figures; pure."""

from collections.abc import Iterable
from enum import StrEnum
from math import fsum

from msgspec import Struct

from bench.figure import Better, Figure, figure
from bench.job import Job
from bench.subject import Subject


class DetectionSet(StrEnum):
    """What is detected."""

    ADBENCH = "adbench"  # outliers of eight published sets
    HANDBOOK = "handbook"  # card fraud of the Fraud Detection Handbook
    SIMULATED = "simulated"  # incidents of simulated trade; needs no published data


OUTLIER_SETS = {
    "2_annthyroid": 0.827,
    "4_breastw": 0.988,
    "6_cardio": 0.932,
    "18_Ionosphere": 0.844,
    "28_pendigits": 0.940,
    "30_satellite": 0.696,
    "32_shuttle": 0.997,
    "38_thyroid": 0.978,
}
"""Sets of ADBench, and the area under the ROC curve measured for scikit-learn's isolation forest.

100 trees on 256 samples, fitted and scored on all rows, mean of five seeds.
"""

SEEDS = 5
TOLERANCE = 0.02


class OutliersJob(Job, frozen=True, kw_only=True):
    """Train on one set of outliers without its labels, and score it.

    Args:
        name: of the set.
        file: `.npz` with the matrix `X` and the labels `y`, 1 for an outlier.
        seeds: one model is trained for each.
    """

    name: str
    file: str
    seeds: tuple[int, ...]

    @property
    def what(self) -> str:
        """Subject and set."""
        return f"detection, {self.name}"


class OutliersRun(Struct, frozen=True, tag=True):
    """What a job came to.

    Args:
        name: of the set.
        rows: of the set.
        outliers: of these, how many are labelled so.
        areas: area under the ROC curve by seed.
        off: largest difference of a score to scikit-learn's `score_samples` on the same trees.
    """

    name: str
    rows: int
    outliers: int
    areas: list[float]
    off: float


def figures(runs: Iterable[OutliersRun]) -> list[Figure]:
    """The mean area of each set, how far it lies from the published one, and how far scores lie apart."""
    found, off = [], 0.0
    for run in runs:
        name = f"{Subject.DETECTION}.adbench.{run.name}"
        area = fsum(run.areas) / len(run.areas)
        away = abs(area - OUTLIER_SETS[run.name])
        found.append(figure(f"{name}.auc", "AUC", Better.HIGHER, [area]))
        found.append(figure(f"{name}.off_published", "AUC", Better.LOWER, [away], TOLERANCE))
        off = max(off, run.off)
    found.append(
        figure(f"{Subject.DETECTION}.adbench.off_scikit_learn", "1e-7", Better.LOWER, [off * 1e7], 1.0)
    )
    return found
