"""Clocks: each source has its own, and a few wrong times don't move it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from events.clock import DAY
from tests.windows.sharding import PLAN, records_at
from windows.clock import GENERATION, Clocks
from windows.state import Known, WindowState

NEVER = np.iinfo(np.int64).min
NOW = 1_700_000_000_000


def counted(times: list[int], retention: int = DAY) -> Clocks:
    clocks = Clocks({}, retention)
    clocks.count(np.full(len(times), 7, np.uint64), np.array(times, np.int64))
    return clocks


def test_a_clock_is_the_median_of_a_generation() -> None:
    assert counted([NOW + n for n in range(GENERATION - 1)]).held()[7][0] == NEVER
    assert counted([NOW + n for n in range(GENERATION)]).held()[7] == (NOW + GENERATION // 2 - DAY, [])


def test_a_few_wrong_times_do_not_move_it() -> None:
    wrong = [NOW + 1_000 * DAY] * (GENERATION // 2 - 1)
    found = counted([*wrong, *[NOW] * (GENERATION - len(wrong))])
    assert found.held()[7][0] == NOW - DAY


def test_it_never_runs_back() -> None:
    clocks = counted([NOW] * GENERATION)
    clocks.count(np.full(GENERATION, 7, np.uint64), np.full(GENERATION, NOW - 9 * DAY))
    assert clocks.held()[7][0] == NOW - DAY


def test_sources_have_clocks_of_their_own() -> None:
    sources = np.array([1, 2] * GENERATION, np.uint64)
    clocks = Clocks({}, 0)
    clocks.count(sources, np.where(sources == 1, NOW, NOW + DAY))
    assert {source: floor for source, (floor, _) in clocks.held().items()} == {1: NOW, 2: NOW + DAY}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 900), min_size=2, max_size=6), st.integers(0, 99))
def test_any_portions_and_the_kernel_count_alike(sizes: list[int], seed: int) -> None:
    dice = np.random.default_rng(seed)
    n = sum(sizes)
    sources, times = dice.choice(np.array([5, 6], np.uint64), n), NOW + dice.integers(0, DAY, n)
    whole = Clocks({}, DAY)
    whole.count(sources, times)
    portions = Clocks({}, DAY)
    state = WindowState(PLAN, DAY)
    known = Known(np.ones(len(PLAN.series), np.bool_), np.ones(len(PLAN.entities), np.bool_))
    for begin, size in zip(np.cumsum([0, *sizes]).tolist(), sizes, strict=False):
        part = slice(begin, begin + size)
        portions = Clocks(portions.held(), DAY)
        portions.count(sources[part], times[part])
        state.absorb(records_at(times[part], sources[part], begin), [], known)
    assert portions.held() == whole.held()
    floors = {source: floor for source, (floor, _) in whole.held().items()}
    # The kernel closes a full generation when the next record comes.
    pending = {source: len(waiting) == 0 for source, (_, waiting) in whole.held().items()}
    for source, floor in state.floors().items():
        assert floor == floors[source] or pending[source]
