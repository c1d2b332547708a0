"""The ground: what is known of dropped records comes back from its bytes, and no more is claimed."""

import numpy as np
import pytest

from events.clock import DAY
from events.event import Event, EventType
from tests.store.redis.workers import stream
from tests.windows.sharding import PLAN, Shard
from tests.windows.streams import batch_of, features
from windows.block import Change
from windows.clock import Clocks
from windows.errors import WindowError
from windows.feature import Aggregate, Entity, Feature
from windows.ground import Ground, of_state, pack_ground, restore, unpack_ground
from windows.journal import Stored
from windows.plan import WindowPlan
from windows.record import encode
from windows.state import Known, WindowState, blank

EVENTS = [
    Event(**{**{name: getattr(e, name) for name in e.__struct_fields__}, "event_id": f"u{number}"})
    for number, e in enumerate(stream(600))
]
NAMES = [feature.name for feature in PLAN.features]


def state_of(events: list[Event], plan: WindowPlan = PLAN, ground: Ground | None = None) -> WindowState:
    """A state that has absorbed events, over a ground."""
    state = WindowState(plan, 10**12)
    if ground is not None:
        restore(ground, state)
    absorb(state, events, plan)
    return state


def absorb(state: WindowState, events: list[Event], plan: WindowPlan = PLAN) -> list[list[object]]:
    """What each event sees: NULL, `warming` or a value by feature."""
    records = encode(plan, batch_of(events))
    changes = [
        Change(row, event.attributes)
        for row, event in enumerate(events)
        if event.type is EventType.CUSTOMER_CHANGED and event.attributes
    ]
    known = Known(np.ones(len(plan.series), np.bool_), np.ones(len(plan.entities), np.bool_))
    result = blank(plan, len(events))._replace(rows=np.arange(len(events)))
    state.absorb(records, changes, known, result)
    return [
        [
            "warming"
            if result.warming[f, row]
            else (int(result.integers[f, row]), float(result.floats[f, row]))
            if result.valid[f, row]
            else None
            for f in range(len(plan.features))
        ]
        for row in range(len(events))
    ]


def ground_of(state: WindowState) -> Ground:
    clocks = Clocks({7: (5, [1, 2, 3])}, 0)
    return unpack_ground(pack_ground(of_state(state, clocks, None)))


def test_what_looks_back_without_end_is_known_and_windows_are_not_guessed() -> None:
    dropped, later = EVENTS[:400], EVENTS[400:]
    ground = ground_of(state_of(dropped))
    found = absorb(state_of([], ground=ground), later)
    wanted = absorb(state_of(dropped), later)
    right = withheld = 0
    for one, other in zip(found, wanted, strict=True):
        for name, cell, exact in zip(NAMES, one, other, strict=True):
            if cell == "warming":
                withheld += 1
                assert not name.startswith("days_since_first")
            else:
                right += 1
                assert cell == exact, name
    assert right > 2_000
    assert 0 < withheld < right


def test_profiles_and_clocks_come_back() -> None:
    state = state_of(EVENTS)
    ground = ground_of(state)
    again = WindowState(PLAN, 10**12)
    restore(ground, again)
    assert dict(again.profiles.items()) == dict(state.profiles.items())
    assert len(state.profiles) > 10
    assert again.floors()[7] == 5
    assert again.memory.clock[again.source(7), :4].tolist() == [3, 1, 2, 3]
    assert ground.clocks == {7: (5, [1, 2, 3])}


def test_a_ground_of_a_ground_is_the_same() -> None:
    ground = ground_of(state_of(EVENTS))
    again = WindowState(PLAN, 10**12)
    restore(ground, again)
    assert of_state(again, Clocks(ground.clocks, 0), None) == ground


def test_a_feature_that_the_ground_does_not_know_warms() -> None:
    own = [f for f in features() if f.name in {"count_customer_0", "days_since_first_customer_0"}]
    more = Feature(
        "first_shipped",
        Aggregate.DAYS_SINCE_FIRST,
        frozenset({EventType.SHIPMENT_DISPATCHED}),
        Entity.CUSTOMER,
    )
    by_order = Feature(
        "first_order", Aggregate.DAYS_SINCE_FIRST, frozenset({EventType.ORDER_PLACED}), Entity.ORDER
    )
    old, new = WindowPlan(own), WindowPlan([*own, more, by_order])
    ground = ground_of(state_of(EVENTS[:400], old))
    later = [e for e in EVENTS[400:] if e.order is not None]
    found = absorb(state_of([], new, ground), later, new)
    wanted = absorb(state_of(EVENTS[:400], new), later, new)
    for one, other in zip(found, wanted, strict=True):
        assert one[1] == other[1]
        assert one[2] == "warming"
        assert one[3] == "warming"


def test_nothing_before_a_moment_is_known_where_that_is_said() -> None:
    since = int(batch_of(EVENTS[300:301]).occurred_at[0])
    state = WindowState(PLAN, 10**12)
    restore(Ground(since=since), state)
    found = absorb(state, EVENTS[300:])
    wanted = absorb(state_of(EVENTS[:300]), EVENTS[300:])
    cells = [
        (a, b) for one, other in zip(found, wanted, strict=True) for a, b in zip(one, other, strict=True)
    ]
    assert all(a in {b, "warming"} for a, b in cells)
    assert 0 < sum(a == "warming" for a, _ in cells) < len(cells)


def test_an_empty_ground_says_nothing() -> None:
    assert unpack_ground(b"") == Ground()
    assert absorb(state_of([], ground=Ground()), EVENTS) == absorb(state_of([]), EVENTS)


@pytest.mark.parametrize("raw", [b"x", b"\x05" + b"\0" * 7 + b"abcde"])
def test_other_bytes_are_no_ground(raw: bytes) -> None:
    stored = Stored("m", 1, raw, [], {})
    with pytest.raises(WindowError, match="rebuild the windows"):
        Shard(stored, retention=DAY)
