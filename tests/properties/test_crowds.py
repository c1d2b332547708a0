"""Thousands of events over few entities, all aggregates at once, against DuckDB and plain Python."""

import pytest

from tests.properties.crowds import crowd, pack_of_all
from tests.properties.examples import CHAOS
from tests.properties.judging import check_counts, check_duckdb, check_late, check_profiles, told
from tests.properties.replays import LEFT_OPEN, Cut, Place, Way
from tests.windows.oracle import plain
from tests.windows.oracle.agreement import agrees
from tests.windows.oracle.duckdb_sql import Database

pytestmark = LEFT_OPEN

OWN = ("customer", "group", "order", "consignee")
SEEDS = range(40 if CHAOS else 2)
EVENTS = 2_000
EVERY = 97  # plain Python looks at one event in so many


@pytest.mark.parametrize("entities", [OWN, ("counterparty",)], ids=["own", "counterparty"])
@pytest.mark.parametrize("seed", SEEDS)
def test_thousands_of_events_agree_with_both_oracles(
    place: Place, database: Database, entities: tuple[str, ...], seed: int
) -> None:
    stream = crowd(seed, EVENTS)
    pack = pack_of_all(seed, entities, stream.span)
    way = Way(batch=(64, 501)[seed % 2], workers=1 + seed % 2, cuts=(Cut(700, clean=False),))
    replayed = place.replay(stream.lines, pack.yaml, way)
    accepted = stream.accepted
    check_counts(stream, replayed)
    check_duckdb(database, pack, accepted, replayed)
    check_late(accepted, replayed, pack.lateness)
    check_profiles(accepted, replayed)
    for event in accepted[::EVERY]:
        for wanted in pack.features:
            got = replayed.decisions[event.seq]["features"][wanted.name]
            expected = plain.expected(wanted, accepted, event.seq)
            assert agrees(wanted, got, expected), told("Python", wanted, event, got, expected)
