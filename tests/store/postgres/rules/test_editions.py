"""Editions: gapless, never altered, and settled once for each lane."""

import re
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import Engine, text

from events.rights import LifecycleError
from rules.edition import Boundary, EditionStore
from rules.errors import PackError
from rules.lifecycle import Action
from rules.rule import Mode
from store.errors import StoreError
from store.postgres.errors import HitRefusedError
from store.postgres.rules.editions import CHANNEL, PostgresEditionStore
from store.postgres.rules.packs import PackStore
from tests.store.postgres.rules.making import LIN, ZHOU, pack


def port(store: PostgresEditionStore) -> EditionStore:
    return store  # the type checker's business: the store fits the port


def test_an_empty_database_has_no_edition(engine: Engine) -> None:
    assert port(PostgresEditionStore(engine)).newest() == 0


def test_the_configured_packs_are_edition_1_once(engine: Engine) -> None:
    store = PostgresEditionStore(engine)
    assert store.seed({"small.yaml": pack(1), "other.yaml": pack(7, name="other")}) == 1
    assert store.seed({"small.yaml": pack(2)}) == 1
    edition = store.edition(1)
    assert [(one.pack, one.version) for one in edition.active] == [("other", 7), ("small", 1)]
    assert [store.source(one.sha256) for one in edition.active] == [pack(7, name="other"), pack(1)]
    [change, _] = PackStore(engine).history()
    assert (change.action, change.actor, change.approved_by, change.edition) == ("seed", "system", None, 1)


def test_packs_that_contradict_each_other_are_not_seeded(engine: Engine) -> None:
    store = PostgresEditionStore(engine)
    clashing = pack(1, name="other").replace("window: 72h", "window: 71h")
    with pytest.raises(LifecycleError, match="define feature `ordered_72h` differently"):
        store.seed({"small.yaml": pack(1), "other.yaml": clashing})
    with pytest.raises(PackError, match=r"small\.yaml:\d+: "):
        store.seed({"small.yaml": pack(1).replace("amount >=", "amuont >=")})
    assert store.newest() == 0


def test_a_change_that_matters_makes_the_next_edition_and_is_told(
    engine: Engine, editions: PostgresEditionStore, packs: PackStore
) -> None:
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as listening:
        listening.execute(f"LISTEN {CHANNEL}")
        packs.submit(pack(2), "small.yaml", LIN)
        assert editions.newest() == 1
        packs.move(Action.SHADOW, "small", 2, LIN)
        [told] = listening.notifies(timeout=10, stop_after=1)
    assert told.payload == "2"
    assert [one.version for one in editions.edition(2).shadow] == [2]
    assert [one.version for one in editions.edition(2).active] == [1]
    assert editions.edition(1).shadow == ()


def test_two_publishes_at_once_make_two_editions_without_a_gap(
    engine: Engine, editions: PostgresEditionStore, packs: PackStore
) -> None:
    versions = range(2, 8)
    for version in versions:
        packs.submit(pack(version), "small.yaml", LIN)
    with ThreadPoolExecutor(len(versions)) as threads:
        moved = list(
            threads.map(lambda version: packs.move(Action.PUBLISH, "small", version, ZHOU), versions)
        )
    assert sorted(one.edition or 0 for one in moved) == [2, 3, 4, 5, 6, 7]
    assert editions.newest() == 7
    last = max(moved, key=lambda one: one.edition or 0)
    assert [f"small@{one.version}" for one in editions.edition(7).active] == [last.name]
    states = [row.state for row in packs.versions()]
    assert (states.count(Mode.ACTIVE), states.count(Mode.RETIRED)) == (1, 6)


def test_an_edition_or_text_that_is_not_there_is_named(editions: PostgresEditionStore) -> None:
    with pytest.raises(StoreError, match="edition `9`: not found"):
        editions.edition(9)
    with pytest.raises(StoreError, match="pack with hash `feed`: not found"):
        editions.source("feed")


def test_a_lane_settles_a_boundary_once_whoever_writes_first(editions: PostgresEditionStore) -> None:
    offers = [Boundary(edition=1, offsets={"orders": number}) for number in range(8)]
    with ThreadPoolExecutor(len(offers)) as threads:
        held = list(threads.map(lambda offer: editions.settle("0", offer), offers))
    assert len({one.offsets["orders"] for one in held}) == 1
    assert editions.boundaries("0") == [held[0]]
    assert editions.settle("1", offers[5]) == offers[5]
    assert editions.boundaries("2") == []


def test_boundaries_are_in_the_order_of_editions(editions: PostgresEditionStore, packs: PackStore) -> None:
    packs.submit(pack(2), "small.yaml", LIN)
    packs.move(Action.PUBLISH, "small", 2, ZHOU)
    offers = [Boundary(edition=edition, offsets={"orders": 10 * edition}) for edition in (2, 1)]
    for offer in offers:
        editions.settle("0", offer)
    assert editions.boundaries("0") == offers[::-1]
    with pytest.raises(HitRefusedError, match="boundaries_edition_fkey"):
        editions.settle("0", Boundary(edition=9, offsets={}))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE editions SET content = '{}'",
        "DELETE FROM boundaries",
        "TRUNCATE suppressions",
        "UPDATE rule_changes SET actor = 'somebody'",
        "UPDATE pack_versions SET source = ''",
        "DELETE FROM rule_changes",
    ],
)
def test_history_cannot_be_rewritten(engine: Engine, editions: PostgresEditionStore, statement: str) -> None:
    table = re.split(r"\W+", statement.replace("FROM ", ""))[1]
    with (
        pytest.raises(Exception, match=f"table {table} is append-only"),
        engine.begin() as connection,
    ):
        connection.execute(text(statement))
