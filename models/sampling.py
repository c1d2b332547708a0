"""Uniform samples of bounded size: of a stream of rows (Vitter's algorithm R), and of named things."""

import hashlib
from heapq import heappush, heapreplace
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from events.columns import Int64s

T = TypeVar("T")

_RANKS = 2**64


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


class Draw(Generic[T]):
    """A sample of named things: those whose names have the least hashes.

    It is the same in whatever order and however often they are offered.

    Args:
        limit: things kept, at least 2.
    """

    def __init__(self, limit: int) -> None:
        self.kept: dict[str, T] = {}
        self._limit = limit
        self._ranked: list[tuple[int, str]] = []  # the greatest hash first
        self._dropped = False

    def offer(self, name: str, value: T) -> None:
        """Keep a thing, if it belongs to the sample; of one name the first counts."""
        if name in self.kept:
            return
        rank = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
        if len(self.kept) < self._limit:
            heappush(self._ranked, (-rank, name))
        else:
            self._dropped = True
            if rank >= -self._ranked[0][0]:
                return
            del self.kept[heapreplace(self._ranked, (-rank, name))[1]]
        self.kept[name] = value

    @property
    def seen(self) -> int:
        """Different names that were offered; where some were dropped, estimated by the greatest hash kept."""
        if not self._dropped:
            return len(self.kept)
        return round((self._limit - 1) * _RANKS / (1 - self._ranked[0][0]))
