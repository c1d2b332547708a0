"""PostgreSQL never runs as root, and no directory is opened to others for it."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from fenghuo.embedded import EmbeddedError, account, start_postgres
from fenghuo.embedded.account import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, unprivileged_account

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change the account")


def status(pid: int) -> dict[str, str]:
    """The fields of /proc/PID/status."""
    text = Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_it_is_never_root(tmp_path: Path) -> None:
    with start_postgres(tmp_path, durable=False) as postgres:
        found = status(postgres.pid)
        assert "0" not in found["Uid"].split()
        assert (tmp_path / "data").stat().st_uid == int(found["Uid"].split()[0])
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


@as_root
def test_below_a_closed_directory_it_may_pass_and_nothing_else(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with start_postgres(closed / "postgres", durable=False) as postgres:
        assert int(status(postgres.pid)["CapEff"], 16) in {1 << CAP_DAC_READ_SEARCH, 1 << CAP_DAC_OVERRIDE}
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_an_open_directory_needs_no_capability() -> None:
    with tempfile.TemporaryDirectory(prefix="fenghuo-test-") as directory:
        data = Path(directory) / "data"
        Path(directory).chmod(0o755)
        found = unprivileged_account(data, [data])
        assert found is not None
        assert (found.uid != 0, found.gid != 0, found.capability) == (True, True, None)


@as_root
def test_the_owner_of_existing_data_stays_its_account(tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, 4712)
    found = unprivileged_account(tmp_path, [])
    assert found is not None
    assert (found.uid, found.gid) == (4711, 4712)


@as_root
def test_a_machine_without_any_fitting_account_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "CANDIDATES", ("no-such-account", "nor-this"))
    with pytest.raises(EmbeddedError) as error:
        unprivileged_account(tmp_path / "data", [])
    assert str(error.value) == (
        "PostgreSQL can't run as root, and none of `no-such-account`, `nor-this` exists; "
        "add one, run as another user, or set `FENGHUO_DATABASE_URL`"
    )
