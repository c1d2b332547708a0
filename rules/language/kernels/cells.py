"""Cells: the values that kernels pass to one another."""

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from events.columns import Bools, Column, Float64s, Kind
from rules.errors import RuleError
from rules.language.kernels.words import Words

INT64 = np.iinfo(np.int64)
MAX_SCALE = 10**9
"""Most decimals that are kept exactly: nine."""


class Cells(Struct, frozen=True, gc=False):
    """Values with their validity, of a whole batch or of a constant.

    Args:
        values: shape (n,), or () for a constant: int64, float64, bool or object (str); arbitrary where NULL.
        valid: the same shape; None where nothing is NULL.
        scale: power of ten by which integers stand multiplied, so that decimal fractions stay exact.
        words: the distinct texts of a column of texts.
    """

    values: npt.NDArray[Any]
    valid: Bools | None = None
    scale: int = 1
    words: Words | None = None

    @property
    def exact(self) -> bool:
        """Whether the values are integers, possibly scaled."""
        return self.values.dtype.kind == "i"


def from_column(column: Column, kind: Kind) -> Cells:
    """The cells of a column; a float that is no finite number is NULL.

    Raises:
        RuleError: the array's type is not one of `kind`.
    """
    values, valid = column.values, None if every(column.valid) else column.valid
    letter = values.dtype.kind
    if letter not in _LETTERS[kind]:
        raise RuleError(f"a {kind.value} column holds {values.dtype}; give {_WANTED[kind]}")
    if letter == "f":
        return finite(values.astype(np.float64, copy=False), valid)
    if letter in "iu":
        values = values.astype(np.int64, copy=False)
    return Cells(values, valid, words=Words(values, valid) if letter == "O" else None)


_LETTERS = {Kind.MONEY: "iuf", Kind.NUMBER: "iuf", Kind.TEXT: "O", Kind.BOOL: "b"}
_WANTED = {
    Kind.MONEY: "int64 or float64",
    Kind.NUMBER: "int64 or float64",
    Kind.TEXT: "object",
    Kind.BOOL: "bool",
}


def to_column(cells: Cells, rows: int, kind: Kind) -> Column:
    """The column of `rows` cells; a constant is repeated."""
    values = cells.values if cells.scale == 1 else decimal(cells)
    valid = np.ones(rows, np.bool_) if cells.valid is None else _repeated(cells.valid, rows)
    return Column(_repeated(values, rows), valid, kind)


def _repeated(values: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    return values if values.shape == (rows,) else np.broadcast_to(values, rows)


def number(value: Fraction) -> Cells:
    """A constant number, exactly.

    Raises:
        ValueError: it needs more than nine decimals, or more than 64 bits.
    """
    scale = 1
    while (value * scale).denominator != 1:
        scale *= 10
        if scale > MAX_SCALE:
            raise ValueError("needs more than nine decimals")
    scaled = int(value * scale)
    if not INT64.min < scaled <= INT64.max:
        raise ValueError("needs more than 64 bits")
    return Cells(np.array(scaled, np.int64), None, scale)


def text(value: str) -> Cells:
    """A constant text."""
    return Cells(np.array(value, dtype=object))


def truth(value: bool) -> Cells:  # noqa: FBT001  # the value itself
    """A constant truth value."""
    return Cells(np.array(value, np.bool_))


def null(kind: Kind) -> Cells:
    """NULL of a kind."""
    blank = {Kind.TEXT: np.array("", dtype=object), Kind.BOOL: np.array(False)}.get(
        kind, np.array(0, np.int64)
    )
    return Cells(blank, np.array(False))


def decimal(cells: Cells) -> Float64s:
    """The numbers as float64; a constant is rounded once."""
    values = cells.values
    if values.dtype == np.float64:
        return values
    if values.ndim == 0:
        return np.array(int(values) / cells.scale)
    return values.astype(np.float64) if cells.scale == 1 else values / cells.scale


def every(mask: Bools) -> bool:
    """Whether all are true; in small batches NumPy's own `all` is the most of a rule's cost."""
    return bool(np.count_nonzero(mask) == mask.size)


def both(a: Bools | None, b: Bools | None) -> Bools | None:
    """Where neither is NULL."""
    if a is None:
        return b
    return a if b is None else a & b


def finite(values: Float64s, valid: Bools | None) -> Cells:
    """Float cells, NULL where the value is infinite or not a number."""
    usable = np.isfinite(values)
    return Cells(values, valid if every(usable) else both(valid, usable))


def unless(values: npt.NDArray[Any], valid: Bools | None, overflow: Bools, scale: int) -> Cells:
    """Integer cells, NULL where the exact result did not fit 64 bits."""
    return Cells(values, both(valid, ~overflow) if overflow.any() else valid, scale)
