"""A database with an edition, and the people who work on rules."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.rules.breakers import Breakers
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.packs import PackStore
from store.postgres.rules.suppressions import SuppressionStore
from tests.store.postgres.rules.making import pack


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    migrate(database_url)
    engine = sync_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def editions(engine: Engine) -> PostgresEditionStore:
    """Edition 1 is made of version 1 of the pack `small`."""
    store = PostgresEditionStore(engine)
    store.seed({"small.yaml": pack(1)})
    return store


@pytest.fixture
def packs(engine: Engine, editions: PostgresEditionStore) -> PackStore:
    return PackStore(engine)


@pytest.fixture
def suppressions(engine: Engine, editions: PostgresEditionStore) -> SuppressionStore:
    return SuppressionStore(engine)


@pytest.fixture
def breakers(engine: Engine, editions: PostgresEditionStore) -> Breakers:
    return Breakers(engine)
