"""An event that is sent again changes nothing, whatever it says the second time."""

import pytest

from tests.properties.replays import LEFT_OPEN, Cut, Place, Replayed, Way
from tests.traps.making import NOON, Message, feature, order, pack
from tests.windows.oracle.contract import HOUR

pytestmark = LEFT_OPEN

ENTITIES = pytest.mark.parametrize(
    "entities", [("customer", "group", "order"), ("counterparty",)], ids=["own", "counterparty"]
)
CHANGES: dict[str, dict[str, object]] = {
    "nothing": {},
    "amount": {"amount": 999_999},
    "sign": {"amount": -100},
    "time": {"occurred_at": NOON + 5 * HOUR},
    "earlier": {"occurred_at": NOON - 5 * HOUR},
    "type": {"type": "order.cancelled"},
    "order": {"order": "other"},
    "counterparty": {"counterparty": "other"},
    "region": {"region": "310000", "attributes": {"weight": 3}},
}


def counted(entities: tuple[str, ...]) -> str:
    """A pack with sums, counts and ages for each entity."""
    features = {f"{a}_{by}": feature(a, by) for a in ("count", "sum", "max") for by in entities}
    ages = {
        f"{a}_{by}": feature(a, by, None) for a in ("days_since_first", "days_since_last") for by in entities
    }
    return pack(features | ages)


def stream(*repeats: Message) -> list[Message]:
    """Three orders, then what is sent again, then three more; the customer's other order comes between."""
    first = [order(n, NOON + n, order="o", counterparty="w") for n in range(3)]
    more = [order(n, NOON + HOUR + n, order="o", counterparty="w") for n in range(3, 6)]
    other = order(9, NOON + 6 * HOUR, order="other", counterparty="other")
    return [*first, *repeats, *more, other]


def replayed(place: Place, messages: list[Message], entities: tuple[str, ...], way: Way) -> Replayed:
    return place.replay([one.line for one in messages], counted(entities), way)


@ENTITIES
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("way", [Way(), Way(batch=1), Way(batch=2, cuts=(Cut(3), Cut(5, clean=False)))])
def test_an_event_sent_again_with_other_content_changes_nothing(
    place: Place, entities: tuple[str, ...], change: str, way: Way
) -> None:
    first = order(1, NOON + 1, order="o", counterparty="w")
    again = Message({**first.fields, **CHANGES[change]})
    once = replayed(place, stream(), entities, Way())
    twice = replayed(place, stream(again, again), entities, way)
    assert twice.raw == once.raw
    assert (twice.counts["decided"], twice.counts["duplicate"], twice.counts["input"]) == (7, 2, 9)


def test_an_event_that_came_late_is_known_when_it_comes_again(place: Place) -> None:
    late = order("late", NOON - 400 * 24 * HOUR)
    messages = [order(1), late, order(2), late, order(3)]
    found = replayed(place, messages, ("customer",), Way(batch=1))
    assert [decision["event_id"] for decision in found.decisions] == ["e1", "elate", "e2", "e3"]
    assert found.counts["duplicate"] == 1
