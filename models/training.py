"""Training: feature columns, or material of past events, to an isolation forest with its calibration."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from platform import python_version
from typing import Any

import numpy as np
from msgspec import Struct
from sklearn.ensemble import IsolationForest

from events.clock import DAY, rfc3339
from events.columns import Column, Float64s, Int64s, Objects
from events.event import EventType
from models.artefact import dump
from models.baseline import Baseline
from models.budget import Budget, budget_for
from models.calibration import Calibration
from models.errors import ModelError
from models.features import Encoder, fit_encoder
from models.forest import flatten
from models.manifest import (
    ARTEFACT,
    BASELINE,
    CALIBRATION,
    REFERENCE,
    Algorithm,
    Content,
    Manifest,
    Pack,
    Period,
    content_id,
)
from models.material import Material
from models.model import Model
from models.reference import Reference
from models.scorer import Scorer
from models.segments import Segmentation, segmentation

SCORED = (EventType.ORDER_PLACED, EventType.SHIPMENT_DISPATCHED)
"""Types of the events that a model scores by default."""

FEWEST_ROWS = 100  # with fewer a percentile says nothing
LIBRARIES = ("scikit-learn", "skops", "numpy", "numba")
QUANTILES = {"score_p50": 0.5, "score_p90": 0.9, "score_p99": 0.99, "score_p99_9": 0.999, "score_max": 1.0}


class Origin(Struct, frozen=True, kw_only=True):
    """Where training data come from, for the manifest.

    Args:
        pack: the pack whose features they are.
        event_types: types of the events that the rows are; the model will score these types.
        first_at: event time of the earliest row in epoch milliseconds.
        last_at: event time of the latest row.
        seen: events that the rows were drawn from; None: these are all.
        left_out: events that were not learnt, because they were known to be bad.
    """

    pack: Pack
    event_types: tuple[str, ...]
    first_at: int
    last_at: int
    seen: int | None = None
    left_out: int = 0


@dataclass(frozen=True)
class Growth:
    """What a forest is grown with, and what is measured beside it.

    Args:
        seed: of the random choices.
        trees: number of trees.
        samples: rows that each tree sees; at most those that there are.
        segment: feature that tells customers apart, so that each is compared with its like; None for none.
        segments: number of these, beside that of the unknown.
        alerts_per_day: alert budget; None for none.
        days: from event times in epoch milliseconds to numbers of local days, for the budget.
    """

    seed: int = 0
    trees: int = 100
    samples: int = 256
    segment: str | None = None
    segments: int = 3
    alerts_per_day: int | None = None
    days: Callable[[Int64s], Int64s] = lambda times: times // DAY


def train(
    columns: Mapping[str, Column],
    origin: Origin,
    *,
    seed: int = 0,
    trees: int = 100,
    samples: int = 256,
) -> Model:
    """Grow an isolation forest on `columns`, feature columns by name, all of length n.

    The same columns, seed and library versions give the same model, byte by byte.

    Args:
        columns: those of money, numbers and bools become the model's features.
        origin: where the columns come from, for the manifest.
        seed: of the random choices.
        trees: number of trees.
        samples: rows that each tree sees; at most n are taken.

    Raises:
        ModelError: no feature, fewer than `FEWEST_ROWS` rows, or a parameter out of range.
    """
    return _train(columns, origin, Growth(seed, trees, samples), None)


def train_from_material(
    material: Material,
    pack: Pack,
    growth: Growth,
    *,
    features: Collection[str],
    event_types: Collection[str] = SCORED,
    bad: Collection[str] = frozenset(),
) -> Model:
    """Train on past events of some types, without those that are known to be bad.

    Args:
        material: past events with at least the wanted features, and that of the segments.
        pack: the pack that their features are of.
        growth: what to grow.
        features: names of the features that the forest reads.
        event_types: types of the events to learn from and to score.
        bad: ids of events that are known to be bad; the model must not learn them as normal.

    Raises:
        ModelError: as `train`; or a feature or a budget is out of range.
    """
    of_type = material.where(np.isin(material.types, [str(kind) for kind in event_types]))
    known_bad = np.fromiter((event in bad for event in of_type.events), np.bool_, len(of_type))
    kept = of_type.where(~known_bad)
    origin = origin_of(kept, pack, event_types, int(np.count_nonzero(known_bad)))
    columns = {name: kept.columns[name] for name in kept.columns if name in set(features)}
    return _train(columns, origin, growth, kept)


def origin_of(material: Material, pack: Pack, event_types: Collection[str], left_out: int = 0) -> Origin:
    """Where training rows come from that are all of `material`."""
    times = material.occurred_at
    return Origin(
        pack=pack,
        event_types=tuple(event_types),
        first_at=int(times.min()) if len(times) else 0,
        last_at=int(times.max()) if len(times) else 0,
        seen=material.seen,
        left_out=left_out,
    )


def _train(columns: Mapping[str, Column], origin: Origin, growth: Growth, material: Material | None) -> Model:
    return complete(grow_forest(columns, growth), columns, origin, growth, material)


@dataclass(frozen=True)
class Grown:
    """What was grown, before it is measured on the training rows.

    Args:
        algorithm: how it scores.
        encoder: from features to the matrix.
        scorer: scores the matrix.
        parameters: what it was grown with, for the manifest.
        parts: content of its own files, by name.
        metrics: figures of the training besides the quantiles of the scores.
        rules: names of the features that say where rules hit.
    """

    algorithm: Algorithm
    encoder: Encoder
    scorer: Scorer
    parameters: dict[str, int | float | str]
    parts: Mapping[str, bytes]
    metrics: Mapping[str, float] = field(default_factory=dict)
    rules: tuple[str, ...] = ()


def grow_forest(columns: Mapping[str, Column], growth: Growth, encoder: Encoder | None = None) -> Grown:
    """Grow an isolation forest on `columns`, feature columns by name, all of length n.

    Args:
        columns: those of money, numbers and bools become the features.
        growth: what to grow.
        encoder: makes the matrix; None: one that fits the columns.

    Raises:
        ModelError: no feature, fewer than `FEWEST_ROWS` rows, or a parameter out of range.
    """
    _check(trees=growth.trees, samples=growth.samples, seed=growth.seed)
    encoder = encoder or fit_encoder(columns)
    cells = encoder.matrix(columns)
    if len(cells) < FEWEST_ROWS:
        raise ModelError(
            f"{len(cells)} events to train on; at least {FEWEST_ROWS} are needed: name a longer period,"
            " or other types"
        )
    samples = min(growth.samples, len(cells))
    estimator = IsolationForest(n_estimators=growth.trees, max_samples=samples, random_state=growth.seed).fit(
        cells
    )
    return Grown(
        algorithm=Algorithm.ISOLATION_FOREST,
        encoder=encoder,
        scorer=flatten(estimator),
        parameters={"trees": growth.trees, "samples": samples, "seed": growth.seed},
        parts={ARTEFACT: dump(estimator)},
    )


@dataclass(frozen=True)
class Held:
    """Events that a model was measured on, but has not learnt from.

    Args:
        material: the events, n of them.
        scores: what a model says of them that was grown in the same way on earlier events, shape (n,).
    """

    material: Material
    scores: Float64s


def complete(
    grown: Grown,
    columns: Mapping[str, Column],
    origin: Origin,
    growth: Growth,
    material: Material | None,
    held: Held | None = None,
) -> Model:
    """The model of what was grown: with percentiles, alert budget and medians.

    Args:
        grown: scores events.
        columns: features of the training rows by name, shape (n,).
        origin: where they come from.
        growth: segments and alert budget count.
        material: the same rows with what is known of their events; without it there are no medians and no
            budget.
        held: events for percentiles and budget, where the training rows are known by heart; None: these rows.

    Raises:
        ModelError: segments or budget are out of range.
    """
    encoder = grown.encoder
    scores = grown.scorer.score(encoder.matrix(columns)) if held is None else held.scores
    measured = material if held is None else held.material
    segments, codes = _segments(growth, columns if measured is None else measured.columns)
    count = 0 if segments is None else segments.count
    calibration = Calibration.of(scores, codes, count)
    seen = columns if held is None else held.material.columns
    reference = Reference.of({name: seen[name] for name in encoder.kinds}, scores)
    parts = {**grown.parts, CALIBRATION: calibration.to_json(), REFERENCE: reference.to_json()}
    budget = None
    if material is not None and measured is not None:
        named = {name: columns[name] for name in encoder.kinds}
        own = (
            codes if segments is None or held is None else segments.codes(material.columns[segments.feature])
        )
        parts[BASELINE] = Baseline.of(named, material.groups, own, count).to_bytes()
        if growth.alerts_per_day is not None:
            percentiles = calibration.percentile(scores, codes)
            budget = _budget(growth, growth.alerts_per_day, percentiles, measured)
    rows = len(next(iter(columns.values())))
    content = Content(
        algorithm=grown.algorithm,
        event_types=tuple(sorted(str(name) for name in origin.event_types)),
        features=encoder.features,
        rules=grown.rules,
        pack=origin.pack,
        period=Period(rfc3339(origin.first_at), rfc3339(origin.last_at)),
        rows=rows,
        seen=rows if origin.seen is None else origin.seen,
        left_out=origin.left_out,
        parameters=grown.parameters,
        metrics={
            **grown.metrics,
            **{name: float(np.quantile(scores, level)) for name, level in QUANTILES.items()},
        },
        segments=segments,
        budget=budget,
    )
    return assemble(content, encoder, grown.scorer, calibration, parts)


def _segments(growth: Growth, columns: Mapping[str, Column]) -> tuple[Segmentation | None, Int64s | None]:
    """The segments, and that of each row."""
    if growth.segment is None:
        return None, None
    column = columns.get(growth.segment)
    if column is None:
        raise ModelError(f"segments by `{growth.segment}`: no such feature; name one of the pack's")
    segments = segmentation(growth.segment, column, growth.segments)
    return segments, segments.codes(column)


def _budget(growth: Growth, per_day: int, percentiles: Any, material: Material) -> Budget:
    groups: Objects = material.groups
    days = growth.days(material.occurred_at)
    return budget_for(percentiles, groups, days, per_day, material.share)


def assemble(
    content: Content,
    encoder: Encoder,
    scorer: Scorer,
    calibration: Calibration,
    parts: Mapping[str, bytes],
) -> Model:
    """The model of what was trained, with its manifest.

    Args:
        content: what the manifest says of it.
        encoder: from features to the matrix.
        scorer: scores the matrix.
        calibration: from scores to percentiles.
        parts: content of the files beside the manifest, by name.
    """
    files = {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}
    manifest = Manifest(
        **{name: getattr(content, name) for name in Content.__struct_fields__},
        id=content_id(content, scorer.arrays, files),
        versions={"python": python_version(), **{name: version(name) for name in LIBRARIES}},
        files=files,
    )
    return Model(manifest, encoder, scorer, calibration, parts)


def _check(**parameters: int) -> None:
    least = {"samples": 2, "seed": 0}
    for name, value in parameters.items():
        if not least.get(name, 1) <= value < 2**32:
            raise ModelError(f"parameter `{name}`: expected {least.get(name, 1)} to {2**32 - 1}, got {value}")
