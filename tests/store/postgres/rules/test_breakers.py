"""Breakers: a rule that holds too much is limited once, its owner is told, and a person frees it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from events.clock import HOUR, MINUTE, SECOND
from events.rights import LifecycleError
from rules.breaker import BUCKET, LONGEST, Count
from rules.decision import Tier
from store.postgres.alerts import AlertStore
from store.postgres.rules.breakers import Breakers, RuleCounts
from store.postgres.rules.editions import PostgresEditionStore
from tests.rules.making import NOON
from tests.store.postgres.rules.making import LIN, WANG, pack

BREAKER = "owner: rule-desk\nbreaker: {holds: 10, share: 50%, least: 100, within: 1h}"


@pytest.fixture
def editions(engine: Engine) -> PostgresEditionStore:
    store = PostgresEditionStore(engine)
    store.seed({"small.yaml": pack(1, breaker=BREAKER)})
    return store


def held(engine: Engine, at: int, *, holds: int, judged: int = 50, process: str = "run-1") -> None:
    RuleCounts(engine, process, lambda: at).add({"much": Count(judged=judged, holds=holds)})


def test_counts_of_all_processes_add_up(
    engine: Engine, breakers: Breakers, editions: PostgresEditionStore
) -> None:
    held(engine, NOON, holds=4)
    held(engine, NOON + SECOND, holds=4)
    held(engine, NOON, holds=2, process="run-2")
    assert breakers.check(NOON + MINUTE) == []
    held(engine, NOON, holds=1, process="run-2")
    [trip] = breakers.check(NOON + MINUTE)
    assert (trip.rule, trip.count) == ("much", Count(judged=200, holds=11))
    assert editions.edition(2).limited == ("much",)


def test_it_trips_once_however_many_look(
    engine: Engine, breakers: Breakers, editions: PostgresEditionStore
) -> None:
    held(engine, NOON, holds=11)
    with ThreadPoolExecutor(4) as threads:
        trips = list(threads.map(lambda _: breakers.check(NOON), range(4)))
    assert sorted(map(len, trips)) == [0, 0, 0, 1]
    assert editions.newest() == 2


def test_the_owner_gets_an_alert(engine: Engine, breakers: Breakers) -> None:
    held(engine, NOON, holds=11)
    breakers.check(NOON)
    [count] = AlertStore(engine).open_cases()
    assert (count.queue, count.tier, count.open) == ("rule-desk", Tier.HIGH, 1)


def test_the_interval_slides(engine: Engine, breakers: Breakers) -> None:
    held(engine, NOON, holds=6)
    held(engine, NOON + 50 * MINUTE, holds=6)
    assert breakers.check(NOON + HOUR + BUCKET) == []
    [_] = breakers.check(NOON + 59 * MINUTE)


def test_a_share_needs_enough_events(engine: Engine, breakers: Breakers) -> None:
    held(engine, NOON, holds=9, judged=10)
    assert breakers.check(NOON) == []


def test_a_person_frees_the_rule_and_its_counts_begin_anew(
    engine: Engine, breakers: Breakers, editions: PostgresEditionStore
) -> None:
    held(engine, NOON, holds=11)
    breakers.check(NOON)
    assert [(one.rule, one.reason) for one in breakers.limited()] == [("much", "11 / 50 = 22.0%, 60 min")]
    with pytest.raises(LifecycleError, match="`wang` may not reset"):
        breakers.reset("much", WANG)
    later = Breakers(engine, lambda: NOON + MINUTE)
    assert later.reset("much", LIN, "the import is over").edition == 3
    assert editions.edition(3).limited == ()
    assert later.limited() == []
    assert later.check(NOON + MINUTE) == []
    held(engine, NOON + 2 * MINUTE, holds=11)
    [_] = later.check(NOON + 2 * MINUTE)
    with pytest.raises(LifecycleError, match="rule `large` is not limited"):
        later.reset("large", LIN)


def test_old_counts_are_thrown_away(engine: Engine, breakers: Breakers) -> None:
    held(engine, NOON, holds=1)
    breakers.check(NOON + LONGEST)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM rule_counts")) == 1
        breakers.check(NOON + LONGEST + MINUTE)
        assert connection.scalar(text("SELECT count(*) FROM rule_counts")) == 0
