"""Hits become alerts and cases in PostgreSQL, each once."""

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Engine, event, text

from alerts.alert import AlertRecord, Raised
from alerts.errors import AlertError
from alerts.growth import alerts_of
from alerts.hit import Hit
from alerts.views import AlertFilter, QueueCount
from rules.decision import Tier
from store.postgres.alert_reader import PostgresAlertReader
from store.postgres.alerts import BATCH, AlertStore
from store.postgres.engine import async_engine, sync_engine
from store.postgres.errors import DatabaseUnavailableError, HitRefusedError
from tests.alerts.making import make_hit, streams
from tests.store.postgres.conftest import Read


def records(engine: Engine) -> list[AlertRecord]:
    """Every alert in the database, in the order of `alerts_of`."""

    async def reading() -> list[AlertRecord]:
        reader_engine = async_engine(engine.url.render_as_string(hide_password=False))
        reader = PostgresAlertReader(reader_engine)
        try:
            return [record for alert_id in ids if (record := await reader.record(alert_id))]
        finally:
            await reader_engine.dispose()

    with engine.connect() as connection:
        ids = connection.scalars(
            text("SELECT alert_id::text FROM alerts ORDER BY first_hit_at, alert_id")
        ).all()
    return asyncio.run(reading())


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        found = connection.scalar(text(f"SELECT count(*) FROM {table}"))
    assert isinstance(found, int)
    return found


def close_all(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE cases SET status = 'closed', closed_at = now()"))
        connection.execute(text("UPDATE alerts SET closed_at = now()"))


def in_batches(hits: Sequence[Hit], size: int) -> list[Sequence[Hit]]:
    return [hits[start : start + size] for start in range(0, len(hits), size)]


def test_a_batch_grows_as_the_pure_function_says(store: AlertStore, engine: Engine) -> None:
    hits = [make_hit(n, group=f"g-{n % 2}", tier=tier) for n, tier in enumerate([*Tier] * 3)]
    applied = store.apply(hits)
    assert (applied.applied, applied.repeated) == (12, 0)
    assert records(engine) == list(alerts_of(hits))
    assert [raised.why for raised in applied.raised[:2]] == [Raised.NEW, Raised.NEW]


def test_the_same_hits_again_change_nothing(store: AlertStore, engine: Engine) -> None:
    hits = [make_hit(n, tier=Tier.HIGH) for n in range(50)]
    store.apply(hits)
    before = records(engine)
    again = store.apply(Random(7).sample(hits, len(hits)))
    assert (again.applied, again.repeated, again.raised) == (0, 50, [])
    assert records(engine) == before


def test_a_hit_that_stands_twice_in_a_batch_counts_once(store: AlertStore, engine: Engine) -> None:
    applied = store.apply([make_hit(1), make_hit(2), make_hit(1)])
    assert (applied.applied, applied.repeated) == (2, 1)
    assert [record.hits for record in records(engine)] == [2]


def test_batches_in_another_order_give_the_same_sums(store: AlertStore, engine: Engine) -> None:
    hits = [make_hit(n, amount=n, second=(n * 37) % 40) for n in range(40)]
    expected = next(alerts_of(hits))
    for batch in reversed(in_batches(hits, 7)):
        store.apply(batch)
    [record] = records(engine)
    assert (record.hits, record.amount, record.tier) == (expected.hits, expected.amount, expected.tier)
    assert (record.first_hit_at, record.last_hit_at) == (expected.first_hit_at, expected.last_hit_at)
    assert record.reason == expected.reason
    assert sorted(record.decision_ids) == sorted(expected.decision_ids)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hits=streams(), size=st.integers(1, 20), redelivered=st.integers(0, 20))
