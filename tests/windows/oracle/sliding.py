"""An oracle for one entity's long stream in order of time: values enter a window and leave it, exactly."""

import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from tests.windows.oracle.plain import Value


class Window:
    """The values of one window (t - delay - length, t - delay], kept up to date by two pointers.

    Args:
        times: event times that never go back, every event of the entity.
        values: an integer of each event.
        length: milliseconds.
        delay: milliseconds.
    """

    def __init__(self, times: Sequence[int], values: Sequence[int], length: int, delay: int = 0) -> None:
        self._times, self._values = times, values
        self._length, self._delay = length, delay
        self._first = self._end = 0
        self._total = self._squares = 0
        self._kinds: Counter[int] = Counter()
        self._lows: deque[int] = deque()
        self._highs: deque[int] = deque()

    def answers(self) -> Iterator[dict[str, Value]]:
        """What every aggregate says at each event, of the events up to it."""
        for number, now in enumerate(self._times):
            end = now - self._delay
            while self._end <= number and self._times[self._end] <= end:
                self._enter(self._end)
                self._end += 1
            while self._first < self._end and self._times[self._first] <= end - self._length:
                self._leave(self._first)
                self._first += 1
            yield self._answer()

    def _enter(self, place: int) -> None:
        value = self._values[place]
        self._total += value
        self._squares += value * value
        self._kinds[value] += 1
        while self._lows and self._values[self._lows[-1]] >= value:
            self._lows.pop()
        while self._highs and self._values[self._highs[-1]] <= value:
            self._highs.pop()
        self._lows.append(place)
        self._highs.append(place)

    def _leave(self, place: int) -> None:
        value = self._values[place]
        self._total -= value
        self._squares -= value * value
        self._kinds[value] -= 1
        if not self._kinds[value]:
            del self._kinds[value]
        for extremes in (self._lows, self._highs):
            if extremes[0] == place:
                extremes.popleft()

    def _answer(self) -> dict[str, Value]:
        n = self._end - self._first
        return {
            "count": n,
            "sum": self._total,
            "distinct": len(self._kinds),
            "avg": self._total / n if n else None,
            "min": self._values[self._lows[0]] if n else None,
            "max": self._values[self._highs[0]] if n else None,
            "stddev": self._deviation(n) if n > 1 else None,
        }

    def _deviation(self, n: int) -> float:
        # The quotient of two integers is rounded once, whatever their size.
        return math.sqrt((n * self._squares - self._total**2) / (n * (n - 1)))
