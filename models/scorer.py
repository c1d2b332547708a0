"""The scorer: what a model's matrix is scored by."""

from typing import Any, Protocol

import numpy.typing as npt

from events.columns import Float64s
from models.features import Float32s


class Scorer(Protocol):
    """Scores rows of a matrix; its methods change nothing."""

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        ...

    @property
    def base(self) -> float:
        """The score that contributions start from."""
        ...

    @property
    def arrays(self) -> tuple[tuple[npt.NDArray[Any], str], ...]:
        """All that the scores follow from, each with the layout that it is hashed in (`<i4`)."""
        ...

    def score(self, cells: Float32s) -> Float64s:
        """Scores of the rows of `cells`, 0–1, higher is worse, shape (n,)."""
        ...

    def explain(self, cells: Float32s) -> Float64s:
        """Contribution of each column to each row's score less `base`, shape (n, width)."""
        ...
