"""Logs that are put back: seen without being owned, replaced as a whole, under the name that is asked for."""

import secrets
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from store.redis.journal import connect
from store.redis.rebuilding import Held, RebuildingJournal
from telemetry.metrics import FlowMetrics
from tests.store.redis.servers import Server
from tests.store.redis.workers import journal_on
from windows.journal import FencedError, StoreUnavailableError, WindowsLostError, Write


@pytest.fixture
def rebuilding(server: Server) -> Iterator[RebuildingJournal]:
    made = RebuildingJournal(connect(server.url, 5), "live", 0.2, 3600, FlowMetrics(CollectorRegistry()))
    made.claim_shards(4)
    yield made
    made.close()


def whole(*blocks: bytes, records: int, ground: bytes = b"ground") -> Write:
    return Write(2, -1, records, blocks, ground=ground, schemas={"s": b"{}"})


def test_a_log_is_seen_as_it_stands_and_stays_with_its_owner(
    server: Server, rebuilding: RebuildingJournal
) -> None:
    assert rebuilding.held(2) is None
    assert server.ask("KEYS", "*") == []
    owner = journal_on(server.url)
    mark = owner.claim(2).mark
    assert owner.write([Write(2, 0, 3, [b"abc"])]) == [None]
    assert rebuilding.held(2) == Held(mark, 3)
    assert owner.write([Write(2, 3, 4, [b"d"])]) == [None]


@pytest.mark.parametrize("key", ["log", "ground"])
def test_a_log_of_which_something_is_missing_is_no_log(
    server: Server, rebuilding: RebuildingJournal, key: str
) -> None:
    rebuilding.put(whole(b"abc", records=3), "mark")
    assert rebuilding.held(2) == Held("mark", 3)
    server.ask("DEL", f"{{s02}}:live:{key}")
    assert rebuilding.held(2) is None


def test_the_next_owner_finds_what_was_put_there(server: Server, rebuilding: RebuildingJournal) -> None:
    mark = secrets.token_hex(8)
    rebuilding.put(whole(b"abc", b"d", records=70), mark)
    stored = journal_on(server.url).claim(2)
    assert (stored.mark, stored.records) == (mark, 70)
    assert (stored.ground, stored.blocks, stored.schemas) == (b"ground", [b"abc", b"d"], {"s": b"{}"})


def test_it_takes_the_place_of_whatever_is_there(server: Server, rebuilding: RebuildingJournal) -> None:
    owner = journal_on(server.url)
    owner.claim(2)
    owner.write([Write(2, 0, 3, [b"abc"])])
    rebuilding.put(whole(b"new", records=1), "other")
    assert rebuilding.held(2) == Held("other", 1)
    (error,) = owner.write([Write(2, 3, 4, [b"d"])])
    assert isinstance(error, FencedError)
    assert journal_on(server.url).claim(2).blocks == [b"new"]


def test_another_number_of_shards_is_refused(server: Server, rebuilding: RebuildingJournal) -> None:
    other = journal_on(server.url)
    other.claim_shards(8)
    other.claim(0)
    with pytest.raises(WindowsLostError, match=r"written with 8 shards, got 4"):
        rebuilding.put(whole(records=0), "mark")


def test_a_server_that_is_away_is_told(server: Server, rebuilding: RebuildingJournal) -> None:
    server.kill()
    with pytest.raises(StoreUnavailableError):
        rebuilding.held(2)
    with pytest.raises(StoreUnavailableError):
        rebuilding.put(whole(records=0), "mark")
