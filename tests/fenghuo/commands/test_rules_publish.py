"""The life of rules from the command line, against a running console."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alerts.views import User
from events.clock import DAY, rfc3339, wall_clock
from events.rights import APPROVER, AUTHOR
from fenghuo import cli
from store.postgres.engine import sync_engine
from store.postgres.rules.editions import PostgresEditionStore
from tests.console.running import PASSWORD, Console, migrated, running_console
from tests.store.postgres.rules.making import pack

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def console(database_url: str) -> Iterator[Console]:
    engine = sync_engine(migrated(database_url))
    PostgresEditionStore(engine).seed({"small.yaml": pack(1)})
    engine.dispose()
    with running_console(database_url) as running:
        for name in ("ann", "ben"):
            running.person(User(name, name, frozenset({AUTHOR, APPROVER})))
        yield running


@pytest.fixture
def run(
    console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Runs `fenghuo rules …` as somebody: exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FENGHUO_CONSOLE_URL", console.url)
    monkeypatch.setenv("FENGHUO_PASSWORD", PASSWORD)
    monkeypatch.setenv("COLUMNS", "200")

    def called(user: str, *words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("FENGHUO_USER", user)
        monkeypatch.setattr(sys, "argv", ["fenghuo", "rules", *words])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        told = capsys.readouterr()
        return int(caught.value.code or 0), told.out, told.err

    return called


@pytest.fixture
def second(tmp_path: Path) -> str:
    """A file with version 2 of the pack."""
    path = tmp_path / "small.yaml"
    path.write_text(pack(2), encoding="utf-8")
    return str(path)


def test_one_hands_in_and_another_publishes(run: Run, second: str) -> None:
    code, out, _ = run("ann", "publish", second, "--reason", "for the new year")
    assert (code, out.splitlines()) == (
        0,
        [
            "small@2: handed in, draft",
            "a second person has to publish it: fenghuo rules publish small 2",
        ],
    )
    code, out, err = run("ann", "publish", "small", "2")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("fenghuo: `ann` may not publish their own work; a second person")
    assert run("ben", "publish", "small", "2", "--reason", "stricter") == (
        0,
        "small@2: active, edition 2\n",
        "",
    )
    assert run("ann", "submit", second)[1] == "small@2: was there already, active\n"
    _, out, _ = run("ann", "list")
    assert re.search(r"small@2 +active +ann .* ben", out)
    _, out, _ = run("ann", "history", "small")
    assert "stricter" in out
    assert "for the new year" in out
    assert re.search(r"small@1 +seed +system +1", out)


def test_a_version_is_tried_paused_and_rolled_back(run: Run, second: str) -> None:
    run("ann", "submit", second)
    steps = [
        ("ann", "shadow", "2", "shadow"),
        ("ben", "publish", "2", "active"),
        ("ann", "pause", "2", "paused"),
        ("ben", "resume", "2", "active"),
        ("ann", "publish", "1", "active"),
        ("ann", "shadow", "2", "shadow"),
        ("ann", "retire", "2", "retired"),
    ]
    for edition, (who, step, version, state) in enumerate(steps, 2):
        told = run(who, step, "small", version)
        assert told == (0, f"small@{version}: {state}, edition {edition}\n", "")


def test_a_suppression_is_asked_for_approved_and_lifted(run: Run) -> None:
    until = rfc3339(wall_clock() + DAY)
    code, out, _ = run("ann", "suppress", "G1", "--rule", "large", "--until", until, "--reason", "project")
    identity = out.split(":")[0]
    assert (code, out.splitlines()[0]) == (0, f"{identity}: requested")
    assert run("ann", "approve", identity)[0] == 2
    assert run("ben", "approve", identity) == (0, f"{identity}: approved, edition 2\n", "")
    assert identity in run("ann", "list")[1]
    assert run("ann", "lift", identity) == (0, f"{identity}: lifted, edition 3\n", "")


def test_errors_are_one_line_with_the_code_of_their_kind(
    run: Run, monkeypatch: pytest.MonkeyPatch, console: Console, tmp_path: Path
) -> None:
    assert run("ann", "reset-breaker", "large") == (
        2,
        "",
        "fenghuo: rule `large` is not limited; nothing was changed\n",
    )
    assert run("nobody", "list")[2].startswith("fenghuo: the console does not let `nobody` in")
    assert run("ann", "publish", "small")[0] == 2
    assert run("ann", "suppress", "G1", "--until", "soon", "--reason", "x", "--rule", "large")[0] == 2
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(pack(2).replace("tier: high", "tier: hot"), encoding="utf-8")
    code, _, err = run("ann", "submit", str(wrong))
    assert (code, "unknown tier `hot`" in err, len(err.splitlines())) == (2, True, 1)
    monkeypatch.setenv("FENGHUO_CONSOLE_URL", "http://127.0.0.1:9")
    code, _, err = run("ann", "list")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "can't be reached" in err
