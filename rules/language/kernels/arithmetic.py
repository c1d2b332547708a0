"""Arithmetic: exact over integers and decimal fractions in 64 bits, float64 as soon as a float takes part.

Whether a result is exact depends on the types of the columns and on the text of the condition, never on the
values beside it in the batch. A result that does not fit 64 bits or is no finite number is NULL.
"""

import numpy as np
import numpy.typing as npt

from events.columns import Float64s, Int64s
from rules.language.kernels.cells import INT64, MAX_SCALE, Cells, both, decimal, finite, unless

_SAFE = 2.0**63 * (1 - 2.0**-50)  # below it a product is within 64 bits whatever the rounding of its estimate
_BEYOND = 2.0**63 * (1 + 2.0**-50)  # from there on it is not


def aligned(a: Cells, b: Cells) -> tuple[Cells, Cells]:
    """Both with one scale, or both as floats where one is."""
    if not (a.exact and b.exact):
        return Cells(decimal(a), a.valid), Cells(decimal(b), b.valid)
    return scaled(a, max(a.scale, b.scale)), scaled(b, max(a.scale, b.scale))


def scaled(a: Cells, scale: int) -> Cells:
    """Integer cells with a scale that is a multiple of their own; NULL where they do not fit."""
    if a.scale == scale:
        return a
    factor = scale // a.scale
    limit = INT64.max // factor
    return unless(a.values * factor, a.valid, (a.values > limit) | (a.values < -limit), scale)


def add(a: Cells, b: Cells) -> Cells:
    """The sum."""
    a, b = aligned(a, b)
    valid = both(a.valid, b.valid)
    total = a.values + b.values
    if not a.exact:
        return finite(total, valid)
    return unless(total, valid, ((a.values ^ total) & (b.values ^ total)) < 0, a.scale)


def subtract(a: Cells, b: Cells) -> Cells:
    """The difference."""
    a, b = aligned(a, b)
    valid = both(a.valid, b.valid)
    rest = a.values - b.values
    if not a.exact:
        return finite(rest, valid)
    return unless(rest, valid, ((a.values ^ b.values) & (a.values ^ rest)) < 0, a.scale)


def multiply(a: Cells, b: Cells) -> Cells:
    """The product; exact as long as no more than nine decimals are needed."""
    valid = both(a.valid, b.valid)
    if not (a.exact and b.exact) or a.scale * b.scale > MAX_SCALE:
        return finite(decimal(a) * decimal(b), valid)
    product = a.values * b.values
    estimate = np.abs(a.values.astype(np.float64) * b.values)
    doubtful = estimate >= _SAFE
    if doubtful.any():
        doubtful = doubtful & ((estimate >= _BEYOND) | _wrapped(a.values, b.values, product))
    return unless(product, valid, doubtful, a.scale * b.scale)


def _wrapped(a: Int64s, b: Int64s, product: Int64s) -> npt.NDArray[np.bool_]:
    """Where a product of about 2**63 did not fit: it has the wrong sign."""
    wrong: npt.NDArray[np.bool_] = (product != 0) & ((product < 0) != ((a < 0) != (b < 0)))
    return wrong


def divide(a: Cells, b: Cells) -> Cells:
    """The quotient as float64; NULL where the divisor is zero."""
    valid = both(a.valid, b.valid)
    if a.exact and b.exact and a.scale == b.scale:
        return finite(a.values / b.values, valid)
    return finite(decimal(a) / decimal(b), valid)


def negate(a: Cells) -> Cells:
    """Minus the value."""
    return (
        unless(-a.values, a.valid, a.values == INT64.min, a.scale) if a.exact else Cells(-a.values, a.valid)
    )


def absolute(a: Cells) -> Cells:
    """The value without its sign."""
    values = np.abs(a.values)
    return unless(values, a.valid, a.values == INT64.min, a.scale) if a.exact else Cells(values, a.valid)


def rounded(a: Cells, digits: int) -> Cells:
    """The value rounded half away from zero to `digits` decimals; to tens and hundreds where negative."""
    if not a.exact:
        power = 10.0 ** abs(digits)
        values = _half_away(a.values / power) * power if digits < 0 else _half_away(a.values * power) / power
        return Cells(np.where(np.isfinite(values), values, a.values), a.valid)
    keep, tens = 10 ** max(0, digits), 10 ** max(0, -digits)
    if a.scale <= keep and tens == 1:
        return a
    step = a.scale // keep * tens
    size: Int64s = np.abs(a.values)
    whole = size // step
    whole = (whole + (2 * (size - whole * step) >= step)) * np.sign(a.values)
    if tens == 1:
        return Cells(whole, a.valid, keep)
    product = scaled(Cells(whole, a.valid), tens)
    return Cells(product.values, product.valid)


def _half_away(values: Float64s) -> Float64s:
    size = np.abs(values)
    whole = np.floor(size)
    away: Float64s = np.copysign(whole + (size - whole >= 0.5), values)  # noqa: PLR2004  # a half
    return away


def extreme(a: Cells, b: Cells, *, greatest: bool) -> Cells:
    """The greater or lesser of two; where one is NULL, the other."""
    a, b = aligned(a, b)
    better: npt.NDArray[np.bool_] = b.values > a.values if greatest else b.values < a.values
    if a.valid is not None:
        better = better | ~a.valid
    if b.valid is not None:
        better = better & b.valid
    valid = None if a.valid is None or b.valid is None else a.valid | b.valid
    return Cells(np.where(better, b.values, a.values), valid, a.scale)
