"""One server process: started on a free port, made sure of, watched, stopped."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from fenghuo.embedded import launch
from fenghuo.embedded.account import Account
from fenghuo.embedded.errors import EmbeddedError, NotReady, ServiceDied, ending
from fenghuo.embedded.lock import DirectoryLock

HOST = "127.0.0.1"
PORT_ATTEMPTS = 5
READY_RETRY = 0.02
CHECK_TIMEOUT = 1.0
START_TIMEOUT = 120.0
TAIL = 4096


class Server(Protocol):
    """What service.py needs to know of a kind of server."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def setting(self) -> str:
        """The variable that names a server to use instead."""

    @property
    def stop_signal(self) -> signal.Signals:
        """Asks it to end cleanly."""

    @property
    def stop_timeout(self) -> float:
        """Seconds after which it is killed instead."""

    @property
    def death_signal(self) -> signal.Signals:
        """What the kernel sends it when the parent is gone."""

    def prepare(self, directory: Path, log: Path) -> Account | None:
        """Make the data in `directory` ready for a start; return the account to run as."""

    def command(self, directory: Path, port: int, token: str) -> list[str]:
        """Program and arguments; `token` is new for each start, for `check` to know its own server by."""

    def check(self, directory: Path, port: int, pid: int, token: str) -> None:
        """Raise NotReady unless exactly the server with `pid` and `token` answers on `port`."""

    def url(self, port: int) -> str:
        """How clients reach it."""


class Service:
    """A running server; a context manager that stops it.

    Args:
        server: the kind of server.
        directory: where it keeps its data, its lock and its log.
        port: the port to use; None for a free one.

    Raises:
        EmbeddedError: it can't be started; the message ends with the last line of its log.
    """

    def __init__(self, server: Server, directory: Path, port: int | None = None) -> None:
        if threading.current_thread() is not threading.main_thread():
            # The kernel's death signal follows the thread that started the process, not the whole parent.
            raise EmbeddedError(f"{server.name} must be started from the main thread; start it there")
        self.server = server
        self.directory = directory.resolve()
        self.log = self.directory / "log"
        self._lock = DirectoryLock(self.directory, server.name)
        try:
            if self.log.exists():
                self.log.replace(self.log.with_name("log.old"))
            account = server.prepare(self.directory, self.log)
            self.port, self._process = self._start(account, port)
            self._lock.record(self.port)
        except BaseException:
            self._lock.release()
            raise

    @property
    def name(self) -> str:
        """What people call the server."""
        return self.server.name

    @property
    def url(self) -> str:
        """How clients reach the server."""
        return self.server.url(self.port)

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    def poll(self) -> None:
        """Raise ServiceDied if the server has ended."""
        code = self._process.poll()
        if code is not None:
            raise ServiceDied(self.name, code, last_line(self.log), self.log)

    def stop(self) -> None:
        """End the server: ask, wait, then kill; harmless when it has ended already."""
        self._end(self._process)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, account: Account | None, port: int | None) -> tuple[int, subprocess.Popen[bytes]]:
        for _ in range(PORT_ATTEMPTS if port is None else 1):
            chosen = port or free_port()
            token = f"fenghuo-{secrets.token_hex(8)}"
            process = spawn(
                self.server.command(self.directory, chosen, token),
                self.log,
                death_signal=self.server.death_signal,
                account=account,
                keep=[self._lock.fd],
            )
            try:
                if self._became_ready(process, chosen, token):
                    return chosen, process
            except BaseException:
                self._end(process)
                raise
        raise EmbeddedError(
            f"{self.name} could not have port {chosen}: another program listens there; "
            f"start again, or set `{self.server.setting}` to a server of your own"
        )

    def _became_ready(self, process: subprocess.Popen[bytes], port: int, token: str) -> bool:
        """Wait for the server's own answer; False when another program took the port in between."""
        deadline = time.monotonic() + START_TIMEOUT
        reason = "no answer"
        while time.monotonic() < deadline:
            code = process.poll()
            if code is not None:
                if listens(port):
                    return False
                raise EmbeddedError(
                    f"{self.name} did not start, it {ending(code)}; "
                    f"last line of `{self.log}`: {last_line(self.log)}"
                )
            if listens(port):
                try:
                    self.server.check(self.directory, port, process.pid, token)
                except NotReady as not_yet:
                    reason = str(not_yet)
                else:
                    return True
            time.sleep(READY_RETRY)
        raise EmbeddedError(
            f"{self.name} did not answer within {START_TIMEOUT:g} s ({reason}); "
            f"last line of `{self.log}`: {last_line(self.log)}"
        )

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is not None:
            return  # its number may be another process by now
        process.send_signal(self.server.stop_signal)
        try:
            process.wait(self.server.stop_timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with what it forked, such as the rewriting of its file
            process.wait()


def spawn(
    command: Sequence[str],
    log: Path,
    *,
    death_signal: signal.Signals,
    account: Account | None = None,
    keep: Sequence[int] = (),
    stdin: int = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, so that Ctrl-C in the terminal reaches only this process.

    Args:
        command: program (absolute path) and arguments.
        log: file that its output is appended to.
        death_signal: what it gets when this process dies.
        account: the account to run as; None for the present one.
        keep: file descriptors that it inherits.
        stdin: as in subprocess.Popen.
        env: its environment; None for a bare one: PG*, OTEL_* … must not reach a server.
    """
    who = (account.uid, account.gid, account.capability) if account else (None, None, None)
    numbers = (os.getpid(), int(death_signal), *who)
    launcher = [sys.executable, "-I", "-S", launch.__file__, *("-" if n is None else str(n) for n in numbers)]
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the command is a server of an installed wheel
            [*launcher, *command],
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/" if env is None else None,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"} if env is None else env,
            pass_fds=keep,
            start_new_session=True,
        )


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether anybody accepts connections on the loopback `port`."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def last_line(log: Path) -> str:
    """The last line of a log file that says something; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
