"""The file source in a real dataflow: batches, places, pace, stopping and going on after a crash."""

import gzip
import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, cluster_main, run_main

from tests.wire.making import NOON, message
from wire import file_source
from wire.errors import WireError
from wire.file_source import FilePlace, FileSource
from wire.input_files import InputFiles
from wire.messages import RawBatch

Ids = list[str]


class CrashError(Exception):
    """Raised by a step of a test's flow, as a defect would."""


def written(folder: Path, count: int = 40) -> InputFiles:
    """Orders every minute and, in a second file, shipments every two minutes."""
    folder.mkdir(parents=True, exist_ok=True)
    orders = [message(event_id=f"o{n}", occurred_at=NOON + n * 60_000) for n in range(count)]
    shipments = [message(event_id=f"s{n}", occurred_at=NOON + n * 60_000) for n in range(0, count, 2)]
    (folder / "orders.jsonl").write_bytes(b"\n".join(orders))
    (folder / "shipments.jsonl.gz").write_bytes(gzip.compress(b"\n".join(shipments)))
    return InputFiles([folder / "orders.jsonl", folder / "shipments.jsonl.gz"])


def ids(batches: list[RawBatch]) -> Ids:
    return [json.loads(value)["event_id"] for batch in batches for value in batch.values if value]


def whole(count: int = 40) -> Ids:
    """The ids of `written` in the order in which they are to come."""
    return [name for n in range(count) for name in ([f"o{n}", f"s{n}"] if n % 2 == 0 else [f"o{n}"])]


def flow_of(
    source: FileSource, out: list[RawBatch], check: Callable[[RawBatch], None] = lambda _: None
) -> Dataflow:
    def passed(batch: RawBatch) -> RawBatch:
        check(batch)
        return batch

    flow = Dataflow("test")
    op.output("write", op.map("check", op.input("read", flow, source), passed), TestingSink(out))
    return flow


def recovery(folder: Path) -> RecoveryConfig:
    folder.mkdir()
    init_db_dir(folder, 1)
    return RecoveryConfig(str(folder))


def run(flow: Dataflow, config: RecoveryConfig) -> None:
    run_main(flow, epoch_interval=timedelta(0), recovery_config=config)


def test_batches_name_where_each_message_came_from(tmp_path: Path) -> None:
    out: list[RawBatch] = []
    read: list[int] = []
    run_main(flow_of(FileSource(written(tmp_path), batch=16, on_read=read.append), out))
    assert ids(out) == whole()
    assert [batch.batch for batch in out] == [0, 1, 2, 3]
    assert [len(batch.values) for batch in out] == [16, 16, 16, 12]
    assert read == [16, 32, 48, 60]
    places = {
        (source, offset): value
        for batch in out
        for source, offset, value in zip(batch.sources, batch.offsets.tolist(), batch.values, strict=True)
    }
    assert set(places) == {
        *(("orders.jsonl", n) for n in range(40)),
        *(("shipments.jsonl.gz", n) for n in range(20)),
    }
    assert json.loads(places["shipments.jsonl.gz", 7] or b"")["event_id"] == "s14"


def test_two_workers_read_every_message_once(tmp_path: Path) -> None:
    out: list[RawBatch] = []
    cluster_main(flow_of(FileSource(written(tmp_path), batch=7), out), [], 0, worker_count_per_proc=2)
    assert ids(sorted(out, key=lambda batch: batch.batch)) == whole()


@pytest.mark.parametrize("crash_at", [0, 1, 4, 8])
def test_after_a_crash_the_same_batches_come_again(tmp_path: Path, crash_at: int) -> None:
    files, config = written(tmp_path / "in"), recovery(tmp_path / "state")
    out: list[RawBatch] = []

    def crash(batch: RawBatch) -> None:
        if batch.batch == crash_at:
            raise CrashError

    with pytest.raises(BytewaxRuntimeError):
        run(flow_of(FileSource(files, batch=7), out, crash), config)
    before = len(out)
    run(flow_of(FileSource(files, batch=7), out), config)

    again = out[before:]
    assert again[0].batch <= crash_at  # nothing is skipped
    assert again[0].batch >= crash_at - 1  # and of what was saved nothing read again
    assert {batch.batch for batch in out} == set(range(9))
    by_number = {batch.batch: batch for batch in out}
    for batch in out:
        same = by_number[batch.batch]
        assert (batch.values, batch.sources) == (same.values, same.sources)
        assert batch.offsets.tolist() == same.offsets.tolist()
    assert ids([by_number[number] for number in range(9)]) == whole()


