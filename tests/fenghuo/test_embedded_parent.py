"""However the process that started them ends, its servers end too."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

import psycopg
import pytest
import redis

from fenghuo.embedded import start_services
from fenghuo.embedded.probe import libpq_url
from fenghuo.settings import load_settings

PARENT = """
import json, pathlib, signal, sys, time
from fenghuo.embedded import start_services
from fenghuo.settings import load_settings

signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts tests in the background ignores it
with start_services(load_settings(), pathlib.Path(sys.argv[1])) as services:
    pids = {service.name: service.pid for service in services.embedded.values()}
    found = {"pids": pids, "redis": services.redis_url, "database": services.database_url}
    print(json.dumps(found), flush=True)
    while True:
        time.sleep(0.05)  # `pause` would miss a signal that comes before it
"""


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds all three servers in `tmp_path`, in a group of its own like one in a terminal."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FENGHUO_")}
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        yield process
        process.kill()


class Started(TypedDict):
    """What the parent tells of its servers."""

    pids: dict[str, int]
    redis: str
    database: str


def started(parent: subprocess.Popen[str]) -> Started:
    assert parent.stdout is not None
    line = parent.stdout.readline()
    assert line, parent.communicate()[1]
    found: Started = json.loads(line)
    return found


def processes_in(directory: Path) -> set[int]:
    """Every process of a server of `directory`: each has inherited the open lock file."""
    locks = {str(path) for path in directory.glob("*/lock")}
    assert len(locks) == 3
    found = set()
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # it ends while we look
            if str(opened.readlink()) in locks:
                found.add(int(opened.parts[2]))
    return found


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
def test_no_server_outlives_a_killed_parent(
    kill: signal.Signals, parent: subprocess.Popen[str], tmp_path: Path, eventually: Callable[..., None]
) -> None:
    pids = set(started(parent)["pids"].values())
    with_children = processes_in(tmp_path)
    assert with_children > pids | {parent.pid}  # PostgreSQL has children of its own
    os.kill(parent.pid, kill)
    assert parent.wait() == -kill
    eventually(lambda: not processes_in(tmp_path))


def test_ctrl_c_stops_every_server_cleanly(parent: subprocess.Popen[str], tmp_path: Path) -> None:
    pids = set(started(parent)["pids"].values())
    assert {os.getsid(pid) for pid in pids} == pids  # the terminal's signal does not reach them
    os.killpg(parent.pid, signal.SIGINT)
    assert "KeyboardInterrupt" in parent.communicate(timeout=30)[1]
    assert not processes_in(tmp_path)  # at once, not in the end
    assert (tmp_path / "postgres" / "log").read_text().endswith("database system is shut down\n")
    assert "ready to exit" in (tmp_path / "valkey" / "log").read_text()


def test_the_next_start_has_what_a_killed_parent_left(parent: subprocess.Popen[str], tmp_path: Path) -> None:
    at = started(parent)
    with redis.Redis.from_url(at["redis"]) as client:
        client.set("kept", "yes")
    with psycopg.connect(libpq_url(at["database"])) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'yes' AS answer")
    parent.kill()
    parent.wait()
    with start_services(load_settings(), tmp_path, {"redis", "database"}) as services:
        with redis.Redis.from_url(services.redis_url) as client:
            assert client.get("kept") == b"yes"
        with psycopg.connect(libpq_url(services.database_url)) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == ("yes",)
