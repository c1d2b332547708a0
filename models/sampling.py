"""A uniform sample of a stream of rows, of bounded size (reservoir sampling, Vitter's algorithm R)."""

from typing import NamedTuple

import numpy as np

from events.columns import Int64s


class Kept(NamedTuple):
    """What is kept of rows that were offered.

    Args:
        rows: places among the offered rows, shape (k,).
        slots: where each of them goes, shape (k,); of two rows with the same slot the later one stays.
    """

    rows: Int64s
    slots: Int64s


class Reservoir:
    """Says which rows of a stream to keep, so that each has the same chance.

    Which ones depends on `seed` and on the order of the rows, not on how many are offered at a time.

    Args:
        limit: rows kept, at least 1.
        seed: of the random choice.
    """

    def __init__(self, limit: int, seed: int) -> None:
        self.seen = 0
        self._limit = limit
        self._random = np.random.default_rng(seed)

    def offer(self, count: int) -> Kept:
        """What to keep of the next `count` rows."""
        first = self.seen
        self.seen += count
        free = min(max(self._limit - first, 0), count)
        ahead = np.arange(free)
        places = self._random.integers(0, np.arange(first + free + 1, first + count + 1))
        drawn = np.flatnonzero(places < self._limit)
        return Kept(np.concatenate((ahead, free + drawn)), np.concatenate((first + ahead, places[drawn])))
