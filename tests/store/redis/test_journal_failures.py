"""The journals while Redis is away, full, stopped or restarted."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fenghuo.embedded import Service, start_valkey
from fenghuo.embedded.service import free_port
from store.redis.journal import RedisJournal
from tests.store.redis.journals import Worker, put
from windows.journal import Append, StoreUnavailableError

Wait = Callable[..., None]


class Server:
    """A Valkey of the test's own with an append-only file, which a test may kill and start again."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._service: Service | None = start_valkey(home)
        self.port = self._service.port
        self.url = self._service.url

    @property
    def pid(self) -> int:
        assert self._service is not None
        return self._service.pid

    def kill(self) -> None:
        """What a crash leaves."""
        os.kill(self.pid, signal.SIGKILL)
        self.stop()

    def start(self) -> None:
        self._service = start_valkey(self._home, port=self.port)

    def stop(self) -> None:
        if self._service is not None:
            self._service.stop()
        self._service = None


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "valkey")
    yield server
    server.stop()


def seconds(call: Callable[[], object]) -> float:
    """How long a call took that failed because Redis was away."""
    started = time.monotonic()
    with pytest.raises(StoreUnavailableError):
        call()
    return time.monotonic() - started


class Attempt:
    """An append in a thread of its own, as a worker of the dataflow makes it."""

    def __init__(self, journal: RedisJournal, name: str, known: int, data: bytes) -> None:
        self.answer: bytes | None = None
        self._thread = threading.Thread(target=self._run, args=(journal, name, known, data))
        self._thread.start()

    def _run(self, journal: RedisJournal, name: str, known: int, data: bytes) -> None:
        self.answer = put(journal, name, known, data)

    def join(self) -> bytes | None:
        self._thread.join(30)
        return self.answer


def test_a_restart_within_the_patience_is_only_a_wait(valkey: Server, eventually: Wait) -> None:
    worker = Worker(valkey.url, "live", patience=30.0)
    journal = worker.open()
    put(journal, "e:g", 0, b"abc")
    valkey.kill()
    attempt = Attempt(journal, "e:g", 0, b"def")
    eventually(lambda: worker.failures("ConnectionError") >= 3)
    assert attempt.answer is None
    valkey.start()
    assert attempt.join() == b"abc"
    assert put(journal, "e:g", 0) == b"abcdef"  # what had been answered was on the disk


def test_after_the_patience_calls_fail_at_once_until_redis_is_back(valkey: Server) -> None:
    worker = Worker(valkey.url, "live", patience=0.5)
    journal = worker.open()
    put(journal, "e:g", 0, b"abc")
    mark = journal.mark
    valkey.kill()
    assert 0.2 <= seconds(lambda: put(journal, "e:g", 3, b"x")) < 2.0
    assert max(seconds(lambda: put(journal, "e:g", 3, b"x")) for _ in range(5)) < 0.2
    valkey.start()
    assert put(journal, "e:g", 3, b"def") == b""
    assert put(journal, "e:g", 0) == b"abcdef"
    assert journal.mark == mark
    valkey.kill()
    assert seconds(lambda: put(journal, "e:g", 6, b"x")) >= 0.2  # it has its whole patience again


def test_each_journal_waits_once(valkey: Server) -> None:
    worker = Worker(valkey.url, "live", patience=0.4)
    first, second = worker.open(0), worker.open(1)
    valkey.kill()
    assert seconds(lambda: put(first, "e:g", 0)) >= 0.2
    assert seconds(lambda: put(second, "e:g", 0)) >= 0.2
    assert seconds(lambda: put(first, "e:g", 0)) < 0.2


def test_a_server_that_was_never_there_is_told_in_one_line() -> None:
    worker = Worker(f"redis://127.0.0.1:{free_port()}/0", "live", patience=0.1)
    with pytest.raises(StoreUnavailableError) as caught:
        put(worker.open(), "e:g", 0)
    told = str(caught.value)
    assert told.startswith("Redis does not answer: ")
    assert told.endswith("; start it or set FENGHUO_REDIS_URL")
    assert "\n" not in told


def test_a_server_that_hangs_is_given_up_in_time(valkey: Server) -> None:
    worker = Worker(valkey.url, "live", patience=0.3, timeout=0.3)
    journal = worker.open()
    put(journal, "e:g", 0, b"abc")
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        assert 0.3 <= seconds(lambda: put(journal, "e:g", 3, b"x")) < 2.0
        assert worker.failures("TimeoutError") >= 1
    finally:
        os.kill(valkey.pid, signal.SIGCONT)
    # Calls whose answers were lost may have been done; readers ignore what stands twice.
    found = put(journal, "e:g", 0)
    assert found == b"abc" + b"x" * (len(found) - 3)


def test_scripts_that_the_server_forgot_are_sent_again(valkey: Server) -> None:
    worker = Worker(valkey.url, "live")
    journal = worker.open()
    put(journal, "e:g", 0, b"abc")
    worker.client.script_flush()
    assert put(journal, "e:g", 0, b"def") == b"abc"
    assert worker.failures("NoScriptError") == 0


def test_a_full_server_is_counted_and_waited_for(valkey: Server, eventually: Wait) -> None:
    worker = Worker(valkey.url, "live", patience=0.3)
    journal = worker.open()
    put(journal, "e:g", 0, b"abc")
    worker.client.config_set("maxmemory-policy", "noeviction")
    worker.client.config_set("maxmemory", "1")
    appends = [Append("e:g", 3, b"x"), Append("e:h", 0, b"y")]
    with pytest.raises(StoreUnavailableError, match=r"command not allowed.*maxmemory"):
        journal.append(appends)
    with pytest.raises(StoreUnavailableError):
        worker.open(1).append(appends)  # making the mark fails alike
    assert worker.failures("OutOfMemoryError") >= 2
    worker.client.config_set("maxmemory", "0")
    assert journal.append(appends) == [b"", b""]
    assert put(journal, "e:g", 0) == b"abcx"
    assert put(journal, "e:h", 0) == b"y"  # nothing was done by halves

    worker.client.config_set("maxmemory", "1")
    patient = Worker(valkey.url, "live", patience=30.0)
    attempt = Attempt(patient.open(), "e:g", 4, b"z")
    eventually(lambda: patient.failures("OutOfMemoryError") >= 2)
    worker.client.config_set("maxmemory", "0")
    assert attempt.join() == b""
    assert put(journal, "e:g", 0) == b"abcxz"


def test_a_replica_is_waited_for_until_it_is_a_primary(valkey: Server, eventually: Wait) -> None:
    worker = Worker(valkey.url, "live", patience=30.0)
    worker.client.replicaof("127.0.0.1", "1")
    attempt = Attempt(worker.open(), "e:g", 0, b"abc")
    eventually(lambda: worker.failures("ReadOnlyError") >= 2)
    worker.client.replicaof("NO", "ONE")
    assert attempt.join() == b""


def test_an_answer_that_means_no_good_is_told(valkey: Server) -> None:
    worker = Worker(valkey.url, "live", patience=30.0)
    journal = worker.open()
    put(journal, "e:g", 0, b"abc")
    worker.client.delete("{s00}:live:layout:e:g")
    worker.client.rpush("{s00}:live:layout:e:g", "list")
    with pytest.raises(StoreUnavailableError, match=r"Redis refused the call: .*wrong kind of value"):
        put(journal, "e:g", 3)
    assert worker.failures("ResponseError") == 1
