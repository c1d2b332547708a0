"""Messages that come again after a restart: each gets its first answer once, in any portions."""

import numpy as np

from tests.windows.sharding import PLAN, records_at
from windows.memory import Result
from windows.profile import EMPTY, Values
from windows.record import Records
from windows.replayed import Replayed
from windows.state import Known, WindowState, blank

NOW = 1_700_000_000_000
KNOWN = Known(np.ones(len(PLAN.series), np.bool_), np.ones(len(PLAN.entities), np.bool_))
COUNT = [feature.name for feature in PLAN.features].index("count_customer_0")


def records(first: int, last: int, source: int = 7) -> Records:
    """Records number `first` to before `last`, all in one window."""
    n = last - first
    return records_at(np.full(n, NOW), np.full(n, source, np.uint64), first)


def expecting(*blocks: tuple[int, int]) -> Replayed:
    replayed = Replayed(PLAN)
    for first, last in blocks:
        replayed.expect(records(first, last), [], KNOWN, 100 + first)
    return replayed


def state() -> WindowState:
    return WindowState(PLAN, 10**12)


def answers(replayed: Replayed, again: Records) -> tuple[Result, list[Values]]:
    result = blank(PLAN, len(again))
    profiles: list[Values] = [EMPTY] * len(again)
    replayed.answer(again.keys, np.arange(len(again)), result, profiles)
    return result, profiles


def counts(result: Result) -> list[object]:
    cells = zip(result.integers[COUNT], result.valid[COUNT], result.warming[COUNT], strict=True)
    return ["warming" if warming else int(value) if valid else None for value, valid, warming in cells]


def test_each_record_gets_the_answer_of_its_own_moment() -> None:
    replayed, windows = expecting((0, 3), (3, 4), (4, 9)), state()
    for first, last in ((0, 2), (2, 6), (6, 9)):
        again = records(first, last)
        replayed.catch_up(windows, again, fully=False)
        assert counts(answers(replayed, again)[0]) == list(range(first + 1, last + 1))
    assert not replayed


def test_only_what_is_needed_is_absorbed() -> None:
    replayed, windows = expecting((0, 3), (3, 4), (4, 9)), state()
    replayed.catch_up(windows, records(0, 1), fully=False)
    assert windows.last(int(windows.place(np.array([9], np.uint64), 0)[0]), 0) >= NOW
    assert replayed.first_open() == 101  # number 100 has been passed; those of its block still answer
    assert counts(answers(replayed, records(1, 3))[0]) == [2, 3]
    replayed.catch_up(windows, records(9, 9), fully=True)
    assert counts(answers(replayed, records(3, 9))[0]) == [4, 5, 6, 7, 8, 9]


def test_an_answer_is_given_once() -> None:
    replayed, windows = expecting((0, 2)), state()
    replayed.catch_up(windows, records(0, 2), fully=False)
    assert counts(answers(replayed, records(0, 1))[0]) == [1]
    assert counts(answers(replayed, records(0, 2))[0]) == ["warming", 2]


def test_what_a_source_has_passed_is_not_waited_for() -> None:
    replayed, windows = expecting((0, 5)), state()
    assert replayed.first_open() == 100
    replayed.catch_up(windows, records(3, 4), fully=False)
    answers(replayed, records(3, 4))
    assert replayed.first_open() == 104  # 0 to 2 lie behind in their source
    other = records(50, 51, source=8)
    replayed.catch_up(windows, other, fully=False)
    assert replayed.first_open() == 104  # another source says nothing of this one
    replayed.catch_up(windows, records(5, 6), fully=False)
    assert replayed.first_open() is None
    assert not replayed
