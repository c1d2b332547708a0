"""Segments: customers told apart by one feature, so that each is compared with its like."""

import numpy as np
from msgspec import Struct

from events.columns import Column, Int64s, Kind
from models.errors import ModelError

FEWEST_ROWS = 2_000
"""Training rows from which on a segment has percentiles of its own: two of them lie above 99.9 %."""

MOST_SEGMENTS = 20


class Segmentation(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the segments lie.

    Segment 0 holds events whose feature is NULL, segment i those from `edges[i - 2]` on and below
    `edges[i - 1]`; the first and the last are open.

    Args:
        feature: name of the feature, of money or numbers.
        kind: what it means.
        edges: ascending limits between segments; money in fen.
    """

    feature: str
    kind: Kind
    edges: tuple[float, ...]

    @property
    def count(self) -> int:
        """Number of segments, that of NULL included."""
        return len(self.edges) + 2

    def codes(self, column: Column) -> Int64s:
        """Segment of each value of the feature's column, shape (n,).

        Raises:
            ModelError: the column is of another kind.
        """
        if column.kind is not self.kind:
            raise ModelError(
                f"segments by `{self.feature}`: the model reads {self.kind.value}, got {column.kind.value}"
            )
        values = column.values.astype(np.float64)
        known = column.valid & ~np.isnan(values)
        return np.where(known, np.searchsorted(self.edges, values, side="right") + 1, 0)

    def title(self, code: int) -> str:
        """A segment in signs.

        >>> by = Segmentation("orders_90d", Kind.NUMBER, (3.0, 10.0))
        >>> [by.title(code) for code in range(by.count)]
        ['NULL', '< 3', '3 – 10', '≥ 10']
        """
        if code == 0:
            return "NULL"
        low = self.edges[code - 2] if code > 1 else None
        high = self.edges[code - 1] if code <= len(self.edges) else None
        if low is None:
            return f"< {high:g}" if high is not None else "all"
        return f"≥ {low:g}" if high is None else f"{low:g} – {high:g}"


def segmentation(feature: str, column: Column, parts: int) -> Segmentation:
    """Segments with about equally many of the rows of `column` each.

    Where many rows share a value, segments that would be empty fall together.

    Args:
        feature: its name.
        column: the training rows.
        parts: segments beside that of NULL, 2 to `MOST_SEGMENTS`.

    Raises:
        ModelError: the feature is neither money nor a number, or `parts` is out of range.
    """
    if column.kind not in {Kind.MONEY, Kind.NUMBER}:
        raise ModelError(f"segments by `{feature}`: expected money or a number, got {column.kind.value}")
    if not 2 <= parts <= MOST_SEGMENTS:  # noqa: PLR2004
        raise ModelError(f"segments: expected 2 to {MOST_SEGMENTS}, got {parts}")
    values = column.values.astype(np.float64)[column.valid]
    values = values[np.isfinite(values)]
    if not len(values):
        return Segmentation(feature, column.kind, ())
    inner = np.quantile(values, np.arange(1, parts) / parts, method="higher")
    edges = np.unique(inner[inner > values.min()])
    return Segmentation(feature, column.kind, tuple(edges.tolist()))
