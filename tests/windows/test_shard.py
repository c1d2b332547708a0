"""The windows of one shard: taken in, withdrawn, trimmed, loaded again, always the same answers.

A shard that is trimmed, or that begins again from its log, is compared with one that is never touched.
"""

import random
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.event import Event, EventType
from tests.store.redis.workers import stream
from tests.windows.sharding import PLAN, Seen, Shard
from tests.windows.streams import batch_of, features, order, streams
from windows import log as logs
from windows.block import Change
from windows.errors import WindowError
from windows.feature import Aggregate, Entity, Feature
from windows.plan import WindowPlan
from windows.record import encode
from windows.tables import DUPLICATE, FRESH, SAME

RETENTION = 200  # the longest window is 50 ms


def taken(shard: Shard, events: Sequence[Event], first: int = 0, size: int = 50) -> list[Seen]:
    """What events see that come in batches."""
    return [
        seen
        for begin in range(0, len(events), size)
        for seen in shard.take(events[begin : begin + size], first + begin)
    ]


def agree(found: Sequence[Seen], wanted: Sequence[Seen]) -> int:
    """Check that every answer is the same or is withheld; how many are withheld."""
    warming = 0
    assert len(found) == len(wanted)
    for number, (one, other) in enumerate(zip(found, wanted, strict=True)):
        assert one[:2] == other[:2], number
        for name, cell, right in zip(PLAN.features, one[2:], other[2:], strict=True):
            warming += cell == "warming"
            assert cell in (right, "warming"), (number, name)
    return warming


@settings(max_examples=40, deadline=None)
@given(streams(), st.lists(st.integers(0, 40), max_size=3))
def test_batches_do_not_matter(events: list[Event], cuts: list[int]) -> None:
    whole = Shard().take(events)
    shard = Shard()
    places = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    found = [seen for begin, end in pairwise(places) for seen in shard.take(events[begin:end], begin)]
    assert found == whole


@settings(max_examples=40, deadline=None)
@given(streams(), st.integers(0, 40), st.integers(0, 40))
def test_a_shard_begins_again_from_its_log(events: list[Event], saved: int, crash: int) -> None:
    """What was accepted after the saved place sees again what it saw; the rest goes on."""
    whole = Shard().take(events)
    crash = min(crash, len(events))
    first = Shard()
    seen = taken(first, events[:crash], size=7)
    place = min(saved, crash)
    records = sum(one[0] == FRESH for one in seen[:place])
    again = Shard(first.stored(), records)
    found = taken(again, events[place:], place, size=5)
    for number, (one, wanted) in enumerate(zip(found, whole[place:], strict=True), place):
        expected = SAME if number < crash and wanted[0] == FRESH else wanted[0]
        assert one[0] == expected
        if wanted[0] != DUPLICATE:
            assert one[1:] == wanted[1:]


