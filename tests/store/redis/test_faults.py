"""Every way in which Redis fails: counted by its cause, told in one line, windows as if nothing had been."""

import threading
import time
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from fenghuo.embedded.service import HOST
from store.redis.journal import connect, forget
from tests.store.redis.disturbing import AWAY, BATCHES, LAST, check, disturbed, lines, the_line
from tests.store.redis.servers import Proxy, Server, wait
from tests.store.redis.workers import Answers, Worker
from windows.journal import StoreUnavailableError


def test_down(server: Server, calm: list[Answers]) -> None:
    worker = Worker(server.url, patience=0.2)
    with lines() as told:
        found = disturbed(worker, server.kill, server.start)
    check(found, calm, server, worker)
    assert worker.failures().keys() == {"unreachable"}
    the_line(told, "Redis at {place} does not answer: ", server, "; start it or set FENGHUO_REDIS_URL")
    assert len(told) == 1


def test_down_from_the_start(server: Server, calm: list[Answers]) -> None:
    server.stop()
    worker = Worker(server.url, patience=0.2)
    found = []
    for number, batch in enumerate(BATCHES[:LAST]):
        if number == AWAY.stop:
            server.start()
            wait(worker.settled)
        found.append(worker.answers(batch))
    assert all(answer is None for answers in found[: AWAY.stop] for answer in answers.values())
    check([*calm[: AWAY.start], *found[AWAY.start :]], calm, server, worker)
    assert worker.failures().keys() == {"unreachable"}


def test_down_for_less_than_the_patience(server: Server, calm: list[Answers]) -> None:
    worker = Worker(server.url, patience=60)
    found = [worker.answers(batch) for batch in BATCHES[: AWAY.start]]
    server.kill()
    threading.Thread(target=lambda: found.append(worker.answers(BATCHES[AWAY.start]))).start()
    wait(lambda: worker.failures().get("unreachable", 0) >= 3)
    assert len(found) == AWAY.start
    with capture_logs() as logs:
        server.start()
        wait(lambda: len(found) > AWAY.start)
    assert [entry["event"] for entry in logs] == ["window_store_back"]
    found += [worker.answers(batch) for batch in BATCHES[AWAY.start + 1 : LAST]]
    assert found == calm[:LAST]
    check(found, calm, server, worker)


@pytest.mark.parametrize("slow", ["pause", "stop"])
def test_slow_for_longer_than_a_call_may_take(server: Server, calm: list[Answers], slow: str) -> None:
    worker = Worker(server.url, patience=0.3, timeout=0.3)
    found = [worker.answers(batch) for batch in BATCHES[: AWAY.start]]
    with lines() as told:
        if slow == "stop":
            with server.held_up():
                found += [worker.answers(BATCHES[number]) for number in AWAY]
        else:
            server.ask("CLIENT", "PAUSE", 1_000)
            found += [worker.answers(BATCHES[number]) for number in AWAY]
            server.ask("PING")
    assert all(answer is None for number in AWAY for answer in found[number].values())
    # What it was given while it hung may be done by now; the rest a worker tries when it has rested.
    wait(worker.settled)
    found += [worker.answers(batch) for batch in BATCHES[AWAY.stop : LAST]]
    check(found, calm, server, worker)
    assert worker.failures().keys() <= {"timeout", "behind"}
    assert "timeout" in worker.failures()
    the_line(told, "Redis at {place} is too slow: ", server, "; look for slow commands and swapping there")


def test_slow_for_less_than_a_call_may_take(server: Server, calm: list[Answers]) -> None:
    worker = Worker(server.url, patience=10, timeout=10)
    found = disturbed(worker, lambda: server.ask("CLIENT", "PAUSE", 2_000), lambda: None)
    assert found == calm[:LAST]
    assert worker.failures() == {}
    check(found, calm, server, worker)


def test_a_server_that_hangs_does_not_hold_up_every_batch(server: Server) -> None:
    worker = Worker(server.url, patience=0.5, timeout=0.5)
    worker.answers(BATCHES[0])
    with server.held_up():
        worker.answers(BATCHES[1])
        started = time.monotonic()
        for batch in BATCHES[2:LAST]:
            worker.answers(batch)
        assert time.monotonic() - started < 0.5  # six batches in the time of one call


