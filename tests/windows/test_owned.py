"""The windows of a worker on a real Valkey, against an oracle that follows the words of the contract."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.clock import DAY, HOUR
from events.columns import EventBatch, Int64s, Kind
from events.event import Event, EventType
from tests.store.redis.workers import close_all, journal_on
from tests.windows.streams import batch_of, features, oracle, order, same, streams
from windows.feature import Aggregate, Entity, Feature
from windows.owned import OwnedWindows
from windows.plan import WindowPlan
from windows.windowed import WindowedBatch

PLAN = WindowPlan(features())
GROUPS = {"g1": 4, "g2": 5}
"""Shard of each group of the streams."""


class Windows:
    """Windows of one worker; the same name opens the same logs again, as after a restart."""

    def __init__(
        self,
        url: str,
        name: str,
        saved: dict[int, int] | None = None,
        *,
        plan: WindowPlan = PLAN,
        lateness: int = 7 * DAY,
    ) -> None:
        self._owned = OwnedWindows(plan, journal_on(url, name), lateness)
        self._saved = saved

    def process(self, batch: EventBatch) -> WindowedBatch:
        """What the windows say of a batch, all of it accepted."""
        owners = self._owners(batch)
        for shard in np.unique(owners).tolist():
            if shard not in self._owned:
                saved = 2**40 if self._saved is None else self._saved.get(shard, 0)
                self._owned.open(shard, None, saved)
        windowed, left, failure = self._owned.process(batch, owners)
        assert failure is None
        assert not len(left)
        return windowed

    def _owners(self, batch: EventBatch) -> Int64s:
        return np.array([GROUPS.get(group, 6) for group in batch.groups])

    def saved(self) -> dict[int, int]:
        """Records that each shard has taken in."""
        return {shard: self._owned.shard(shard).checkpoint() for shard in (4, 5, 6) if shard in self._owned}


Open = Callable[..., Windows]


@pytest.fixture
def opened(valkey_url: str) -> Iterator[Open]:
    def open_windows(name: str, saved: dict[int, int] | None = None, **options: object) -> Windows:
        return Windows(valkey_url, name, saved, **options)  # type: ignore[arg-type]  # as the class names them

    yield open_windows
    close_all()


def check(result: WindowedBatch, accepted: list[Event]) -> None:
    """Every feature of every decided event equals the oracle's; groups are separate streams."""
    for row, decided in enumerate(result.batch.events):
        own = [e for e in accepted if e.group == decided.group]
        number = next(i for i, e in enumerate(own) if e is decided)
        for feature in PLAN.features:
            got = result.features[feature.name].at(row)
            wanted = oracle(feature, own, number)
            assert same(feature, got, wanted), (feature.name, got, wanted, decided)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=streams(), cuts=st.lists(st.integers(0, 40), max_size=4), restarts=st.booleans())
def test_any_stream_in_any_batches_agrees_with_the_oracle(
    opened: Open, stream: list[Event], cuts: list[int], *, restarts: bool
) -> None:
    name = uuid4().hex
    windows = opened(name)
    accepted: list[Event] = []
    seen: set[tuple[str | None, str]] = set()
    places = sorted({0, *(cut for cut in cuts if cut < len(stream)), len(stream)})
    for start, end in pairwise(places):
        part = stream[start:end]
        fresh: list[Event] = []
        for e in part:
            if (e.group, e.event_id) not in seen:
                seen.add((e.group, e.event_id))
                fresh.append(e)
        accepted += fresh
        if restarts:
            windows = opened(name)
        result = windows.process(batch_of(part, start))
        assert [e.event_id for e in result.batch.events] == [e.event_id for e in fresh]
        assert len(result.duplicates) == len(part) - len(fresh)
        assert not result.warming
        assert not result.repeated.any()
        check(result, accepted)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stream=streams(), resume=st.integers(0, 40), crash=st.integers(0, 40), size=st.sampled_from([3, 7, 40])
)
def test_messages_delivered_again_after_a_restart_get_what_they_got_before(
    opened: Open, stream: list[Event], resume: int, crash: int, size: int
) -> None:
    name = uuid4().hex
    crash = min(crash, len(stream))
    resume = min(resume, crash)
    before = opened(name).process(batch_of(stream))
    half = opened(f"{name}-cut")
    if resume:
        half.process(batch_of(stream[:resume]))
    saved = half.saved()
    for begin in range(resume, crash, size):
        half.process(batch_of(stream[begin : min(begin + size, crash)], begin))
    restarted = opened(f"{name}-cut", saved)
    wanted = {(e.group, e.event_id): row for row, e in enumerate(before.batch.events)}
    found = []
    for begin in range(resume, len(stream), size):
        again = restarted.process(batch_of(stream[begin : begin + size], begin))
        for row, decided in enumerate(again.batch.events):
            found.append((decided.group, decided.event_id))
            assert again.repeated[row] == (again.batch.offsets[row] < crash)
            for feature in PLAN.features:
                got = again.features[feature.name].at(row)
                assert got == before.features[feature.name].at(wanted[decided.group, decided.event_id])
    assert found == [
        (e.group, e.event_id)
        for row, e in zip(before.batch.rows, before.batch.events, strict=True)
        if row >= resume
    ]