def test_any_stream_in_any_batches_equals_the_pure_function(
    store: AlertStore, engine: Engine, hits: list[Hit], size: int, redelivered: int
) -> None:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE alerts, alert_hits, cases CASCADE"))
    batches = in_batches(hits, size)
    for batch in batches:
        store.apply(batch)
    for batch in batches[-redelivered:]:
        store.apply(batch)
    assert records(engine) == list(alerts_of(hits))


def test_desks_that_meet_on_the_same_alert_make_one(engine: Engine) -> None:
    """Four desks get overlapping hits of the same new alerts at the same moment, in different orders."""
    for meeting in range(10):
        group = f"g-{meeting}"
        hits = [make_hit(60 * meeting + n, group=group, scenario=f"s-{n % 3}", amount=n) for n in range(60)]
        start = threading.Barrier(4)

        def desk(seed: int, hits: list[Hit] = hits, start: threading.Barrier = start) -> int:
            mine = Random(seed).sample(hits, 45)
            start.wait()
            return sum(AlertStore(engine).apply(batch).applied for batch in in_batches(mine, 15))

        with ThreadPoolExecutor(4) as pool:
            applied = sum(pool.map(desk, range(4)))
        missing = AlertStore(engine).apply(hits).applied
        assert applied + missing == 60
    found = records(engine)
    assert len(found) == 30
    for record in found:
        mine = [n for n in range(60) if f"s-{n % 3}" == record.scenario]
        assert (record.hits, record.amount) == (20, sum(mine))
        assert len(set(record.decision_ids)) == 20


def test_a_hit_after_the_close_opens_a_new_alert_and_an_old_one_does_not(
    store: AlertStore, engine: Engine
) -> None:
    store.apply([make_hit(1), make_hit(2)])
    close_all(engine)
    again = store.apply([make_hit(1), make_hit(3), make_hit(2)])
    assert (again.applied, again.repeated) == (1, 2)
    assert [raised.why for raised in again.raised] == [Raised.NEW]
    closed, opened = records(engine)
    assert (closed.hits, opened.hits) == (2, 1)
    assert opened == next(alerts_of([make_hit(3)]))


def test_the_event_of_a_closed_alert_counts_anew_in_the_next(store: AlertStore, engine: Engine) -> None:
    store.apply([make_hit(1, amount=100)])
    close_all(engine)
    store.apply([make_hit(1, amount=100, version=2)])
    assert [record.amount for record in records(engine)] == [100, 100]


def test_a_case_is_opened_and_follows_the_tier(store: AlertStore, engine: Engine) -> None:
    store.apply([make_hit(1, tier=Tier.LOW), make_hit(2, group="g-2", tier=Tier.LOW)])
    assert store.open_cases() == [QueueCount("queue-low", Tier.LOW, 2)]
    store.apply([make_hit(3, tier=Tier.CRITICAL), make_hit(4, tier=Tier.MEDIUM)])
    assert store.open_cases() == [
        QueueCount("queue-critical", Tier.CRITICAL, 1),
        QueueCount("queue-low", Tier.LOW, 1),
    ]
    close_all(engine)
    assert store.open_cases() == []


def test_a_case_in_hand_stays_in_its_queue(store: AlertStore, engine: Engine) -> None:
    store.apply([make_hit(1, tier=Tier.LOW)])
    with engine.begin() as connection:
        connection.execute(text("UPDATE cases SET status = 'investigating'"))
    store.apply([make_hit(2, tier=Tier.HIGH)])
    assert store.open_cases() == [QueueCount("queue-low", Tier.HIGH, 1)]


