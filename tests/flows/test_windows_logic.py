"""The step of the windows while their store goes and comes: nothing passes unseen, nothing counts twice.

orders     1   2   3   4   5   6
store      up  ──away───   ──up──
decided    ✓   ?   ?   ?   ✓   ✓      ? degraded: without windows
count      1               5   6      what was owed is in
"""

import os
import pickle
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from bytewax.operators import StatefulBatchLogic
from prometheus_client import CollectorRegistry

from events.clock import DAY
from events.columns import EventBatch
from events.event import EventType
from fenghuo.embedded import Service, start_valkey
from flows.windows import MarkedJournal, ShardBatch, ShardState, WindowsLogic
from store.redis.journal import RedisJournals, connect
from telemetry.metrics import FlowMetrics
from tests.wire.making import NOON, decode, message
from windows.feature import Aggregate, Entity, Feature
from windows.journal import StoreUnavailableError, WindowsLostError
from windows.plan import WindowPlan
from windows.shard import ShardWindows, WindowedBatch

ORDERS = frozenset({EventType.ORDER_PLACED})
PLAN = WindowPlan(
    [
        Feature("count", Aggregate.COUNT, ORDERS, Entity.CUSTOMER, window=DAY),
        Feature("sum", Aggregate.SUM, ORDERS, Entity.CUSTOMER, "amount", DAY),
        Feature("first", Aggregate.DAYS_SINCE_FIRST, ORDERS, Entity.CUSTOMER),
    ]
)
PATIENCE = 0.15


class Store:
    """A Valkey of the test's own, and the logic of a shard on it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._service: Service | None = start_valkey(home)
        self._port, self._url = self._service.port, self._service.url
        self.registry = CollectorRegistry()
        self.metrics = FlowMetrics(self.registry)
        self.shards: list[int] = []

    def logic(self, state: ShardState | None = None, *, degrade: bool = True) -> WindowsLogic:
        """A worker's logic; each one has a connection of its own."""
        journals = RedisJournals(
            connect(self._url, PATIENCE), "test", PLAN.fingerprint, PATIENCE, self.metrics
        )

        def open_shard(shard: int, mark: str | None) -> tuple[MarkedJournal, ShardWindows]:
            self.shards.append(shard)
            journal = journals.open(shard, mark)
            return journal, ShardWindows(PLAN, journal, 7 * DAY, 1 << 30)

        return WindowsLogic(open_shard, state, self.metrics, degrade=degrade)

    def away(self) -> None:
        assert self._service is not None
        os.kill(self._service.pid, signal.SIGKILL)
        self.stop()

    def back(self) -> None:
        self._service = start_valkey(self._home, port=self._port)

    def hang(self) -> None:
        assert self._service is not None
        os.kill(self._service.pid, signal.SIGSTOP)

    def wake(self) -> None:
        assert self._service is not None
        os.kill(self._service.pid, signal.SIGCONT)

    def empty(self) -> None:
        connect(self._url, 5).flushall()

    def stop(self) -> None:
        if self._service is not None:
            self._service.stop()
        self._service = None


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "valkey")
    yield made
    made.stop()


def orders(*numbers: int, customer: str = "C1") -> EventBatch:
    """Orders of one customer, each a minute and a fen after the one before; the number is the offset, too."""
    decoded = decode(
        *(
            message(event_id=f"{customer}-{n}", occurred_at=NOON + n * 60_000, amount=n, customer=customer)
            for n in numbers
        )
    )
    batch = decoded.batch
    batch.offsets[:] = numbers
    return batch


def take(logic: WindowsLogic, *batches: EventBatch) -> list[WindowedBatch]:
    found, discard = logic.on_batch([ShardBatch(4, batch) for batch in batches])
    assert discard == StatefulBatchLogic.RETAIN
    return list(found)


def counts(windowed: WindowedBatch) -> list[object]:
    return [windowed.features["count"].at(row) for row in range(len(windowed.batch))]


def sums(windowed: WindowedBatch) -> list[object]:
    return [windowed.features["sum"].at(row) for row in range(len(windowed.batch))]


def test_while_the_store_answers_events_see_their_windows(store: Store) -> None:
    logic = store.logic()
    first, second = take(logic, orders(1, 2), orders(3))
    assert (counts(first), counts(second)) == ([1, 2], [3])
    assert sums(second) == [1 + 2 + 3]
    assert not first.degraded
    assert store.shards == [4]
    held = store.registry.get_sample_value("fenghuo_windows_loaded_bytes", {"shard": "4"})
    assert held is not None
    assert held > 0
    steps = store.registry.get_sample_value("fenghuo_step_seconds_count", {"step": "windows"})
    assert steps == 2


