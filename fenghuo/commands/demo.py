"""`fenghuo demo`: everything on this machine, with the sample stream or with files of one's own."""

import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self
from urllib.error import URLError

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from alerts.views import User
from events.errors import FenghuoError
from fenghuo.demo_users import USERS
from fenghuo.embedded import start_services
from fenghuo.embedded.service import free_port, last_line, spawn
from fenghuo.embedded.services import Services
from fenghuo.ending import RunError, stop_on_signals
from fenghuo.settings import Settings, Source, variable
from fenghuo.wiring import build_risk, sample_model
from rules.pack import Pack
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.users import seed_demo_users

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
LIVE_FROM = "2026-03-10T09:30:00+08:00"
"""Where the live play of the sample starts: every scenario is still to come on that morning."""

_STOP_SECONDS = 15.0
_READY_SECONDS = 90.0


class DemoError(FenghuoError):
    """Raised when the demo can't be set up."""


class Process:
    """One process of Fenghuo as a child, which can't outlive this one; its output goes to a log file."""

    def __init__(self, name: str, arguments: list[str], log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        self._child: subprocess.Popen[bytes] = spawn(
            [sys.executable, "-m", "fenghuo", *arguments], log, death_signal=signal.SIGTERM, env=env
        )

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self._child.poll()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child.poll() is not None:
            return
        self._child.terminate()
        try:
            self._child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def demo(settings: Settings, console: Console) -> None:
    """Start the servers that no setting names, then run, desk, console and feed; end all on Ctrl-C.

    Args:
        settings: servers, events, speed and ports.
        console: for the banner.

    Raises:
        FenghuoError: something can't be started, or one of the processes ended; says which and why.
    """
    pack = build_risk(settings).pack
    own = settings.events is not None
    if own and settings.source_of("speed").source is Source.DEFAULT:
        settings = settings.model_copy(update={"speed": None})
    if not own and not SAMPLES.is_dir():
        raise DemoError(
            f"`{SAMPLES}`: the sample is missing; set `{variable('events')}` to files of your own"
        )
    home = settings.data_dir / "demo"
    shutil.rmtree(home, ignore_errors=True)  # the broker starts empty, so nothing older fits it
    logs = home / "logs"
    logs.mkdir(parents=True)
    with stop_on_signals() as stop, ExitStack() as stack:
        console.print("starting …", style="dim")
        services = stack.enter_context(start_services(settings, home))
        migrate(services.database_url)
        engine = sync_engine(services.database_url)
        people = [(User(u.user_id, u.name, frozenset({u.role, *u.also})), u.password) for u in USERS]
        seed_demo_users(engine, people)
        engine.dispose()
        ports = {name: free_port() for name in ("run", "desk")}
        port = _console_port(settings)
        env = _environment(settings, pack, services, home)
        url = f"http://127.0.0.1:{port}"

        def start(name: str, *arguments: str, **changed: str) -> Process:
            own_env = env | {variable(key): value for key, value in changed.items()}
            return stack.enter_context(Process(name, [name, *arguments], logs / f"{name}.log", own_env))

        processes = [
            start("desk", metrics_port=str(ports["desk"])),
            start("console", "--demo", console_port=str(port)),
        ]
        # Readers take a backlog in its order only when all of it is there: history goes first.
        feed = start("feed", *(() if own else ("--until", LIVE_FROM)), **({} if own else {"speed": "max"}))
        if settings.speed is None or not own:
            _await(lambda: feed.poll() is not None, stop, services, processes)
        processes.append(start("run", metrics_port=str(ports["run"])))
        _await(lambda: _answers(f"{url}/healthz"), stop, services, processes, most=_READY_SECONDS)
        if not own and not stop.is_set():
            feed = start("feed", "--since", LIVE_FROM)
        if not stop.is_set():
            _banner(console, settings, url, ports, logs)
        while not stop.wait(0.5):
            _watch(services, processes)
            if feed.poll():
                raise RunError(f"feed failed: {last_line(feed.log)}; see {feed.log}")
        console.print("stopping …", style="dim")


def _await(
    condition: Callable[[], bool],
    stop: Event,
    services: Services,
    processes: list[Process],
    most: float = math.inf,
) -> None:
    """Wait for a condition while everything lives; seconds at `most`."""
    deadline = time.monotonic() + most
    while not stop.is_set() and not condition():
        _watch(services, processes)
        if time.monotonic() > deadline:
            raise RunError(f"the console was not ready within {most:.0f} s; see {processes[0].log.parent}")
        stop.wait(0.1)


def _watch(services: Services, processes: list[Process]) -> None:
    services.poll()
    for process in processes:
        code = process.poll()
        if code is not None:
            told = last_line(process.log)
            raise RunError(f"{process.name} ended with exit code {code}: {told}; see {process.log}")


def _environment(settings: Settings, pack: Pack, services: Services, home: Path) -> dict[str, str]:
    """The children's environment: this one, with the servers and inputs that were chosen."""
    chosen = {
        "redis_url": services.redis_url,
        "database_url": services.database_url,
        "kafka": services.kafka,
        "data_dir": str(home),
        "speed": "max" if settings.speed is None else f"{settings.speed}x",
    }
    if settings.events is None:
        chosen |= {"events": str(SAMPLES / "trade-two-weeks.jsonl.gz"), "mappings": str(SAMPLES / "mappings")}
        model = sample_model(pack)
        if settings.model is None and model is not None:
            chosen["model"] = str(model)
    return {**os.environ, **{variable(name): value for name, value in chosen.items()}}


def _console_port(settings: Settings) -> int:
    """The port that is set, or the next one that is free."""
    if settings.console_port == 0:
        return free_port()
    for port in range(settings.console_port, min(settings.console_port + 50, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.console_host, port))
            except OSError:
                continue
            return port
    raise DemoError(
        f"ports {settings.console_port} and the 49 after it are taken; set `{variable('console_port')}`"
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 -- our own console on loopback
            return bool(answer.status == 200)  # noqa: PLR2004 -- OK
    except (URLError, OSError):
        return False


def _banner(console: Console, settings: Settings, url: str, ports: dict[str, int], logs: Path) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    table.add_row("Console", url)
    for user in USERS:
        table.add_row("", f"{user.user_id} / {user.password}   {user.name}")
    table.add_row("Metrics", f"{url}/metrics")
    for name, port in ports.items():
        table.add_row("", f"http://127.0.0.1:{port}/metrics   ({name})")
    table.add_row("Playing", _playing(settings))
    table.add_row("Logs", str(logs))
    table.add_row("Stop", "Ctrl-C")
    console.print(Panel(table, title="Fenghuo 烽火", expand=False))


def _playing(settings: Settings) -> str:
    speed = "as fast as possible" if settings.speed is None else f"{settings.speed:g}x"
    if settings.events is not None:
        return f"{', '.join(path.name for path in settings.events)} at {speed}"
    return f"the simulated sample: history at once, then live from {LIVE_FROM} at {speed}"
