"""Servers of one test."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.redis.disturbing import BATCHES
from tests.store.redis.servers import Cluster, Proxy, Server
from tests.store.redis.workers import Answers, Worker, close_all


@pytest.fixture(scope="session")
def calm(valkey_url: str) -> list[Answers]:
    """What an undisturbed worker answers to each batch."""
    worker = Worker(valkey_url, f"calm{uuid.uuid4().hex}")
    return [worker.answers(batch) for batch in BATCHES]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A Valkey that the test may kill, hold up and start again."""
    made = Server(tmp_path / "valkey")
    yield made
    made.stop()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """A way to the server that the test may cut."""
    made = Proxy(server.port)
    yield made
    made.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three primaries and a replica of the first."""
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()