@pytest.mark.parametrize("number", [1_000, 100_000])
def test_every_event_of_a_crowded_window_counts(opened: Open, unique: str, number: int) -> None:
    plan = WindowPlan(
        [f for f in features() if f.aggregate in {Aggregate.COUNT, Aggregate.SUM, Aggregate.STDDEV}]
    )
    windows = opened(unique, plan=plan)
    for start in range(0, number, 10_000):
        part = [order(i, 1_000_000 + 20 * i // number) for i in range(start, min(start + 10_000, number))]
        result = windows.process(batch_of(part, start))
    assert result.features["count_customer_0"].at(-1) == number
    assert result.features["sum_customer_0"].at(-1) == 100 * number


def test_a_window_is_open_at_its_start_and_closed_at_its_end(opened: Open, unique: str) -> None:
    result = opened(unique).process(batch_of([order(1, 100), order(2, 119), order(3, 120)]))
    assert [result.features["count_customer_0"].at(row) for row in range(3)] == [1, 2, 2]


def test_sums_beyond_double_precision_are_exact_and_beyond_64_bits_are_null(
    opened: Open, unique: str
) -> None:
    largest = 2**53 - 1
    result = opened(unique).process(batch_of([order(i, 100, amount=largest) for i in range(1_100)]))
    sums = result.features["sum_customer_0"]
    assert sums.at(9) == 10 * largest
    assert sums.at(1_000) == 1_001 * largest
    assert sums.at(1_099) is None
    assert result.features["stddev_customer_0"].at(9) == 0.0


def test_one_entity_never_sees_another(opened: Open, unique: str) -> None:
    parts = [order(1, 10), order(2, 11, customer="b"), order(3, 12, subsidiary="GD"), order(4, 13, group="h")]
    result = opened(unique).process(batch_of(parts))
    assert [result.features["count_customer_0"].at(row) for row in range(4)] == [1, 1, 1, 1]
    assert [result.features["count_group_0"].at(row) for row in range(4)] == [1, 2, 3, 1]


def test_an_event_without_an_order_has_no_order_features(opened: Open, unique: str) -> None:
    result = opened(unique).process(batch_of([order(1, 10), order(2, 11)]))
    assert result.features["count_order_0"].at(1) is None


def test_an_event_is_late_when_it_is_older_than_the_lateness(opened: Open, unique: str) -> None:
    start = 100 * DAY
    parts = [order(1, start), order(2, start - HOUR), order(3, start - HOUR - 1), order(4, 0, group="other")]
    result = opened(unique, lateness=HOUR).process(batch_of(parts))
    assert result.late.tolist() == [False, False, True, False]


def test_a_profile_is_the_newest_change_accepted_before(opened: Open, unique: str) -> None:
    def changed(number: int, at: int, **attributes: object) -> Event:
        return order(number, at, type=EventType.CUSTOMER_CHANGED, amount=None, attributes=attributes)

    first = [order(1, 1), changed(2, 5, rating="green", credit_limit=500), order(3, 6)]
    second = [
        changed(4, 4, rating="old", region="x"),
        order(5, 7),
        order(6, 8, customer="b"),
        changed(7, 9, rating="red"),
    ]
    windows = opened(unique)
    ratings = windows.process(batch_of(first)).profiles.column("rating", Kind.TEXT)
    assert [ratings.at(row) for row in range(3)] == [None, None, "green"]
    saved = windows.saved()
    for reopened in (windows, opened(unique, saved)):
        profiles = reopened.process(batch_of(second, 3)).profiles
        ratings = profiles.column("rating", Kind.TEXT)
        assert [ratings.at(row) for row in range(4)] == ["green", "green", None, "green"]
        assert [profiles.column("credit_limit", Kind.MONEY).at(row) for row in range(3)] == [500, 500, None]
        assert profiles.column("region", Kind.TEXT).at(1) == "x"


def test_values_that_look_alike_are_told_apart_in_distinct(opened: Open, unique: str) -> None:
    plan = WindowPlan(
        [Feature("kinds", Aggregate.DISTINCT, frozenset(EventType), Entity.CUSTOMER, "attributes.x", DAY)]
    )
    values: list[object] = ["1", 1, 1.0, True, "true", "1"]
    parts = [order(i, i, attributes={"x": value}) for i, value in enumerate(values)]
    result = opened(unique, plan=plan).process(batch_of(parts))
    assert [result.features["kinds"].at(row) for row in range(6)] == [1, 2, 2, 3, 4, 4]
