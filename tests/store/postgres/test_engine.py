"""Connecting to PostgreSQL."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from store.errors import StoreError
from store.postgres.engine import async_engine, sync_engine


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_usual_schemes_are_understood(database_url: str, scheme: str) -> None:
    engine = sync_engine(f"{scheme}://{database_url.partition('://')[2]}")
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW timezone")) == "UTC"
    engine.dispose()


@pytest.mark.parametrize(
    "url", ["", "localhost", "mysql://root:secret@host/x", "postgresql://u:secret@host:port/x"]
)
def test_another_url_is_refused_without_its_password(url: str) -> None:
    for make in (sync_engine, async_engine):
        with pytest.raises(
            StoreError, match="write it as `postgresql://user:password@host:5432/database`"
        ) as raised:
            make(url)
        assert "secret" not in str(raised.value)


def test_errors_do_not_show_the_values_of_a_statement(database_url: str) -> None:
    engine = sync_engine(database_url)
    with engine.connect() as connection, pytest.raises(ProgrammingError) as raised:
        connection.execute(text("SELECT * FROM nowhere WHERE name = :name"), {"name": "王小明"})
    engine.dispose()
    assert "王小明" not in str(raised.value)
