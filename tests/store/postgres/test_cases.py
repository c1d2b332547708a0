"""Cases as people move them, with the desk at work on the same alerts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from sqlalchemy import Engine, text

from alerts.cases import Case, CaseStatus, TransitionError, open_case
from alerts.growth import grow
from rules.decision import Tier
from store.errors import StoreError
from store.postgres.alerts import AlertStore
from store.postgres.cases import CaseStore
from store.postgres.engine import async_engine
from tests.alerts.making import make_hit

T = TypeVar("T")
CASE_ID = open_case(grow(None, make_hit(1)).alert).case_id


def work(engine: Engine, call: Callable[[CaseStore], Awaitable[T]]) -> T:
    async def working() -> T:
        own_engine = async_engine(engine.url.render_as_string(hide_password=False))
        try:
            return await call(CaseStore(own_engine))
        finally:
            await own_engine.dispose()

    return asyncio.run(working())


def move(engine: Engine, to: CaseStatus) -> Case:
    return work(engine, lambda cases: cases.move(CASE_ID, to))


def statuses(engine: Engine) -> list[tuple[str, bool, bool]]:
    query = """
        SELECT status::text, cases.closed_at IS NULL, alerts.closed_at IS NULL
        FROM cases JOIN alerts USING (alert_id) ORDER BY opened_at
    """
    with engine.connect() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(text(query))]


def test_a_case_moves_along_the_table_and_closes_its_alert(store: AlertStore, engine: Engine) -> None:
    store.apply([make_hit(1)])
    for to in (CaseStatus.INVESTIGATING, CaseStatus.PENDING_APPROVAL):
        assert move(engine, to).status is to
        assert statuses(engine) == [(to, True, True)]
    move(engine, CaseStatus.CLOSED)
    assert statuses(engine) == [("closed", False, False)]


def test_a_move_that_is_not_allowed_changes_nothing(store: AlertStore, engine: Engine) -> None:
    store.apply([make_hit(1)])
    with pytest.raises(TransitionError, match="can't move from `open` to `pending_approval`"):
        move(engine, CaseStatus.PENDING_APPROVAL)
    assert statuses(engine) == [("open", True, True)]


@pytest.mark.parametrize("case_id", ["00000000-0000-0000-0000-000000000000", "none"])
def test_an_unknown_case_is_an_error(engine: Engine, case_id: str) -> None:
    with pytest.raises(StoreError, match=f"case `{case_id}`: not found"):
        work(engine, lambda cases: cases.move(case_id, CaseStatus.CLOSED))


def test_a_hit_that_waits_for_the_close_opens_a_new_alert(store: AlertStore, engine: Engine) -> None:
    """The desk reads the alert as open, waits for its row, and then sees it closed."""
    store.apply([make_hit(1)])

    async def closing(cases: CaseStore) -> None:
        with engine.begin() as other:  # holds the desk's rows, so that both queue behind it in this order
            other.execute(text("SELECT 1 FROM alerts FOR UPDATE"))
            close = asyncio.ensure_future(cases.move(CASE_ID, CaseStatus.CLOSED))
            await _waiting(engine, 1)
            applied = asyncio.ensure_future(asyncio.to_thread(store.apply, [make_hit(2, tier=Tier.HIGH)]))
            await _waiting(engine, 2)
        await close
        assert (await applied).applied == 1

    work(engine, closing)
    assert statuses(engine) == [("closed", False, False), ("open", True, True)]


async def _waiting(engine: Engine, wanted: int) -> None:
    """Until that many of the database's connections wait for a lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with asyncio.timeout(20):
        while True:
            with engine.connect() as connection:
                if connection.scalar(query) == wanted:
                    return
            await asyncio.sleep(0.02)
