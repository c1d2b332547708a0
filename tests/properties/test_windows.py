"""Windows of any pack over any stream, against an oracle in plain Python and one in DuckDB's SQL.

`FENGHUO_TEST_PROFILE=chaos` tries forty times as many examples, other ones in every run.
"""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.cases import Case, cases
from tests.properties.examples import PATIENCE, tries
from tests.properties.judging import (
    MayBeNull,
    check_counts,
    check_duckdb,
    check_late,
    check_plain,
    check_profiles,
)
from tests.properties.packs import DrawnPack
from tests.properties.replays import LEFT_OPEN, Place, Way
from tests.windows.oracle.contract import Accepted, Wanted
from tests.windows.oracle.duckdb_sql import Database

pytestmark = [PATIENCE, LEFT_OPEN]
OWN = ("customer", "group", "order", "consignee")
WAYS = st.builds(Way, batch=st.integers(1, 50), workers=st.sampled_from((1, 1, 2)), shards=st.integers(1, 8))


def judged(place: Place, database: Database, case: Case, way: Way) -> None:
    """Replay and compare with both oracles; nothing may be NULL that has a value."""
    replayed = place.replay(case.stream.lines, case.pack.yaml, way)
    accepted = case.stream.accepted
    check_counts(case.stream, replayed)
    check_plain(case.pack, accepted, replayed)
    check_duckdb(database, case.pack, accepted, replayed)
    check_late(accepted, replayed, case.pack.lateness)
    check_profiles(accepted, replayed)


@tries(100)
@given(case=cases(OWN), way=WAYS)
def test_windows_by_customer_group_and_order_are_exact(
    place: Place, database: Database, case: Case, way: Way
) -> None:
    judged(place, database, case, way)


@tries(60)
@given(case=cases(("counterparty", "counterparty", *OWN)), way=WAYS)
def test_windows_by_counterparty_are_exact_beside_the_others(
    place: Place, database: Database, case: Case, way: Way
) -> None:
    judged(place, database, case, way)


@tries(40)
@given(case=cases(OWN, types=st.just(("customer.changed", "order.placed"))), way=WAYS)
def test_profiles_are_the_newest_changes(place: Place, case: Case, way: Way) -> None:
    replayed = place.replay(case.stream.lines, case.pack.yaml, way)
    check_profiles(case.stream.accepted, replayed)


@tries(60)
@given(case=cases(OWN, forgetful=True), way=WAYS)
def test_what_is_no_longer_kept_makes_windows_null_and_never_wrong(
    place: Place, database: Database, case: Case, way: Way
) -> None:
    stream = case.stream.without_old_repeats(case.pack.lateness)
    replayed = place.replay(stream.lines, case.pack.yaml, way)
    accepted = stream.accepted
    check_counts(stream, replayed)
    forgotten = below_what_is_kept(case.pack, accepted)
    check_plain(case.pack, accepted, replayed, forgotten)
    check_duckdb(database, case.pack, accepted, replayed, forgotten)
    check_late(accepted, replayed, case.pack.lateness)
    check_profiles(accepted, replayed)


def below_what_is_kept(pack: DrawnPack, accepted: list[Accepted]) -> MayBeNull:
    """Where a window may be NULL: it begins further behind the stream's clock than records are kept."""
    clock = list(accumulate((event.t for event in accepted), max))
    kept = pack.longest + pack.lateness

    def may_be_null(wanted: Wanted, event: Accepted) -> bool:
        # The first matching event of all is kept without a horizon.
        first = wanted.aggregate == "days_since_first" and wanted.window is None
        return not first and event.t - wanted.reach < clock[event.seq] - kept

    return may_be_null
