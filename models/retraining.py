"""Retraining: when it is due, and how the next model is made like the champion."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from events.columns import Kind
from events.event import EventType
from models.challenger import Course
from models.errors import ModelError
from models.lifecycle import RETRAINING, ModelState
from models.manifest import Algorithm, Manifest
from models.training import Growth
from models.views import ModelRow


def due_at(models: Iterable[ModelRow], every: int) -> int:
    """The moment from which a retraining is due, epoch milliseconds; 0 where no model counts yet.

    What counts are the champion and what earlier retrainings registered, by when they were registered:
    however many moments passed meanwhile, one retraining makes up for them.

    Args:
        models: all registered ones.
        every: age of the newest at which it is due, milliseconds.
    """
    counting = [
        model.registered_at
        for model in models
        if model.registered_by == RETRAINING or model.state is ModelState.CHAMPION
    ]
    return max(counting) + every if counting else 0


@dataclass(frozen=True)
class Recipe:
    """How the next model is made.

    Args:
        algorithm: how it scores.
        event_types: types of the events to learn from and to score.
        features: names of what it reads.
        rules: names of the rules that a blend weighs.
        growth: of the forest, with segments and alert budget.
        course: of boosted trees.
        lacking: what the champion reads and recorded decisions of the pack in force do not tell.
    """

    algorithm: Algorithm = Algorithm.ISOLATION_FOREST
    event_types: tuple[EventType, ...] = (EventType.ORDER_PLACED,)
    features: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    growth: Growth = field(default_factory=Growth)
    course: Course = field(default_factory=Course)
    lacking: tuple[str, ...] = ()


def recipe_of(
    champion: Mapping[str, Any] | None, kinds: Mapping[str, Kind], rules: Collection[str]
) -> Recipe:
    """The recipe of the champion; without one a forest on all features.

    Args:
        champion: its manifest; None where there is none.
        kinds: kind by name of the features of the pack in force.
        rules: names of the rules whose hits decisions tell, and that read no model.

    Raises:
        ModelError: the manifest can't be read, or nothing is left that the model could read.
    """
    if champion is None:
        return Recipe(features=tuple(kinds))
    try:
        manifest = msgspec.convert(champion, Manifest)
    except msgspec.ValidationError as error:
        raise ModelError(f"the champion's manifest: {error}; promote a model of this version first") from None
    wanted = {one.name: one.kind for one in manifest.features if one.name not in manifest.rules}
    features = tuple(name for name, kind in wanted.items() if kinds.get(name) is kind)
    weighed = tuple(name for name in manifest.rules if name in rules)
    if not features:
        raise ModelError(
            f"the pack in force has no feature that the champion `{manifest.id}` reads; train a model by hand"
        )
    return Recipe(
        algorithm=manifest.algorithm,
        event_types=tuple(map(EventType, manifest.event_types)),
        features=features,
        rules=weighed,
        growth=_growth(manifest, kinds),
        course=_course(manifest),
        lacking=tuple(one.name for one in manifest.features if one.name not in {*features, *weighed}),
    )


def _growth(manifest: Manifest, kinds: Mapping[str, Kind]) -> Growth:
    own, prefix = Growth(), "forest." if manifest.algorithm is Algorithm.BLEND else ""
    found = {name: manifest.parameters.get(prefix + name) for name in ("seed", "trees", "samples")}
    segments = manifest.segments
    if segments is not None and kinds.get(segments.feature) is not segments.kind:
        raise ModelError(
            f"the pack in force has no feature `{segments.feature}`, by which the champion `{manifest.id}` "
            "tells customers apart; train a model by hand"
        )
    return Growth(
        seed=int(found["seed"] or own.seed),
        trees=int(found["trees"] or own.trees),
        samples=int(found["samples"] or own.samples),
        segment=None if segments is None else segments.feature,
        segments=own.segments if segments is None else max(2, segments.count - 1),
        alerts_per_day=None if manifest.budget is None else manifest.budget.per_day,
    )


def _course(manifest: Manifest) -> Course:
    own = Course()
    if manifest.algorithm is Algorithm.ISOLATION_FOREST:
        return own
    prefix = "challenger." if manifest.algorithm is Algorithm.BLEND else ""
    found = {
        name: manifest.parameters.get(prefix + name)
        for name in ("seed", "trees", "rate", "leaves", "columns")
    }
    return Course(
        seed=int(found["seed"] or own.seed),
        rounds=int(found["trees"] or own.rounds),
        rate=float(found["rate"] or own.rate),
        leaves=int(found["leaves"] or own.leaves),
        columns=float(found["columns"] or own.columns),
    )
