"""Training: feature columns, or past decisions, to a model."""

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import version
from platform import python_version
from zipfile import ZIP_DEFLATED

import numpy as np
import skops.io
from msgspec import Struct
from sklearn.ensemble import IsolationForest

from events.clock import rfc3339
from events.columns import Column, Float64s, Kind
from events.event import EventType
from models.calibration import Calibration
from models.errors import ModelError
from models.features import TRANSFORMS, Encoder, fit_encoder
from models.forest import Forest, flatten
from models.history import TrainingRow
from models.manifest import (
    ARTEFACT,
    CALIBRATION,
    Content,
    Manifest,
    Pack,
    Parameters,
    Period,
    content_id,
)
from models.model import Model
from models.sampling import Reservoir

SCORED = (EventType.ORDER_PLACED, EventType.SHIPMENT_DISPATCHED)
"""Types of the events that a model scores by default."""

MOST_ROWS = 1_000_000  # the last level of the calibration then rests on 100 of them
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
        created_at: time of the training.
    """

    pack: Pack
    event_types: tuple[str, ...]
    first_at: int
    last_at: int
    created_at: int


def train(
    columns: Mapping[str, Column],
    origin: Origin,
    *,
    seed: int = 0,
    trees: int = 100,
    samples: int = 256,
) -> Model:
    """Grow an isolation forest on `columns`, feature columns by name, all of length n.

    The same columns, seed and library versions give the same model with the same id.

    Args:
        columns: those of money, numbers and bools become the model's features.
        origin: where the columns come from, for the manifest.
        seed: of the random choices.
        trees: number of trees.
        samples: rows that each tree sees; at most n are taken.

    Raises:
        ModelError: no feature, fewer than `FEWEST_ROWS` rows, or a parameter out of range.
    """
    _check(trees=trees, samples=samples, seed=seed)
    encoder = fit_encoder(columns)
    cells = encoder.matrix(columns)
    if len(cells) < FEWEST_ROWS:
        types = ", ".join(f"`{name}`" for name in sorted(origin.event_types))
        raise ModelError(f"{len(cells)} rows of {types} to train on; at least {FEWEST_ROWS} are needed")
    samples = min(samples, len(cells))
    estimator = IsolationForest(n_estimators=trees, max_samples=samples, random_state=seed).fit(cells)
    forest = flatten(estimator)
    scores = forest.score(cells)
    content = Content(
        event_types=tuple(sorted(str(name) for name in origin.event_types)),
        features=encoder.features,
        pack=origin.pack,
        period=Period(rfc3339(origin.first_at), rfc3339(origin.last_at)),
        rows=len(cells),
        parameters=Parameters(trees, samples, seed),
        metrics={name: float(np.quantile(scores, level)) for name, level in QUANTILES.items()},
    )
    artefact: bytes = skops.io.dumps(estimator, compression=ZIP_DEFLATED)
    return _assemble(content, encoder, forest, Calibration.of(scores), artefact, origin.created_at)


def train_from_decisions(
    rows: Iterable[TrainingRow],
    kinds: Mapping[str, Kind],
    pack: Pack,
    *,
    created_at: int,
    event_types: Collection[str] = SCORED,
    bad: Collection[str] = frozenset(),
    most_rows: int = MOST_ROWS,
    seed: int = 0,
    trees: int = 100,
    samples: int = 256,
) -> Model:
    """Train on a stream of past decisions, of which at most `most_rows` are held in memory.

    Args:
        rows: decided events in any order, read once.
        kinds: kind by name of the features that the model shall read; text is left out.
        pack: the pack that the rows were decided with.
        created_at: time of the training in epoch milliseconds.
        event_types: types of the events to learn from and to score.
        bad: ids of events that are known to be bad; the model must not learn them as normal.
        most_rows: of more rows than this a uniform sample is drawn by `seed`.
        seed: of the random choices.
        trees: number of trees.
        samples: rows that each tree sees.

    Raises:
        ModelError: as `train`; or a row lacks a feature or has text in its place.
    """
    _check(most_rows=most_rows, trees=trees, samples=samples, seed=seed)
    kinds = {name: kind for name, kind in kinds.items() if kind in TRANSFORMS}
    wanted, known_bad, names = frozenset(event_types), frozenset(bad), tuple(kinds)
    reservoir = Reservoir(len(names), most_rows, seed)
    first_at = last_at = None
    for row in rows:
        if row.event_type not in wanted or row.event_id in known_bad:
            continue
        reservoir.add([_number(row, name) for name in names])
        first_at = row.occurred_at if first_at is None else min(first_at, row.occurred_at)
        last_at = row.occurred_at if last_at is None else max(last_at, row.occurred_at)
    origin = Origin(
        pack=pack,
        event_types=tuple(event_types),
        first_at=first_at or 0,
        last_at=last_at or 0,
        created_at=created_at,
    )
    return train(_columns(reservoir.rows(), kinds), origin, seed=seed, trees=trees, samples=samples)


def _columns(values: Float64s, kinds: Mapping[str, Kind]) -> dict[str, Column]:
    return {
        name: Column(values[:, place], ~np.isnan(values[:, place]), kind)
        for place, (name, kind) in enumerate(kinds.items())
    }


def _number(row: TrainingRow, name: str) -> float:
    if name not in row.features:
        raise ModelError(
            f"event `{row.event_id}` has no feature `{name}`; name the pack that it was decided with"
        )
    value = row.features[name]
    if value is None:
        return math.nan
    if isinstance(value, str):
        raise ModelError(
            f"event `{row.event_id}`: feature `{name}`: expected a number, got text; use its pack"
        )
    return float(value)


def _assemble(
    content: Content,
    encoder: Encoder,
    forest: Forest,
    calibration: Calibration,
    artefact: bytes,
    created_at: int,
) -> Model:
    manifest = Manifest(
        **{name: getattr(content, name) for name in Content.__struct_fields__},
        id=content_id(content, forest, calibration),
        created_at=rfc3339(created_at),
        versions={"python": python_version(), **{name: version(name) for name in LIBRARIES}},
        files={
            ARTEFACT: hashlib.sha256(artefact).hexdigest(),
            CALIBRATION: hashlib.sha256(calibration.to_json()).hexdigest(),
        },
    )
    return Model(manifest, encoder, forest, calibration, artefact)


def _check(**parameters: int) -> None:
    least = {"samples": 2, "seed": 0}
    for name, value in parameters.items():
        if not least.get(name, 1) <= value < 2**32:
            raise ModelError(f"parameter `{name}`: expected {least.get(name, 1)} to {2**32 - 1}, got {value}")