def test_a_case_comes_to_the_top_when_its_alert_is_raised_and_only_then(engine: Engine) -> None:
    now = 1_000
    store = AlertStore(engine, clock=lambda: now)

    def raised_at() -> int:
        with engine.connect() as connection:
            at = connection.scalar(text("SELECT extract(epoch FROM raised_at) * 1000 FROM cases"))
        return int(at or 0)

    store.apply([make_hit(1, amount=100)])
    now = 2_000
    store.apply([make_hit(2, amount=1)])
    assert raised_at() == 1_000
    now = 3_000
    assert [raised.why for raised in store.apply([make_hit(3, amount=99)]).raised] == [Raised.AMOUNT_DOUBLED]
    assert raised_at() == 3_000


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (replace(make_hit(9), group="g\0"), "NUL"),
        (replace(make_hit(9), features={"x": "\0"}), "Unicode escape"),
        (replace(make_hit(9), group="".join(map(str, range(5_000)))), "index row"),
        (replace(make_hit(9), decision_id="nine"), "uuid"),
    ],
)
def test_a_hit_that_can_not_be_stored_is_refused_and_nothing_is_written(
    store: AlertStore, engine: Engine, broken: Hit, complaint: str
) -> None:
    with pytest.raises(HitRefusedError, match=f"can't apply 2 hits: .*{complaint}"):
        store.apply([make_hit(1), broken])
    assert (count(engine, "alerts"), count(engine, "alert_hits"), count(engine, "cases")) == (0, 0, 0)


def test_a_hit_without_a_moment_is_an_error_and_nothing_is_written(store: AlertStore, engine: Engine) -> None:
    with pytest.raises(AlertError, match="`occurred_at`"):
        store.apply([make_hit(1), replace(make_hit(2), occurred_at="soon")])
    assert count(engine, "alerts") == 0


def test_more_than_a_batch_is_refused(store: AlertStore) -> None:
    with pytest.raises(ValueError, match=f"got {BATCH + 1}; apply at most {BATCH} at once"):
        store.apply([make_hit(n) for n in range(BATCH + 1)])


def test_the_largest_batch_of_distinct_alerts_fits(store: AlertStore) -> None:
    assert len(store.apply([make_hit(n, group=f"g-{n}") for n in range(BATCH)]).raised) == BATCH


def test_a_connection_cut_in_mid_transaction_writes_nothing_and_the_next_try_succeeds(
    engine: Engine, store: AlertStore, postgres_url: str
) -> None:
    cut = threading.Event()

    @event.listens_for(engine, "after_cursor_execute")
    def cut_the_connection(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "INSERT INTO alerts" in statement and not cut.is_set():
            cut.set()
            with psycopg.connect(postgres_url.replace("+psycopg", "")) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (cursor.connection.info.backend_pid,))

    with pytest.raises(DatabaseUnavailableError, match="can't apply 1 hits"):
        store.apply([make_hit(1)])
    assert cut.is_set()
    assert count(engine, "alerts") == 0
    assert store.apply([make_hit(1)]).applied == 1


def test_an_idle_connection_cut_is_not_noticed(engine: Engine, store: AlertStore, postgres_url: str) -> None:
    store.apply([make_hit(1)])
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (engine.url.database,),
        )
    assert store.apply([make_hit(2)]).applied == 1


def test_a_server_that_is_not_there_is_unavailable() -> None:
    engine = sync_engine("postgresql://127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailableError, match="check `FENGHUO_DATABASE_URL` and the server"):
        AlertStore(engine).apply([make_hit(1)])
    engine.dispose()


@pytest.mark.slow
def test_a_hundred_thousand_hits_on_one_alert(store: AlertStore, engine: Engine, read: Read) -> None:
    hits = [make_hit(n, amount=n) for n in range(100_000)]
    seconds = []
    for part in in_batches(hits, 20_000):
        started = time.perf_counter()
        for batch in in_batches(part, 500):
            store.apply(batch)
        seconds.append(time.perf_counter() - started)
    print(f"100,000 hits on one alert: {sum(seconds):.1f} s; by 20,000: {seconds}")
    [record] = records(engine)
    assert record == next(alerts_of(hits))
    assert seconds[-1] < 3 * seconds[0]
    [row] = read(lambda reader: reader.alerts(AlertFilter()))
    assert (row.hits, row.amount) == (100_000, sum(range(100_000)))
