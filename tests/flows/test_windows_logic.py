"""The step of the windows while their store goes and comes: nothing passes unseen, nothing counts twice.

orders     1   2   3   4   5   6
store      up  ──away───   ──up──
decided    ✓   ?   ?   ?   ✓   ✓      ? degraded: without windows
count      1               5   6      what was owed is in
"""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bytewax.operators import StatefulBatchLogic

from events.clock import DAY, MINUTE
from events.columns import EventBatch
from events.event import Event, EventType
from flows.shards import shard_of
from flows.windows import ShardPart, ShardState, Windowed, results
from tests.store.redis.servers import Server, wait
from tests.store.redis.workers import START, Worker, close_all
from tests.windows.streams import batch_of
from windows.feature import Aggregate, Entity, Feature
from windows.journal import StoreUnavailableError, WindowsLostError
from windows.plan import WindowPlan
from windows.windowed import WindowedBatch

ORDERS = frozenset({EventType.ORDER_PLACED})
PLAN = WindowPlan(
    [
        Feature("count", Aggregate.COUNT, ORDERS, Entity.CUSTOMER, window=DAY),
        Feature("sum", Aggregate.SUM, ORDERS, Entity.CUSTOMER, "amount", DAY),
        Feature("first", Aggregate.DAYS_SINCE_FIRST, ORDERS, Entity.CUSTOMER),
    ]
)
SHARDS = 4
HERE = shard_of("g", SHARDS)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A Valkey of the test's own."""
    made = Server(tmp_path / "valkey")
    yield made
    close_all()
    made.stop()


def worker(server: Server, states: dict[int, ShardState] | None = None, **options: Any) -> Worker:
    """A worker that waits no longer than it must."""
    return Worker(
        server.url, plan=PLAN, shards=SHARDS, states=states, **{"patience": 0.15, "timeout": 1.0, **options}
    )


def orders(*numbers: int, group: str = "g") -> EventBatch:
    """Orders of one customer, each a minute and a fen after the one before; the number is the offset, too."""
    batch = batch_of(
        [
            Event(
                event_id=f"{group}-{number}",
                type=EventType.ORDER_PLACED,
                occurred_at=START + number * MINUTE,
                subsidiary="SH",
                customer="C1",
                group=group,
                amount=number,
            )
            for number in numbers
        ]
    )
    batch.offsets[:] = numbers
    return batch


def take(worker: Worker, *batches: EventBatch) -> list[WindowedBatch]:
    """What comes of batches; shards that the store failed leave an empty rest."""
    windowed = [found for batch in batches for found in worker.judge(batch)]
    return [found for found in windowed if len(found.batch) or found.duplicates.size]


def values(windowed: WindowedBatch, feature: str) -> list[object]:
    return [windowed.features[feature].at(row) for row in range(len(windowed.batch))]


def counts(windowed: WindowedBatch) -> list[object]:
    return values(windowed, "count")


def owed(state: ShardState) -> list[list[int]]:
    return [batch.offsets.tolist() for batch in state.owed]


def saved(worker: Worker) -> dict[int, ShardState]:
    """What recovery keeps, by way of its bytes."""
    kept: dict[int, ShardState] = pickle.loads(pickle.dumps(worker.save()))
    return kept


def test_while_the_store_answers_events_see_their_windows(server: Server) -> None:
    one = worker(server)
    first, second = take(one, orders(1, 2), orders(3))
    assert (counts(first), counts(second)) == ([1, 2], [3])
    assert values(second, "sum") == [1 + 2 + 3]
    assert not first.degraded
    assert one.registry.get_sample_value("fenghuo_step_seconds_count", {"step": "windows"}) == 2
    one.save()
    held = one.registry.get_sample_value("fenghuo_windows_loaded_bytes", {"shard": str(HERE)})
    assert held is not None
    assert held > 0


