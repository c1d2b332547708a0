"""The log of a shard on a real Valkey: what is written is read, whole, by its owner, and by nobody else."""

from collections.abc import Callable, Iterator

import pytest
import redis
from prometheus_client import CollectorRegistry

from store.redis import journal as journals
from store.redis.journal import RedisJournal, forget
from tests.store.redis.servers import Server
from tests.store.redis.workers import journal_on
from windows.errors import WindowError
from windows.journal import BehindError, Stored, WindowsLostError, Write

LIFETIME = 60.0
Open = Callable[..., RedisJournal]


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_url) as made:
        yield made


@pytest.fixture
def opened(valkey_url: str, unique: str) -> Open:
    """Journals of one namespace, each with a connection of its own as in another process."""

    def open_journal(namespace: str = unique) -> RedisJournal:
        return journal_on(valkey_url, namespace, patience=2, lifetime=LIFETIME)

    return open_journal


def put(journal: RedisJournal, *writes: Write) -> None:
    assert journal.write(writes) == [None] * len(writes)


def append(shard: int, records: int, *blocks: bytes) -> Write:
    return Write(shard, records - 1, records, blocks)


def whole(shard: int, records: int, ground: bytes, *blocks: bytes) -> Write:
    return Write(shard, -1, records, blocks, ground=ground)


def test_a_new_log_is_empty_and_keeps_its_mark(opened: Open) -> None:
    first = opened().claim(3)
    assert (first.records, first.ground, first.blocks, first.schemas) == (0, b"", [], {})
    assert first.mark
    assert opened().claim(3) == first
    assert opened().claim(4).mark != first.mark


def test_what_is_written_is_read_by_the_next_owner(opened: Open) -> None:
    journal = opened()
    mark = journal.claim(3).mark
    raw = bytes(range(256)) * 500
    put(journal, Write(3, 0, 5, [b"a"], schemas={"s1": b"{}"}))
    put(journal, append(3, 6, raw, b""))
    assert opened().claim(3) == Stored(mark, 6, b"", [b"a", raw, b""], {"s1": b"{}"})


def test_blocks_at_the_end_give_way(opened: Open) -> None:
    journal = opened()
    journal.claim(0)
    for number in range(1, 6):
        put(journal, append(0, number, b"%d" % number))
    put(journal, Write(0, 5, 5, [b"345"], drop=3))
    put(journal, append(0, 6, b"6"))
    assert opened().claim(0).blocks == [b"1", b"2", b"345", b"6"]


def test_a_ground_comes_with_all_the_blocks(opened: Open) -> None:
    journal = opened()
    journal.claim(0)
    put(journal, Write(0, 0, 2, [b"old"], schemas={"s1": b"1"}))
    put(journal, Write(0, 2, 2, [b"kept"], ground=b"ground", schemas={"s2": b"2"}))
    put(journal, append(0, 3, b"new"))
    found = opened().claim(0)
    assert (found.records, found.ground, found.blocks) == (3, b"ground", [b"kept", b"new"])
    assert found.schemas == {"s1": b"1", "s2": b"2"}
    again = opened()
    again.claim(0)
    put(again, whole(0, 3, b""))
    found = opened().claim(0)
    assert (found.records, found.ground, found.blocks) == (3, b"", [])


def test_writes_of_many_shards_go_in_one_round_trip(valkey_url: str, unique: str) -> None:
    registry = CollectorRegistry()
    journal = journal_on(valkey_url, unique, registry=registry)
    for shard in range(8):
        journal.claim(shard)

    def calls() -> float:
        return registry.get_sample_value("fenghuo_window_store_seconds_count") or 0.0

    before = calls()
    put(journal, *(append(shard, 1, b"%d" % shard) for shard in range(8)))
    assert calls() == before + 1
    assert [journal.claim(shard).blocks for shard in range(8)] == [[b"%d" % shard] for shard in range(8)]


def test_a_large_log_is_written_and_read_in_pieces(server: Server) -> None:
    # The server hangs up on whoever sends more than this at once.
    server.ask("CONFIG", "SET", "client-query-buffer-limit", 20 << 20)
    journal = journal_on(server.url, "live", patience=0, timeout=20)
    journal.claim(1)
    ground = bytes(range(256)) * (30 << 12)  # 30 MiB
    blocks = [bytes([number]) * (5 << 20) for number in range(8)] + [b"%d" % n for n in range(5_000)]
    put(journal, whole(1, 9, ground, *blocks))
    put(journal, append(1, 10, b"last"))
    assert server.ask("EXISTS", "{s01}:live:stage") == 0
    server.ask("CONFIG", "RESETSTAT")
    found = journal_on(server.url, "live", patience=0, timeout=20).claim(1)
    assert found.ground == ground
    assert found.blocks == [*blocks, b"last"]
    calls = server.client().info("commandstats")["cmdstat_lrange"]["calls"]
    assert 5 <= calls < 30  # neither 40 MiB in one answer nor a call for each block


def test_a_log_that_is_being_written_anew_is_not_seen(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "PIECE", 4)
    journal = opened()
    journal.claim(0)
    put(journal, append(0, 1, b"old"))
    owned = journal._owned[0]
    turn = owned.next()
    stage = journals._STAGE
    answer = journal._calls.one(
        journal._script(0, stage, owned.epoch, turn, 0, 1000, b"half", keys=("head", "stage"))
    )
    assert answer == b"done"
    other = opened()
    assert other.claim(0).blocks == [b"old"]
    put(other, whole(0, 2, b"ground", b"first", b"second"))
    assert opened().claim(0).blocks == [b"first", b"second"]


