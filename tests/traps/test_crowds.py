"""Many events in one window: each counts, and every aggregate stays exact."""

import random

import pytest

from tests.properties.replays import LEFT_OPEN, Place
from tests.traps.making import NOON, FeaturesOf, feature, order, pack
from tests.windows.oracle.agreement import agrees
from tests.windows.oracle.contract import DAY, HOUR, SECOND, Wanted
from tests.windows.oracle.sliding import Window

pytestmark = LEFT_OPEN

ENTITIES = pytest.mark.parametrize(
    "entities", [("customer", "group", "order"), ("counterparty",)], ids=["own", "counterparty"]
)
WINDOWS = {"1h": (HOUR, 0), "1h_later": (HOUR, HOUR), "30d": (30 * DAY, 0)}
AGGREGATES = ("count", "sum", "avg", "min", "max", "stddev", "distinct")


def counted(entities: tuple[str, ...]) -> str:
    """A pack that counts and sums for each entity."""
    return pack({f"{name}_{by}": feature(name, by) for name in ("count", "sum") for by in entities})


def everywhere(entities: tuple[str, ...], count: int) -> dict[str, int]:
    """What `counted` must say after so many orders of one yuan."""
    return {f"count_{by}": count for by in entities} | {f"sum_{by}": 100 * count for by in entities}


@ENTITIES
@pytest.mark.parametrize("number", [1_000, 100_000])
def test_all_events_of_a_crowded_window_count(
    features_of: FeaturesOf, entities: tuple[str, ...], number: int
) -> None:
    crowd = [order(n, NOON + n // 3, order="o", counterparty="w") for n in range(number)]
    found = features_of(crowd, counted(entities))
    assert found == [everywhere(entities, n + 1) for n in range(number)]


@ENTITIES
def test_events_of_a_crowd_that_come_in_no_order_count(
    features_of: FeaturesOf, entities: tuple[str, ...]
) -> None:
    crowd = [order(n, NOON - n % 2, order="o", counterparty="w") for n in range(2_000)]
    found = features_of(crowd, counted(entities))
    # Those at noon see all before them, those before noon only their like.
    assert found[-2:] == [everywhere(entities, 1_999), everywhere(entities, 1_000)]


@ENTITIES
def test_two_events_in_one_millisecond_both_count(features_of: FeaturesOf, entities: tuple[str, ...]) -> None:
    pair = [order(n, order="o", counterparty="w") for n in (1, 2)]
    assert features_of(pair, counted(entities)) == [everywhere(entities, 1), everywhere(entities, 2)]


@pytest.mark.parametrize("by", ["customer", "counterparty"])
@pytest.mark.slow
def test_a_customer_of_100_000_events_is_right_at_each_of_them(place: Place, by: str) -> None:
    dice = random.Random(4)
    times, now = [], NOON
    for _ in range(100_000):
        now += dice.choice((0, 0, 1, 400, 900))
        times.append(now)
    values = [dice.choice((dice.randrange(-50, 50), dice.randrange(-(10**12), 10**12))) for _ in times]
    lines = [
        order(number, t, counterparty="w", amount=v, attributes={"v": v}).line
        for number, (t, v) in enumerate(zip(times, values, strict=True))
    ]
    wanted = {
        f"{aggregate}_{name}": Wanted(aggregate, aggregate, (), by, "amount", length, delay)
        for name, (length, delay) in WINDOWS.items()
        for aggregate in AGGREGATES
    }
    declared = {
        name: feature(one.aggregate, by, one.window, delay=f"{one.delay // SECOND}s")
        | ({"field": "attributes.v"} if one.aggregate == "distinct" else {})
        for name, one in wanted.items()
    }
    decisions = place.replay(lines, pack(declared)).decisions
    answers = [Window(times, values, *window).answers() for window in WINDOWS.values()]
    for number, (decision, *expected) in enumerate(zip(decisions, *answers, strict=True)):
        right = [answer[aggregate] for answer in expected for aggregate in AGGREGATES]
        for (name, one), answer in zip(wanted.items(), right, strict=True):
            got = decision["features"][name]
            assert got == answer or agrees(one, got, answer), (number, name, got, answer)
