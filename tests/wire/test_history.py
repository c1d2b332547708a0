"""Which messages a rebuild reads, and since when its windows are complete."""

import numpy as np
import pytest

from events.clock import DAY, HOUR, MINUTE
from tests.wire.making import NOON
from wire.errors import WireError
from wire.history import SAMPLE, Completeness, HistoryBatch, Stretch, cut_sources, stretch
from wire.messages import RawBatch


def history(*places: tuple[str, int]) -> HistoryBatch:
    """Messages of some sources with the times at which they were produced."""
    n = len(places)
    raw = RawBatch(0, [b"x"] * n, [source for source, _ in places], np.arange(n), NOON)
    return HistoryBatch(raw, np.array([stamp for _, stamp in places], np.int64))


def noted(found: Completeness, *events: tuple[str, int, int]) -> Completeness:
    """Take note of events: source, time of production, time of the event."""
    batch = history(*((source, produced) for source, produced, _ in events))
    found.note(batch, np.arange(len(events)), np.array([time for _, _, time in events], np.int64))
    return found


def test_from_the_beginning_all_that_is_there_is_read() -> None:
    assert stretch("orders:0", 0, None, 500) == Stretch(0, 500)
    assert stretch("orders:0", 120, None, 500) == Stretch(120, 500)
    assert stretch("orders:0", 0, None, 0) == Stretch(0, 0)


def test_from_a_time_on_some_messages_from_before_it_are_read_too() -> None:
    assert stretch("orders:0", 0, 300, 500) == Stretch(300 - SAMPLE, 500)
    assert stretch("orders:0", 0, 60, 500) == Stretch(0, 500)
    assert stretch("orders:0", 250, 300, 500) == Stretch(250, 500)
    assert stretch("orders:0", 0, 9_000, 500) == Stretch(500 - SAMPLE, 500)  # behind what the run has read


def test_messages_that_are_gone_before_they_were_read_are_told() -> None:
    with pytest.raises(WireError) as caught:
        stretch("orders:3", 501, None, 500)
    assert str(caught.value) == (
        "Kafka: `orders:3` begins at offset 501, and the run had read up to 500: messages were deleted "
        "before they were read, so it can't go on; delete the recovery directory to start anew"
    )


def test_a_partition_is_cut_when_something_before_it_is_left_out() -> None:
    lanes = {0: {"orders": Stretch(0, 5), "shipments": Stretch(4, 5)}, 1: {"orders": Stretch(2, 2)}}
    assert cut_sources(lanes) == {"shipments:0", "orders:1"}


def test_nothing_is_missing_when_nothing_is_left_out() -> None:
    assert noted(Completeness(None, frozenset()), ("o:0", NOON, NOON)).complete_from(NOON + DAY) is None


def test_what_was_asked_for_counts_also_when_more_was_read() -> None:
    found = noted(Completeness(NOON, frozenset()), ("o:0", NOON - DAY, NOON + HOUR))
    assert found.complete_from(NOON + DAY) == NOON


def test_the_first_message_that_is_left_of_each_partition_counts() -> None:
    found = Completeness(None, frozenset({"o:0", "s:0"}))
    noted(found, ("o:0", NOON, NOON), ("s:0", NOON + 7, NOON), ("p:0", NOON + HOUR, NOON))
    noted(found, ("o:0", NOON + DAY, NOON), ("s:0", NOON + DAY, NOON))
    assert found.complete_from(NOON + DAY) == NOON + 7


def test_a_time_asked_for_counts_when_more_is_left() -> None:
    cut = frozenset({"o:0"})
    assert noted(Completeness(NOON, cut), ("o:0", NOON - 5, NOON - 9)).complete_from(NOON + DAY) == NOON
    assert noted(Completeness(NOON, cut), ("o:0", NOON + 5, NOON - 9)).complete_from(NOON + DAY) == NOON + 5


def test_a_partition_of_which_nothing_is_left_is_complete_from_now_on() -> None:
    found = noted(Completeness(NOON, frozenset({"o:0", "s:0"})), ("o:0", NOON, NOON))
    assert found.complete_from(NOON + DAY) == NOON + DAY
    untimed = noted(Completeness(NOON, frozenset({"o:0"})), ("o:0", -1, NOON))
    assert untimed.complete_from(NOON + DAY) == NOON + DAY


@pytest.mark.parametrize(("lead", "added"), [(0, 0), (1, 1), (59_999, 1), (MINUTE, 1), (8 * HOUR, 480)])
def test_events_that_lie_ahead_of_their_messages_move_it_on(lead: int, added: int) -> None:
    found = Completeness(NOON, frozenset({"o:0"}))
    noted(
        found, *(("o:0", NOON + n, NOON + n - DAY) for n in range(50)), ("o:0", NOON + 60, NOON + 60 + lead)
    )
    assert found.complete_from(NOON + DAY) == NOON + added * MINUTE


def test_an_event_may_lie_ahead_of_a_later_message() -> None:
    found = Completeness(NOON, frozenset({"o:0"}))
    # The messages of two senders come in another order than they were produced in.
    late, early = ("o:0", NOON + 2 * MINUTE, NOON + 2 * MINUTE), ("o:0", NOON, NOON)
    noted(found, early, late, ("s:0", NOON, NOON), early)
    assert found.complete_from(NOON + DAY) == NOON + 2 * MINUTE


def test_a_few_wrong_times_do_not_hide_everything_but_a_wrong_clock_counts() -> None:
    found = Completeness(NOON, frozenset({"o:0"}))
    noted(found, *(("o:0", NOON + n, NOON + n) for n in range(50)), ("o:0", NOON + 60, NOON + 900 * DAY))
    assert found.complete_from(NOON + DAY) == NOON
    ahead = Completeness(NOON, frozenset({"o:0"}))
    noted(ahead, *(("o:0", NOON + n, NOON + n + 30 * DAY) for n in range(50)))
    assert ahead.complete_from(NOON + DAY) == NOON + 30 * DAY


def test_dead_letters_and_messages_without_a_time_say_nothing() -> None:
    found = Completeness(NOON, frozenset({"o:0"}))
    batch = history(("o:0", NOON), ("o:0", NOON), ("o:0", -1), ("o:0", NOON + 1))
    found.note(batch, np.array([0, 3]), np.array([NOON, NOON], np.int64))
    assert found.complete_from(NOON + DAY) == NOON
