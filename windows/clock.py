"""Clocks: how far the events of each source have come, told by many events at a time."""

import numpy as np

from events.columns import Int64s
from windows.plan import Words

GENERATION = 1024
"""Records of a source that move its clock, to the median of their times: a few wrong times can't move it."""


def floor_of(times: Int64s, retention: int) -> int:
    """Time below which windows are not given any more, after a generation with these times."""
    return int(np.sort(times)[len(times) // 2]) - retention


class Clocks:
    """The clocks of a shard's sources apart from its windows.

    Args:
        held: by hash of the source its floor and the times of its unfinished generation.
        retention: milliseconds that records are kept behind the clock.
    """

    def __init__(self, held: dict[int, tuple[int, list[int]]], retention: int) -> None:
        self._held = {source: (floor, list(times)) for source, (floor, times) in held.items()}
        self._retention = retention

    def held(self) -> dict[int, tuple[int, list[int]]]:
        """As given: floors and unfinished generations."""
        return self._held

    def count(self, sources: Words, times: Int64s) -> None:
        """Take note of the times of records, in the order of acceptance."""
        for source in np.unique(sources).tolist():
            floor, waiting = self._held.get(source, (np.iinfo(np.int64).min, []))
            seen = np.concatenate((np.array(waiting, np.int64), times[sources == source]))
            whole = len(seen) - len(seen) % GENERATION
            for begin in range(0, whole, GENERATION):
                floor = max(floor, floor_of(seen[begin : begin + GENERATION], self._retention))
            self._held[source] = (floor, seen[whole:].tolist())
