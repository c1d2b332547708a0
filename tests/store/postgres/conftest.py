"""A database with tables, and the stores on it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol, TypeVar

import pytest
from sqlalchemy import Engine

from store.postgres.alert_reader import PostgresAlertReader
from store.postgres.alerts import AlertStore
from store.postgres.engine import async_engine, sync_engine
from store.postgres.migrate import migrate

T = TypeVar("T")


class Read(Protocol):
    """Runs a coroutine function with a reader of the test's database."""

    def __call__(self, call: Callable[[PostgresAlertReader], Awaitable[T]]) -> T: ...


@pytest.fixture
def migrated_url(database_url: str) -> str:
    migrate(database_url)
    return database_url


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    engine = sync_engine(migrated_url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> AlertStore:
    return AlertStore(engine)


@pytest.fixture
def read(migrated_url: str) -> Read:
    def read(call: Callable[[PostgresAlertReader], Awaitable[T]]) -> T:
        async def reading() -> T:
            engine = async_engine(migrated_url)
            try:
                return await call(PostgresAlertReader(engine))
            finally:
                await engine.dispose()

        return asyncio.run(reading())

    return read
