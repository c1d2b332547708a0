"""The challenger: boosted trees that learn from the anomaly model's features what became known of events."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from events.clock import DAY
from events.columns import Bools, Column
from models.boosting import flatten
from models.errors import ModelError
from models.features import fit_encoder
from models.manifest import TREES, Algorithm, Pack
from models.material import Material
from models.model import Model
from models.training import FEWEST_ROWS, SCORED, Grown, Growth, Held, complete, origin_of

EARLY = 0.6
"""Share of the bad events, the earliest, in whose time a model learns that is measured on the later ones."""

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

    def where(self, wanted: Bools) -> "Lessons":
        """The events for which `wanted`, shape (n,), holds."""
        return Lessons(self.material.where(wanted), self.bad[wanted])

    def parted(self) -> tuple["Lessons", "Lessons"]:
        """The earlier events, in whose time lie `EARLY` of the bad ones, and the later ones."""
        moments = self.material.occurred_at
        bad = moments[self.bad]
        early = moments < (np.quantile(bad, EARLY) if len(bad) else 0)
        return self.where(early), self.where(~early)

    def columns(self, wanted: Collection[str]) -> dict[str, Column]:
        """The features of some names."""
        return {name: column for name, column in self.material.columns.items() if name in wanted}

    def of(self, event_types: Collection[str]) -> "Lessons":
        """The events of some types."""
        return self.where(np.isin(self.material.types, [str(kind) for kind in event_types]))


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
    return Lessons(material, known_bad).where(teaches)


def train_challenger(
    taught: Lessons,
    pack: Pack,
    course: Course | None = None,
    growth: Growth | None = None,
    *,
    features: Collection[str],
    event_types: Collection[str] = SCORED,
) -> Model:
    """Train boosted trees; the same lessons, course and library versions give the same model, byte by byte.

    Bad events are few: each weighs as much more than another as it is rarer, so that both kinds count alike.
    Percentiles are those of the later events, scored by trees that learnt from the earlier ones alone.

    Args:
        taught: past events with at least the wanted features, and which of them are bad.
        pack: the pack that their features are of.
        course: how the trees are grown.
        growth: its segments and alert budget count.
        features: names of the features that the trees read.
        event_types: types of the events to learn from and to score.

    Raises:
        ModelError: no feature, or too few events, bad or other ones.
    """
    course, of_type, wanted = course or Course(), taught.of(event_types), set(features)
    _check(of_type.bad)
    early, late = of_type.parted()
    before = grow_challenger(early.columns(wanted), early.bad, course)
    held = Held(late.material, before.scorer.score(before.encoder.matrix(late.columns(wanted))))
    columns = of_type.columns(wanted)
    grown = grow_challenger(columns, of_type.bad, course)
    origin = origin_of(of_type.material, pack, event_types)
    return complete(grown, columns, origin, growth or Growth(), of_type.material, held)


def grow_challenger(columns: Mapping[str, Column], bad: Bools, course: Course) -> Grown:
    """Grow boosted trees on `columns`, feature columns by name, all of length n.

    Args:
        columns: those of money, numbers and bools are learnt from.
        bad: which rows are bad, shape (n,).
        course: how the trees are grown.

    Raises:
        ModelError: no feature, or too few rows, bad or other ones.
    """
    encoder = fit_encoder(columns)
    _check(bad)
    cells = encoder.matrix(columns)
    estimator = HistGradientBoostingClassifier(
        class_weight="balanced",
        early_stopping=False,  # it would take part of the few bad events away from training
        learning_rate=course.rate,
        max_features=course.columns,
        max_iter=course.rounds,
        max_leaf_nodes=course.leaves,
        random_state=course.seed,
    )
    # Its threads wait for each other by spinning: beside a dataflow several are slower than one.
    with threadpool_limits(1, "openmp"):
        estimator.fit(cells, bad)
    boosting = flatten(estimator)
    return Grown(
        algorithm=Algorithm.GRADIENT_BOOSTING,
        encoder=encoder,
        scorer=boosting,
        parameters={
            "trees": course.rounds,
            "rate": course.rate,
            "leaves": course.leaves,
            "columns": course.columns,
            "seed": course.seed,
        },
        parts={TREES: boosting.to_bytes()},
        metrics={"bad": float(np.count_nonzero(bad))},
    )


def _check(bad: Bools) -> None:
    count = int(np.count_nonzero(bad))
    if len(bad) - count < FEWEST_ROWS or count < FEWEST_BAD:
        raise ModelError(
            f"{count} bad events and {len(bad) - count} others to train on; at least {FEWEST_BAD} and"
            f" {FEWEST_ROWS} are needed: label more, or name a longer period"
        )
