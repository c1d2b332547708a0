"""What waiting does not cure ends the run at once, with a line that says what to do."""

import pytest
import redis
from prometheus_client import CollectorRegistry

from fenghuo.embedded.service import HOST, free_port
from store.redis.faults import Fault, StoreRefusedError
from store.redis.journal import RedisJournal
from telemetry.metrics import FlowMetrics
from tests.store.redis.disturbing import BATCHES
from tests.store.redis.servers import Server
from tests.store.redis.workers import Answers, Worker
from windows.journal import StoreUnavailableError


def test_a_wrong_password_ends_the_run_at_once(server: Server, calm: list[Answers]) -> None:
    server.ask("CONFIG", "SET", "requirepass", "right")
    for secret in ("", ":wrong@"):
        worker = Worker(f"redis://{secret}{HOST}:{server.port}/0", patience=60)
        with pytest.raises(StoreRefusedError) as caught:
            worker.answers(BATCHES[0])
        told = str(caught.value)
        assert told.startswith(f"Redis at `{HOST}:{server.port}` refuses this user: ")
        assert told.endswith("; correct name, password or rights in FENGHUO_REDIS_URL and its ACL")
        assert "\n" not in told
        assert "wrong@" not in told
        assert worker.failures() == {"access": 1}
    right = Worker(f"redis://:right@{HOST}:{server.port}/0")
    assert [right.answers(batch) for batch in BATCHES] == calm


def test_missing_rights_end_the_run(server: Server) -> None:
    server.ask("ACL", "SETUSER", "weak", "on", ">secret", "~*", "+@all", "-eval")
    worker = Worker(f"redis://weak:secret@{HOST}:{server.port}/0", patience=60)
    with pytest.raises(StoreRefusedError, match=r"refuses this user: .*no permissions.*eval"):
        worker.answers(BATCHES[0])
    assert worker.failures() == {"access": 1}


def test_foreign_keys_end_the_run(server: Server) -> None:
    worker = Worker(server.url, patience=60)
    worker.answers(BATCHES[0])
    client = server.client()
    client.delete("{s00}:live:log")
    client.set("{s00}:live:log", "not a list")
    with pytest.raises(StoreRefusedError) as caught:
        worker.answers(BATCHES[1])
    assert "wrong kind of value" in str(caught.value)
    assert str(caught.value).endswith("; see that nothing else uses the keys of the windows")
    assert worker.failures() == {"refused": 1}


def test_every_cause_is_there_from_the_start_and_explained() -> None:
    registry = CollectorRegistry()
    client: redis.Redis = redis.Redis(port=free_port())
    RedisJournal(client, "live", 0, 60, FlowMetrics(registry))
    (family,) = (f for f in registry.collect() if f.name == "fenghuo_window_store_failures")
    causes = {s.labels["cause"] for s in family.samples if s.name.endswith("_total")}
    assert causes == {fault.value for fault in Fault}
    assert all(fault.value in family.documentation for fault in Fault)


def test_a_replay_ends_with_the_line_when_redis_stays_away(server: Server) -> None:
    worker = Worker(server.url, patience=0.2, degrade=False)
    worker.answers(BATCHES[0])
    server.kill()
    with pytest.raises(StoreUnavailableError, match=r"does not answer: .*; start it or set"):
        worker.answers(BATCHES[1])
