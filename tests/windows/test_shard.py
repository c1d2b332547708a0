"""The windows of a shard over a real store, against an oracle that follows the words of the contract."""

from collections.abc import Callable
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from events.clock import DAY, HOUR
from events.columns import Kind
from events.event import Event, EventType
from store.redis.journal import RedisJournals, connect
from telemetry.metrics import FlowMetrics
from tests.windows.streams import batch_of, features, oracle, same, streams
from windows.feature import Aggregate, Entity, Feature
from windows.plan import WindowPlan
from windows.shard import ShardWindows, WindowedBatch

PLAN = WindowPlan(features())
Open = Callable[..., ShardWindows]


@pytest.fixture
def opened(valkey_url: str) -> Open:
    """Opens the windows of a shard; the same name opens the same journals again, as after a restart."""
    client = connect(valkey_url, 5)
    metrics = FlowMetrics(CollectorRegistry())

    def open_shard(
        name: str, plan: WindowPlan = PLAN, lateness: int = 7 * DAY, memory: int = 1 << 30
    ) -> ShardWindows:
        journals = RedisJournals(client, name, plan.fingerprint, 5, metrics)
        return ShardWindows(plan, journals.open(0, None), lateness, memory)

    return open_shard


def event(number: int, at: int, **fields: object) -> Event:
    base: dict[str, object] = {
        "event_id": f"e{number}",
        "type": EventType.ORDER_PLACED,
        "occurred_at": at,
        "subsidiary": "SH",
        "customer": "a",
        "group": "g",
        "amount": 100,
    }
    return Event(**{**base, **fields})  # type: ignore[arg-type]


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
@given(stream=streams(), cuts=st.lists(st.integers(0, 40), max_size=4), tight=st.booleans())
def test_any_stream_in_any_batches_agrees_with_the_oracle(
    opened: Open, stream: list[Event], cuts: list[int], tight: bool
) -> None:
    windows = opened(uuid4().hex, memory=0 if tight else 1 << 30)
    accepted: list[Event] = []
    seen: set[tuple[str | None, str]] = set()
    places = sorted({0, *cuts, len(stream)})
    for start, end in pairwise(places):
        part = stream[start:end]
        fresh: list[Event] = []
        for e in part:
            if (e.group, e.event_id) not in seen:
                seen.add((e.group, e.event_id))
                fresh.append(e)
        accepted += fresh
        if part:
            result = windows.process(batch_of(part, start))
            assert [e.event_id for e in result.batch.events] == [e.event_id for e in fresh]
            assert len(result.duplicates) == len(part) - len(fresh)
            check(result, accepted)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=streams(), resume=st.integers(0, 40), crash=st.integers(0, 40))
def test_messages_delivered_again_after_a_restart_get_what_they_got_before(
    opened: Open, stream: list[Event], resume: int, crash: int
) -> None:
    name = uuid4().hex
    crash = min(crash, len(stream))
    resume = min(resume, crash)
    before = opened(name).process(batch_of(stream))
    half = opened(f"{name}-cut")
    if crash:
        half.process(batch_of(stream[:crash]))
    restarted = opened(f"{name}-cut")
    if resume < len(stream):
        again = restarted.process(batch_of(stream[resume:], resume))
        wanted = {(e.group, e.event_id): row for row, e in enumerate(before.batch.events)}
        assert [e.event_id for e in again.batch.events] == [
            e.event_id for row, e in zip(before.batch.rows, before.batch.events, strict=True) if row >= resume
        ]
        for row, decided in enumerate(again.batch.events):
            for feature in PLAN.features:
                got = again.features[feature.name].at(row)
                assert got == before.features[feature.name].at(wanted[decided.group, decided.event_id])