def keys(client: redis.Redis, unique: str) -> dict[str, int]:
    """Keys of a test with the milliseconds that they live."""
    return {key.decode(): client.pttl(key) for key in client.scan_iter(match=f"*{unique}*", count=1000)}


def test_every_write_lets_all_keys_of_the_shard_live_on(
    client: redis.Redis, opened: Open, unique: str
) -> None:
    journal = opened()
    journal.claim_shards(8)
    journal.claim(2)
    wanted = {f"{{s02}}:{unique}:{name}" for name in ("head", "log", "ground")}
    put(journal, append(2, 1, b"x"))
    shards = f"{{s00}}:{unique}:shards"
    for write in (append(2, 2, b"y"), whole(2, 2, b"g", b"z"), Write(2, 2, 2, [b"w"], drop=1)):
        for key in wanted:
            client.pexpire(key, 5_000)
        put(journal, write)
        living = keys(client, unique)
        assert living.keys() == wanted | {shards}
        assert all(50_000 < left <= 60_000 for left in living.values())
    for key in wanted:
        client.pexpire(key, 5_000)
    client.pexpire(shards, 5_000)
    again = opened()
    again.claim_shards(8)
    again.claim(2)
    assert all(left > 50_000 for left in keys(client, unique).values())


def test_another_number_of_shards_is_refused(opened: Open) -> None:
    first = opened()
    first.claim_shards(8)
    first.claim(0)
    same = opened()
    same.claim_shards(8)
    same.claim(7)
    other = opened()
    other.claim_shards(4)
    for _ in range(2):
        with pytest.raises(WindowsLostError) as caught:
            other.claim(3)
        assert str(caught.value) == (
            "the windows in Redis were written with 8 shards, got 4; set FENGHUO_SHARDS=8 again"
        )


def test_what_redis_evicts_from_a_log_is_noticed(client: redis.Redis, opened: Open, unique: str) -> None:
    journal = opened()
    journal.claim(0)
    put(journal, whole(0, 5, b"ground", b"a", b"b"))
    for key in ("log", "ground"):
        client.delete(f"{{s00}}:{unique}:{key}")
        (found,) = journal.write([append(0, 6, b"c")])
        assert isinstance(found, BehindError)  # the owner has it all and writes it anew
        for _ in range(2):
            with pytest.raises(WindowsLostError, match=r"evicted a part of shard 0 .* noeviction"):
                opened().claim(0)
        client.delete(f"{{s00}}:{unique}:head")
        journal.claim(0)
        put(journal, whole(0, 5, b"ground", b"a", b"b"))
    # What is left without its head is no log.
    client.delete(f"{{s00}}:{unique}:head")
    found_anew = opened().claim(0)
    assert (found_anew.records, found_anew.blocks, found_anew.ground) == (0, [], b"")


def test_namespaces_do_not_meet(opened: Open, unique: str) -> None:
    names = [unique, f"{unique}2", f"x{unique}", f"{unique}:counterparties", f"{unique}[a-z]", f"{unique}*"]
    owners = [opened(name) for name in names]
    for owner, name in zip(owners, names, strict=True):
        owner.claim(1)
        put(owner, append(1, 1, name.encode()))
    for owner, name in zip(owners, names, strict=True):
        assert opened(name).claim(1).blocks == [name.encode()]
        assert owner.claim(1).blocks == [name.encode()]


def test_forgetting_deletes_one_namespace_and_what_is_below_it(
    client: redis.Redis, opened: Open, unique: str
) -> None:
    mine = [unique, f"{unique}:counterparties"]
    others = [f"{unique}2", f"x{unique}", f"{unique}-*", f"{unique}[a-z]", f"{unique}?", f"a:{unique}"]
    for name in mine + others:
        journal = opened(name)
        journal.claim_shards(1024)
        for shard in (0, 7, 63, 128):
            journal.claim(shard)
            put(journal, whole(shard, 1, b"g", b"kept"))
    client.set(f"{unique}:free", "kept", px=60_000)
    forget(client, unique)
    assert client.get(f"{unique}:free") == b"kept"
    left = keys(client, unique)
    assert not [key for key in left if key.split(":", 1)[1].startswith(f"{unique}:")]
    for name in others:
        assert [opened(name).claim(shard).blocks for shard in (0, 7, 63, 128)] == [[b"kept"]] * 4
        forget(client, name)
    assert keys(client, unique).keys() == {f"{unique}:free"}


def test_answers_are_given_in_the_order_of_the_writes(opened: Open) -> None:
    journal, late = opened(), opened()
    for shard in (0, 1, 2):
        late.claim(shard)
        journal.claim(shard)
    late.claim(1)
    writes = [whole(0, 1, b"g", b"a"), append(1, 1, b"b"), append(2, 1, b"c"), whole(1, 1, b"g", b"d")]
    outcomes: list[WindowError | None] = journal.write(writes)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "NoneType",
        "FencedError",
        "NoneType",
        "FencedError",
    ]
