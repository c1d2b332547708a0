"""Exit codes mean what docs/reference/commands.md says."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import pytest

import fenghuo
from events.errors import FenghuoError
from fenghuo import cli
from fenghuo.commands.replay import ReplayError
from fenghuo.embedded.errors import EmbeddedError
from fenghuo.ending import RunError
from fenghuo.reference.commands import EXIT_CODES
from fenghuo.settings import SettingsError
from rules.errors import PackError
from tests.docs.reading import REPOSITORY
from wire.errors import TableError


def exit_code(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["fenghuo", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    def app(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "app", app)
    return exit_code(monkeypatch)


def families() -> Iterator[type[FenghuoError]]:
    """The classes right below FenghuoError, once every module of the program is loaded."""
    for module in walk_packages(fenghuo.__path__, "fenghuo."):
        if not module.name.endswith(("__main__", "launch")):
            import_module(module.name)
    yield from sorted(FenghuoError.__subclasses__(), key=lambda kind: kind.__name__)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RunError("stopped"), 1),
        (EmbeddedError("no server"), 1),
        (SettingsError("wrong"), 2),
        (ReplayError("another replay"), 2),
        (TableError("map.yaml:1: no"), 2),
        (PackError("pack.yaml", 1, "no"), 2),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_an_error_ends_with_the_code_of_its_kind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    assert raising(monkeypatch, error) == code
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_every_family_of_errors_has_a_documented_code(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {kind for kind in families() if kind.__init__ is FenghuoError.__init__}
    assert {"RunError", "SettingsError", "WireError", "WindowError"} <= {kind.__name__ for kind in seen}
    for kind in seen:
        assert raising(monkeypatch, kind("it failed")) in EXIT_CODES


def test_wrong_use_is_2_and_help_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    assert exit_code(monkeypatch, "replay") == 2
    assert exit_code(monkeypatch, "no-such-command") == 2
    assert exit_code(monkeypatch, "replay", "no-such-file.jsonl", "--out", "var/never") == 2
    assert exit_code(monkeypatch, "--help") == 0


def test_the_page_lists_the_codes() -> None:
    text = (REPOSITORY / "docs" / "reference" / "commands.md").read_text("utf-8")
    section = text.partition("## Exit codes")[2]
    for code, meaning in EXIT_CODES.items():
        assert f"| `{code}` | {meaning} |" in section
