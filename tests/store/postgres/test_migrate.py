"""Migrations on databases of every state."""

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from store.errors import StoreError
from store.postgres.engine import sync_engine
from store.postgres.errors import DatabaseUnavailableError
from store.postgres.migrate import migrate
from store.postgres.tables import ALERTS


def tables(database_url: str) -> set[str]:
    engine = sync_engine(database_url)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def execute(database_url: str, statement: str) -> None:
    engine = sync_engine(database_url)
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def test_an_empty_database_gets_every_table(database_url: str) -> None:
    migrate(database_url)
    assert tables(database_url) == {*ALERTS.metadata.tables, "alembic_version"}


def test_a_current_database_stays_as_it_is(database_url: str) -> None:
    migrate(database_url)
    execute(database_url, "INSERT INTO users VALUES ('li', '李', '{analyst}', 'hash')")
    migrate(database_url)
    engine = sync_engine(database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM users")) == 1
    engine.dispose()


def test_the_migrations_build_what_the_program_expects(database_url: str) -> None:
    migrate(database_url)
    engine = sync_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, ALERTS.metadata) == []
    engine.dispose()


def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    program = "import sys; from store.postgres.migrate import migrate; migrate(sys.argv[1])"
    processes = [
        subprocess.Popen([sys.executable, "-c", program, database_url], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    ends = [(process.communicate(timeout=60)[1].decode(), process.returncode) for process in processes]
    assert ends == [("", 0)] * 3
    assert tables(database_url) == {*ALERTS.metadata.tables, "alembic_version"}


def test_a_migration_that_fails_leaves_nothing_behind(database_url: str) -> None:
    execute(database_url, "CREATE TABLE users (anything text)")
    with pytest.raises(
        DatabaseUnavailableError, match=r'can\'t migrate the database: .*"users" already exists'
    ):
        migrate(database_url)
    assert tables(database_url) == {"users"}


def test_the_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    migrate(database_url)
    execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="'9999'; it was made by another version of Fenghuo"):
        migrate(database_url)


def test_an_unreachable_server_is_named_as_the_cause(postgres_url: str) -> None:
    with pytest.raises(DatabaseUnavailableError, match=r"can't migrate the database: .*FENGHUO_DATABASE_URL"):
        migrate(f"{postgres_url.rpartition('/')[0]}/no_such_database")
