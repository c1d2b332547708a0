"""What can go wrong with PostgreSQL, and which of it is the fault of the data."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from store.errors import StoreError

_CLASSES_OF_DATA = frozenset({"22", "23", "54"})  # data exception, integrity, program limit


class DatabaseUnavailableError(StoreError):
    """Raised when PostgreSQL does not answer or can't work now; the same call may succeed later."""


class HitRefusedError(StoreError):
    """Raised when PostgreSQL can't store what it is given; the same will never be stored."""


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise a driver's error as `HitRefusedError` if the data are at fault, else `DatabaseUnavailableError`.

    Args:
        doing: what is done, for the message: `can't <doing>: …`.
    """
    try:
        yield
    except DBAPIError as error:
        raise _translation(doing, error.orig) from error
    except psycopg.Error as error:
        raise _translation(doing, error) from error
    except SQLAlchemyError as error:
        text = str(error).partition("\n")[0]
        raise DatabaseUnavailableError(f"can't {doing}: {text}; try again") from error


def _translation(doing: str, error: BaseException | None) -> StoreError:
    if not isinstance(error, psycopg.Error):
        return DatabaseUnavailableError(f"can't {doing}: {type(error).__name__}; try again")
    # The primary message only: PostgreSQL's detail repeats whole rows, personal data included.
    text = " ".join((error.diag.message_primary or str(error)).split())
    message = f"can't {doing}: {text} (`{error.sqlstate or type(error).__name__}`)"
    # Without a state psycopg itself refused, before the server saw it: a DataError is NUL in a text.
    at_fault = (
        error.sqlstate[:2] in _CLASSES_OF_DATA if error.sqlstate else isinstance(error, psycopg.DataError)
    )
    if at_fault:
        return HitRefusedError(f"{message}; correct the sender")
    return DatabaseUnavailableError(f"{message}; check `FENGHUO_DATABASE_URL` and the server")
