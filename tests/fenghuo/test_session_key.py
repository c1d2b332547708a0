"""The key of the sessions: made once, private, or the one that is set."""

import os
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from fenghuo.session_key import session_secret
from fenghuo.settings import SettingsError, load_settings


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables of the machine, and an empty working directory."""
    for name in [name for name in os.environ if name.upper().startswith("FENGHUO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_session_secret_is_made_once_and_private() -> None:
    settings = load_settings(data_dir=Path("var"))
    secret = session_secret(settings)
    assert len(secret.get_secret_value()) >= 43
    assert session_secret(load_settings()) == secret
    (kept,) = Path("var").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_session_secret_that_is_set_is_used_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FENGHUO_SESSION_SECRET", "0123456789abcdef")
    assert session_secret(load_settings()) == SecretStr("0123456789abcdef")
    assert not Path("var").exists()


def test_a_data_directory_that_cannot_keep_the_secret() -> None:
    Path("var").write_text("")
    with pytest.raises(SettingsError) as error:
        session_secret(load_settings())
    assert str(error.value) == (
        "`var/session_secret`: can't keep the session key: File exists; set `FENGHUO_SESSION_SECRET`"
    )