def test_all_shards_of_a_batch_are_judged_at_once_and_stay_one_batch(server: Server) -> None:
    one = worker(server)
    groups = [f"g{number}" for number in range(20)]
    assert len({shard_of(group, SHARDS) for group in groups}) == SHARDS
    batch = batch_of([orders(1, group=group).events[0] for group in groups])

    def calls() -> float:
        return one.registry.get_sample_value("fenghuo_window_store_seconds_count") or 0.0

    take(one, batch)
    before = calls()
    later = batch_of([orders(2, group=group).events[0] for group in groups], 20)
    (windowed,) = take(one, later)
    assert windowed.batch is later  # not even copied
    assert counts(windowed) == [2] * 20
    assert calls() == before + 1


def test_a_part_for_another_process_takes_its_own_events_only() -> None:
    batch = orders(*range(100))
    part = ShardPart(HERE, batch, np.array([3, 50]))
    alone = ShardPart(HERE, orders(3, 50), np.arange(2))
    sent = pickle.dumps(part)
    assert len(sent) == pytest.approx(len(pickle.dumps(alone)), rel=0.05)
    found = pickle.loads(sent)
    assert found.batch.offsets[found.rows].tolist() == [3, 50]
    assert found.batch.rows.tolist() == [3, 50]


def test_saving_judges_what_waits_for_its_offset_is_saved_too(server: Server) -> None:
    one = worker(server)
    batch = orders(1, 2)
    tickets, discard = one.logics[HERE].on_batch([ShardPart(HERE, batch, np.arange(2))])
    assert discard == StatefulBatchLogic.RETAIN
    state = one.logics[HERE].snapshot()
    assert state.records == 2
    ((key, windowed),) = results([("k", ticket) for ticket in tickets])
    assert key == "k"
    assert isinstance(windowed, Windowed)
    assert counts(windowed.windowed) == [1, 2]
    assert counts(*take(one, orders(3))) == [3]


def test_what_was_decided_without_windows_is_taken_in_when_the_store_is_back(server: Server) -> None:
    one = worker(server)
    take(one, orders(1))
    server.kill()
    lost = take(one, orders(2, 3), orders(4))
    assert [windowed.degraded for windowed in lost] == [True, True]
    assert [len(windowed.batch) for windowed in lost] == [2, 1]
    assert all(not windowed.features for windowed in lost)
    assert not any(windowed.duplicates.size or windowed.late.any() for windowed in lost)
    assert owed(one.logics[HERE].snapshot()) == [[2, 3], [4]]

    server.start()
    wait(one.settled)
    (found,) = take(one, orders(5, 6))
    assert (counts(found), values(found, "sum"), found.degraded) == ([5, 6], [15, 21], False)
    assert owed(one.logics[HERE].snapshot()) == []
    assert counts(*take(one, orders(7))) == [7]


def test_the_order_of_what_is_owed_is_kept(server: Server) -> None:
    one = worker(server)
    take(one, orders(9))
    server.kill()
    # The same id twice while nobody can tell: the first of them is the event.
    first, second = orders(1), orders(1)
    second.offsets[:] = 2
    take(one, first, second)
    server.start()
    wait(one.settled)
    (found,) = take(one, orders(3))
    assert (counts(found), values(found, "sum")) == ([2], [4])
    assert take(one, second)[0].duplicates.tolist() == [0]


def test_what_is_owed_outlives_the_worker(server: Server) -> None:
    one = worker(server)
    take(one, orders(1))
    mark = one.save()[HERE].mark
    assert mark
    server.kill()
    take(one, orders(2, 3))
    states = saved(one)
    assert (states[HERE].mark, states[HERE].records, owed(states[HERE])) == (mark, 1, [[2, 3]])

    again = worker(server, states)
    assert again.save()[HERE].records == 1  # nothing was opened yet
    assert take(again, orders(4))[0].degraded
    later = worker(server, saved(again))
    server.start()
    (found,) = take(later, orders(5))
    assert (counts(found), values(found, "sum")) == ([5], [15])
    assert (later.save()[HERE].records, owed(later.save()[HERE])) == (5, [])


