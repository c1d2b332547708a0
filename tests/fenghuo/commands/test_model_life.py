"""The life of models from the command line, against a running console and a registry."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alerts.views import User
from events.rights import APPROVER, AUTHOR
from fenghuo import cli
from store.postgres.engine import sync_engine
from store.postgres.rules.editions import PostgresEditionStore
from tests.console.running import PASSWORD, Console, migrated, running_console
from tests.models.keeping import kept_model, tamper
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
def alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `fenghuo model …` without a console, as somebody: exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FENGHUO_PASSWORD", PASSWORD)
    monkeypatch.setenv("FENGHUO_CONSOLE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", "200")

    def called(user: str, *words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("FENGHUO_USER", user)
        monkeypatch.setattr(sys, "argv", ["fenghuo", "model", *words])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        told = capsys.readouterr()
        return int(caught.value.code or 0), told.out, told.err

    return called


@pytest.fixture
def run(alone: Run, console: Console, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same with the console, and with its registry."""
    monkeypatch.setenv("FENGHUO_CONSOLE_URL", console.url)
    monkeypatch.setenv("FENGHUO_REGISTRY", console.artefacts.place)
    return alone


def test_one_proposes_another_promotes_and_one_goes_back(run: Run, tmp_path: Path) -> None:
    model, directory = kept_model(tmp_path, 1)
    code, out, err = run("ann", "register", str(directory), "--reason", "of May")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{model}: registered, candidate",
        f"one person proposes it (fenghuo model propose {model}), another promotes it",
    ]
    assert run("ben", "register", str(directory))[1].startswith(f"{model}: was there already, candidate\n")
    code, _, err = run("ben", "promote", model)
    assert (code, len(err.splitlines())) == (2, 1)
    assert err.startswith(f"fenghuo: model `{model}` is not proposed")
    told = f"{model}: proposed; a second person promotes it: fenghuo model promote {model}\n"
    assert run("ann", "propose", model, "--reason", "catches more") == (0, told, "")
    assert run("ann", "promote", model)[2].startswith("fenghuo: `ann` may not promote their own work")
    assert run("ben", "promote", model, "--reason", "yes") == (0, f"{model}: champion, edition 2\n", "")
    assert re.search(rf"{model} +champion +isolation-forest .* 300 +ben", run("ann", "list")[1])
    assert run("ann", "rollback", "--reason", "too many") == (0, f"{model}: retired, edition 3\n", "")
    assert run("ann", "shadow", model)[1] == f"{model}: shadow, edition 4\n"
    assert run("ann", "retire", model)[1] == f"{model}: retired, edition 5\n"
    history = run("ann", "history", model)[1]
    assert re.search(r"rollback +retired +ann +3 +too many", history)
    assert re.search(r"promote +champion +ben +2 +yes", history)
    assert run("ann", "history", "other")[1].count("\n") < 5


def test_states_are_asked_for_as_json(run: Run, tmp_path: Path) -> None:
    model, directory = kept_model(tmp_path, 1)
    run("ann", "register", str(directory))
    code, out, err = run("ann", "list", "--json")
    assert (code, err) == (0, "")
    [row] = json.loads(out)["models"]
    assert (row["id"], row["state"], row["changed_by"]) == (model, "candidate", "ann")
    assert row["summary"]["rows"] == 300


def test_without_a_console_the_registry_is_shown_and_states_are_unknown(
    run: Run, alone: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, directory = kept_model(tmp_path, 1)
    run("ann", "register", str(directory))
    monkeypatch.setenv("FENGHUO_CONSOLE_URL", "http://127.0.0.1:9")
    code, out, err = alone("ann", "list", "--json")
    assert (code, len(err.splitlines())) == (0, 1)
    assert "the console at http://127.0.0.1:9" in err
    assert err.endswith("the registry is shown, states are unknown\n")
    [row] = json.loads(out)["models"]
    assert (row["id"], row["state"]) == (model, "unknown")
    assert alone("ann", "promote", model)[0] == 1


def test_a_folder_of_models_is_listed_without_a_console(alone: Run, tmp_path: Path) -> None:
    made = [kept_model(tmp_path / "models", seed) for seed in (1, 2)]
    (made[1][1] / "manifest.json").write_text("{")
    (tmp_path / "models" / "no model").mkdir()
    code, out, err = alone("", "list", str(tmp_path / "models"))
    assert (code, err) == (0, "")
    assert re.search(rf"{made[0][0]} +unknown +isolation-forest", out)
    assert "Input data was truncated" in out
    assert not (tmp_path / "var").exists()


def test_a_model_is_shown_once_it_was_found_sound(run: Run, tmp_path: Path) -> None:
    model, directory = kept_model(tmp_path, 1)
    run("ann", "register", str(directory))
    for named in (model, str(directory)):
        code, out, _ = run("ann", "show", named)
        assert code == 0
        assert re.search(rf"model +{model}", out)
        assert re.search(r"features +ordered_72h, orders_72h, mean_72h", out)
        assert out.endswith("found sound: files, trees and id are what the manifest says\n")
    manifest = (directory / "manifest.json").read_text()
    assert json.loads(run("ann", "show", model, "--json")[1]) == json.loads(manifest)
    tamper(directory)
    code, out, err = run("ann", "show", str(directory))
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "SHA-256" in err
    assert run("ann", "register", str(directory))[0] == 2
    assert "is not in registry" in run("ann", "show", "abc")[2]
