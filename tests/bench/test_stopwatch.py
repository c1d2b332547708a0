"""The stopwatch: runs from the first messages, and ends the input with the last ones."""

import time
from pathlib import Path
from threading import Event

import pytest

from bench.load import Customers, Load, write
from bench.stopwatch import Stopwatch, TimedSource
from wire.file_source import FileSource
from wire.input_files import InputFiles


@pytest.fixture
def events(tmp_path: Path) -> InputFiles:
    write(Load(250, 10, Customers.UNIFORM), tmp_path / "events.jsonl")
    return InputFiles([tmp_path / "events.jsonl"])


def test_it_runs_from_the_first_start() -> None:
    watch = Stopwatch()
    assert watch.read() == (0.0, 0.0)
    watch.start(time.perf_counter() - 10, time.process_time())
    watch.start(time.perf_counter(), time.process_time())
    assert watch.read()[0] >= 10


def test_reading_starts_it_and_the_last_message_ends_the_input(events: InputFiles) -> None:
    watch, stop = Stopwatch(), Event()
    source = TimedSource(FileSource(events, batch=100, stop=stop), watch, 250, stop)
    (name,) = source.list_parts()
    part = source.build_part("read", name, None)
    assert watch.read() == (0.0, 0.0)
    sizes = []
    before = time.perf_counter()
    while not stop.is_set():
        sizes += [len(batch.values) for batch in part.next_batch()]
    assert sizes == [100, 100, 50]
    assert 0 < watch.read()[0] <= time.perf_counter() - before
    with pytest.raises(StopIteration):
        part.next_batch()


def test_a_smaller_size_ends_the_input_before_its_end(events: InputFiles) -> None:
    stop = Event()
    source = TimedSource(FileSource(events, batch=100, stop=stop), Stopwatch(), 120, stop)
    part = source.build_part("read", "files", None)
    part.next_batch()
    assert not stop.is_set()
    part.next_batch()
    assert stop.is_set()
