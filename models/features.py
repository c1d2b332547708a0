"""Named features to the matrix that the forest reads, and the parameters of that step, fixed at training.

    money      sign(x) · ln(1 + |x| / unit), unit being the typical amount: the training median of |x| > 0
    number     as it is
    bool       0 or 1
    NULL, NaN  the training median: unknown speaks neither for nor against an anomaly

Each cell is clipped to the range of the training data. No split of a tree lies outside that range, so
clipping changes no score; it keeps infinities and overflow out of the 32-bit floats that the trees read.
docs/decisions/0007-anomaly-model.md has the measurements behind these choices.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from events.columns import Bools, Column, Float64s, Kind
from models.errors import ModelError
from windows.jit import compiled

Float32s = npt.NDArray[np.float32]
Int32s = npt.NDArray[np.int32]
UInt32s = npt.NDArray[np.uint32]

LIMIT = 1e30  # far inside float32, so that the width of a range never overflows


class Transform(StrEnum):
    """How a value becomes a cell of the matrix."""

    SIGNED_LOG = "signed_log"
    AS_IS = "as_is"


TRANSFORMS = {
    Kind.MONEY: Transform.SIGNED_LOG,
    Kind.NUMBER: Transform.AS_IS,
    Kind.BOOL: Transform.AS_IS,
}
"""Transform by kind; text has none."""


class ModelFeature(Struct, frozen=True, forbid_unknown_fields=True):
    """One feature of a model with all that turns its values into cells.

    Args:
        name: name of the feature in its pack.
        kind: what its values mean.
        transform: how a value becomes a cell.
        unit: typical amount in fen, at least 1; it parts the linear from the logarithmic reach of SIGNED_LOG.
        median: stands for NULL, after the transform.
        low: least finite cell of the training data, after the transform.
        high: greatest such cell.
        missing: share of NULLs in the training data, 0–1.
    """

    name: str
    kind: Kind
    transform: Transform
    unit: float
    median: float
    low: float
    high: float
    missing: float


@dataclass(frozen=True)
class Encoder:
    """Turns feature columns into the matrix, one column for each of `features`."""

    features: tuple[ModelFeature, ...]

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Kind by name of the features, in the order of the matrix."""
        return {feature.name: feature.kind for feature in self.features}

    @cached_property
    def _logs(self) -> Bools:
        return np.array([feature.transform is Transform.SIGNED_LOG for feature in self.features], np.bool_)

    @cached_property
    def _parameters(self) -> Float64s:
        rows = [(feature.unit, feature.median, feature.low, feature.high) for feature in self.features]
        return np.array(rows, dtype=np.float64)

    def matrix(self, columns: Mapping[str, Column]) -> Float32s:
        """The cells of `columns`, shape (n, features); columns that are no feature are left alone.

        Raises:
            ModelError: a feature has no column, or one of another kind or length.
        """
        values, given = gather(columns, self.kinds)
        cells = np.empty(values.shape[::-1], np.float32)
        _encode(values, given, self._logs, self._parameters, cells)
        return cells


def gather(columns: Mapping[str, Column], kinds: Mapping[str, Kind]) -> tuple[Float64s, Bools]:
    """Values of the columns named by `kinds` and where they are not NULL, both of shape (features, n).

    Raises:
        ModelError: a column is absent or of another kind or length than wanted.
    """
    chosen: list[Column] = []
    rows = -1
    for name, kind in kinds.items():
        column = columns.get(name)
        if column is None:
            raise ModelError(f"feature `{name}` has no column; use the pack that the model was trained on")
        if column.kind is not kind:
            raise ModelError(f"feature `{name}`: the model reads {kind.value}, got {column.kind.value}")
        if len(column.values) != rows:
            if chosen:
                raise ModelError(f"feature `{name}`: {len(column)} rows, but others have {rows}")
            rows = len(column)
        chosen.append(column)
    if not chosen:
        return np.empty((0, 0), np.float64), np.empty((0, 0), np.bool_)
    # All columns in one call: in a small batch the calls cost more than what they do.
    values = np.concatenate([column.values for column in chosen], dtype=np.float64)
    given = np.concatenate([column.valid for column in chosen])
    return values.reshape(len(chosen), -1), given.reshape(len(chosen), -1)


def fit_encoder(columns: Mapping[str, Column]) -> Encoder:
    """The encoder whose parameters are those of the training data `columns`; text is left out.

    Raises:
        ModelError: no column is left, or they differ in length.
    """
    kinds = {name: column.kind for name, column in columns.items() if column.kind in TRANSFORMS}
    if not kinds:
        raise ModelError("there is no feature to train on; name a pack that has features of money or numbers")
    values, given = gather(columns, kinds)
    given &= ~np.isnan(values)
    return Encoder(
        tuple(_fit(name, kinds[name], values[place], given[place]) for place, name in enumerate(kinds))
    )


def _fit(name: str, kind: Kind, values: Float64s, given: Bools) -> ModelFeature:
    finite = values[given & np.isfinite(values)]
    magnitudes = np.abs(finite[finite != 0.0])
    unit = max(float(np.median(magnitudes)), 1.0) if magnitudes.size else 1.0
    transform = TRANSFORMS[kind]
    cells = np.zeros((max(finite.size, 1), 1), np.float32)
    _encode(
        finite[np.newaxis, :],
        np.ones((1, finite.size), np.bool_),
        np.array([transform is Transform.SIGNED_LOG]),
        np.array([[unit, 0.0, -LIMIT, LIMIT]]),
        cells,
    )
    return ModelFeature(
        name=name,
        kind=kind,
        transform=transform,
        unit=unit,
        median=float(np.median(cells)),
        low=float(cells.min()),
        high=float(cells.max()),
        missing=1.0 - float(given.mean()) if given.size else 1.0,
    )


@compiled
def _encode(values: Float64s, given: Bools, logs: Bools, parameters: Float64s, cells: Float32s) -> None:
    for feature in range(values.shape[0]):
        unit, median, low, high = parameters[feature]
        for row in range(values.shape[1]):
            value = values[feature, row]
            if not given[feature, row] or math.isnan(value):
                value = median
            elif logs[feature]:
                value = math.copysign(math.log1p(abs(value) / unit), value)
            cells[row, feature] = min(max(value, low), high)
