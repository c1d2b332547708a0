"""One owner for each shard: who was overtaken can't write, whatever happens to Redis and to clocks.

left-over ──claims──────────────────────writes ✗
newer     ──────────claims──writes──────────────writes ✓
"""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from store.redis import journal as journals
from tests.flows.processes import running
from tests.store.redis.servers import Proxy, Server, wait
from tests.store.redis.workers import START, Worker, batches, stream
from tests.store.redis.workers import journal_on as journal
from tests.wire.making import message
from windows.journal import FencedError, Write

FENCED = (
    "another process has taken over shard {shard} of the windows in Redis at `{place}`; this one ends: "
    "see that only one `fenghuo run` has this shard"
)


def append(records: int, block: bytes) -> Write:
    return Write(0, records - 1, records, [block])


def anew(records: int, *blocks: bytes) -> Write:
    return Write(0, -1, records, blocks, ground=b"")


def kinds(found: Sequence[object]) -> list[str]:
    return [type(one).__name__ for one in found]


def blocks(server: Server) -> list[bytes]:
    return list(server.ask("LRANGE", "{s00}:live:log", 0, -1))


def test_whoever_was_overtaken_can_write_nothing(server: Server) -> None:
    old, new = journal(server.url), journal(server.url)
    old.claim(0)
    assert old.write([append(1, b"a")]) == [None]
    new.claim(0)
    for write in (append(2, b"x"), anew(1, b"x"), Write(0, 1, 1, [b"x"], drop=1)):
        (found,) = old.write([write])
        assert isinstance(found, FencedError)
        assert str(found) == FENCED.format(shard=0, place=f"127.0.0.1:{server.port}")
    assert blocks(server) == [b"a"]
    assert new.write([append(2, b"b")]) == [None]
    assert blocks(server) == [b"a", b"b"]


@pytest.mark.parametrize("first", ["old", "new"])
def test_an_emptied_store_goes_back_to_the_newer_owner(server: Server, first: str) -> None:
    old, new = journal(server.url), journal(server.url)
    old.claim(0)
    assert old.write([append(1, b"a")]) == [None]
    new.claim(0)
    server.client().flushall()
    if first == "old":
        # Nothing is left in Redis that could tell that it was overtaken.
        assert kinds(old.write([append(2, b"x")])) == ["BehindError"]
        assert old.write([anew(1, b"a")]) == [None]
        assert old.write([append(2, b"x")]) == [None]
        # The newer one had come as far, too: what stands there is not its own all the same.
        assert kinds(new.write([append(2, b"b")])) == ["BehindError"]
    else:
        assert kinds(new.write([append(2, b"b")])) == ["BehindError"]
    assert new.write([anew(1, b"a")]) == [None]
    assert new.write([append(2, b"b")]) == [None]
    for write in (append(3, b"x"), anew(3, b"x")):
        assert kinds(old.write([write])) == ["FencedError"]
    assert blocks(server) == [b"a", b"b"]


def test_a_claim_after_the_store_was_emptied_is_newer(server: Server) -> None:
    old = journal(server.url)
    old.claim(0)
    server.client().flushall()
    new = journal(server.url)
    assert new.claim(0).records == 0
    assert kinds(old.write([append(1, b"x")])) == ["FencedError"]
    assert kinds(old.write([anew(1, b"x")])) == ["FencedError"]
    assert new.write([append(1, b"a")]) == [None]


def test_epochs_need_no_clock_while_redis_has_them(server: Server) -> None:
    """As after a failover to a server whose clock is an hour behind."""
    ahead = int(time.time() * 1000) + 3_600_000
    server.client().hset("{s00}:live:head", mapping={"epoch": ahead, "blocks": 0, "ground": 0, "records": 0})
    server.client().hset("{s00}:live:head", "mark", "m")
    old, new = journal(server.url), journal(server.url)
    old.claim(0)
    new.claim(0)
    assert server.client().hget("{s00}:live:head", "epoch") == b"%d" % (ahead + 2)
    assert kinds(old.write([append(1, b"x")])) == ["FencedError"]
    assert new.write([append(1, b"a")]) == [None]


def test_a_claim_whose_answer_was_lost_is_the_same_claim(server: Server, proxy: Proxy) -> None:
    for lost in range(1, 8):  # the epoch is asked, the shard is claimed, log, ground and epoch are read
        count = iter(range(1, 100))
        one = journal(proxy.url)
        proxy.cut = lambda count=count, lost=lost: next(count) == lost  # type: ignore[misc]  # bound at once
        one.claim(0)
        proxy.cut = lambda: False
        assert one.write([anew(0)]) == [None]


def test_a_claim_that_comes_late_takes_nothing_away(server: Server) -> None:
    """A worker that hangs in its claim and dies; the claim is done when another worker has taken over."""
    hanging, quick = journal(server.url, patience=0.0, timeout=0.3), journal(server.url)
    epoch = hanging._become_owner(0)["epoch"]
    quick.claim(0)
    late = hanging._script(0, journals._CLAIM, epoch, hanging._name, "mark", 60_000)
    answer = hanging._calls.one(late)
    assert isinstance(answer, bytes)  # a higher epoch to claim with
    assert quick.write([append(1, b"a")]) == [None]


def test_two_workers_with_all_their_windows(server: Server) -> None:
    """The same on the windows themselves: the left-over ends, the newer one goes on, nothing is lost."""
    parts = batches(stream(400), 50)
    undisturbed = Worker(server.url, "calm")
    wanted = [undisturbed.answers(part) for part in parts]
    old = Worker(server.url)
    found = [old.answers(part) for part in parts[:3]]
    new = Worker(server.url, states=old.save())
    found += [new.answers(part) for part in parts[3:5]]
    server.client().flushall()
    old.answers(parts[5])  # nothing tells it that it was overtaken, until the newer one writes
    found.append(new.answers(parts[5]))
    with pytest.raises(FencedError):
        old.answers(parts[6])
    found += [new.answers(part) for part in parts[6:]]
    assert found == wanted
    assert old.failures()["fenced"] >= 1
    assert set(new.failures()) == {"behind"}
    again = Worker(server.url, states=new.save())
    (last,) = batches(stream(450)[400:], 50)
    assert again.answers(last) == undisturbed.answers(last)


def test_an_overtaken_run_ends_with_exit_code_1_and_one_line(server: Server, tmp_path: Path) -> None:
    events, out = tmp_path / "events.jsonl", tmp_path / "out"
    lines = (
        message(event_id=f"e{n}", customer=f"C{n % 50}", occurred_at=START + 100 * n) for n in range(9_000)
    )
    events.write_bytes(b"".join(line + b"\n" for line in lines))
    arguments = ("replay", events, "--model", "none", "--out", out, "--speed", "60x")
    with running(tmp_path / "log", *arguments, redis_url=server.url, shards=2) as process:
        client = server.client()
        wait(lambda: client.keys("*:log") and process.child.poll() is None, timeout=60)
        key = next(iter(client.scan_iter("*:log"))).decode()
        shard, name = int(key[2:4]), key.split(":", 1)[1].removesuffix(":log")
        journal(server.url, name).claim(shard)
        assert process.child.wait(60) == 1
        last = process.log.read_text().strip().splitlines()[-1]
    assert last.endswith(FENCED.format(shard=shard, place=f"127.0.0.1:{server.port}"))
