"""Following the alerts that change, through lost connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, text

from alerts.growth import alerts_of
from alerts.hit import Hit
from store.postgres.alert_reader import PostgresAlertReader
from store.postgres.alerts import AlertStore
from store.postgres.engine import async_engine
from tests.alerts.making import make_hit

SECONDS = 20


def id_of(hit: Hit) -> str:
    return next(alerts_of([hit])).alert_id


async def next_change(changes: AsyncIterator[str]) -> str:
    return await asyncio.wait_for(anext(changes), SECONDS)


class Listening:
    """A reader that listens, and hands on the pid of its connection."""

    def __init__(self, database_url: str) -> None:
        self._libpq_url = database_url.replace("+psycopg", "")
        self._engine = async_engine(database_url)
        self.reader = PostgresAlertReader(self._engine)

    async def pid(self) -> int:
        """The server process of the listening connection, once there is one."""
        async with await psycopg.AsyncConnection.connect(self._libpq_url, autocommit=True) as connection:
            async with asyncio.timeout(SECONDS):
                while True:
                    found = await connection.execute(
                        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                        " AND query = 'SELECT 1' AND state = 'idle' AND pid <> pg_backend_pid()"
                    )
                    if row := await found.fetchone():
                        assert isinstance(row[0], int)
                        return row[0]
                    await asyncio.sleep(0.02)

    async def cut(self, pid: int) -> None:
        """End the connection, and wait until its process is gone."""
        async with await psycopg.AsyncConnection.connect(self._libpq_url, autocommit=True) as connection:
            await connection.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))

    async def close(self) -> None:
        await self._engine.dispose()


@pytest.fixture
def listen(migrated_url: str) -> Callable[[Callable[[Listening], Coroutine[Any, Any, None]]], None]:
    def listen(body: Callable[[Listening], Coroutine[Any, Any, None]]) -> None:
        async def listening() -> None:
            listener = Listening(migrated_url)
            try:
                await body(listener)
            finally:
                await listener.close()

        asyncio.run(listening())

    return listen


Listen = Callable[[Callable[[Listening], Coroutine[Any, Any, None]]], None]


def test_alerts_raised_and_grown_are_told_once_per_transaction(store: AlertStore, listen: Listen) -> None:
    other = make_hit(5, group="g-2")

    async def body(listening: Listening) -> None:
        async with aclosing(listening.reader.changes()) as changes:
            first = asyncio.ensure_future(next_change(changes))
            await listening.pid()
            await asyncio.to_thread(store.apply, [make_hit(1), make_hit(2), make_hit(3)])
            assert await first == id_of(make_hit(1))
            await asyncio.to_thread(store.apply, [make_hit(4)])
            assert await next_change(changes) == id_of(make_hit(1))
            await asyncio.to_thread(store.apply, [make_hit(4), other])
            assert await next_change(changes) == id_of(other)

    listen(body)


def test_a_transaction_that_fails_is_not_told(store: AlertStore, engine: Engine, listen: Listen) -> None:
    async def body(listening: Listening) -> None:
        async with aclosing(listening.reader.changes()) as changes:
            first = asyncio.ensure_future(next_change(changes))
            await listening.pid()
            with engine.connect() as connection:
                connection.execute(text("SELECT pg_notify('fenghuo_alerts', 'rolled back')"))
                connection.rollback()
            await asyncio.to_thread(store.apply, [make_hit(1)])
            assert await first == id_of(make_hit(1))

    listen(body)


def test_what_changed_while_the_connection_was_lost_is_told_after_it(
    store: AlertStore, engine: Engine, listen: Listen
) -> None:
    old, before, meanwhile, after = (make_hit(n, group=f"g-{n}") for n in range(4))
    AlertStore(engine, clock=lambda: 0).apply([old])

    async def body(listening: Listening) -> None:
        async with aclosing(listening.reader.changes()) as changes:
            first = asyncio.ensure_future(next_change(changes))
            pid = await listening.pid()
            await asyncio.to_thread(store.apply, [before])
            assert await first == id_of(before)
            await listening.cut(pid)
            await asyncio.to_thread(store.apply, [meanwhile])
            told = {await next_change(changes)}
            await asyncio.to_thread(store.apply, [after])
            while id_of(after) not in told:
                told.add(await next_change(changes))
            assert id_of(meanwhile) in told
            assert id_of(old) not in told  # long before the loss

    listen(body)


def test_following_starts_when_the_server_comes(migrated_url: str, postgres_url: str) -> None:
    """The console may start before the database accepts connections."""
    name = migrated_url.rpartition("/")[2]
    admin = postgres_url.replace("+psycopg", "")

    async def body() -> None:
        engine = async_engine(migrated_url)
        async with await psycopg.AsyncConnection.connect(admin, autocommit=True) as connection:
            await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            async with aclosing(PostgresAlertReader(engine).changes()) as changes:
                first = asyncio.ensure_future(next_change(changes))
                await asyncio.wait([first], timeout=0.3)
                assert not first.done()
                await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
                async with await psycopg.AsyncConnection.connect(
                    migrated_url.replace("+psycopg", ""), autocommit=True
                ) as notifier:
                    while not first.done():
                        await notifier.execute("NOTIFY fenghuo_alerts, 'here'")
                        await asyncio.wait([first], timeout=0.05)
                assert await first == "here"
        await engine.dispose()

    asyncio.run(body())
