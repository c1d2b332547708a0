"""Deadlines: told when an expected event is absent, and taken back when it comes after all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from events.clock import DAY, HOUR, MINUTE
from events.event import EventType
from rules.decision import Tier
from rules.pack import Pack
from rules.suppression import Suppression, Suppressions
from rules.wait import LEAST
from rules.waiting import Answered, Duties, Missed, Waiting
from rules.watermark import passing
from tests.rules.making import NOON, batch
from tests.rules.waits import CANCELLED, CONFIRMED, PLACED, Step, brief, events_of, pack_with, plainly, told

LATER = [Step(NOON + 3 * HOUR, CONFIRMED, f"X{number}") for number in range(3)]
"""Three events of other orders that move the clock on by hours."""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return pack_with(tmp_path_factory.mktemp("pack"))


def test_absence_is_told_once_the_clock_has_passed(pack: Pack) -> None:
    (missed,) = told(pack, [Step(NOON, PLACED, "A"), *LATER], [])
    assert isinstance(missed, Missed)
    assert (missed.deadline.name, missed.wait.order) == ("confirm", "A")
    assert (missed.wait.due, missed.wait.event_id, missed.wait.pack) == (
        NOON + 10 * MINUTE,
        "event-0",
        "small@3",
    )


def test_a_suppression_covers_what_is_missed(pack: Pack) -> None:
    (group,) = set(batch(*events_of([Step(NOON, PLACED, "A")])).groups)
    held = Suppression(
        suppression_id="s",
        group=group,
        rule="confirm",
        tier=Tier.HIGH,
        starts_at=NOON,
        expires_at=NOON + HOUR,
    )
    steps = [Step(NOON, PLACED, "A"), *LATER]
    part = batch(*events_of(steps))
    for suppression, covered in ((held, True), (replace(held, expires_at=NOON + MINUTE), False)):
        duties = Duties(pack.deadlines, pack.id, Suppressions([suppression]))
        found = Waiting(duties).take(
            part,
            np.arange(len(part)),
            duties.concern(part),
            passing(part.occurred_at, ["0"] * len(part), None),
        )
        assert [one.suppressed for one in found if isinstance(one, Missed)] == [covered]


@pytest.mark.parametrize("kind", [CONFIRMED, CANCELLED])
def test_any_of_the_expected_events_ends_the_wait(pack: Pack, kind: EventType) -> None:
    steps = [Step(NOON, PLACED, "A"), Step(NOON + 9 * MINUTE, kind, "A"), *LATER]
    assert told(pack, steps, []) == []


def test_another_order_does_not_end_it(pack: Pack) -> None:
    steps = [Step(NOON, PLACED, "A"), Step(NOON + MINUTE, CONFIRMED, "B"), *LATER]
    assert brief(told(pack, steps, [])) == {("A", "missed", None)}


def test_one_event_far_ahead_does_not_move_the_clock(pack: Pack) -> None:
    ahead = [Step(NOON + 400 * DAY, PLACED, "X"), Step(NOON + 400 * DAY, PLACED, "Y")]
    steps = [Step(NOON, PLACED, "A"), *ahead, Step(NOON + MINUTE, CONFIRMED, "A")]
    assert told(pack, steps, []) == []


def test_times_from_the_future_do_not_count(pack: Pack) -> None:
    duties = Duties(pack.deadlines, pack.id)
    waiting = Waiting(duties)
    part = batch(
        *events_of([Step(NOON, PLACED, "A"), *[Step(NOON + DAY, CONFIRMED, f"X{n}") for n in range(5)]])
    )
    rows, concern = np.arange(len(part)), duties.concern(part)
    assert waiting.take(part, rows, concern, passing(part.occurred_at, ["0"] * 6, NOON + MINUTE)) == []


def test_late_confirmation_takes_it_back(pack: Pack) -> None:
    steps = [Step(NOON, PLACED, "A"), *LATER, Step(NOON + 40 * MINUTE, CONFIRMED, "A")]
    missed, answered = told(pack, steps, [])
    assert isinstance(missed, Missed)
    assert isinstance(answered, Answered)
    assert (answered.event_id, answered.at, answered.in_time) == ("event-4", NOON + 40 * MINUTE, False)


def test_late_message_of_a_confirmation_in_time_takes_it_back(pack: Pack) -> None:
    steps = [Step(NOON, PLACED, "A"), *LATER, Step(NOON + 10 * MINUTE, CONFIRMED, "A")]
    assert brief(told(pack, steps, [2, 3])) == {("A", "missed", None), ("A", "answered", True)}


def test_confirmation_that_arrives_before_its_order_counts(pack: Pack) -> None:
    assert told(pack, [Step(NOON + MINUTE, CONFIRMED, "A"), Step(NOON, PLACED, "A"), *LATER], [1]) == []
    late = [Step(NOON + HOUR, CONFIRMED, "A"), Step(NOON, PLACED, "A"), *LATER]
    assert brief(told(pack, late, [1])) == {("A", "missed", None), ("A", "answered", False)}


def test_silence_lets_the_wall_clock_go_on(pack: Pack) -> None:
    duties = Duties(pack.deadlines, pack.id)
    waiting = Waiting(duties)
    part = batch(*events_of([Step(NOON, PLACED, "A")]))
    rows, concern = np.arange(1), duties.concern(part)
    assert waiting.take(part, rows, concern, passing(part.occurred_at, ["0"], None)) == []
    nothing = part.take(np.zeros(0, np.int64))

    def silence(lane: str, length: int) -> list[object]:
        still = passing(nothing.occurred_at, [], None, {lane: length})
        return list(waiting.take(nothing, np.zeros(0, np.int64), duties.concern(nothing), still))

    assert silence("0", 10 * MINUTE) == []
    assert silence("1", DAY) == []  # another lane's silence says nothing
    (missed,) = silence("0", MINUTE)
    assert isinstance(missed, Missed)
    assert silence("0", DAY) == []


def test_each_lane_has_its_own_clock(pack: Pack) -> None:
    other = [step._replace(lane="1") for step in LATER]
    assert told(pack, [Step(NOON, PLACED, "A"), *other], []) == []


def test_what_a_cut_run_may_have_told_is_taken_back(pack: Pack) -> None:
    # The clock on the wall may have told it as missed after the state was saved.
    steps = [Step(NOON, PLACED, "A"), Step(NOON + 2 * MINUTE, CONFIRMED, "A")]
    assert brief(told(pack, steps, [1], frozenset({0}))) == {("A", "answered", True)}


def test_many_waits_that_ended_leave_nothing(pack: Pack) -> None:
    duties = Duties(pack.deadlines, pack.id)
    waiting = Waiting(duties)
    for begin in range(0, 8 * LEAST, LEAST):
        steps = [
            Step(NOON + begin, kind, f"O{begin + number}")
            for number in range(LEAST)
            for kind in (PLACED, CONFIRMED)
        ]
        part = batch(*events_of(steps))
        clocks = passing(part.occurred_at, ["0"] * len(part), None)
        assert waiting.take(part, np.arange(len(part)), duties.concern(part), clocks) == []
        kept = waiting.kept()
    assert len(waiting) == 0
    assert kept.total <= 2 * LEAST


STEPS = st.lists(
    st.tuples(st.integers(0, 45), st.sampled_from([PLACED, CONFIRMED, CONFIRMED]), st.integers(0, 7)),
    max_size=40,
)


@given(STEPS, st.data())
def test_equals_the_plain_version_however_the_stream_is_cut(
    pack: Pack, drawn: list[tuple[int, EventType, int]], data: st.DataObject
) -> None:
    placed: set[int] = set()
    steps = []
    for minute, kind, order in drawn:
        if kind is PLACED and order in placed:
            continue
        placed |= {order} if kind is PLACED else set()
        steps.append(Step(NOON + minute * MINUTE, kind, f"O{order}", str(order % 2)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(steps)), max_size=5)))
    expected = plainly(steps)
    whole = told(pack, steps, [])
    assert brief(whole) == expected
    assert brief(told(pack, steps, cuts)) == expected
    restarted = brief(told(pack, steps, cuts, frozenset(range(len(cuts)))))
    assert {one for one in restarted if one[1] == "missed"} == {one for one in expected if one[1] == "missed"}
    assert expected <= restarted
