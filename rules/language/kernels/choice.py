"""Choice: COALESCE and CASE over values of one kind."""

import numpy as np

from rules.language.kernels.arithmetic import aligned
from rules.language.kernels.cells import Cells
from rules.language.kernels.logic import truths


def coalesce(a: Cells, b: Cells) -> Cells:
    """`a`, or `b` where `a` is NULL."""
    a, b = _alike(a, b)
    if a.valid is None:
        return a
    valid = None if b.valid is None else a.valid | b.valid
    return Cells(np.where(a.valid, a.values, b.values), valid, a.scale)


def where(condition: Cells, a: Cells, b: Cells) -> Cells:
    """`a` where the condition is true, else `b`."""
    a, b = _alike(a, b)
    chosen = truths(condition)
    valid = None
    if a.valid is not None or b.valid is not None:
        valid = np.where(chosen, True if a.valid is None else a.valid, True if b.valid is None else b.valid)
    return Cells(np.where(chosen, a.values, b.values), valid, a.scale)


def _alike(a: Cells, b: Cells) -> tuple[Cells, Cells]:
    return aligned(a, b) if a.values.dtype.kind in "if" else (a, b)
