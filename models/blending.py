"""Training of a blend: forest, challenger, and the weights with which they and the rules are heard."""

from collections.abc import Collection, Mapping

import numpy as np

from events.columns import Bools, Column, Kind
from models.blend import Blend, fit_blend
from models.boosting import Boosting
from models.calibration import Calibration
from models.challenger import Course, Lessons, grow_challenger
from models.committee import Committee
from models.features import Encoder, Float32s, ModelFeature, Transform
from models.forest import Forest
from models.manifest import ARTEFACT, SURPRISE, TREES, WEIGHTS, Algorithm, Pack
from models.model import Model
from models.training import SCORED, Grown, Growth, Held, complete, grow_forest, origin_of


def train_blend(
    taught: Lessons,
    pack: Pack,
    growth: Growth,
    course: Course | None = None,
    *,
    features: Collection[str],
    rules: Collection[str],
    event_types: Collection[str] = SCORED,
) -> Model:
    """Train forest, challenger and weights; the same lessons give the same model, byte by byte.

    The models first learn from the earliest events only, and the weights are found on the later ones, which
    these models have not seen. Then the models learn from all events; the weights stay.

    Args:
        taught: past events with features and the hits of rules, and which of them are bad.
        pack: the pack that features and rules are of.
        growth: of the forest; its segments and alert budget are those of the blend.
        course: of the challenger.
        features: names of the features that the models read.
        rules: names of the rules that are weighed; none reads the anomaly.
        event_types: types of the events to learn from and to score.

    Raises:
        ModelError: too few events, bad or other ones.
    """
    course = course or Course()
    lessons = taught.of(event_types)
    early, late = lessons.parted()
    before, later = _Pair(early, features, growth, course), late.material.columns
    blend = fit_blend(*before.words(later), hits_of(later, rules), late.bad)
    held = Held(late.material, before.heard(blend).score(_matrix(before.encoder, blend, later)))
    pair = _Pair(lessons, features, growth, course)
    material = lessons.material
    columns = {name: material.columns[name] for name in (*pair.encoder.kinds, *blend.rules)}
    grown = Grown(
        algorithm=Algorithm.BLEND,
        encoder=_with_rules(pair.encoder, blend),
        scorer=pair.heard(blend),
        parameters={
            **{f"forest.{name}": value for name, value in pair.grown[0].parameters.items()},
            **{f"challenger.{name}": value for name, value in pair.grown[1].parameters.items()},
        },
        parts={
            ARTEFACT: pair.grown[0].parts[ARTEFACT],
            TREES: pair.grown[1].parts[TREES],
            SURPRISE: pair.calibration.to_json(),
            WEIGHTS: blend.to_json(),
        },
        metrics=pair.grown[1].metrics,
        rules=tuple(blend.rules),
    )
    return complete(grown, columns, origin_of(material, pack, event_types), growth, material, held)


class _Pair:
    """Forest and challenger of the same events and matrix; the forest does not learn the bad ones."""

    def __init__(self, taught: Lessons, features: Collection[str], growth: Growth, course: Course) -> None:
        columns = taught.columns(set(features))
        challenger = grow_challenger(columns, taught.bad, course)
        good = np.flatnonzero(~taught.bad)
        others = {name: column.take(good) for name, column in columns.items()}
        forest = grow_forest(others, growth, challenger.encoder)
        assert isinstance(forest.scorer, Forest)
        assert isinstance(challenger.scorer, Boosting)
        self.encoder, self.grown = challenger.encoder, (forest, challenger)
        self.forest, self.boosting = forest.scorer, challenger.scorer
        self.calibration = Calibration.of(self.forest.score(self.encoder.matrix(others)))

    def words(self, columns: Mapping[str, Column]) -> tuple[np.ndarray, np.ndarray]:
        """The forest's percentiles and the challenger's probabilities."""
        cells = self.encoder.matrix(columns)
        return self.calibration.percentile(self.forest.score(cells)), self.boosting.score(cells)

    def heard(self, blend: Blend) -> Committee:
        """Both, with the weights of a blend."""
        return Committee(self.forest, self.calibration, self.boosting, blend)


def hits_of(columns: Mapping[str, Column], rules: Collection[str]) -> dict[str, Bools]:
    """Where each of some rules hits; not where that is NULL. Rules without a column are left out."""
    return {rule: columns[rule].valid & (columns[rule].values != 0) for rule in rules if rule in columns}


def _with_rules(encoder: Encoder, blend: Blend) -> Encoder:
    return Encoder((*encoder.features, *map(_rule, blend.rules)))


def _matrix(encoder: Encoder, blend: Blend, columns: Mapping[str, Column]) -> Float32s:
    return _with_rules(encoder, blend).matrix(columns)


def _rule(name: str) -> ModelFeature:
    """A rule as a column of the matrix: 1 where it hits, else 0."""
    return ModelFeature(
        name=name,
        kind=Kind.BOOL,
        transform=Transform.AS_IS,
        unit=1.0,
        median=0.0,
        low=0.0,
        high=1.0,
        missing=0.0,
    )
