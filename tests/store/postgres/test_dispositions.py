"""Dispositions close alerts and become labels, all or nothing, with the desk at work on the same alert."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from alerts.dispositions import Answer, Disposition, DispositionError, Harm
from alerts.growth import grow
from events.rights import LifecycleError, Person, Refusal
from store.postgres.alerts import AlertStore
from store.postgres.dispositions import DispositionStore
from tests.alerts.making import make_hit

LIN = Person("lin", frozenset({"analyst"}))
ALERT = grow(None, make_hit(1)).alert.alert_id
FRAUD = Answer(disposition=Disposition.CONFIRMED_RISK, harm=Harm.FRAUD, reason="no such company", hits=2)


@pytest.fixture
def dispositions(engine: Engine) -> DispositionStore:
    return DispositionStore(engine, clock=lambda: 1_700_000_000_000)


def test_a_confirmed_risk_labels_its_events(store: AlertStore, dispositions: DispositionStore) -> None:
    hits = [make_hit(1), make_hit(2)]
    store.apply(hits)
    given = dispositions.give(ALERT, FRAUD, LIN)
    assert (given.label, given.labels) == ("fraud", 2)
    rows = list(dispositions.labels())
    assert [row.target for row in rows] == sorted(hit.event_id for hit in hits)
    assert {(row.label, row.known_at, row.scenario, row.group, row.source) for row in rows} == {
        ("fraud", 1_700_000_000_000, hits[0].scenario, hits[0].group, f"alert:{ALERT}")
    }
    assert list(dispositions.labels(by=1_699_999_999_999)) == []


def test_the_alert_is_closed_and_the_next_hit_opens_another(
    store: AlertStore, dispositions: DispositionStore, engine: Engine
) -> None:
    store.apply([make_hit(1), make_hit(2)])
    dispositions.give(ALERT, FRAUD, LIN)
    store.apply([make_hit(3)])
    with engine.connect() as connection:
        query = "SELECT status::text FROM cases ORDER BY opened_at, status DESC"
        assert [row[0] for row in connection.execute(text(query))] == ["closed", "open"]
    with pytest.raises(LifecycleError, match="is closed; nothing was changed"):
        dispositions.give(ALERT, FRAUD, LIN)


@pytest.mark.parametrize("disposition", [Disposition.INCONCLUSIVE, Disposition.DUPLICATE])
def test_what_was_not_found_out_labels_nothing(
    store: AlertStore, dispositions: DispositionStore, disposition: Disposition
) -> None:
    store.apply([make_hit(1), make_hit(2)])
    given = dispositions.give(ALERT, Answer(disposition=disposition, reason="?", hits=2), LIN)
    assert (given.label, given.labels) == (None, 0)
    assert list(dispositions.labels()) == []


def test_refusals_change_nothing(store: AlertStore, dispositions: DispositionStore, engine: Engine) -> None:
    store.apply([make_hit(1), make_hit(2), make_hit(3)])
    with pytest.raises(DispositionError, match="has 3 hits by now"):
        dispositions.give(ALERT, FRAUD, LIN)
    with pytest.raises(LifecycleError) as refused:
        dispositions.give(ALERT, FRAUD, Person("fin", frozenset({"finance"})))
    assert refused.value.refusal is Refusal.ROLE
    for unknown in ("nothing", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(LifecycleError, match="there is none"):
            dispositions.give(unknown, FRAUD, LIN)
    with engine.connect() as connection:
        counts = "SELECT (SELECT count(*) FROM dispositions) + (SELECT count(*) FROM labels)"
        assert connection.scalar(text(counts)) == 0


def test_of_two_at_once_one_is_heard(store: AlertStore, dispositions: DispositionStore) -> None:
    store.apply([make_hit(1), make_hit(2)])

    def give() -> str:
        try:
            return dispositions.give(ALERT, FRAUD, LIN).disposition
        except LifecycleError as error:
            return error.refusal

    with ThreadPoolExecutor(4) as threads:
        heard = sorted(threads.map(lambda _: give(), range(4)))
    assert heard == ["confirmed_risk", "state", "state", "state"]
    assert len(list(dispositions.labels())) == 2


def test_what_was_said_stays(store: AlertStore, dispositions: DispositionStore, engine: Engine) -> None:
    store.apply([make_hit(1), make_hit(2)])
    dispositions.give(ALERT, FRAUD, LIN)
    for statement in ("UPDATE labels SET label = 'legitimate'", "DELETE FROM dispositions"):
        with pytest.raises(DBAPIError), engine.begin() as connection:
            connection.execute(text(statement))
