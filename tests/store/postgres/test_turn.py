"""Turns: one process at a time, and what a dead one held is free again."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from store.postgres.engine import sync_engine
from store.postgres.errors import DatabaseUnavailableError
from store.postgres.turn import RETRAINING, turn


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = sync_engine(database_url)
    yield engine
    engine.dispose()


def test_one_at_a_time_and_nobody_waits(engine: Engine) -> None:
    with turn(engine, RETRAINING) as first:
        with turn(engine, RETRAINING) as second, turn(engine, 1) as other:
            assert (first, second, other) == (True, False, True)
        with turn(engine, RETRAINING) as third:
            assert not third
    with turn(engine, RETRAINING) as again:
        assert again


def test_it_is_given_back_after_an_error(engine: Engine) -> None:
    with pytest.raises(ValueError, match="no"), turn(engine, RETRAINING):
        raise ValueError("no")
    with turn(engine, RETRAINING) as mine:
        assert mine


def test_a_session_that_died_holds_nothing(engine: Engine) -> None:
    with turn(engine, RETRAINING) as mine:
        assert mine
        with engine.connect() as connection:
            killed = connection.scalar(
                text(
                    "SELECT count(*) FROM (SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
                    " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()) AS ended"
                )
            )
        assert killed == 1
        with turn(engine, RETRAINING) as other:
            assert other


def test_a_database_that_is_away_is_said() -> None:
    engine = sync_engine("postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(DatabaseUnavailableError, match="can't take a turn"), turn(engine, RETRAINING):
        pass
    engine.dispose()
