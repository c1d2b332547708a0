"""The lockstep: one batch at a time, and the clock runs only while one is out."""

import time
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from bench.load import Customers, Load, write
from bench.lockstep import Block, Lockstep, Timing
from wire.messages import RawBatch
from wire.output import Lines, Output


@pytest.fixture
def events(tmp_path: Path) -> Path:
    write(Load(25, 5, Customers.UNIFORM), tmp_path / "events.jsonl")
    return tmp_path / "events.jsonl"


def part(batch: RawBatch, rows: slice) -> Output:
    """The decisions of some messages of a batch."""
    chosen = np.arange(len(batch.values))[rows]
    decisions = Lines.of(b"%d:%d" % (batch.batch, row) for row in chosen.tolist())
    return Output(batch.batch, len(batch.values), rows=chosen, keys=["k"] * len(chosen), decisions=decisions)


def test_the_next_batch_comes_when_all_parts_of_the_last_one_were_answered(events: Path) -> None:
    lockstep = Lockstep([Block(events, 10), Block(events, 25)])
    sizes, numbers = [], []
    for _ in range(4):
        (batch,) = lockstep.next_batch()
        sizes.append(len(batch.values))
        numbers.append(batch.batch)
        assert lockstep.next_batch() == []
        lockstep.answered([part(batch, slice(0, 3))])
        assert lockstep.next_batch() == []
        lockstep.answered([part(batch, slice(3, None))])
    with pytest.raises(StopIteration):
        lockstep.next_batch()
    assert sizes == [10, 10, 5, 25]
    assert numbers == [0, 1, 2, 3]
    assert [timing.events for timing in lockstep.timings] == [25, 25]


def test_the_clock_stands_still_between_batches(events: Path) -> None:
    lockstep = Lockstep([Block(events, 10)])
    for _ in range(3):
        (batch,) = lockstep.next_batch()
        time.sleep(0.02)
        lockstep.answered([part(batch, slice(None))])
        time.sleep(0.2)
    (timing,) = lockstep.timings
    assert 0.06 <= timing.seconds < 0.4


def test_blocks_are_told_when_they_end_and_metered(events: Path) -> None:
    ended: list[Timing] = []
    meter = iter([100.0, 107.0, 120.0, 121.5])
    lockstep = Lockstep([Block(events, 25), Block(events, 25)], ended=ended.append, meter=lambda: next(meter))
    for number in range(2):
        (batch,) = lockstep.next_batch()
        assert len(ended) == number
        lockstep.answered([part(batch, slice(None))])
    with pytest.raises(StopIteration):
        lockstep.next_batch()
    assert ended == lockstep.timings
    assert [timing.metered for timing in ended] == [7.0, 1.5]


def test_decisions_are_kept_where_that_is_asked_for(events: Path) -> None:
    lockstep = Lockstep([Block(events, 25), Block(events, 25, keep=True)])
    for _ in range(2):
        (batch,) = lockstep.next_batch()
        lockstep.answered([part(batch, slice(None))])
    assert [len(timing.decisions) for timing in lockstep.timings] == [0, 25]
    assert lockstep.timings[1].decisions[3] == b"1:3"


def test_it_stops_when_told_after_the_batch_that_is_out(events: Path) -> None:
    stop = Event()
    lockstep = Lockstep([Block(events, 10)], stop)
    (batch,) = lockstep.next_batch()
    stop.set()
    assert lockstep.next_batch() == []
    lockstep.answered([part(batch, slice(None))])
    with pytest.raises(StopIteration):
        lockstep.next_batch()
