"""Migrations: bring a database's tables to the state that this program needs."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import func, select

from store.errors import StoreError
from store.postgres.engine import sync_engine
from store.postgres.errors import translated

_LOCK = 0x66656E6768756F  # `fenghuo`: processes that start together migrate one after the other


def migrate(database_url: str) -> None:
    """Create or upgrade the tables; does nothing to a database that is current.

    All of it is one transaction: it happens as a whole or not at all.

    Raises:
        StoreError: when the database can't be reached, or was made by a newer version of the program.
    """
    engine = sync_engine(database_url, pool_size=1)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        with translated("migrate the database"), engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"can't migrate the database: {error}; it was made by another version of Fenghuo, start that one"
        ) from error
    finally:
        engine.dispose()
