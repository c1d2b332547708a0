"""Time is the events' own: when it is replayed counts for nothing, and no event spoils another's time."""

import time
from collections.abc import Mapping, Sequence

import pytest

from tests.properties.replays import LEFT_OPEN, Cut, Place, Way
from tests.traps.making import NOON, Message, feature, order, pack
from tests.windows.oracle import plain
from tests.windows.oracle.agreement import agrees
from tests.windows.oracle.contract import DAY, HOUR, Wanted, accept

pytestmark = LEFT_OPEN

LAST_MOMENT = 253_402_300_799_999  # the last millisecond of the year 9999
FIRST_MOMENT = -62_135_596_800_000  # the first of the year 1
YEAR = 365 * DAY
OWN = ("customer", "group", "order")
ENTITIES = pytest.mark.parametrize("entities", [OWN, ("counterparty",)], ids=["own", "counterparty"])


def wanted(entities: Sequence[str]) -> dict[str, Wanted]:
    """Features with short and long windows, delayed, and without a window."""
    shapes: Mapping[str, tuple[str, int | None, int]] = {
        "count_1h": ("count", HOUR, 0),
        "sum_30d": ("sum", 30 * DAY, 0),
        "max_1d_later": ("max", DAY, DAY),
        "first": ("days_since_first", None, 0),
        "last": ("days_since_last", None, 0),
    }
    return {
        f"{name}_{by}": Wanted(name, aggregate, ("order.placed",), by, _field(aggregate), window, delay)
        for by in entities
        for name, (aggregate, window, delay) in shapes.items()
    }


def _field(aggregate: str) -> str | None:
    return "amount" if aggregate in {"sum", "max"} else None


def text_of(features: Mapping[str, Wanted]) -> str:
    """The pack of the features."""
    return pack(
        {
            name: feature(one.aggregate, one.by, one.window, **({"delay": "1d"} if one.delay else {}))
            for name, one in features.items()
        }
    )


def two_weeks(start: int) -> list[Message]:
    """Orders of three customers every two hours or so, some late by up to a day."""
    return [
        order(
            n,
            start + n * 2 * HOUR - (n % 5 == 4) * (n % 13) * 2 * HOUR,
            customer=f"c{n % 3}",
            order=f"c{n % 3}-{n % 7}",
            counterparty=f"w{n % 2}",
            amount=100 + n,
        )
        for n in range(150)
    ]


def check_exact(
    place: Place, messages: Sequence[Message], entities: Sequence[str], way: Way, *, forgetful: bool = False
) -> None:
    """Every feature of every decision is what plain Python counts; NULL instead only where `forgetful`."""
    features = wanted(entities)
    decisions = place.replay([one.line for one in messages], text_of(features), way).decisions
    accepted = accept(one.fields for one in messages)
    for event, decision in zip(accepted, decisions, strict=True):
        for name, one in features.items():
            got, expected = decision["features"][name], plain.expected(one, accepted, event.seq)
            forgotten = forgetful and got is None
            assert forgotten or agrees(one, got, expected), (name, event, got, expected)


@ENTITIES
def test_yesterdays_stream_replayed_today_gives_the_same_decisions(
    place: Place, entities: Sequence[str]
) -> None:
    yesterday = int(time.time() * 1000) // DAY * DAY - 15 * DAY
    lines = [one.line for one in two_weeks(yesterday)]
    runs = [
        place.replay(lines, text_of(wanted(entities)), way).raw
        for way in (Way(), Way(batch=20, cuts=(Cut(60), Cut(90, clean=False))))
    ]
    assert runs[0] == runs[1]


@ENTITIES
@pytest.mark.parametrize("years", [-50, -10, -1, 0, 1, 50])
def test_windows_do_not_depend_on_the_year_of_the_replay(
    place: Place, entities: Sequence[str], years: int
) -> None:
    today = int(time.time() * 1000) // DAY * DAY
    # Started again, the windows come from Redis, where nothing may have run out by the wall clock.
    cut = Way(batch=20, cuts=(Cut(60), Cut(90, clean=False)))
    check_exact(place, two_weeks(today + years * YEAR), entities, cut)


@ENTITIES
@pytest.mark.parametrize("far", [LAST_MOMENT, NOON + 80 * YEAR, FIRST_MOMENT, 0])
@pytest.mark.parametrize("whose", ["own", "of the group", "of another"])
@pytest.mark.parametrize("batch", [7, 1000])
def test_an_event_from_far_away_in_time_spoils_no_other(
    place: Place, entities: Sequence[str], far: int, whose: str, batch: int
) -> None:
    cuts = (Cut(100, clean=False),) if batch == 7 else ()
    check_exact(place, invaded(far, whose), entities, Way(batch=batch, cuts=cuts))


@ENTITIES
@pytest.mark.parametrize("whose", ["own", "of another"])
def test_an_event_two_months_ahead_makes_no_window_wrong(
    place: Place, entities: Sequence[str], whose: str
) -> None:
    # So long a pause may be a real one: then what windows reached before it need no longer be kept.
    check_exact(place, invaded(NOON + 60 * DAY, whose), entities, Way(batch=7), forgetful=True)


def invaded(far: int, whose: str) -> list[Message]:
    """Two weeks of orders with one among them at the moment `far`."""
    stranger = {
        "own": {"customer": "c0", "order": "c0-0", "counterparty": "w0"},
        "of the group": {"customer": "c9", "group": "SH:c0", "counterparty": "w0"},
        "of another": {"customer": "c9", "counterparty": "w9"},
    }[whose]
    messages = two_weeks(NOON)
    messages.insert(75, order("far", far, **stranger))
    return messages


@ENTITIES
def test_events_on_the_edges_of_time_are_decided(place: Place, entities: Sequence[str]) -> None:
    times = (FIRST_MOMENT, FIRST_MOMENT + HOUR, 0, -1, NOON, LAST_MOMENT - HOUR, LAST_MOMENT, FIRST_MOMENT)
    messages = [order(n, t, order="o", counterparty="w") for n, t in enumerate(times)]
    check_exact(place, messages, entities, Way(batch=3))
