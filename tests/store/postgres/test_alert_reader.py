"""What the console reads of alerts and cases."""

import asyncio

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, event, text

from alerts.growth import alerts_of
from alerts.views import AlertFilter, AlertRow, CursorError, QueueCount
from console.ports import AlertReader
from rules.decision import Outcome, Tier
from store.postgres.alert_reader import PostgresAlertReader, page
from store.postgres.alerts import AlertStore
from store.postgres.engine import async_engine
from store.postgres.errors import DatabaseUnavailableError
from tests.alerts.making import START, make_hit
from tests.store.postgres.conftest import Read


def port(reader: PostgresAlertReader) -> AlertReader:
    return reader  # the type checker's business: the store fits the console's port


def groups(rows: list[AlertRow]) -> list[str]:
    return [row.group for row in rows]


@pytest.fixture
def many(engine: Engine) -> int:
    """30,000 open cases in 6 queues and 3,000 closed ones, written straight into the tables."""
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO alerts
            SELECT md5('a' || n)::uuid, 'g-' || n, 'c-' || n, 's-' || n % 8,
                   (ARRAY['low', 'medium', 'high', 'critical']::tier[])[1 + n % 4], 'review', 'q-' || n % 6,
                   NULL, '{}', '{}', at, at, at, 1, n, n, at, at, CASE WHEN n > 30000 THEN at END
            FROM (SELECT n, to_timestamp(1735689600 + n / 3) AS at FROM generate_series(1, 33000) AS n)
            """)
        )
        connection.execute(
            text("""
            INSERT INTO cases
            SELECT md5('c' || alert_id)::uuid, alert_id, queue, tier,
                   (CASE WHEN closed_at IS NULL THEN 'open' ELSE 'closed' END)::case_status,
                   created_at, created_at, closed_at
            FROM alerts
            """)
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE alerts, cases"))
    return 30_000


def test_a_row_says_what_the_alert_and_its_case_say(store: AlertStore, read: Read) -> None:
    first = make_hit(1, tier=Tier.MEDIUM, amount=10)
    leading = make_hit(3, tier=Tier.CRITICAL, outcome=Outcome.HOLD, amount=20)
    store.apply([first, leading])
    [row] = read(lambda reader: port(reader).alerts(AlertFilter()))
    assert row.alert_id == next(alerts_of([first])).alert_id
    assert (row.group, row.customer, row.scenario) == ("g-1", "customer-of-g-1", "large-amount")
    assert (row.title, row.reason) == (leading.title, leading.reason)
    assert (row.tier, row.outcome, row.status) == (Tier.CRITICAL, Outcome.HOLD, "open")
    assert (row.queue, row.hits, row.amount) == ("queue-critical", 2, 30)
    assert (row.first_hit_at, row.last_hit_at) == (START + 1_000, START + 3_000)


def test_the_highest_tier_stands_first_and_in_a_tier_the_last_raised(engine: Engine, read: Read) -> None:
    now = 0
    store = AlertStore(engine, clock=lambda: now)
    for n, tier in enumerate([Tier.LOW, Tier.CRITICAL, Tier.HIGH, Tier.CRITICAL, Tier.LOW]):
        now += 1_000
        store.apply([make_hit(n, group=f"g-{n}", tier=tier)])
    assert groups(read(lambda reader: reader.alerts(AlertFilter()))) == ["g-3", "g-1", "g-2", "g-4", "g-0"]
    now += 1_000
    store.apply([make_hit(9, group="g-1", tier=Tier.CRITICAL)])  # its amount doubles
    assert groups(read(lambda reader: reader.alerts(AlertFilter())))[:2] == ["g-1", "g-3"]


def test_pages_follow_each_other_without_gap_or_overlap(many: int, read: Read) -> None:
    async def every_page(reader: PostgresAlertReader) -> list[AlertRow]:
        rows: list[AlertRow] = []
        while page := await reader.alerts(
            AlertFilter(queue="q-1", before=rows[-1].cursor if rows else None, limit=700)
        ):
            rows += page
        return rows

    rows = read(every_page)
    assert len({row.alert_id for row in rows}) == len(rows) == many / 6
    order = [(row.tier.severity, row.raised_at, row.case_id) for row in rows]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize(
    ("wanted", "index"), [(AlertFilter(), "cases_board"), (AlertFilter(queue="q-3"), "cases_queue")]
)
def test_a_page_deep_in_the_list_is_read_from_an_index(
    many: int, migrated_url: str, wanted: AlertFilter, index: str
) -> None:
    """Neither sorting nor reading from the top: the plan of the last page starts at its cursor."""

    async def plan() -> str:
        engine = async_engine(migrated_url)
        reader = PostgresAlertReader(engine)
        deep = (await reader.alerts(replace(wanted, limit=many)))[-60].cursor

        @event.listens_for(engine.sync_engine, "before_cursor_execute", retval=True)
        def explain(_: object, __: object, statement: str, parameters: object, *___: object) -> object:
            return f"EXPLAIN {statement}", parameters

        async with engine.connect() as connection:
            rows = (await connection.execute(page(replace(wanted, before=deep)))).all()
        await engine.dispose()
        return "\n".join(row[0] for row in rows)

    found = asyncio.run(plan())
    assert index in found
    assert "Sort" not in found
    assert "Seq Scan" not in found


def test_counts_are_of_open_cases_by_queue_and_tier(many: int, read: Read) -> None:
    counts = read(lambda reader: reader.counts())
    assert sum(count.open for count in counts) == many
    assert QueueCount("q-1", Tier.MEDIUM, 2_500) in counts
    assert len(counts) == 12
    assert counts == sorted(counts, key=lambda count: (count.queue, -count.tier.severity))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (AlertFilter(queue="queue-high"), {"华东百货"}),
        (AlertFilter(tier=Tier.LOW), {"100%_sure"}),
        (AlertFilter(scenario="night"), {"北方\\物流"}),
        (AlertFilter(text="华东"), {"华东百货"}),
        (AlertFilter(text="CUSTOMER-OF"), {"华东百货", "100%_sure", "北方\\物流"}),
        (AlertFilter(text="0%_s"), {"100%_sure"}),
        (AlertFilter(text="%%%%"), set()),
        (AlertFilter(text="方\\物"), {"北方\\物流"}),
        (AlertFilter(text="so-0000000"), {"华东百货", "100%_sure", "北方\\物流"}),
        (AlertFilter(text="O-00000002"), {"100%_sure"}),
        (AlertFilter(text="SO"), set()),  # too short for order numbers
        (AlertFilter(text="' OR 1=1 --"), set()),
        (AlertFilter(queue="queue-high", tier=Tier.LOW), set()),
        (AlertFilter(limit=0), set()),
    ],
)
def test_filters(store: AlertStore, read: Read, wanted: AlertFilter, expected: set[str]) -> None:
    store.apply(
        [
            make_hit(1, group="华东百货", tier=Tier.HIGH),
            make_hit(2, group="100%_sure", tier=Tier.LOW),
            make_hit(3, group="北方\\物流", scenario="night"),
        ]
    )
    assert set(groups(read(lambda reader: reader.alerts(wanted)))) == expected


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "next",
        "critical~1~",
        "critical~1~not-a-uuid",
        "worst~1~00000000-0000-0000-0000-000000000000",
        "critical~99999999999999999999~00000000-0000-0000-0000-000000000000",
        "critical~1~00000000-0000-0000-0000-000000000000~",
    ],
)
def test_a_cursor_of_no_row_is_an_error(read: Read, cursor: str) -> None:
    with pytest.raises(CursorError, match=r"`before`: got .*; give the `cursor` of a row"):
        read(lambda reader: reader.alerts(AlertFilter(before=cursor)))


def test_a_closed_alert_leaves_the_list_and_can_still_be_read(
    store: AlertStore, engine: Engine, read: Read
) -> None:
    store.apply([make_hit(1)])
    alert_id = next(alerts_of([make_hit(1)])).alert_id
    with engine.begin() as connection:
        connection.execute(text("UPDATE cases SET status = 'closed', closed_at = now()"))
        connection.execute(text("UPDATE alerts SET closed_at = now()"))
    assert read(lambda reader: reader.alerts(AlertFilter())) == []
    detail = read(lambda reader: reader.alert(alert_id, 5))
    assert detail is not None
    assert detail.row.status == "closed"


def test_the_detail_shows_the_newest_hits_as_they_were_sent(store: AlertStore, read: Read) -> None:
    hits = [make_hit(n, second=(n * 7) % 20, tier=Tier.CRITICAL) for n in range(20)]
    store.apply(hits)
    detail = read(lambda reader: reader.alert(next(alerts_of(hits)).alert_id, 3))
    assert detail is not None
    newest = sorted(hits, key=lambda hit: hit.occurred_at, reverse=True)
    assert detail.hits == newest[:3]
    assert (detail.decision_ids, detail.row.hits, detail.playbook) == (20, 20, "stop-shipment")


@pytest.mark.parametrize("alert_id", ["00000000-0000-0000-0000-000000000000", "nothing", "", "1\0"])
def test_an_unknown_alert_is_none(read: Read, alert_id: str) -> None:
    assert read(lambda reader: reader.alert(alert_id, 5)) is None
    assert read(lambda reader: reader.record(alert_id)) is None


def test_alive(read: Read) -> None:
    assert read(lambda reader: reader.alive())


def test_a_dead_server_is_not_alive_and_reading_says_so() -> None:
    async def reading() -> None:
        engine = async_engine("postgresql://127.0.0.1:1/none")
        reader = PostgresAlertReader(engine)
        assert not await reader.alive()
        with pytest.raises(DatabaseUnavailableError, match="can't count the open cases"):
            await reader.counts()
        await engine.dispose()

    asyncio.run(reading())
