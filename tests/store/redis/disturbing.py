"""A stream that is judged while Redis fails, and what must come of it.

batch     1  2  3  4  5  6  7  8
Redis     ✓  ✓  ✓  ✗  ✗  ✗  ✓  ✓      fails for a while
decided   ✓  ✓  ✓  ?  ?  ?  ✓  ✓      ? without windows, or after a wait with them
log       ✓  ✓  ✓           ✓  ✓      in the end it holds every event once
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from structlog.testing import capture_logs

from fenghuo.embedded.service import HOST
from tests.store.redis.servers import Server, wait
from tests.store.redis.workers import Answers, Worker, batches, stream

BATCHES = batches(stream(540), 60)
LAST = len(BATCHES) - 1
AWAY = range(3, 6)
"""Batches that come while Redis fails."""


Fail = Callable[[], Any]


def disturbed(worker: Worker, fail: Fail, heal: Fail) -> list[Answers]:
    """What a worker answers when Redis fails from one batch to another; the last batch is left."""
    found = []
    for number, batch in enumerate(BATCHES[:LAST]):
        if number == AWAY.start:
            fail()
        if number == AWAY.stop:
            heal()
            wait(worker.settled)  # a worker that has just waited in vain rests for a moment
        found.append(worker.answers(batch))
    return found


def check(found: list[Answers], calm: list[Answers], server: Server, worker: Worker) -> None:
    """No answer is wrong, those after the fault are given, and the log is whole."""
    for number, (answers, wanted) in enumerate(zip(found, calm[:LAST], strict=True)):
        degraded = [event for event, answer in answers.items() if answer is None]
        if number not in AWAY:
            assert not degraded, number
        # While nobody can tell, a duplicate gets a decision, too.
        assert {event for event in answers if event not in degraded} <= wanted.keys()
        assert {e: a for e, a in answers.items() if a is not None}.items() <= wanted.items()
    next_worker = Worker(server.url, states=worker.save(), shards=len(worker.logics))
    assert next_worker.answers(BATCHES[LAST]) == calm[LAST]


@contextmanager
def lines() -> Iterator[list[str]]:
    """What the operator reads meanwhile."""
    found: list[str] = []
    with capture_logs() as logs:
        yield found
    found += [entry["error"] for entry in logs if entry["event"] == "window_store_failing"]
    assert all("\n" not in line for line in found)


def the_line(found: list[str], what: str, server: Server, cure: str) -> None:
    """One line says what, where and what to do."""
    assert found
    assert found[0].startswith(what.format(place=f"`{HOST}:{server.port}`")), found
    assert found[0].endswith(cure), found
