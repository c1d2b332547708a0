"""Training of a blend: forest, challenger, and the weights with which they and the rules are heard."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from events.columns import Bools, Column, Float64s
from models.blend import Blend, fit_blend
from models.challenger import Course, Lessons, train_challenger
from models.manifest import Pack
from models.material import Material
from models.model import Model
from models.training import SCORED, Growth, train_from_material

EARLY = 0.6
"""Share of the events, the earliest, that forest and challenger learn from while the weights are found."""


@dataclass(frozen=True)
class Blended:
    """A blend with its models.

    Args:
        forest: says how unusual an event is.
        challenger: says how much it looks like those that turned out bad.
        blend: the weights.
    """

    forest: Model
    challenger: Model
    blend: Blend

    def risk(self, columns: Mapping[str, Column]) -> Float64s:
        """Risk of n events, 0–1, shape (n,).

        Args:
            columns: features by name, and where each rule of the blend hits by its name, shape (n,).

        Raises:
            ModelError: a feature or rule has no column.
        """
        return self.blend.risk(
            self.forest.score(columns).percentile,
            self.challenger.score(columns).score,
            hits_of(columns, self.blend.rules),
        )


def hits_of(columns: Mapping[str, Column], rules: Collection[str]) -> dict[str, Bools]:
    """Where each of some rules hits; not where that is NULL. Rules without a column are left out."""
    return {rule: columns[rule].valid & (columns[rule].values != 0) for rule in rules if rule in columns}


def train_blend(
    taught: Lessons,
    pack: Pack,
    growth: Growth,
    course: Course | None = None,
    *,
    features: Collection[str],
    rules: Collection[str],
    event_types: Collection[str] = SCORED,
) -> Blended:
    """Train forest, challenger and weights.

    The models first learn from the earliest events only, and the weights are found on the later ones, which
    these models have not seen. Then the models learn from all events; the weights stay.

    Args:
        taught: past events with features and the hits of rules, and which of them are bad.
        pack: the pack that features and rules are of.
        growth: of the forest.
        course: of the challenger.
        features: names of the features that the models read.
        rules: names of the rules that are weighed.
        event_types: types of the events to learn from and to score.

    Raises:
        ModelError: too few events, bad or other ones.
    """
    moments = taught.material.occurred_at
    early = moments < np.quantile(moments, EARLY)

    def models(of: Lessons) -> tuple[Model, Model]:
        known_bad = frozenset(of.material.events[of.bad].tolist())
        return (
            train_from_material(
                of.material, pack, growth, features=features, event_types=event_types, bad=known_bad
            ),
            train_challenger(of, pack, course, features=features, event_types=event_types),
        )

    forest, challenger = models(_part(taught, early))
    late = _part(taught, ~early)
    seen: Material = late.material
    blend = fit_blend(
        forest.score(seen.columns).percentile,
        challenger.score(seen.columns).score,
        hits_of(seen.columns, rules),
        late.bad,
    )
    return Blended(*models(taught), blend)


def _part(taught: Lessons, wanted: Bools) -> Lessons:
    return Lessons(taught.material.where(wanted), taught.bad[wanted])
