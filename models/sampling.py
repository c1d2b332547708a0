"""A uniform sample of a stream of rows, of bounded size (reservoir sampling, Vitter's algorithm R)."""

from collections.abc import Sequence

import numpy as np

from events.columns import Float64s

CHUNK = 8192  # rows turned into an array at a time


class Reservoir:
    """Keeps at most `limit` of the rows that it is given, each with the same chance.

    Which ones depends on `seed` and on the order of the rows, on nothing else.

    Args:
        width: numbers in a row.
        limit: rows kept, at least 1.
        seed: of the random choice.
    """

    def __init__(self, width: int, limit: int, seed: int) -> None:
        self.seen = 0
        self._limit = limit
        self._chunk: list[Sequence[float]] = []
        self._blocks: list[Float64s] = []
        self._width = width
        self._random = np.random.default_rng(seed)

    def add(self, row: Sequence[float]) -> None:
        """Take one row of `width` numbers into account; NaN stands for NULL."""
        self._chunk.append(row)
        if len(self._chunk) == CHUNK:
            self._settle()

    def rows(self) -> Float64s:
        """The rows kept so far, shape (at most `limit`, width)."""
        self._settle()
        return self._whole()

    def _settle(self) -> None:
        block = np.array(self._chunk, dtype=np.float64).reshape(-1, self._width)
        self._chunk = []
        free = max(self._limit - self.seen, 0)
        if free:
            self._blocks.append(block[:free])
        late = block[free:]
        if len(late):
            first = self.seen + min(free, len(block))
            places = self._random.integers(0, np.arange(first + 1, first + len(late) + 1))
            kept = places < self._limit
            self._whole()[places[kept]] = late[kept]  # of two rows with the same place the later one stays
        self.seen += len(block)

    def _whole(self) -> Float64s:
        if len(self._blocks) != 1:
            self._blocks = [np.concatenate(self._blocks or [np.empty((0, self._width))])]
        return self._blocks[0]
