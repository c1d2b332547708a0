"""One batch as conditions read it."""

from collections.abc import Callable
from typing import Protocol

from events.columns import Column, Kind
from rules.language.kernels.cells import Cells, from_column, to_column


class ColumnSource(Protocol):
    """Where a condition finds the columns of a batch."""

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def column(self, name: str, kind: Kind | None) -> Column:
        """The column of a name, read as `kind`; shape (len(self),)."""
        ...


class Frame:
    """One batch: every name is fetched, and every part that conditions have in common computed, once."""

    def __init__(self, source: ColumnSource) -> None:
        self._source = source
        self._cells: dict[tuple[str, Kind], Cells] = {}
        self.common: dict[object, Cells] = {}
        """Cells by the part that they are of."""

    def __len__(self) -> int:
        return len(self._source)

    def column(self, name: str, kind: Kind) -> Column:
        """The column of a name as the conditions see it."""
        return to_column(self.cells(name, kind), len(self), kind)

    def cells(self, name: str, kind: Kind) -> Cells:
        """The cells of a name."""
        cells = self._cells.get((name, kind))
        if cells is None:
            cells = self._cells[name, kind] = from_column(self._source.column(name, kind), kind)
        return cells


Run = Callable[[Frame], Cells]
"""What computes the cells of a part of a condition."""
