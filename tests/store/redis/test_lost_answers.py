"""Writes that are done although their answer never comes: none is done twice, none is lost."""

import random

import pytest

from tests.store.redis.disturbing import AWAY, BATCHES, LAST, check, disturbed
from tests.store.redis.servers import Proxy, Server
from tests.store.redis.workers import Answers, Worker, journal_on
from windows.journal import Write


@pytest.mark.parametrize("seed", range(3))
def test_answers_that_get_lost_on_the_way(
    server: Server, proxy: Proxy, calm: list[Answers], seed: int
) -> None:
    """The write is done, the connection is gone before the answer: it must not be done twice, nor be lost."""
    worker = Worker(proxy.url, patience=60)
    dice = random.Random(seed)
    proxy.cut = lambda: dice.random() < 0.2
    found = [worker.answers(batch) for batch in BATCHES[:LAST]]
    proxy.cut = lambda: False
    assert found == calm[:LAST]
    check(found, calm, server, worker)
    assert worker.failures().keys() == {"unreachable"}
    assert worker.failures()["unreachable"] >= 1


def test_answers_that_get_lost_and_nobody_waits(server: Server, proxy: Proxy, calm: list[Answers]) -> None:
    """The worker gives up at once, so that it does not know whether its write was done."""
    worker = Worker(proxy.url, patience=0.0)

    def cut(*, now: bool) -> None:
        proxy.cut = lambda: now

    found = disturbed(worker, lambda: cut(now=True), lambda: cut(now=False))
    assert all(answer is None for number in AWAY for answer in found[number].values())
    check(found, calm, server, worker)
    assert worker.failures().keys() == {"unreachable", "behind"}


def test_what_a_late_copy_of_a_write_does(server: Server) -> None:
    """A write that was given up may still be done when the server wakes up; it must not undo a later one."""
    journal = journal_on(server.url, patience=0.0)
    journal.claim(0)
    assert journal.write([Write(0, 0, 1, [b"a"])]) == [None]
    anew = Write(0, -1, 1, [b"a"], ground=b"")
    late = journal._end(Write(0, 1, 2, [b"late"]), journal._owned[0].next())
    turn = journal._owned[0].next()
    assert journal._swapped(anew, b"", turn) == b"done"
    journal._owned[0].turn = turn
    assert journal.write([Write(0, 1, 2, [b"b"])]) == [None]
    assert journal._calls.one(late) == b"behind"
    assert journal._swapped(anew, b"", turn) == b"behind"
    assert server.client().lrange("{s00}:live:log", 0, -1) == [b"a", b"b"]
    assert journal.write([Write(0, 2, 3, [b"c"])]) == [None]
