import json
from collections import Counter

from events.event import Event, EventType
from simulation.arrival import Feed
from simulation.dice import Dice
from tests.simulation.rulebook import DAY, HOUR, moment_of
from tests.simulation.run import Run


def sent(count: int, *, prompt: bool = False, before: int | None = None) -> list[list[int]]:
    """Event times of `count` messages, one per second from noon of the first day, by day of arrival."""
    feed = Feed(Dice(1, "test"), 0, 5)
    for number in range(count):
        at = DAY // 2 + number * 1_000
        event = Event(
            event_id=str(number),
            type=EventType.ORDER_CONFIRMED,
            occurred_at=at,
            subsidiary="SH01",
            customer="K1",
        )
        feed.send(event, at, prompt=prompt, before=None if before is None else at + before)
    return [[json.loads(line)["occurred_at"] for line in feed.release(day)] for day in range(5)]


def behind(times: list[int]) -> list[int]:
    """How far each event lies behind the newest that arrived before it, where by over a minute."""
    newest, found = 0, []
    for at in times:
        if newest - at > 60_000:
            found.append(newest - at)
        newest = max(newest, at)
    return found


def test_some_messages_come_twice(run: Run) -> None:
    extra = Counter(run.sound)
    again = sum(count - 1 for count in extra.values())
    assert 0.003 < again / len(run.sound) < 0.007
    assert len(run.events) == len(run.sound) - again


def test_some_messages_come_minutes_to_days_late(run: Run) -> None:
    late = behind([moment_of(event) for event in run.events])
    assert 0.003 < len(late) / len(run.events) < 0.007
    assert sum(lag > HOUR for lag in late) >= 20
    assert max(late) > 12 * HOUR


def test_the_stream_is_in_the_order_of_arrival_and_not_of_the_events() -> None:
    days = sent(20_000)
    assert [at for day in days for at in day] != sorted(at for day in days for at in day)
    assert len(days[0]) > 19_000
    assert sum(len(day) for day in days[1:]) > 0


def test_a_prompt_message_is_never_late() -> None:
    times = [at for day in sent(20_000, prompt=True) for at in day]
    first = list(dict.fromkeys(times))
    assert behind(first) == []


def test_a_late_message_still_precedes_what_follows_from_it() -> None:
    days = sent(20_000, before=2 * HOUR)
    first = list(dict.fromkeys(at for day in days for at in day))
    lags = behind(first)
    assert len(lags) > 50
    assert max(lags) <= 2 * HOUR


def test_what_arrives_after_the_end_is_left_out() -> None:
    feed = Feed(Dice(1, "test"), 0, 1)
    feed.insert(b"in time", DAY - 1)
    feed.insert(b"too late", DAY)
    assert feed.release(0) == [b"in time"]
    assert len(feed) == 0


def test_no_order_arrives_after_its_first_shipment(run: Run) -> None:
    """Otherwise late messages alone would look like goods that nobody ordered."""
    placed: set[tuple[str, str]] = set()
    orphans = []
    for event in run.events:
        key = event["subsidiary"], event.get("order", "")
        if event["type"] == "order.placed":
            placed.add(key)
        elif event["type"] == "shipment.dispatched" and key not in placed:
            orphans.append(event["event_id"])
    listed = [row["event_id"] for row in run.labels if row["scenario"] == "shipped-without-order"]
    assert sorted(orphans) == sorted(listed)
