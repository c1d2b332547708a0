"""`fenghuo demo` as a newcomer runs it: alerts of every tier, a clean end, clear words when a part dies."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from fenghuo.embedded.service import free_port
from tests.flows.processes import running
from tests.flows.test_live import sign_in

TIERS = {"low", "medium", "high", "critical"}


def processes(home: Path) -> dict[int, str]:
    """Processes that work in or were started for a data directory, with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            environment = (entry / "environ").read_bytes().decode("utf-8", "replace")
            directory = str((entry / "cwd").readlink())
        except OSError:
            continue
        if str(home) in f"{command} {environment} {directory}" and "pytest" not in command:
            found[int(entry.name)] = command
    return found


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_demo_shows_alerts_of_every_tier_live_and_leaves_nothing_behind(
    tmp_path: Path, eventually: Callable[..., None]
) -> None:
    home, port = tmp_path / "home", free_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path / "demo.log"
    with (
        running(log, "demo", data_dir=home, console_port=port, speed="600x") as demo,
        httpx.Client(base_url=url, follow_redirects=True) as browser,
    ):

        def ready() -> bool:
            demo.check()
            return url in log.read_text() and "Ctrl-C" in log.read_text()

        eventually(ready, timeout=90)
        sign_in(browser)

        def alerts(tier: str) -> list[dict[str, Any]]:
            demo.check()
            wanted: dict[str, str | int] = {"limit": 200, "tier": tier}
            found: list[dict[str, Any]] = browser.get("/api/alerts", params=wanted).json()["alerts"]
            return found

        eventually(lambda: all(alerts(tier) for tier in TIERS), timeout=60)
        before = len(alerts("high"))
        eventually(lambda: len(alerts("high")) > before, timeout=60)
        held = [alert for alert in alerts("critical") if alert["scenario"] == "first-customer"]
        assert {alert["outcome"] for alert in held} == {"hold"}
        assert all(user in log.read_text() for user in ("analyst / demo-analyst", "finance / demo-finance"))
        [model] = browser.get("/api/models").json()["models"]
        assert (model["state"], model["registered_by"]) == ("champion", "system:setup")
        os.kill(demo.child.pid, signal.SIGINT)
        assert demo.child.wait(60) == 0, log.read_text()
        assert "Traceback" not in log.read_text()
    eventually(lambda: processes(home) == {}, timeout=10)


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(("part", "told"), [("valkey-server", "Valkey"), ("-m fenghuo run", "run ended")])
def test_when_a_part_dies_the_demo_says_which_and_ends(
    tmp_path: Path, eventually: Callable[..., None], part: str, told: str
) -> None:
    home, log = tmp_path / "home", tmp_path / "demo.log"
    with running(log, "demo", data_dir=home, console_port=free_port()) as demo:

        def ready() -> bool:
            demo.check()
            return "Ctrl-C" in log.read_text()

        eventually(ready, timeout=90)
        os.kill(next(pid for pid, command in processes(home).items() if part in command), signal.SIGKILL)
        assert demo.child.wait(60) == 1
    last = log.read_text().splitlines()[-1]
    assert last.startswith("fenghuo: ")
    assert told in last
    eventually(lambda: processes(home) == {}, timeout=10)
