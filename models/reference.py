"""The reference: how features and scores lay in training, in bins, so that drift away from it can be told."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import Struct

from events.columns import Bools, Column, Float64s, Int64s, Kind
from models.errors import ModelError
from models.features import gather
from windows.jit import compiled

PARTS = 10
"""Bins between the least and the greatest training value, each with about as many rows as the others."""

MOST_BINS = PARTS + 3
"""Bins of one feature at most: NULL, below and above all that was seen, and those between."""

SCORE = "score"
"""Name of the raw score among the features."""


class Bins(Struct, frozen=True, forbid_unknown_fields=True):
    """One feature in training.

    The first bin holds NULL, the others lie between the edges: values up to the first edge, between the first
    and the second, …, above the last.

    Args:
        name: of the feature, or `score`.
        edges: ascending.
        counts: training rows in each bin, two more than edges.
    """

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """The reference as `reference.json` holds it."""

    bins: tuple[Bins, ...]


@dataclass(frozen=True)
class Reference:
    """Features in the order of the model's matrix, then the score."""

    bins: tuple[Bins, ...]

    @classmethod
    def of(cls, columns: Mapping[str, Column], scores: Float64s) -> "Reference":
        """The reference of n training rows.

        Args:
            columns: features by name, in the order of the model's, shape (n,).
            scores: raw scores, shape (n,).
        """
        every = with_score(columns, scores)
        values, given = gather(every, {name: column.kind for name, column in every.items()})
        edges = [_edges(values[place][given[place]]) for place in range(len(values))]
        counts = np.zeros((len(values), MOST_BINS), np.int64)
        _count(values, given, *_laid(edges), counts)
        return cls(
            tuple(
                Bins(name, edge, tuple(counts[place, : len(edge) + 2].tolist()))
                for place, (name, edge) in enumerate(zip(every, edges, strict=True))
            )
        )

    @classmethod
    def of_bytes(cls, content: bytes, features: tuple[str, ...]) -> "Reference":
        """The reference that `to_json` wrote, of a model with these features.

        Raises:
            ModelError: it is none, or of other features.
        """
        try:
            bins = msgspec.json.decode(content, type=Document).bins
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ModelError(f"the reference is damaged: {error}; restore the file") from None
        if tuple(one.name for one in bins) != (*features, SCORE):
            raise ModelError("the reference is damaged: it is of other features; restore the file")
        for one in bins:
            ascending = all(low < high for low, high in zip(one.edges, one.edges[1:], strict=False))
            counted = len(one.counts) == len(one.edges) + 2 <= MOST_BINS and min(one.counts) >= 0
            if not ascending or not counted:
                raise ModelError(f"the reference is damaged: the bins of `{one.name}`; restore the file")
        return cls(bins)

    def to_json(self) -> bytes:
        """The reference as JSON."""
        return msgspec.json.format(msgspec.json.encode(Document(self.bins)), indent=1) + b"\n"

    def count(self, columns: Mapping[str, Column], scores: Float64s) -> Int64s:
        """Rows by feature and bin, shape (features + 1, MOST_BINS).

        Args:
            columns: at least the features, by name, shape (n,).
            scores: raw scores, shape (n,).

        Raises:
            ModelError: a feature has no column.
        """
        every = with_score(columns, scores)
        kinds = {one.name: every[one.name].kind for one in self.bins if one.name in every}
        values, given = gather(every, kinds)
        counts = np.zeros((len(self.bins), MOST_BINS), np.int64)
        if len(kinds) != len(self.bins):
            raise ModelError("a feature of the reference has no column; use the pack of the model")
        _count(values, given, *_laid([one.edges for one in self.bins]), counts)
        return counts


def with_score(columns: Mapping[str, Column], scores: Float64s) -> dict[str, Column]:
    """The features with the score behind them."""
    return {**columns, SCORE: Column(scores, np.ones(len(scores), np.bool_), Kind.NUMBER)}


def _edges(values: Float64s) -> tuple[float, ...]:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return ()
    low, high = float(finite.min()), float(finite.max())
    inner = np.quantile(finite, np.arange(1, PARTS) / PARTS, method="inverted_cdf")
    with np.errstate(over="ignore"):
        below = float(np.nextafter(low, -np.inf))
    edges = np.array([below, *inner, high])
    return tuple(np.unique(edges[np.isfinite(edges)]).tolist())


def _laid(edges: list[tuple[float, ...]]) -> tuple[Float64s, Int64s]:
    """Edges as one array, shape (features, MOST_BINS), and how many each feature has."""
    laid = np.full((len(edges), MOST_BINS), np.inf)
    for place, own in enumerate(edges):
        laid[place, : len(own)] = own
    return laid, np.array([len(own) for own in edges])


@compiled
def _count(values: Float64s, given: Bools, edges: Float64s, sizes: Int64s, counts: Int64s) -> None:
    for feature in range(values.shape[0]):
        for row in range(values.shape[1]):
            place = 0
            value = values[feature, row]
            if given[feature, row] and not np.isnan(value):
                place = 1
                while place <= sizes[feature] and value > edges[feature, place - 1]:
                    place += 1
            counts[feature, place] += 1
