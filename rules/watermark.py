"""Watermarks: how far event time has come in each lane of the input, so that absence can be told.

A lane is what brings the events of a customer in order: the partitions of one number, or the files of a
replay. Its clock stands at the third newest time that it brought, so one or two events with a time far ahead
do not make every deadline pass. While a lane is silent, its clock goes on with the clock on the wall.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from events.columns import Int64s

NEVER = -(1 << 62)
"""Earlier than any event."""

_HEIGHTS = 3

Heights = tuple[int, int, int]
"""The newest three times, the newest first; NEVER where there were fewer."""


@dataclass(frozen=True, slots=True)
class Passing:
    """What a batch does to the clocks, told by the batch alone.

    Args:
        lanes: names of its lanes.
        codes: place of each event's lane among them, shape (n,).
        before: the newest three times of the event's lane in the batch before it, shape (3, n).
        after: the same of each lane at the end of the batch.
        silent: milliseconds of silence by lane that a batch without events reports.
    """

    lanes: tuple[str, ...]
    codes: Int64s
    before: npt.NDArray[np.int64]
    after: Mapping[str, Heights]
    silent: Mapping[str, int]

    def take(self, rows: Int64s) -> "Passing":
        """The same for some of the events."""
        return replace(self, codes=self.codes[rows], before=self.before[:, rows])


def passing(
    times: Int64s, lanes: Sequence[str], latest: int | None, silent: Mapping[str, int] | None = None
) -> Passing:
    """How the events of a batch move the clocks.

    Args:
        times: event times in arrival order, shape (n,).
        lanes: lane of each event.
        latest: times beyond it do not count: an event can't be from the future; None where that is unknown.
        silent: milliseconds of silence by lane.
    """
    names = tuple(dict.fromkeys(lanes))
    places = {name: place for place, name in enumerate(names)}
    codes = np.fromiter((places[lane] for lane in lanes), np.int64, len(times))
    if latest is not None:
        times = np.minimum(times, latest)
    before = np.full((_HEIGHTS, len(times)), NEVER, np.int64)
    after: dict[str, Heights] = {}
    for place, name in enumerate(names):
        rows = slice(None) if len(names) == 1 else np.flatnonzero(codes == place)
        found = _running(times[rows])
        before[:, rows] = found[:, :-1]
        first, second, third = found[:, -1].tolist()
        after[name] = (first, second, third)
    return Passing(names, codes, before, after, silent or {})


def _running(times: Int64s) -> npt.NDArray[np.int64]:
    """The newest three times before each event and at the end, shape (3, n + 1)."""
    heights = np.full((_HEIGHTS, len(times) + 1), NEVER, np.int64)
    left = times
    for height in heights:
        np.maximum.accumulate(left, out=height[1:])
        left = np.minimum(left, height[:-1])  # what this height lets fall to the next
    return heights


@dataclass(slots=True)
class LaneClock:
    """The clock of one lane.

    Args:
        heights: the newest three times that came.
        reached: where it stands, epoch milliseconds.
    """

    heights: Heights = (NEVER, NEVER, NEVER)
    reached: int = NEVER

    def at(self, before: npt.NDArray[np.int64]) -> Int64s:
        """Where it stands at events of a batch, shape (n,), of the newest times before them, shape (3, n)."""
        a, b, c = self.heights
        third = np.maximum(before[2], np.minimum(before[1], a))
        np.maximum(third, np.minimum(before[0], b), out=third)
        reached: Int64s = np.maximum(third, max(c, self.reached))
        return reached

    def move(self, after: Heights) -> None:
        """Take in the newest times of a batch."""
        first, second, third = sorted((*self.heights, *after), reverse=True)[:_HEIGHTS]
        self.heights = (first, second, third)
        self.reached = max(self.reached, third)

    def wait(self, silent: int) -> None:
        """Go on by some milliseconds of silence, from the oldest of the newest times that is known."""
        known = [height for height in self.heights if height != NEVER]
        if known:
            self.reached = max(self.reached, known[-1]) + silent
