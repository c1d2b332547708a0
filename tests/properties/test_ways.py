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
OWN = ("customer", "group", "order", "consignee")
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


@pytest.mark.parametrize("seed", range(6))
def test_batches_stay_in_their_order_where_workers_get_ahead_of_one_another(place: Place, seed: int) -> None:
    # While a worker opens its shards, parts of many batches gather for it, not all shards in each.
    dice = random.Random(seed)
    names = [f"n{number}" for number in range(12)]
    pairs = [(dice.choice(names), dice.choice(names)) for _ in range(120)]
    messages = [
        {
            "event_id": f"e{number}",
            "type": "order.cancelled",
            "occurred_at": number,
            "subsidiary": "SH",
            "customer": group,
            "group": group,
            "counterparty": counterparty,
        }
        for number, (group, counterparty) in enumerate(pairs)
    ]
    pack = DrawnPack(
        tuple(
            Wanted(f"n_{by}", "count", ("order.cancelled",), by, window=DAY)
            for by in ("group", "counterparty")
        ),
        lateness=DAY,
    )
    way = Way(batch=7, workers=2)
    decisions = place.replay(list(map(msgspec.json.encode, messages)), pack.yaml, way).decisions
    for number, decision in enumerate(decisions):
        seen = zip(*pairs[: number + 1], strict=True)
        groups, counterparties = (one.count(one[-1]) for one in seen)
        assert decision["features"] == {"n_group": groups, "n_counterparty": counterparties}, number
