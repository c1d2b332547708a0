"""Sets of numbers: IN with many literals is one look-up, not a comparison with each."""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from rules.language.kernels.cells import INT64, Cells


class Lookup:
    """Numbers among which values are looked up.

    Args:
        constants: exact constants, none of them NULL.
    """

    def __init__(self, constants: Iterable[Cells]) -> None:
        self._numbers = [Fraction(int(one.values), one.scale) for one in constants]
        self._floats = np.unique(np.array([float(one) for one in self._numbers], np.float64))
        self._scaled = {1: self._integers(1)}

    def among(self, a: Cells) -> Cells:
        """Whether each value is one of the numbers: exactly for integers, as float64 for floats."""
        if not a.exact:
            return Cells(np.isin(a.values, self._floats), a.valid)
        wanted = self._scaled.get(a.scale)
        if wanted is None:
            wanted = self._scaled[a.scale] = self._integers(a.scale)
        return Cells(np.isin(a.values, wanted), a.valid)

    def _integers(self, scale: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The numbers that integers of a scale can be; the others equal none of them."""
        scaled = (number * scale for number in self._numbers)
        usable = {int(one) for one in scaled if one.denominator == 1 and INT64.min <= one <= INT64.max}
        return np.array(sorted(usable), np.int64)
