"""Three-valued logic: a truth that is NULL may still be either."""

import numpy as np

from events.columns import Bools
from rules.language.kernels.cells import Cells, both


def conjunction(a: Cells, b: Cells) -> Cells:
    """AND: false where one is false, else NULL where one is NULL."""
    if a.valid is None and b.valid is None:
        return Cells(a.values & b.values)
    values = truths(a) & truths(b)
    if a.valid is None:
        return Cells(values, b.valid | ~a.values)
    if b.valid is None:
        return Cells(values, a.valid | ~b.values)
    return Cells(values, values | falsehoods(a) | falsehoods(b))


def disjunction(a: Cells, b: Cells) -> Cells:
    """OR: true where one is true, else NULL where one is NULL."""
    if a.valid is None and b.valid is None:
        return Cells(a.values | b.values)
    values = truths(a) | truths(b)
    if a.valid is None:
        return Cells(values, b.valid | a.values)
    if b.valid is None:
        return Cells(values, a.valid | b.values)
    return Cells(values, values | (a.valid & b.valid))


def negation(a: Cells) -> Cells:
    """NOT: NULL stays NULL."""
    return Cells(~a.values, a.valid)


def is_null(a: Cells) -> Cells:
    """IS NULL: never NULL itself."""
    return Cells(np.zeros_like(a.values, dtype=np.bool_) if a.valid is None else ~a.valid)


def null_where(a: Cells, condition: Cells) -> Cells:
    """`a`, but NULL where `condition` is true."""
    return Cells(a.values, both(a.valid, ~truths(condition)), a.scale)


def truths(a: Cells) -> Bools:
    """Where `a` is true, not NULL."""
    return a.values if a.valid is None else a.values & a.valid


def falsehoods(a: Cells) -> Bools:
    """Where `a` is false, not NULL."""
    return ~a.values if a.valid is None else np.greater(a.valid, a.values)
