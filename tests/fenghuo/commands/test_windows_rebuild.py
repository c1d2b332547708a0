"""When windows are not rebuilt, and what is said then; tests/flows/test_rebuild.py rebuilds some."""

from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from events.clock import DAY, wall_clock
from events.errors import FenghuoError
from fenghuo.cli import app
from fenghuo.commands.windows_rebuild import RebuildError, is_lost, rebuild
from fenghuo.recovery import RecoveryError
from fenghuo.settings import Settings, load_settings
from flows.windows import ShardState
from store.redis.rebuilding import Held
from windows.journal import Appended

RECENT = (Appended(6, 8, b"", {}), Appended(8, 10, b"", {}))


def settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in {
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "KAFKA": "127.0.0.1:9",
        "DATA_DIR": str(home),
    }.items():
        monkeypatch.setenv(f"FENGHUO_{name}", value)
    return load_settings()


def test_the_servers_have_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings(tmp_path, monkeypatch)
    monkeypatch.delenv("FENGHUO_KAFKA")
    with pytest.raises(FenghuoError, match=r"^`FENGHUO_KAFKA` is not set; name the server"):
        rebuild(load_settings(), None, Console())


def test_there_must_be_a_run_to_rebuild_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecoveryError, match=r"/recovery`: no run has saved its state there"):
        rebuild(settings(tmp_path, monkeypatch), None, Console())


def test_a_time_in_the_future_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RebuildError, match=r"^--since .*Z lies in the future; nothing was produced since$"):
        rebuild(settings(tmp_path, monkeypatch), wall_clock() + DAY, Console())


@pytest.mark.parametrize("since", ["yesterday", "2026-11-01", "2026-11-01T00:00:00"])
def test_a_time_without_an_offset_is_wrong_use(since: str) -> None:
    result = CliRunner().invoke(app, ["windows", "rebuild", "--since", since])
    assert result.exit_code == 2
    assert f"`{since}` is no time with an offset" in result.output


@pytest.mark.parametrize(
    ("held", "lost"),
    [
        (None, True),
        (Held("other", 10), True),
        (Held("mark", 10), False),
        (Held("mark", 12), False),  # written after the state was saved
        (Held("mark", 8), False),  # the run appends the last block again
        (Held("mark", 6), False),
        (Held("mark", 7), True),
        (Held("mark", 5), True),
    ],
)
def test_a_shard_is_lost_when_a_run_could_not_go_on_with_it(held: Held | None, *, lost: bool) -> None:
    assert is_lost(ShardState("mark", 10, RECENT), held) is lost