def test_what_was_decided_without_windows_is_taken_in_when_the_store_is_back(store: Store) -> None:
    logic = store.logic()
    take(logic, orders(1))
    store.away()
    lost = [*take(logic, orders(2, 3)), *take(logic, orders(4))]
    assert [windowed.degraded for windowed in lost] == [True, True]
    assert [len(windowed.batch) for windowed in lost] == [2, 1]
    assert all(not windowed.features for windowed in lost)
    assert not any(windowed.duplicates.size or windowed.late.any() for windowed in lost)
    assert [batch.offsets.tolist() for batch in logic.snapshot().owed] == [[2, 3], [4]]

    store.back()
    (found,) = take(logic, orders(5, 6))
    assert (counts(found), sums(found), found.degraded) == ([5, 6], [15, 21], False)
    assert logic.snapshot().owed == ()
    assert counts(*take(logic, orders(7))) == [7]


def test_the_order_of_what_is_owed_is_kept(store: Store) -> None:
    logic = store.logic()
    store.away()
    # The same id twice while nobody can tell: the first of them is the event.
    first, second = orders(1), orders(1)
    second.offsets[:] = 2
    take(logic, orders(5, customer="C0"), first, second)
    store.back()
    (found,) = take(logic, orders(3))
    assert (counts(found), sums(found)) == ([2], [4])
    assert take(logic, second)[0].duplicates.tolist() == [0]
    (repeated,) = take(logic, first)  # delivered again: the same decision as if it had had its windows
    assert (counts(repeated), repeated.repeated.tolist()) == ([1], [True])


def test_what_is_owed_outlives_the_worker(store: Store) -> None:
    logic = store.logic()
    take(logic, orders(1))
    mark = logic.snapshot().mark
    assert mark
    store.away()
    take(logic, orders(2, 3))
    state = pickle.loads(pickle.dumps(logic.snapshot()))
    assert (state.mark, [len(batch) for batch in state.owed]) == (mark, [2])

    again = store.logic(state)
    assert again.snapshot() == state  # nothing was opened yet
    assert take(again, orders(4))[0].degraded
    later = store.logic(pickle.loads(pickle.dumps(again.snapshot())))
    store.back()
    (found,) = take(later, orders(5))
    assert (counts(found), sums(found)) == ([5], [15])
    assert later.snapshot() == ShardState(mark, ())


def test_a_crash_after_the_store_came_back_counts_nothing_twice(store: Store) -> None:
    logic = store.logic()
    take(logic, orders(1))
    store.away()
    take(logic, orders(2, 3))
    saved = pickle.dumps(logic.snapshot())
    store.back()
    assert counts(*take(logic, orders(4))) == [4]  # takes in 2 and 3, then dies before it is saved

    again = store.logic(pickle.loads(saved))
    (found,) = take(again, orders(4))
    assert (counts(found), found.repeated.tolist()) == ([4], [True])
    assert counts(*take(again, orders(5))) == [5]


def test_a_call_whose_answer_was_lost_counts_once(store: Store) -> None:
    logic = store.logic()
    take(logic, orders(1))
    store.hang()
    assert take(logic, orders(2))[0].degraded  # the server gets the call and does it when it wakes
    assert take(logic, orders(3))[0].degraded
    store.wake()
    (found,) = take(logic, orders(4))
    assert (counts(found), sums(found)) == ([4], [10])
    # Another worker reads the journal with whatever stands in it twice.
    (alike,) = take(store.logic(logic.snapshot()), orders(5))
    assert (counts(alike), sums(alike)) == ([5], [15])


def test_a_run_that_may_not_degrade_ends(store: Store) -> None:
    logic = store.logic(degrade=False)
    take(logic, orders(1))
    store.away()
    with pytest.raises(StoreUnavailableError):
        take(logic, orders(2))
    assert logic.snapshot().owed == ()
    store.back()
    assert counts(*take(logic, orders(2))) == [2]


def test_lost_windows_end_the_run_and_are_not_taken_for_an_outage(store: Store) -> None:
    logic = store.logic()
    take(logic, orders(1))
    store.away()
    take(logic, orders(2))
    store.back()
    store.empty()
    with pytest.raises(WindowsLostError):
        take(logic, orders(3))
    assert [batch.offsets.tolist() for batch in logic.snapshot().owed] == [[2]]
    with pytest.raises(WindowsLostError):
        take(store.logic(logic.snapshot()), orders(3))
