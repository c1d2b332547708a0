"""The log of a shard: appended, merged, trimmed, always the same records in the same order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.windows.sharding import EMPTY_STORE, PLAN, records_at
from windows import log as logs
from windows.block import Block, Change, schema_of, unpack
from windows.errors import WindowError
from windows.journal import Stored, Write
from windows.log import Checkpoint, ShardLog

NOW = 1_700_000_000_000
SCHEMA = schema_of(PLAN)


def empty(loss_window: float = 0.0) -> ShardLog:
    return ShardLog(0, SCHEMA, EMPTY_STORE, loss_window)


def block(first: int, size: int, *, source: int = 7, step: int = 1) -> Block:
    """Records number `first` and on, a millisecond each; the first of every ten changes a profile."""
    times = NOW + step * np.arange(first, first + size)
    changes = [Change(n, {"n": first + n}) for n in range(size) if (first + n) % 10 == 0]
    return Block(SCHEMA.id, records_at(times, np.full(size, source, np.uint64), first), changes)


def fill(log: ShardLog, sizes: list[int], first: int = 0) -> None:
    """Append blocks, each with its upkeep."""
    for size in sizes:
        log.done(log.append(block(first, size)))
        first += size
        merged = log.merge()
        if merged is not None:
            log.done(merged)


def content(log: ShardLog) -> tuple[list[int], list[tuple[int, object]]]:
    """Offsets of the records, and offset and value of the changes."""
    offsets: list[int] = []
    changes: list[tuple[int, object]] = []
    for _, one in log.blocks():
        found = one.records.offsets.tolist()
        changes += [(found[change.record], change.attributes["n"]) for change in one.changes]
        offsets += found
    return offsets, changes


def whole(numbers: range) -> tuple[list[int], list[tuple[int, object]]]:
    return list(numbers), [(n, n) for n in numbers if n % 10 == 0]


def stored(log: ShardLog) -> Stored:
    write = log.anew()
    assert write.ground is not None
    return Stored(log.mark, write.records, write.ground, list(write.blocks), dict(write.schemas))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 60), max_size=80))
def test_a_log_holds_its_records_in_order_however_it_was_written(sizes: list[int]) -> None:
    log = empty()
    fill(log, sizes)
    assert log.records == log.kept == sum(sizes)
    assert content(log) == whole(range(sum(sizes)))
    again = ShardLog(0, SCHEMA, stored(log), 0.0)
    assert (again.records, again.kept, content(again)) == (log.records, log.kept, content(log))


def test_a_log_written_record_by_record_stays_short_and_is_rewritten_seldom() -> None:
    log, written = empty(), 0
    for number in range(3_000):
        log.done(log.append(block(number, 1)))
        merged = log.merge()
        if merged is not None:
            written += len(unpack(merged.blocks[0]).records)
            log.done(merged)
    assert len(stored(log).blocks) < 40
    assert written < 6 * 3_000


def test_blocks_are_merged_behind_others_that_they_can_not_be_merged_with() -> None:
    """After a trim, or under a new pack, the blocks before are of another kind."""
    log = empty()
    fill(log, [500])
    old = stored(log)
    other = schema_of(PLAN).__class__(SCHEMA.entities, (*SCHEMA.conditions, "more"), SCHEMA.values)
    log = ShardLog(0, other, old, 0.0)
    for number in range(700):
        log.done(log.append(Block(other.id, block(500 + number, 1).records)))
        merged = log.merge()
        if merged is not None:
            log.done(merged)
    assert content(log)[0] == list(range(1_200))
    assert len(stored(log).blocks) < 40


def test_the_first_append_brings_the_schema_along() -> None:
    log = empty()
    first = log.append(block(0, 1))
    assert list(first.schemas) == [SCHEMA.id]
    again = log.append(block(0, 1))  # the first one was not done
    assert list(again.schemas) == [SCHEMA.id]
    log.done(again)
    assert not log.append(block(1, 1)).schemas
    lost = Stored("m", 1, b"", list(again.blocks), {})
    with pytest.raises(WindowError, match=f"block of unknown schema `{SCHEMA.id}`; rebuild the windows"):
        list(ShardLog(0, SCHEMA, lost, 0.0).blocks())


def trimmed(log: ShardLog, at: Checkpoint, retention: int = 0) -> Write | None:
    return log.trim(PLAN, retention, at)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trim from the first record on."""
    monkeypatch.setattr(logs, "_TRIM_FROM", 1)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("place", [0, 1, 299, 300, 301, 650, 1_000])
@pytest.mark.parametrize("floor", [0, 250, 999])
def test_what_lies_behind_the_floors_goes_if_it_was_there_at_the_checkpoint(place: int, floor: int) -> None:
    log = empty()
    fill(log, [300, 1, 349, 350])
    write = trimmed(log, Checkpoint(place, {7: NOW + floor}))
    gone = min(place, floor + 1)
    if not gone:
        assert write is None
        return
    assert write is not None
    log.done(write)
    assert content(log) == whole(range(gone, 1_000))
    assert (log.records, log.kept) == (1_000, 1_000 - gone)
    assert sum(size > 0 for size in log.ground.clocks) == 1
    (_, waiting) = log.ground.clocks[7]
    assert len(waiting) == place  # fewer than a generation: all of them wait, once


@pytest.mark.usefixtures("eager")
def test_a_log_is_trimmed_again_and_again() -> None:
    log = empty()
    for number in range(20):
        fill(log, [100] * 10, 1_000 * number)
        write = trimmed(log, Checkpoint(log.records - 500, {7: NOW + 1_000 * number}))
        if write is not None:
            log.done(write)
        offsets, changes = content(log)
        assert offsets == list(range(offsets[0], log.records))
        assert changes == whole(range(offsets[0], log.records))[1]
    assert log.kept < 4_000
    assert log.records == 20_000
    # The clocks have seen every record before the last trim once.
    floor, waiting = log.ground.clocks[7]
    seen = log.records - 500 if trimmed(log, Checkpoint(0, {})) is None else 0
    assert floor > NOW
    assert len(waiting) < 1_024
    assert seen


@pytest.mark.usefixtures("eager")
def test_sources_are_trimmed_by_their_own_clocks() -> None:
    log = empty()
    log.done(log.append(block(0, 100, source=1)))
    log.done(log.append(block(100, 100, source=2)))
    write = trimmed(log, Checkpoint(200, {1: NOW + 49}))
    assert write is not None
    log.done(write)
    assert content(log)[0] == [*range(50, 100), *range(100, 200)]


def test_a_log_is_not_trimmed_before_it_is_worth_it() -> None:
    log = empty()
    fill(log, [1_000])
    assert trimmed(log, Checkpoint(1_000, {7: NOW + 10**6})) is None


def test_the_whole_log_is_written_anew_with_all_that_it_needs() -> None:
    log = empty()
    fill(log, [5, 5, 5])
    write = log.anew()
    assert (write.records, write.ground, list(write.schemas)) == (15, b"", [SCHEMA.id])
    assert sum(len(unpack(raw).records) for raw in write.blocks) == 15


def test_recent_blocks_are_kept_for_the_loss_window() -> None:
    log = empty(loss_window=60.0)
    fill(log, [1] * 20)
    recent = log.recent()
    assert [(one.before, one.records) for one in recent] == [(n, n + 1) for n in range(20)]
    assert [unpack(one.block).records.offsets.tolist() for one in recent] == [[n] for n in range(20)]
    assert all(list(one.schemas) == [SCHEMA.id] for one in recent)
    none = empty(loss_window=0.0)
    fill(none, [1] * 20)
    assert none.recent() == ()
