"""Real servers for tests: each is started once per test process, on first use, and stopped at its end."""

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from fenghuo.embedded import start_broker, start_postgres, start_valkey
from fenghuo.embedded.probe import libpq_url

REPOSITORY = Path(__file__).parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def servers_dir() -> Iterator[Path]:
    """Where the servers of this test process keep their data."""
    with tempfile.TemporaryDirectory(prefix="fenghuo-test-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def valkey_url(servers_dir: Path) -> Iterator[str]:
    """URL of a Valkey that all tests share: keep to keys that start with `unique`."""
    with start_valkey(servers_dir / "valkey", aof=False) as valkey:
        yield valkey.url


@pytest.fixture(scope="session")
def kafka(servers_dir: Path) -> Iterator[str]:
    """Bootstrap servers of a broker that all tests share: keep to topics that start with `unique`."""
    with start_broker(servers_dir / "broker") as broker:
        yield broker.url


@pytest.fixture(scope="session")
def postgres_url(servers_dir: Path) -> Iterator[str]:
    """SQLAlchemy URL of the PostgreSQL that `database_url` makes its databases on."""
    with start_postgres(servers_dir / "postgres", durable=False) as postgres:
        yield postgres.url


def _drop(connection: psycopg.Connection, name: sql.Identifier) -> None:
    """Drop a database; while the server itself cleans up in it, that is refused."""
    until = time.monotonic() + 20
    while True:
        try:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        except InsufficientPrivilege:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def database_url(postgres_url: str, unique: str) -> Iterator[str]:
    """SQLAlchemy URL of an empty database of the test's own, dropped after it."""
    name = sql.Identifier(unique)
    with psycopg.connect(libpq_url(postgres_url), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        try:
            yield f"{postgres_url.rpartition('/')[0]}/{unique}"
        finally:
            _drop(connection, name)


@pytest.fixture
def unique() -> str:
    """A prefix of the test's own for topics, groups, keys and databases: `t` and 12 hex digits."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Waits until a condition holds: `eventually(lambda: …, timeout=seconds)`; fails when it does not."""

    def wait(condition: Callable[[], object], timeout: float = 20.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"it did not happen within {timeout:g} s"
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def published_data() -> Path:
    """The directory of the published data sets."""
    directory = Path(os.environ.get("FENGHUO_DATA") or REPOSITORY.parent / "shared" / "data")
    if not directory.is_dir():
        pytest.skip(f"no published data sets in {directory}; set FENGHUO_DATA to their directory")
    return directory


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser found (looked for {', '.join(BROWSERS)} on the PATH)")
    return found


@pytest.fixture(autouse=True)
def _marked_needs(request: pytest.FixtureRequest) -> None:
    """A test that is marked but does not ask for the fixture is skipped all the same."""
    for marker, fixture in (("published", "published_data"), ("browser", "chromium")):
        if request.node.get_closest_marker(marker):
            request.getfixturevalue(fixture)
