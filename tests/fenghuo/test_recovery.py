"""The recovery directory of a stopped run: read from a copy, and never while a run uses it."""

import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.operators import StatefulBatchLogic
from bytewax.testing import TestingSink, TestingSource

from fenghuo.commands.windows_rebuild import saved_state
from fenghuo.recovery import RecoveryError, check_saved, copy_recovery
from fenghuo.wiring import run_flow
from flows.saved import FIRST, SECOND
from flows.windows import ShardState

USER = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1])
held.execute("PRAGMA journal_mode = WAL")
held.execute("CREATE TABLE IF NOT EXISTS used (n)")
print("open", flush=True)
sys.stdin.read()
"""


class Counting(StatefulBatchLogic[int, int, ShardState]):
    """Saves how many values it saw."""

    def __init__(self, state: ShardState | None) -> None:
        self._count = state.records if state is not None else 0

    def on_batch(self, values: list[int]) -> tuple[list[int], bool]:
        self._count += len(values)
        return values, StatefulBatchLogic.RETAIN

    def snapshot(self) -> ShardState:
        return ShardState("mark", self._count)


def run(recovery: Path, values: list[int]) -> None:
    """Run a dataflow whose steps are named as the real one's; a negative value makes it crash."""

    def check(value: int) -> int:
        if value < 0:
            raise RuntimeError
        return value

    flow = Dataflow("risk")
    read = op.map("check", op.input("read", flow, TestingSource(values)), check)
    keyed = op.key_on("key", read, lambda value: f"{value % 3:03d}")
    op.output("write", op.stateful_batch(f"{FIRST}_own", keyed, Counting), TestingSink([]))
    run_flow(flow, workers=2, recovery=recovery, interval=0)


@contextmanager
def used(part: Path) -> Iterator[None]:
    """Another process that has it open, as the engine has."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(part)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"open\n"
        yield
        child.communicate()


def test_the_states_of_a_run_are_found_by_stage_and_key(tmp_path: Path) -> None:
    recovery = tmp_path / "recovery"
    run(recovery, list(range(10)))
    before = (recovery / "part-0.sqlite3").read_bytes()
    copy_recovery(recovery, tmp_path / "copy")
    saved = saved_state(tmp_path / "copy", ["iterable", "other"])
    assert saved.read == {"iterable": 10}
    assert saved.shards == {
        FIRST: {
            "000": ShardState("mark", 4),
            "001": ShardState("mark", 3),
            "002": ShardState("mark", 3),
        },
        SECOND: {},
    }
    assert (recovery / "part-0.sqlite3").read_bytes() == before


def test_a_run_goes_on_after_its_recovery_was_copied(tmp_path: Path) -> None:
    recovery = tmp_path / "recovery"
    run(recovery, [1, 2])
    copy_recovery(recovery, tmp_path / "copy")
    saved_state(tmp_path / "copy", ["iterable"])
    run(recovery, [])
    copy_recovery(recovery, tmp_path / "again")
    assert saved_state(tmp_path / "again", ["iterable"]).shards[FIRST]["001"] == ShardState("mark", 1)


def test_a_state_of_an_epoch_that_was_not_finished_does_not_come_back(tmp_path: Path) -> None:
    recovery = tmp_path / "recovery"
    run(recovery, [0, 1, 2, 3])
    save_ahead(recovery, "000", ShardState("mark", 99))
    # The next run counts past that epoch, without an event for that key, and crashes, too.
    with pytest.raises(BytewaxRuntimeError):
        run(recovery, [0, 1, 2, 3, *[1] * 20, -1])
    copy_recovery(recovery, tmp_path / "copy")
    saved = saved_state(tmp_path / "copy", ["iterable"])
    assert saved.shards[FIRST]["000"] == ShardState("mark", 2)
    assert saved.shards[FIRST]["001"].records > 10


def save_ahead(recovery: Path, key: str, state: ShardState) -> None:
    """Leave what a run leaves that is killed after it saved a state, and before it saved the rest."""
    with closing(sqlite3.connect(recovery / "part-0.sqlite3")) as part, part:
        ((execution, workers, epoch),) = part.execute(
            "SELECT ex_num, worker_count, (SELECT MIN(worker_frontier) FROM fronts) FROM exs"
        ).fetchall()
        values = ((execution + 1, workers, epoch), (f"risk.{FIRST}_own", key, epoch, pickle.dumps(state)))
        part.execute("INSERT INTO exs (ex_num, worker_count, resume_epoch) VALUES (?, ?, ?)", values[0])
        part.execute(
            "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?, ?, ?)", values[1]
        )


def test_what_was_saved_last_counts_after_a_kill(tmp_path: Path) -> None:
    recovery = tmp_path / "recovery"
    recovery.mkdir()
    part = recovery / "part-0.sqlite3"
    kill = f"{USER}\nimport os; held.execute('INSERT INTO used VALUES (7)'); held.commit(); os.abort()"
    subprocess.run([sys.executable, "-c", kill, str(part)], stdin=subprocess.DEVNULL, check=False)
    assert (recovery / "part-0.sqlite3-wal").stat().st_size > 0
    copy_recovery(recovery, tmp_path / "copy")
    with closing(sqlite3.connect(tmp_path / "copy" / "part-0.sqlite3")) as copied:
        assert copied.execute("SELECT n FROM used").fetchall() == [(7,)]


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    recovery = tmp_path / "recovery"
    run(recovery, [1])
    with used(recovery / "part-0.sqlite3"), pytest.raises(RecoveryError) as caught:
        copy_recovery(recovery, tmp_path / "copy")
    assert str(caught.value) == (
        f"`{recovery}`: a run uses it; stop `fenghuo run` first, and whatever starts it again"
    )
    copy_recovery(recovery, tmp_path / "later")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    part = tmp_path / "part-0.sqlite3"
    part.write_bytes(b"no database" * 100)
    with pytest.raises(RecoveryError) as caught:
        copy_recovery(tmp_path, tmp_path / "copy")
    assert (
        str(caught.value) == f"`{part}`: file is not a database; make it readable and writable, or restore it"
    )


def test_a_directory_without_a_saved_state_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecoveryError, match=r"no run has saved its state there, so there is nothing to"):
        check_saved(tmp_path / "recovery")


def test_a_directory_whose_making_was_cut_is_made_again(tmp_path: Path) -> None:
    recovery = tmp_path / "recovery"
    cut = recovery / "tmp" / "part-0.sqlite3"
    cut.parent.mkdir(parents=True)
    cut.touch()
    run(recovery, [1, 2, 3])
    assert [part.name for part in recovery.glob("*.sqlite3")] == ["part-0.sqlite3"]
    copy_recovery(recovery, tmp_path / "copy")
