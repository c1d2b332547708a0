"""Fixtures: one console over PostgreSQL for each module of tests."""

import uuid
from collections.abc import Iterator

import httpx
import psycopg
import pytest
from psycopg import sql

from fenghuo.embedded.probe import libpq_url
from tests.console.running import Console, migrated, running_console


@pytest.fixture(scope="module")
def console(postgres_url: str) -> Iterator[Console]:
    """A running console over a database of the module's own: keep to groups and users of your test's own."""
    name = f"c{uuid.uuid4().hex[:12]}"
    with psycopg.connect(libpq_url(postgres_url), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with running_console(migrated(f"{postgres_url.rpartition('/')[0]}/{name}")) as running:
            yield running
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def browser(console: Console) -> Iterator[httpx.Client]:
    """The analyst's HTTP client, for tests that only read."""
    with console.signed_in() as client:
        yield client


@pytest.fixture
def analyst(console: Console) -> Iterator[httpx.Client]:
    """A signed-in analyst's client of the test's own."""
    with console.signed_in() as client:
        yield client
