"""Hash tables of the windows' kernels: open addressing with linear probing, never more than half full.

Keys are hashes already, so their low bits choose the slot. A slot is free where its first word is 0; whoever
makes keys sees to it that none is.
"""

import numpy as np
import numpy.typing as npt

from windows.jit import lean

Int64s = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

FRESH, SAME, DUPLICATE = range(3)
"""What an event id is to the table: new, known from the same place, known from another place."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)


@lean
def find_name(names: Words, name: np.uint64) -> int:
    """Slot of `name`, or of the free place where it belongs."""
    mask = len(names) - 1
    slot = np.int64(name & np.uint64(mask))
    while names[slot] != 0 and names[slot] != name:
        slot = (slot + 1) & mask
    return int(slot)


@lean
def rehash_names(names: Words, offsets: Int64s, to_names: Words, to_offsets: Int64s) -> None:
    """Fill a larger, empty table with the content of a smaller one."""
    for i in range(len(names)):
        if names[i] != 0:
            slot = find_name(to_names, names[i])
            to_names[slot] = names[i]
            to_offsets[slot] = offsets[i]


@lean
def find_id(ids: Words, high: np.uint64, low: np.uint64) -> int:
    """Slot of an event id, or of the free place where it belongs; `ids` has shape (slots, 3)."""
    mask = len(ids) - 1
    slot = np.int64(high & np.uint64(mask))
    while ids[slot, 0] != 0 and (ids[slot, 0] != high or ids[slot, 1] != low):
        slot = (slot + 1) & mask
    return int(slot)


@lean
def remember(ids: Words, keys: Words, places: Words, status: npt.NDArray[np.int8]) -> int:
    """Take in events whose id is new, in order, and say of each what it is.

    Args:
        ids: the table, with room for all.
        keys: ids, shape (n, 2).
        places: source and offset of each, as one integer, shape (n,).
        status: FRESH, SAME or DUPLICATE, shape (n,), written.

    Returns:
        how many were new.
    """
    fresh = 0
    for i in range(len(keys)):
        slot = find_id(ids, keys[i, 0], keys[i, 1])
        if ids[slot, 0] == 0:
            ids[slot, 0] = keys[i, 0]
            ids[slot, 1] = keys[i, 1]
            ids[slot, 2] = places[i]
            status[i] = FRESH
            fresh += 1
        else:
            status[i] = SAME if ids[slot, 2] == places[i] else DUPLICATE
    return fresh


@lean
def forget(ids: Words, keys: Words) -> None:
    """Take events out of the table again; all of them are in it."""
    mask = len(ids) - 1
    for i in range(len(keys)):
        hole = find_id(ids, keys[i, 0], keys[i, 1])
        slot = hole
        while True:  # close the gap, so that every key stays reachable from its own slot
            slot = (slot + 1) & mask
            if ids[slot, 0] == 0:
                break
            home = np.int64(ids[slot, 0] & np.uint64(mask))
            if ((slot - home) & mask) >= ((slot - hole) & mask):
                for word in range(3):
                    ids[hole, word] = ids[slot, word]
                hole = slot
        ids[hole, 0] = 0


@lean
def rehash_ids(ids: Words, to: Words) -> None:
    """Fill a larger, empty table with the content of a smaller one."""
    for i in range(len(ids)):
        if ids[i, 0] != 0:
            slot = find_id(to, ids[i, 0], ids[i, 1])
            for word in range(3):
                to[slot, word] = ids[i, word]


@lean
def _home(spot: int, value: int, mask: int) -> int:
    mixed = (np.uint64(value) ^ (np.uint64(spot) * _GOLDEN)) * _GOLDEN
    return int(np.int64((mixed >> _SHIFT) & np.uint64(mask)))


@lean
def find_count(counts: Int64s, spot: int, value: int) -> int:
    """Slot of how often `value` is counted at `spot`; `counts` has shape (slots, 3)."""
    mask = len(counts) - 1
    slot = _home(spot, value, mask)
    while counts[slot, 0] != 0 and (counts[slot, 0] != spot or counts[slot, 1] != value):
        slot = (slot + 1) & mask
    return int(slot)


@lean
def count_in(counts: Int64s, spot: int, value: int) -> int:
    """Count `value` once more; 1 when it was not there before, else 0."""
    slot = find_count(counts, spot, value)
    if counts[slot, 0] == 0:
        counts[slot, 0] = spot
        counts[slot, 1] = value
        counts[slot, 2] = 1
        return 1
    counts[slot, 2] += 1
    return 0


@lean
def count_out(counts: Int64s, spot: int, value: int) -> int:
    """Count `value` once less; 1 when that was the last, else 0."""
    hole = find_count(counts, spot, value)
    counts[hole, 2] -= 1
    if counts[hole, 2] > 0:
        return 0
    mask = len(counts) - 1
    slot = hole
    while True:
        slot = (slot + 1) & mask
        if counts[slot, 0] == 0:
            break
        home = _home(counts[slot, 0], counts[slot, 1], mask)
        if ((slot - home) & mask) >= ((slot - hole) & mask):
            for word in range(3):
                counts[hole, word] = counts[slot, word]
            hole = slot
    counts[hole, 0] = 0
    return 1


@lean
def rehash_counts(counts: Int64s, to: Int64s) -> None:
    """Fill a larger, empty table with the content of a smaller one."""
    for i in range(len(counts)):
        if counts[i, 0] != 0:
            slot = find_count(to, counts[i, 0], counts[i, 1])
            for word in range(3):
                to[slot, word] = counts[i, word]