@settings(max_examples=30, deadline=None)
@given(streams(), st.integers(0, 40), st.integers(0, 40))
def test_what_is_withdrawn_leaves_no_trace(events: list[Event], begin: int, end: int) -> None:
    begin, end = sorted((min(begin, len(events)), min(end, len(events))))
    shard = Shard()
    found = shard.take(events[:begin]) if begin else []
    if begin < end:
        batch = batch_of(events[begin:end], begin)
        changes = [
            Change(row, event.attributes)
            for row, event in enumerate(batch.events)
            if event.type is EventType.CUSTOMER_CHANGED and event.attributes
        ]
        for _ in range(2):
            prepared = shard.windows.prepare(encode(PLAN, batch), changes, np.arange(len(batch)))
            shard.windows.withdraw(prepared)
    found += shard.take(events[begin:], begin) if begin < len(events) else []
    assert found == Shard().take(events)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trim as soon as it can be."""
    monkeypatch.setattr(logs, "_TRIM_FROM", 1_000)
    monkeypatch.setattr(logs, "_GROWTH", 1.05)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("seed", range(3))
def test_trimming_changes_no_answer(seed: int) -> None:
    events = stream(9_000, seed)
    calm = Shard(retention=10**12)
    wanted = taken(calm, events)
    shard = Shard(retention=RETENTION)
    found: list[Seen] = []
    dice = random.Random(seed)
    for begin in range(0, len(events), 50):
        found += shard.take(events[begin : begin + 50], begin)
        shard.windows.checkpoint()
        if dice.random() < 0.02:  # the worker starts anew
            shard = Shard(shard.stored(), retention=RETENTION)
    # An id that comes again long after the horizon is a new event to the trimmed shard.
    repeated = [n for n, (one, right) in enumerate(zip(found, wanted, strict=True)) if one[0] != right[0]]
    assert all(wanted[n][0] == DUPLICATE for n in repeated)
    assert shard.windows.log.kept < 3_000
    assert shard.windows.log.records >= 8_000


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("seed", range(3))
def test_trimming_changes_no_window(seed: int) -> None:
    """Without repeated ids every feature is the same, those that look back without end included."""
    events = [
        Event(**{**{name: getattr(e, name) for name in e.__struct_fields__}, "event_id": f"u{number}"})
        for number, e in enumerate(stream(9_000, seed))
    ]
    wanted = taken(Shard(retention=10**12), events)
    shard = Shard(retention=RETENTION)
    found: list[Seen] = []
    for begin in range(0, len(events), 50):
        found += shard.take(events[begin : begin + 50], begin)
        shard.windows.checkpoint()
    assert agree(found, wanted) == 0
    assert shard.windows.log.kept < 3_000
    again = Shard(shard.stored(), retention=RETENTION)
    more = [
        Event(**{**{name: getattr(e, name) for name in e.__struct_fields__}, "event_id": f"v{number}"})
        for number, e in enumerate(stream(9_100, seed)[9_000:])
    ]
    calm = Shard(retention=10**12)
    taken(calm, events)
    assert agree(taken(again, more, 9_000), taken(calm, more, 9_000)) == 0


@pytest.mark.usefixtures("eager")
def test_a_record_behind_the_floor_gets_no_window_that_would_be_wrong() -> None:
    start = 1_700_000_000_000
    shard = Shard(retention=RETENTION)
    for begin in range(0, 4_000, 100):
        shard.take([order(n, start + n) for n in range(begin, begin + 100)], begin)
        shard.windows.checkpoint()
    (late,) = shard.take([order(9_999, start + 10)], 9_999)
    cells = dict(zip([feature.name for feature in PLAN.features], late[2:], strict=True))
    assert cells["count_customer_0"] == "warming"
    assert cells["sum_group_7"] == "warming"
    assert cells["days_since_last_customer_0"] == "warming"
    assert cells["days_since_first_customer_0"] == (0, 10 / 86_400_000)
    assert cells["count_order_0"] is None  # names no order
    (next_,) = shard.take([order(10_000, start + 4_000)], 10_000)
    assert next_[2:][[feature.name for feature in PLAN.features].index("count_customer_0")] == (20, 0.0)


def test_a_feature_that_is_new_in_the_pack_warms_until_the_log_reaches_far_enough() -> None:
    orders = frozenset({EventType.ORDER_PLACED})
    counts = Feature("count", Aggregate.COUNT, orders, Entity.CUSTOMER, None, 50)
    amounts = Feature("sum", Aggregate.SUM, orders, Entity.GROUP, "amount", 50)
    first = Shard(plan=WindowPlan([counts]))
    first.take([order(n, 1_000 + 10 * n) for n in range(10)])
    second = Shard(first.stored(), plan=WindowPlan([counts, amounts]))
    found = second.take([order(10 + n, 1_100 + 10 * n) for n in range(8)], 10)
    assert [one[2] for one in found] == [(5, 0.0)] * 8  # known all along
    assert [one[3] for one in found] == ["warming"] * 4 + [(500, 0.0)] * 4
    # A wider window over what was kept is there at once.
    wide = Feature("wide", Aggregate.COUNT, orders, Entity.CUSTOMER, None, 10**6)
    third = Shard(second.stored(), plan=WindowPlan([wide, counts, amounts]))
    (seen,) = third.take([order(99, 1_180)], 99)
    assert seen[2:] == ((19, 0.0), (5, 0.0), (500, 0.0))


@settings(max_examples=40, deadline=None)
@given(streams(), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(1, 30))
def test_another_plan_in_the_midst_is_as_after_a_restart(
    events: list[Event], crash: int, saved: int, change: int, kept: int
) -> None:
    """Also while messages come again after a crash, and whatever the two plans share goes on undisturbed."""
    crash, place = min(crash, len(events)), min(saved, crash, len(events))
    first = Shard(plan=WindowPlan(PLAN.features[:kept]))
    seen = taken(first, events[:crash], size=7)
    records = sum(one[0] == FRESH for one in seen[:place])
    restarted = Shard(first.stored(), records)
    changed = Shard(first.stored(), records, plan=WindowPlan(PLAN.features[kept:]))
    change = min(place + change, len(events))
    wanted = taken(restarted, events[place:change], place, size=5)
    found = taken(changed, events[place:change], place, size=5)
    assert [one[:2] for one in found] == [one[:2] for one in wanted]
    changed.follow(PLAN)
    wanted = taken(restarted, events[change:], change, size=5)
    found = taken(changed, events[change:], change, size=5)
    assert [one[:2] for one in found] == [one[:2] for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        for name, cell, right in zip(PLAN.features, one[2:], other[2:], strict=True):
            assert cell in (right, "warming"), name
            if name in PLAN.features[kept:]:
                assert right in (cell, "warming"), name


def test_a_log_that_holds_an_event_twice_is_refused() -> None:
    shard = Shard()
    shard.take([order(1, 5)])
    stored = shard.stored()
    doubled = stored.__class__(stored.mark, 2, b"", [*stored.blocks, *stored.blocks], stored.schemas)
    with pytest.raises(WindowError, match=r"shard 3: the log holds an event twice; rebuild the windows"):
        Shard(doubled)


def test_memory_held_is_told() -> None:
    shard = Shard()
    before = shard.windows.bytes
    taken(shard, stream(5_000))
    assert shard.windows.bytes > before + 5_000 * 50
    assert shard.windows.log.stored_bytes > 0
    assert len(features()) == len(PLAN.features)
