"""The hash tables of the kernels, against dictionaries, with keys that collide."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from windows import tables
from windows.tables import DUPLICATE, FRESH, SAME

SLOTS = 32
# Few low bits, so that most keys want the same slots; 0 marks a free one.
KEYS = st.builds(lambda high, low: (high << 40) | low, st.integers(1, 3), st.sampled_from([1, 2, 30, 31]))
IDS = st.tuples(KEYS, st.integers(0, 1))


def words(*numbers: int) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    return np.array(numbers, np.uint64)


def remember(table: tables.Words, key: tuple[int, int], place: int) -> tuple[int, int]:
    """How many were new, and what the one key is."""
    status = np.full(1, -1, np.int8)
    fresh = tables.remember(table, words(*key).reshape(1, 2), words(place), status)
    return fresh, int(status[0])


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.tuples(IDS, st.integers(0, 2), st.booleans()), max_size=60))
def test_ids_are_known_until_they_are_forgotten(steps: list[tuple[tuple[int, int], int, bool]]) -> None:
    table = np.zeros((SLOTS, 3), np.uint64)
    known: dict[tuple[int, int], int] = {}
    for key, place, out in steps:
        if out and key in known:
            tables.forget(table, words(*key).reshape(1, 2))
            del known[key]
        elif len(known) < SLOTS // 2 or key in known:
            wanted = FRESH if key not in known else SAME if known[key] == place else DUPLICATE
            assert remember(table, key, place) == (int(wanted == FRESH), wanted)
            known.setdefault(key, place)
        assert np.count_nonzero(table[:, 0]) == len(known)
    larger = np.zeros((4 * SLOTS, 3), np.uint64)
    tables.rehash_ids(table, larger)
    for held in (table, larger):
        assert [remember(held, key, place) for key, place in known.items()] == [(0, SAME)] * len(known)


def test_an_id_twice_in_one_call_is_new_once() -> None:
    table = np.zeros((SLOTS, 3), np.uint64)
    keys = np.array([[5, 1], [5, 2], [5, 1], [5, 1]], np.uint64)
    status = np.zeros(4, np.int8)
    assert tables.remember(table, keys, words(7, 7, 8, 7), status) == 2
    assert status.tolist() == [FRESH, FRESH, DUPLICATE, SAME]


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(-3, 3), st.booleans()), max_size=60))
def test_values_are_counted_by_spot(steps: list[tuple[int, int, bool]]) -> None:
    table = np.zeros((64, 3), np.int64)
    counted: Counter[tuple[int, int]] = Counter()
    for spot, value, out in steps:
        if not out:
            assert tables.count_in(table, spot, value) == (counted[spot, value] == 0)
            counted[spot, value] += 1
        elif counted[spot, value]:
            counted[spot, value] -= 1
            assert tables.count_out(table, spot, value) == (counted[spot, value] == 0)
    larger = np.zeros((256, 3), np.int64)
    tables.rehash_counts(table, larger)
    for held in (table, larger):
        assert {(spot, value): n for spot, value, n in held.tolist() if spot} == dict(+counted)
        for spot, value in +counted:
            assert held[tables.find_count(held, spot, value), 2] == counted[spot, value]


@settings(deadline=None)  # the first call compiles
@given(st.lists(KEYS, max_size=16, unique=True))
def test_names_keep_their_offsets_in_a_larger_table(names: list[int]) -> None:
    table, offsets = np.zeros(SLOTS, np.uint64), np.zeros(SLOTS, np.int64)
    for number, name in enumerate(names):
        slot = tables.find_name(table, np.uint64(name))
        assert table[slot] == 0
        table[slot], offsets[slot] = name, number
    larger, moved = np.zeros(4 * SLOTS, np.uint64), np.zeros(4 * SLOTS, np.int64)
    tables.rehash_names(table, offsets, larger, moved)
    for held, places in ((table, offsets), (larger, moved)):
        assert [places[tables.find_name(held, np.uint64(name))] for name in names] == list(range(len(names)))
