"""The challenger: boosted trees that learn from the anomaly model's features what became known of events."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from events.clock import DAY, rfc3339
from events.columns import Bools
from models.boosting import flatten
from models.calibration import Calibration
from models.errors import ModelError
from models.features import Encoder, Float32s, fit_encoder
from models.manifest import CALIBRATION, Algorithm, Content, Pack, Period
from models.material import Material
from models.model import Model
from models.training import FEWEST_ROWS, QUANTILES, SCORED, assemble

TREES = "boosting.npz"
"""File of the trees in a model directory."""

FEWEST_BAD = 10  # with fewer the trees learn these events by heart


@dataclass(frozen=True)
class Course:
    """How boosted trees are grown.

    Args:
        seed: of the random choices.
        rounds: number of trees.
        rate: share of each tree that counts.
        leaves: of a tree at most.
        columns: share of the columns that each split may choose from.
    """

    seed: int = 0
    rounds: int = 100
    rate: float = 0.1
    leaves: int = 31
    columns: float = 0.5


@dataclass(frozen=True)
class Lessons:
    """Events of which it is known whether they are bad.

    Args:
        material: the events, n of them.
        bad: which are bad, shape (n,).
    """

    material: Material
    bad: Bools


def lessons(
    material: Material, bad: Collection[str], until: int | None = None, settled: int = 7 * DAY
) -> Lessons:
    """The events that can teach: the bad ones, and those old enough that one would know if they were.

    Args:
        material: past events.
        bad: ids of the events that were known to be bad at `until`.
        until: the moment of training, epoch milliseconds; None: all is known.
        settled: time in which what is bad becomes known, milliseconds.
    """
    known_bad = np.fromiter((event in bad for event in material.events), np.bool_, len(material))
    if until is None:
        return Lessons(material, known_bad)
    teaches = known_bad | (material.occurred_at <= until - settled)
    teaches &= material.occurred_at <= until
    return Lessons(material.where(teaches), known_bad[teaches])


def train_challenger(
    taught: Lessons,
    pack: Pack,
    course: Course | None = None,
    *,
    features: Collection[str],
    event_types: Collection[str] = SCORED,
) -> Model:
    """Train boosted trees; the same lessons, course and library versions give the same model, byte by byte.

    Bad events are few: each weighs as much more than another as it is rarer, so that both kinds count alike.

    Args:
        taught: past events with at least the wanted features, and which of them are bad.
        pack: the pack that their features are of.
        course: how the trees are grown.
        features: names of the features that the trees read.
        event_types: types of the events to learn from and to score.

    Raises:
        ModelError: no feature, or too few events, bad or other ones.
    """
    course = course or Course()
    of_type = np.isin(taught.material.types, [str(kind) for kind in event_types])
    material, bad = taught.material.where(of_type), taught.bad[of_type]
    wanted = set(features)
    columns = {name: column for name, column in material.columns.items() if name in wanted}
    encoder = fit_encoder(columns)
    cells = encoder.matrix(columns)
    count = int(np.count_nonzero(bad))
    if len(cells) - count < FEWEST_ROWS or count < FEWEST_BAD:
        raise ModelError(
            f"{count} bad events and {len(cells) - count} others to train on; at least {FEWEST_BAD} and"
            f" {FEWEST_ROWS} are needed: label more, or name a longer period"
        )
    return _grow(material, cells, bad, encoder, pack, course)


def _grow(
    material: Material, cells: Float32s, bad: Bools, encoder: Encoder, pack: Pack, course: Course
) -> Model:
    estimator = HistGradientBoostingClassifier(
        class_weight="balanced",
        early_stopping=False,  # it would take part of the few bad events away from training
        learning_rate=course.rate,
        max_features=course.columns,
        max_iter=course.rounds,
        max_leaf_nodes=course.leaves,
        random_state=course.seed,
    ).fit(cells, bad)
    boosting = flatten(estimator)
    scores = boosting.score(cells)
    content = Content(
        algorithm=Algorithm.GRADIENT_BOOSTING,
        event_types=tuple(sorted({str(kind) for kind in material.types})),
        features=encoder.features,
        pack=pack,
        period=Period(rfc3339(int(material.occurred_at.min())), rfc3339(int(material.occurred_at.max()))),
        rows=len(cells),
        seen=material.seen,
        parameters={
            "trees": course.rounds,
            "rate": course.rate,
            "leaves": course.leaves,
            "columns": course.columns,
            "seed": course.seed,
        },
        metrics={
            "bad": float(np.count_nonzero(bad)),
            **{name: float(np.quantile(scores, level)) for name, level in QUANTILES.items()},
        },
    )
    calibration = Calibration.of(scores, None, 0)
    parts = {TREES: boosting.to_bytes(), CALIBRATION: calibration.to_json()}
    return assemble(content, encoder, boosting, calibration, parts)
