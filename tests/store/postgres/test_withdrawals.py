"""Hits that no longer hold: counted once, whichever of hit and withdrawal comes first."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from alerts.errors import AlertError
from alerts.hit import Hit
from alerts.overdue import Withdrawal
from store.postgres.alerts import AlertStore
from tests.alerts.making import make_hit
from tests.store.postgres.conftest import Read

NOTE = {"zh": "已确认", "en": "confirmed after all"}


def withdrawal(hit: Hit, **changes: object) -> Withdrawal:
    fields = {
        "hit_id": hit.hit_id,
        "decision_id": hit.decision_id,
        "group": hit.group,
        "scenario": hit.scenario,
        "deadline": "confirm",
        "event_id": "confirmation",
        "event_type": "order.confirmed",
        "occurred_at": "2026-03-02T08:00:00.000Z",
        "in_time": False,
        "note": NOTE,
    }
    return Withdrawal(**(fields | changes))  # type: ignore[arg-type]  # as the class names them


def alerts(engine: Engine) -> list[tuple[int, int, bool, str]]:
    """Hits, withdrawn ones, whether it is closed, and the case's status, of every alert."""
    query = """SELECT hits, withdrawn, a.closed_at IS NOT NULL, status::text
        FROM alerts a JOIN cases USING (alert_id) ORDER BY a.group_id, a.created_at"""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def take_up(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE cases SET status = 'investigating'"))


def test_an_alert_ends_when_all_its_hits_are_withdrawn(store: AlertStore, engine: Engine) -> None:
    hits = [make_hit(number, group="G", scenario="confirm") for number in range(2)]
    store.apply(hits)
    assert store.withdraw([withdrawal(hits[0])]) == 1
    assert alerts(engine) == [(2, 1, False, "open")]
    assert store.withdraw([withdrawal(hits[0]), withdrawal(hits[1]), withdrawal(hits[1])]) == 1
    assert alerts(engine) == [(2, 2, True, "closed")]
    store.apply([make_hit(3, group="G", scenario="confirm")])
    assert alerts(engine) == [(2, 2, True, "closed"), (1, 0, False, "open")]


def test_a_withdrawal_may_come_before_its_hit(store: AlertStore, engine: Engine) -> None:
    hit = make_hit(1, group="G", scenario="confirm")
    assert store.withdraw([withdrawal(hit)]) == 1
    assert alerts(engine) == []
    store.apply([hit])
    assert alerts(engine) == [(1, 1, True, "closed")]
    store.apply([hit])
    store.withdraw([withdrawal(hit)])
    assert alerts(engine) == [(1, 1, True, "closed")]


def test_a_case_that_somebody_took_up_stays_theirs(store: AlertStore, engine: Engine, read: Read) -> None:
    hit = make_hit(1, group="G", scenario="confirm")
    store.apply([hit])
    take_up(engine)
    store.withdraw([withdrawal(hit)])
    assert alerts(engine) == [(1, 1, False, "investigating")]
    with engine.connect() as connection:
        alert_id = connection.scalar(text("SELECT alert_id::text FROM alerts"))
    assert alert_id is not None
    detail = read(lambda reader: reader.alert(alert_id, 5))
    assert detail is not None
    assert (detail.withdrawn, detail.notes) == (1, {hit.hit_id: NOTE})
    record = read(lambda reader: reader.record(alert_id))
    assert record is not None
    assert (record.withdrawn, record.evidence[0].withdrawn) == (1, NOTE)


def test_a_time_that_is_none_is_refused_and_nothing_is_written(store: AlertStore, engine: Engine) -> None:
    hit = make_hit(1)
    with pytest.raises(AlertError, match="withdrawal of hit"):
        store.withdraw([withdrawal(hit), withdrawal(hit, occurred_at="yesterday")])
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alert_withdrawals")) == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=14))
def test_any_order_counts_the_same(
    store: AlertStore, engine: Engine, steps: Sequence[tuple[int, bool]]
) -> None:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE alerts, alert_hits, cases, alert_withdrawals CASCADE"))
    take = {number: make_hit(number, group=f"G{number % 2}", scenario="confirm") for number in range(6)}
    came, gone = set(), set()
    for number, back in steps:
        if back:
            store.withdraw([withdrawal(take[number])])
            gone.add(number)
        else:
            store.apply([take[number]])
            came.add(number)
    found = alerts(engine)
    assert sum(row[0] for row in found) == len(came)
    assert sum(row[1] for row in found) == len(came & gone)
    assert all(closed == (status == "closed") for _, _, closed, status in found)
    assert all(closed or hits > withdrawn for hits, withdrawn, closed, _ in found)
