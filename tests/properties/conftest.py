"""What all property tests share."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.properties.replays import Place, place_of
from tests.windows.oracle.duckdb_sql import Database


@pytest.fixture
def place(tmp_path: Path, valkey_url: str, unique: str) -> Iterator[Place]:
    """Where the replays of a test work; every example has a namespace of its own."""
    with place_of(tmp_path, valkey_url, unique) as found:
        yield found


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """An empty DuckDB."""
    with closing(Database()) as opened:
        yield opened