def test_stopping_ends_before_the_end_and_goes_on_there(tmp_path: Path) -> None:
    files, config = written(tmp_path / "in"), recovery(tmp_path / "state")
    out: list[RawBatch] = []
    for wanted in (21, 42, 60):
        stop = Event()

        def on_read(read: int, wanted: int = wanted, stop: Event = stop) -> None:
            if read >= wanted:
                stop.set()

        run(flow_of(FileSource(files, batch=7, on_read=on_read, stop=stop), out), config)
        assert ids(out) == whole()[:wanted]
    run(flow_of(FileSource(files, batch=7), out), config)
    assert ids(out) == whole()


def test_a_damaged_file_ends_the_run_with_its_name(tmp_path: Path) -> None:
    files = written(tmp_path)
    shipments = tmp_path / "shipments.jsonl.gz"
    shipments.write_bytes(shipments.read_bytes()[:-9])
    with pytest.raises(BytewaxRuntimeError) as caught:
        run_main(flow_of(FileSource(files), []))
    assert isinstance(caught.value.__cause__, WireError)
    assert f"{shipments}: damaged gzip file" in str(caught.value.__cause__)


class Wall:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = 5_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    clock = Wall()
    monkeypatch.setattr(file_source, "wall_clock", clock)
    return clock


def played(tmp_path: Path, *messages: bytes) -> InputFiles:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(messages))
    return InputFiles([path])


def at(seconds: float, name: str) -> bytes:
    return message(event_id=name, occurred_at=NOON + int(seconds * 1000))


def test_at_a_speed_lines_come_when_their_time_has_come(tmp_path: Path, wall: Wall) -> None:
    files = played(tmp_path, at(0, "0"), at(60, "60"), at(30, "late"), at(61, "61"), at(600, "600"))
    part = FileSource(files, speed=60.0, batch=2).build_part("read", "files", None)
    assert ids(part.next_batch()) == ["0"]
    assert part.next_batch() == []
    assert part.next_awake() is not None
    wall.now += 999
    assert part.next_batch() == []
    wall.now += 1
    assert ids(part.next_batch()) == ["60", "late"]  # the late line came after it in life, too
    wall.now += 1_000
    assert ids(part.next_batch()) == ["61"]
    # The line that waits has not been read yet as far as the place goes.
    assert part.snapshot() == FilePlace(4, (4,), 3)
    wall.now += 60_000
    assert ids(part.next_batch()) == ["600"]
    with pytest.raises(StopIteration):
        part.next_batch()
    assert part.next_awake() is None


def test_playing_goes_on_from_a_place_at_the_same_pace(tmp_path: Path, wall: Wall) -> None:
    files = played(tmp_path, at(0, "0"), at(60, "60"), at(120, "120"))
    part = FileSource(files, speed=1.0).build_part("read", "files", FilePlace(1, (1,), 1))
    (batch,) = part.next_batch()
    assert (ids([batch]), batch.batch, batch.offsets.tolist()) == (["60"], 1, [1])
    wall.now += 59_999
    assert part.next_batch() == []
    wall.now += 1
    assert ids(part.next_batch()) == ["120"]


def test_broken_lines_do_not_hold_up_the_pace(tmp_path: Path, wall: Wall) -> None:
    far = b'{"occurred_at": 99999999999999999}'
    files = played(tmp_path, b"{", far, at(0, "0"), far, b"\xff", at(1, "1"))
    part = FileSource(files, speed=1.0).build_part("read", "files", None)
    (batch,) = part.next_batch()
    assert batch.values == [b"{", far, at(0, "0"), far, b"\xff"]
    wall.now += 1_000
    assert ids(part.next_batch()) == ["1"]


def test_a_file_of_broken_lines_only_is_played_at_once(tmp_path: Path, wall: Wall) -> None:
    part = FileSource(played(tmp_path, b"1", b"2"), speed=1.0).build_part("read", "files", None)
    (batch,) = part.next_batch()
    assert batch.values == [b"1", b"2"]


def test_a_flow_at_a_speed_takes_its_time(tmp_path: Path) -> None:
    out: list[RawBatch] = []
    files = played(tmp_path, *(at(n / 10, str(n)) for n in range(6)))
    started = time.monotonic()
    run_main(flow_of(FileSource(files, speed=1.0), out))
    assert 0.5 <= time.monotonic() - started < 5
    assert ids(out) == [str(n) for n in range(6)]
    assert len(out) >= 3
