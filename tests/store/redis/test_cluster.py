"""Windows in a Redis Cluster: shards lie where their slots are, and follow them when they move."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from fenghuo.embedded.service import HOST, free_port
from store.redis.journal import connect, forget
from tests.store.redis.disturbing import AWAY, BATCHES, LAST, check
from tests.store.redis.servers import Cluster, Server, wait
from tests.store.redis.workers import SHARDS, Answers, Worker

HEADS = [f"{{s{shard:02d}}}:live:head" for shard in range(SHARDS)]


@pytest.fixture(autouse=True)
def _clean(cluster: Cluster) -> Iterator[None]:
    yield
    for node in cluster.nodes:
        if is_primary(node):
            node.client().flushall()


def is_primary(node: Server) -> bool:
    """Whether a node serves slots by now."""
    return bool(node.client().info("replication")["role"] == "master")


def primary_client(cluster: Cluster) -> redis.Redis:
    """A client as `connect` gives it when the server does not answer yet."""
    client: redis.Redis = redis.Redis.from_url(cluster.nodes[1].url, socket_timeout=5)
    return client


def test_shards_lie_on_several_nodes_and_are_exact(cluster: Cluster, calm: list[Answers]) -> None:
    assert len({cluster.owner(head).port for head in HEADS}) > 1
    for number, node in enumerate(cluster.nodes):
        worker = Worker(node.url, f"ns{number}")
        assert [worker.answers(batch) for batch in BATCHES] == calm
        assert worker.failures() == {}


def test_a_cluster_is_found_out_when_a_key_is_elsewhere(cluster: Cluster, calm: list[Answers]) -> None:
    worker = Worker(primary_client(cluster), patience=0.0)
    assert [worker.answers(batch) for batch in BATCHES] == calm
    assert worker.failures().keys() == {"cluster"}


def test_a_cluster_that_starts_after_the_worker(tmp_path: Path, calm: list[Answers]) -> None:
    port = free_port()
    worker = Worker(f"redis://{HOST}:{port}/0", patience=0.1)
    found = [worker.answers(BATCHES[0])]
    assert all(answer is None for answer in found[0].values())
    late = Cluster(tmp_path, port)
    try:
        found += [worker.answers(batch) for batch in BATCHES[1:]]
        assert found[1:] == calm[1:]
        assert worker.failures().keys() == {"unreachable", "cluster"}
    finally:
        late.stop()


def migrate(cluster: Cluster, shard: int) -> Iterator[str]:
    """Move the slot of a shard to another primary, step by step."""
    key = HEADS[shard]
    source = cluster.owner(key)
    primaries = [node for node in cluster.nodes if is_primary(node)]
    target = next(node for node in primaries if node is not source)
    slot = source.ask("CLUSTER", "KEYSLOT", key)
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", cluster.id(source))
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", cluster.id(target))
    yield "announced"
    keys = source.ask("CLUSTER", "GETKEYSINSLOT", slot, 100)
    assert len(keys) >= 3
    for name in keys:
        source.ask("MIGRATE", HOST, target.port, name, 0, 5_000)
        yield "half"
    for node in (target, source, *primaries):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", cluster.id(target))
    yield "done"


def test_a_slot_that_moves_takes_its_shard_along(cluster: Cluster, calm: list[Answers]) -> None:
    worker = Worker(cluster.nodes[0].url, patience=0.0)
    found = [worker.answers(BATCHES[0]), worker.answers(BATCHES[1])]
    steps = migrate(cluster, 1)
    told = []
    for batch in BATCHES[2:LAST]:
        told.append(next(steps, "over"))
        found.append(worker.answers(batch))
    assert told == ["announced", "half", "half", "half", "done", "over"]
    # While its keys are on two nodes the shard can't be written; on either node alone it can.
    blind = [number for number, answers in enumerate(found) if None in answers.values()]
    assert blind == [3, 4]
    for number, (answers, wanted) in enumerate(zip(found, calm[:LAST], strict=True)):
        if number not in blind:
            assert answers == wanted
    assert worker.failures().keys() == {"cluster"}
    again = Worker(cluster.nodes[2].url, states=worker.save())
    assert again.answers(BATCHES[LAST]) == calm[LAST]


def test_a_worker_waits_while_a_slot_moves(cluster: Cluster, calm: list[Answers]) -> None:
    worker = Worker(cluster.nodes[0].url, patience=20)
    found = [worker.answers(BATCHES[0])]

    def judge() -> None:
        found.extend(worker.answers(batch) for batch in BATCHES[1:LAST])

    thread = threading.Thread(target=judge)
    thread.start()
    for _ in migrate(cluster, 2):
        pass
    thread.join()
    assert found == calm[:LAST]
    assert worker.failures().keys() <= {"cluster"}


def test_namespaces_are_forgotten_on_all_nodes(cluster: Cluster) -> None:
    for name in ("live", "live:counterparties", "other"):
        worker = Worker(cluster.nodes[0].url, name)
        worker.answers(BATCHES[0])
    client = connect(cluster.nodes[2].url, 5)
    assert isinstance(client, redis.RedisCluster)
    forget(client, "live")
    left = {key.decode().split(":")[1] for key in client.scan_iter(match="*")}
    assert left == {"other"}


def test_a_primary_that_dies_is_replaced(cluster: Cluster, calm: list[Answers]) -> None:
    """Its replica takes over; until then only the shards of the dead one are judged without windows."""
    pair = (cluster.nodes[0], cluster.nodes[3])
    dead, replica = pair if is_primary(pair[0]) else pair[::-1]
    worker = Worker(cluster.nodes[1].url, patience=0.0, timeout=2.0, shards=16)
    found = [worker.answers(batch) for batch in BATCHES[: AWAY.start]]
    wait(lambda: dead.ask("WAIT", 1, 100) == 1)
    dead.kill()
    try:
        found += [worker.answers(BATCHES[number]) for number in AWAY]
        assert None in found[AWAY.start].values()
        seen = [answer for answers in found[AWAY.start :] for answer in answers.values()]
        assert any(answer is not None for answer in seen)  # those of the nodes that live
        wait(lambda: is_primary(replica))
        wait(worker.settled)
        found += [worker.answers(batch) for batch in BATCHES[AWAY.stop : LAST]]
        check(found, calm, cluster.nodes[1], worker)
        assert worker.failures().keys() <= {"unreachable", "cluster", "behind"}
    finally:
        dead.start()
        wait(lambda: not is_primary(dead))


def test_a_cluster_that_is_down_as_a_whole(cluster: Cluster, calm: list[Answers]) -> None:
    worker = Worker(cluster.nodes[1].url, patience=0.2)
    found = [worker.answers(batch) for batch in BATCHES[: AWAY.start]]
    for node in cluster.nodes:
        node.kill()
    found += [worker.answers(BATCHES[number]) for number in AWAY]
    assert all(answer is None for number in AWAY for answer in found[number].values())
    for node in cluster.nodes:
        node.start()
    cluster.all_say(b"cluster_state:ok")
    wait(worker.settled)
    found += [worker.answers(batch) for batch in BATCHES[AWAY.stop : LAST]]
    check(found, calm, cluster.nodes[1], worker)
    assert worker.failures().keys() <= {"unreachable", "cluster", "behind"}