@pytest.mark.parametrize("number", [1_000, 100_000])
def test_every_event_of_a_crowded_window_counts(opened: Open, unique: str, number: int) -> None:
    plan = WindowPlan(
        [f for f in features() if f.aggregate in {Aggregate.COUNT, Aggregate.SUM, Aggregate.STDDEV}]
    )
    windows = opened(unique, plan)
    for start in range(0, number, 10_000):
        part = [event(i, 1_000_000 + 20 * i // number) for i in range(start, min(start + 10_000, number))]
        result = windows.process(batch_of(part, start))
    assert result.features["count_customer_0"].at(-1) == number
    assert result.features["sum_customer_0"].at(-1) == 100 * number


def test_two_events_in_one_millisecond_both_count(opened: Open, unique: str) -> None:
    result = opened(unique).process(batch_of([event(1, 50), event(2, 50)]))
    assert [result.features["count_customer_0"].at(row) for row in (0, 1)] == [1, 2]
    assert [result.features["days_since_last_customer_0"].at(row) for row in (0, 1)] == [None, 0.0]


def test_a_window_is_open_at_its_start_and_closed_at_its_end(opened: Open, unique: str) -> None:
    result = opened(unique).process(batch_of([event(1, 100), event(2, 119), event(3, 120)]))
    assert [result.features["count_customer_0"].at(row) for row in range(3)] == [1, 2, 2]


def test_sums_beyond_double_precision_are_exact_and_beyond_64_bits_are_null(
    opened: Open, unique: str
) -> None:
    largest = 2**53 - 1
    result = opened(unique).process(batch_of([event(i, 100, amount=largest) for i in range(1_100)]))
    sums = result.features["sum_customer_0"]
    assert sums.at(9) == 10 * largest
    assert sums.at(1_000) == 1_001 * largest
    assert sums.at(1_099) is None
    assert result.features["stddev_customer_0"].at(9) == 0.0


def test_one_entity_never_sees_another(opened: Open, unique: str) -> None:
    parts = [event(1, 10), event(2, 11, customer="b"), event(3, 12, subsidiary="GD"), event(4, 13, group="h")]
    result = opened(unique).process(batch_of(parts))
    assert [result.features["count_customer_0"].at(row) for row in range(4)] == [1, 1, 1, 1]
    assert [result.features["count_group_0"].at(row) for row in range(4)] == [1, 2, 3, 1]


def test_an_event_without_an_order_has_no_order_features(opened: Open, unique: str) -> None:
    result = opened(unique).process(batch_of([event(1, 10), event(2, 11)]))
    assert result.features["count_order_0"].at(1) is None


def test_an_event_is_late_when_it_is_older_than_the_lateness(opened: Open, unique: str) -> None:
    start = 100 * DAY
    parts = [event(1, start), event(2, start - HOUR), event(3, start - HOUR - 1), event(4, 0, group="other")]
    result = opened(unique, lateness=HOUR).process(batch_of(parts))
    assert result.late.tolist() == [False, False, True, False]


def test_a_profile_is_the_newest_change_accepted_before(opened: Open, unique: str) -> None:
    def changed(number: int, at: int, **attributes: object) -> Event:
        return event(number, at, type=EventType.CUSTOMER_CHANGED, amount=None, attributes=attributes)

    first = [event(1, 1), changed(2, 5, rating="green", credit_limit=500), event(3, 6)]
    second = [
        changed(4, 4, rating="old", region="x"),
        event(5, 7),
        event(6, 8, customer="b"),
        changed(7, 9, rating="red"),
    ]
    windows = opened(unique)
    assert windows.process(batch_of(first)).profiles.column("rating", Kind.TEXT).values.tolist() == [
        None,
        None,
        "green",
    ]
    for reopened in (windows, opened(unique)):
        profiles = reopened.process(batch_of(second, 3)).profiles
        ratings = profiles.column("rating", Kind.TEXT)
        assert [ratings.at(row) for row in range(4)] == ["green", "green", None, "green"]
        assert [profiles.column("credit_limit", Kind.MONEY).at(row) for row in range(3)] == [500, 500, None]
        assert profiles.column("region", Kind.TEXT).at(1) == "x"


def test_a_wider_and_a_narrower_value_of_a_customer_do_not_meet_in_distinct(
    opened: Open, unique: str
) -> None:
    plan = WindowPlan(
        [Feature("kinds", Aggregate.DISTINCT, frozenset(EventType), Entity.CUSTOMER, "attributes.x", DAY)]
    )
    values: list[object] = ["1", 1, 1.0, True, "true", "1"]
    parts = [event(i, i, attributes={"x": value}) for i, value in enumerate(values)]
    result = opened(unique, plan=plan).process(batch_of(parts))
    assert [result.features["kinds"].at(row) for row in range(6)] == [1, 2, 2, 3, 4, 4]
