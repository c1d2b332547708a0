"""Records that may be delivered again after a restart, and the answers that they got the first time.

The log goes further than the place from which the source is read again. The records in between are not
absorbed at once but one block after the other as their messages come in again, each in the state that it was
accepted in. So every one of them gets the answer that it got before, at the cost of having it computed once
more.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from events.columns import Int64s
from windows.block import Change
from windows.memory import Result
from windows.plan import WindowPlan, Words
from windows.profile import EMPTY, Values
from windows.record import Records
from windows.state import Known, WindowState, blank

Key = tuple[int, int]


class _Expected(NamedTuple):
    """A record that may be delivered again: its number in the log, source and offset."""

    number: int
    source: int
    offset: int


class Replayed:
    """What a restarted shard still expects to see again.

    Args:
        plan: the features.
    """

    def __init__(self, plan: WindowPlan) -> None:
        self._plan = plan
        self._waiting: deque[tuple[Records, Sequence[Change], Known]] = deque()
        self._open: dict[Key, _Expected] = {}
        self._answers: dict[Key, tuple[Result, list[Values], int]] = {}
        self._reached: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting or self._open)

    def expect(self, records: Records, changes: Sequence[Change], known: Known, number: int) -> None:
        """Add records that the state has not absorbed, in order of acceptance from number `number` on."""
        if len(records):
            self._waiting.append((records, changes, known))
            places = zip(records.sources.tolist(), records.offsets.tolist(), strict=True)
            for place, (key, (source, offset)) in enumerate(zip(_keys(records.keys), places, strict=True)):
                self._open[key] = _Expected(number + place, source, offset)

    def catch_up(self, state: WindowState, records: Records, *, fully: bool) -> None:
        """Absorb as many records as are needed to answer `records`, or all of them."""
        for source, offset in zip(records.sources.tolist(), records.offsets.tolist(), strict=True):
            self._reached[source] = max(offset, self._reached.get(source, offset))
        wanted = set(_keys(records.keys)) & self._open.keys() - self._answers.keys()
        while self._waiting and (wanted or fully):
            absorbed, changes, known = self._waiting.popleft()
            result = blank(self._plan, len(absorbed))._replace(rows=np.arange(len(absorbed)))
            profiles = state.absorb(absorbed, changes, known, result) or [EMPTY] * len(absorbed)
            for row, key in enumerate(_keys(absorbed.keys)):
                self._answers[key] = (result, profiles, row)
                wanted.discard(key)

    def answer(self, keys: Words, rows: Int64s, result: Result, profiles: list[Values]) -> None:
        """Fill in the answers of records that were delivered again; NULL where there is none."""
        for key, row in zip(_keys(keys), rows.tolist(), strict=True):
            found = self._answers.pop(key, None)
            self._open.pop(key, None)
            if found is None:
                result.warming[:, row] = True
                continue
            before, seen, place = found
            result.integers[:, row] = before.integers[:, place]
            result.floats[:, row] = before.floats[:, place]
            result.valid[:, row] = before.valid[:, place]
            result.warming[:, row] = before.warming[:, place]
            result.newest[row] = before.newest[place]
            profiles[row] = seen[place]

    def first_open(self) -> int | None:
        """Number of the first record that is still expected, None for none.

        A source goes on in its order: what it has passed without delivering it will not come any more.
        """
        passed = [
            key
            for key, one in self._open.items()
            if one.offset <= self._reached.get(one.source, one.offset - 1)
        ]
        for key in passed:
            del self._open[key]
            self._answers.pop(key, None)
        return min((one.number for one in self._open.values()), default=None)


def _keys(keys: Words) -> list[Key]:
    return [(high, low) for high, low in keys.tolist()]