def test_emptied(server: Server, calm: list[Answers]) -> None:
    worker = Worker(server.url)
    with capture_logs() as logs:
        found = disturbed(worker, server.client().flushall, lambda: None)
    assert found == calm[:LAST]
    check(found, calm, server, worker)
    assert worker.failures() == {"emptied": 3}
    place = f"`{HOST}:{server.port}`"
    assert [entry["error"] for entry in logs if entry["event"] == "window_store_behind"] == [
        f"Redis at {place} lost the log, of shard {shard} of the windows; it is written anew from memory"
        for shard in range(3)
    ]


def test_restarted_empty(tmp_path: Path, calm: list[Answers]) -> None:
    server = Server(tmp_path / "valkey", "--appendonly", "no")
    try:
        worker = Worker(server.url)

        def restart() -> None:
            server.kill()
            server.start()
            assert server.ask("DBSIZE") == 0

        found = disturbed(worker, restart, lambda: None)
        assert found == calm[:LAST]
        check(found, calm, server, worker)
        assert worker.failures()["emptied"] == 3
    finally:
        server.stop()


def test_killed_with_its_last_second_lost(server: Server, calm: list[Answers]) -> None:
    worker = Worker(server.url)
    found = [worker.answers(batch) for batch in BATCHES[: AWAY.start]]
    size = server.file_size()
    found += [worker.answers(BATCHES[number]) for number in AWAY]
    server.lose(size + 10)  # in the midst of a command
    found += [worker.answers(batch) for batch in BATCHES[AWAY.stop : LAST]]
    assert found == calm[:LAST]
    check(found, calm, server, worker)
    assert worker.failures()["behind"] == 3


def test_out_of_memory(server: Server, calm: list[Answers]) -> None:
    worker = Worker(server.url, patience=0.2)

    def fill() -> None:
        server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", 1)

    with lines() as told:
        found = disturbed(worker, fill, lambda: server.ask("CONFIG", "SET", "maxmemory", 0))
    assert all(answer is None for number in AWAY for answer in found[number].values())
    check(found, calm, server, worker)
    assert worker.failures().keys() == {"memory"}
    the_line(told, "Redis at {place} is out of memory: ", server, "; raise its maxmemory and evict nothing")


def test_out_of_memory_while_a_log_is_written_anew(server: Server, calm: list[Answers]) -> None:
    worker = Worker(server.url, patience=0.2)

    def empty_and_fill() -> None:
        server.client().flushall()
        server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", 1)

    found = disturbed(worker, empty_and_fill, lambda: server.ask("CONFIG", "SET", "maxmemory", 0))
    check(found, calm, server, worker)
    assert worker.failures().keys() == {"memory", "emptied"}


def test_read_only_after_a_failover(server: Server, tmp_path: Path, calm: list[Answers]) -> None:
    """The address leads to the old primary, which has become the replica of the new one."""
    other = Server(tmp_path / "other")
    proxy = Proxy(server.port)
    try:
        other.ask("REPLICAOF", HOST, server.port)
        wait(lambda: other.client().info("replication")["master_link_status"] == "up")
        worker = Worker(proxy.url, patience=0.2)

        def fail_over() -> None:
            server.ask("FAILOVER", "TO", HOST, other.port)
            wait(lambda: server.client().info("replication")["role"] == "slave")

        def lead_there() -> None:
            proxy.target = other.port  # new connections go to the new primary; old ones stay where they are

        with lines() as told:
            found = disturbed(worker, fail_over, lead_there)
        check(found, calm, other, worker)
        assert worker.failures().keys() <= {"readonly", "unreachable"}
        assert "readonly" in worker.failures()
        assert told[0].endswith("; set FENGHUO_REDIS_URL to the primary")
    finally:
        proxy.close()
        other.stop()


