"""Taking turns: of several processes that could do something, one does it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, func, select

from store.postgres.errors import translated

RETRAINING = 0x72657472  # `retr`


@contextmanager
def turn(engine: Engine, number: int) -> Iterator[bool]:
    """Whether it is this process's turn, until the end of the block; nobody is waited for.

    The lock is the connection's: a process that dies gives it back.

    Args:
        engine: of the database.
        number: what it is about.

    Raises:
        DatabaseUnavailableError: when PostgreSQL does not answer.
    """
    with translated("take a turn"):
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with translated("take a turn"):
            connection.detach()  # closing it then ends the session, and with it the lock
            mine = bool(connection.scalar(select(func.pg_try_advisory_lock(number))))
        yield mine
    finally:
        connection.close()
