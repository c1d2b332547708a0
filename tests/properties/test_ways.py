"""In whatever way a stream is replayed, the decisions are the same: batches, workers, shards, crashes."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.cases import Case, cases
from tests.properties.examples import PATIENCE, tries
from tests.properties.packs import DrawnPack
from tests.properties.replays import LEFT_OPEN, Cut, Place, Way
from tests.windows.oracle.contract import DAY, Wanted

pytestmark = [PATIENCE, LEFT_OPEN]
OWN = ("customer", "group", "order")
ALL = (*OWN, "counterparty")
ENTITIES = pytest.mark.parametrize("entities", [OWN, ALL], ids=["without-counterparty", "with-counterparty"])
CUTS = st.lists(st.builds(Cut, messages=st.integers(1, 40), clean=st.booleans()), min_size=1, max_size=3)


@ENTITIES
@tries(12)
@given(data=st.data(), workers=st.integers(1, 2), shards=st.integers(2, 8))
def test_batches_workers_and_shards_change_no_byte(
    place: Place, entities: tuple[str, ...], data: st.DataObject, workers: int, shards: int
) -> None:
    case = data.draw(cases(entities))
    whole, *others = (
        place.replay(case.stream.lines, case.pack.yaml, way).raw
        for way in (
            Way(batch=1000, shards=1),
            Way(batch=1, shards=shards),
            Way(batch=7, shards=shards, workers=workers),
        )
    )
    assert others == [whole, whole]


@ENTITIES
@tries(8)
@given(data=st.data())
def test_batches_and_workers_do_not_decide_what_is_forgotten(
    place: Place, entities: tuple[str, ...], data: st.DataObject
) -> None:
    case = data.draw(cases(entities, forgetful=True))
    whole, *others = (
        place.replay(case.stream.lines, case.pack.yaml, way).raw
        for way in (Way(batch=1000), Way(batch=1), Way(batch=7, workers=2))
    )
    assert others == [whole, whole]


@ENTITIES
@tries(18)
@given(
    data=st.data(),
    batch=st.sampled_from((1, 3, 7)),
    interval=st.sampled_from((0.0, 10.0)),
    workers=st.sampled_from((1, 1, 2)),
    forgetful=st.booleans(),
)
def test_stops_and_crashes_anywhere_change_no_byte(
    place: Place,
    entities: tuple[str, ...],
    data: st.DataObject,
    batch: int,
    interval: float,
    workers: int,
    *,
    forgetful: bool,
) -> None:
    case: Case = data.draw(cases(entities, forgetful=forgetful))
    cuts = tuple(data.draw(CUTS))
    whole = place.replay(case.stream.lines, case.pack.yaml)
    cut = place.replay(
        case.stream.lines,
        case.pack.yaml,
        Way(batch=batch, interval=interval, workers=workers, cuts=cuts),
    )
    assert cut.raw == whole.raw
    assert cut.counts == whole.counts


@pytest.mark.parametrize("by", ["group", "counterparty"])
def test_batches_that_meet_few_shards_stay_in_their_order(place: Place, by: str) -> None:
    # Workers get ahead of one another: what waits for a shard then comes from many small batches at once.
    entities = [f"n{number}" for number in range(6)]
    dice = random.Random(8)
    chosen = [dice.choice(entities) for _ in range(400)]
    lines = [
        msgspec.json.encode(
            {
                "event_id": f"e{number}",
                "type": "order.cancelled",
                "occurred_at": number,
                "subsidiary": "SH",
                "customer": name,
                "group": name,
                "counterparty": entities[-1 - entities.index(name)],
            }
        )
        for number, name in enumerate(chosen)
    ]
    pack = DrawnPack((Wanted("n", "count", ("order.cancelled",), by, window=DAY),), DAY)
    expected = [chosen[: number + 1].count(name) for number, name in enumerate(chosen)]
    for batch in (1, 2, 3, 5):
        decisions = place.replay(lines, pack.yaml, Way(batch=batch, workers=2)).decisions
        assert [decision["features"]["n"] for decision in decisions] == expected