def test_a_failover_that_loses_the_last_writes(server: Server, tmp_path: Path, calm: list[Answers]) -> None:
    other = Server(tmp_path / "other")
    proxy = Proxy(server.port)
    try:
        other.ask("REPLICAOF", HOST, server.port)
        wait(lambda: other.client().info("replication")["master_link_status"] == "up")
        worker = Worker(proxy.url, patience=5)
        found = [worker.answers(batch) for batch in BATCHES[: AWAY.start]]
        wait(lambda: server.client().execute_command("WAIT", 1, 0) == 1)  # type: ignore[no-untyped-call]
        other.ask("REPLICAOF", "NO", "ONE")
        found += [worker.answers(BATCHES[number]) for number in AWAY]  # these the replica never gets
        server.kill()
        proxy.target = other.port
        found += [worker.answers(batch) for batch in BATCHES[AWAY.stop : LAST]]
        assert found == calm[:LAST]
        check(found, calm, other, worker)
        assert worker.failures()["behind"] == 3
    finally:
        proxy.close()
        other.stop()


def test_reading_its_data(server: Server, calm: list[Answers]) -> None:
    worker = Worker(server.url, patience=0.1)
    client = server.client()
    for number in range(1_000):
        client.set(f"other:{number}", "x" * 1_000)
    found = [worker.answers(batch) for batch in BATCHES[: AWAY.start]]
    client.bgrewriteaof()
    wait(lambda: not server.client().info("persistence")["aof_rewrite_in_progress"])
    server.kill()
    loader = threading.Thread(target=lambda: found.extend(worker.answers(BATCHES[number]) for number in AWAY))
    ready = threading.Event()

    def watch() -> None:
        with redis.Redis.from_url(server.url) as probe:
            while not ready.is_set():
                try:
                    if probe.info("persistence")["loading"]:
                        loader.start()
                        return
                except redis.ConnectionError:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    server.start("--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024")
    ready.set()
    watcher.join()
    loader.join()
    wait(worker.settled)
    found += [worker.answers(batch) for batch in BATCHES[AWAY.stop : LAST]]
    check(found, calm, server, worker)
    assert "loading" in worker.failures()


def test_forgetting_waits_for_a_server_that_is_away(server: Server) -> None:
    worker = Worker(server.url)
    worker.answers(BATCHES[0])
    with connect(server.url, 1) as client:
        held = client.dbsize()
        server.kill()
        with pytest.raises(StoreUnavailableError, match=f"`{HOST}:{server.port}` does not answer"):
            forget(client, "live")
        waiting = threading.Thread(target=forget, args=(client, "live", 20))
        waiting.start()
        time.sleep(0.5)
        server.start()
        waiting.join()
        assert 0 == client.dbsize() < held


def test_a_full_disk_and_missing_replicas(server: Server, calm: list[Answers]) -> None:
    worker = Worker(server.url, patience=0.1)
    with lines() as told:
        found = disturbed(
            worker,
            lambda: server.ask("CONFIG", "SET", "min-replicas-to-write", 1),
            lambda: server.ask("CONFIG", "SET", "min-replicas-to-write", 0),
        )
    check(found, calm, server, worker)
    assert worker.failures().keys() == {"replicas"}
    the_line(told, "Redis at {place} has too few replicas to write: ", server, "; start its replicas")


def test_another_clients_script_that_does_not_end(server: Server, calm: list[Answers]) -> None:
    worker = Worker(server.url, patience=0.1)
    server.ask("CONFIG", "SET", "busy-reply-threshold", 50)
    endless = threading.Thread(target=_endless, args=(server,))

    def block() -> None:
        endless.start()
        wait(lambda: _busy(server))

    def end() -> None:
        server.ask("SCRIPT", "KILL")
        wait(lambda: not _busy(server))

    with lines() as told:
        found = disturbed(worker, block, end)
    endless.join()
    check(found, calm, server, worker)
    assert worker.failures().keys() == {"busy"}
    the_line(told, "Redis at {place} is busy with another's script: ", server, "; end it with SCRIPT KILL")


def _endless(server: Server) -> None:
    with pytest.raises(redis.ResponseError, match="killed"):
        server.ask("EVAL", "while true do end", 0)


def _busy(server: Server) -> bool:
    try:
        server.ask("PING")
    except redis.ResponseError as error:
        return "BUSY" in str(error)
    return False


def test_scripts_that_the_server_forgot(server: Server, calm: list[Answers]) -> None:
    worker = Worker(server.url)
    found = disturbed(worker, server.client().script_flush, lambda: None)
    assert found == calm[:LAST]
    assert worker.failures() == {}