def test_a_crash_after_the_store_came_back_counts_nothing_twice(server: Server) -> None:
    one = worker(server)
    take(one, orders(1))
    server.kill()
    take(one, orders(2, 3))
    states = saved(one)
    server.start()
    wait(one.settled)
    assert counts(*take(one, orders(4))) == [4]  # takes in 2 and 3, then dies before it is saved

    again = worker(server, states)
    (found,) = take(again, orders(4))
    assert (counts(found), found.repeated.tolist()) == ([4], [True])
    assert counts(*take(again, orders(5))) == [5]


def test_a_run_that_may_not_degrade_ends(server: Server) -> None:
    one = worker(server, degrade=False)
    take(one, orders(1))
    server.kill()
    with pytest.raises(StoreUnavailableError):
        take(one, orders(2))
    assert owed(one.logics[HERE].snapshot()) == []


def test_windows_that_were_emptied_while_the_worker_was_away_end_the_run(server: Server) -> None:
    one = worker(server)
    take(one, orders(1))
    states = saved(one)
    server.client().flushall()
    for _ in range(2):  # the new stock that the first try made does not make it good
        with pytest.raises(WindowsLostError, match=r"lost shard \d: its log is another stock; restore Redis"):
            take(worker(server, states), orders(2))
    # Without a saved mark, as after deleting the recovery directory, it starts anew.
    assert counts(*take(worker(server), orders(2))) == [1]


class TestBothKilled:
    """Worker and Redis end together, and Redis comes back without the last writes that it had answered.

    saved place          ▼ S
    log in memory    1 2 3 4 5
    log on disk      1 2
    """

    def test_the_last_writes_are_made_again(self, server: Server) -> None:
        one = worker(server, loss_window=60.0)
        take(one, orders(1))
        size = server.file_size()
        for number in range(2, 30):  # merged meanwhile
            take(one, orders(number))
        states = saved(one)
        take(one, orders(30), orders(31))
        server.lose(size)
        again = worker(server, states, loss_window=60.0)
        (found,) = take(again, orders(30, 31, 32))
        assert (counts(found), values(found, "sum")) == ([30, 31, 32], [465, 496, 528])
        # What was made again is in Redis, too.
        assert counts(*take(worker(server, saved(again)), orders(33))) == [33]

    def test_where_nothing_was_lost_nothing_is_made_again(self, server: Server) -> None:
        one = worker(server, loss_window=60.0)
        take(one, orders(1), orders(2))
        states = saved(one)
        take(one, orders(3))
        server.kill()
        server.start()
        again = worker(server, states, loss_window=60.0)
        (found,) = take(again, orders(3, 4))
        assert (counts(found), found.repeated.tolist()) == ([3, 4], [True, False])

    def test_what_lies_between_two_writes_is_one_of_them(self, server: Server) -> None:
        one = worker(server, loss_window=60.0)
        sizes = [server.file_size()]
        for number in range(1, 6):
            take(one, orders(number))
            sizes.append(server.file_size())
        states = saved(one)
        for size in reversed(sizes[1:]):
            server.lose(size - 1)  # the last command is cut in two
            again = worker(server, states, loss_window=60.0)
            (found,) = take(again, orders(6))
            assert counts(found) == [6]
            server.lose(size - 1)

    def test_more_than_the_loss_window_ends_the_run(self, server: Server) -> None:
        one = worker(server, loss_window=0.0)
        take(one, orders(1))
        size = server.file_size()
        take(one, orders(2, 3))
        states = saved(one)
        assert states[HERE].recent == ()
        server.lose(size)
        with pytest.raises(WindowsLostError, match=r"its log ends 2 records early; restore Redis"):
            take(worker(server, states), orders(4))


def test_a_hanging_store_is_left_alone_and_looked_after(server: Server) -> None:
    one = worker(server, timeout=0.2)
    take(one, orders(1))
    with server.held_up():
        assert take(one, orders(2))[0].degraded
        assert take(one, orders(3))[0].degraded
    wait(one.settled)  # it rests for a moment before it tries again
    assert counts(*take(one, orders(4))) == [4]
    assert counts(*take(worker(server, saved(one)), orders(5))) == [5]
