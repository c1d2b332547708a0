"""Comparison: integers exactly at any size, floats as float64, texts by code point."""

import operator as comparisons
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from events.columns import Bools
from rules.language.kernels.cells import Cells, both, decimal
from rules.language.tree import MIRRORED, Comparison

Comparing = Callable[[Cells, Cells], Cells]

_Array = npt.NDArray[Any]

_UFUNCS: dict[Comparison, Callable[[_Array, _Array], Bools]] = {
    Comparison.EQ: np.equal,
    Comparison.NE: np.not_equal,
    Comparison.LT: np.less,
    Comparison.LE: np.less_equal,
    Comparison.GT: np.greater,
    Comparison.GE: np.greater_equal,
}


_TESTS: dict[Comparison, Callable[[str, str], bool]] = {
    Comparison.EQ: comparisons.eq,
    Comparison.NE: comparisons.ne,
    Comparison.LT: comparisons.lt,
    Comparison.LE: comparisons.le,
    Comparison.GT: comparisons.gt,
    Comparison.GE: comparisons.ge,
}


def comparing(operator: Comparison) -> Comparing:
    """The function that compares two numbers, truths or amounts; NULL where one of them is."""
    ufunc, mirrored = _UFUNCS[operator], MIRRORED[operator]

    def compare(a: Cells, b: Cells) -> Cells:
        valid = both(a.valid, b.valid)
        a_exact, b_exact = a.exact, b.exact
        if a_exact is not b_exact:
            return Cells(ufunc(decimal(a), decimal(b)), valid)
        if a.scale == b.scale:
            return Cells(ufunc(a.values, b.values), valid)
        if a.scale < b.scale:
            return Cells(_compare_scaled(mirrored, b, a), valid)
        return Cells(_compare_scaled(operator, a, b), valid)

    return compare


def comparing_texts(operator: Comparison) -> Comparing:
    """The function that compares two texts by code point; NULL where one of them is."""
    ufunc, test = _UFUNCS[operator], _TESTS[operator]

    def compare(a: Cells, b: Cells) -> Cells:
        if a.words is not None and b.values.ndim == 0 and b.valid is None:
            other = b.values.item()
            if operator is Comparison.EQ:
                return Cells(a.words.equal(other), a.valid)
            if operator is Comparison.NE:
                return Cells(~a.words.equal(other), a.valid)
            return Cells(a.words.test(lambda text: test(text, other)), a.valid)
        return Cells(ufunc(_filled(a), _filled(b)).astype(np.bool_), both(a.valid, b.valid))

    return compare


def _compare_scaled(operator: Comparison, a: Cells, b: Cells) -> Bools:
    """Compare where `a` has the greater scale: `a / factor` is rounded towards the side that decides.

    Dividing the one instead of multiplying the other cannot overflow.
    """
    factor = a.scale // b.scale
    match operator:
        case Comparison.GE | Comparison.LT:
            return _UFUNCS[operator](np.floor_divide(a.values, factor), b.values)
        case Comparison.GT | Comparison.LE:
            return _UFUNCS[operator](-np.floor_divide(-a.values, factor), b.values)
        case Comparison.EQ | Comparison.NE:
            whole = np.floor_divide(a.values, factor)
            same: Bools = (whole == b.values) & (whole * factor == a.values)
            return same if operator is Comparison.EQ else ~same


def _filled(a: Cells) -> _Array:
    """Object cells in which every one is a text, as None has no order."""
    return a.values if a.valid is None else np.where(a.valid, a.values, "")
