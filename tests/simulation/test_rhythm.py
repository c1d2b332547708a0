from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from events.clock import milliseconds
from simulation.dice import Dice
from simulation.rhythm import SHANGHAI, after_working_days, day_factor, in_working_hours
from tests.simulation.rulebook import DAY, hour_of, moment_of
from tests.simulation.run import Run


def shanghai(text: str) -> int:
    return milliseconds(datetime.fromisoformat(f"{text}+08:00"))


def ordered_hours(run: Run) -> Counter[int]:
    return Counter(hour_of(moment_of(event)) for event in run.events if event["type"] == "order.placed")


def test_trade_follows_the_business_day(run: Run) -> None:
    hours = ordered_hours(run)
    total = hours.total()
    assert sum(hours[hour] for hour in range(8, 18)) > 0.85 * total
    assert sum(hours[hour] for hour in range(5)) < 0.01 * total


def test_lunch_is_a_dip(run: Run) -> None:
    hours = ordered_hours(run)
    assert hours[12] < 0.6 * min(hours[11], hours[14])


def test_weekends_are_low(run: Run) -> None:
    days = Counter(
        datetime.fromtimestamp(moment_of(event) / 1_000, SHANGHAI).weekday()
        for event in run.events
        if event["type"] == "order.placed"
    )
    assert max(days[5], days[6]) < 0.5 * min(days[weekday] for weekday in range(5))


def test_months_end_with_a_peak() -> None:
    last, ordinary, first = date(2026, 3, 31), date(2026, 3, 17), date(2026, 4, 7)  # all Tuesdays
    assert day_factor(last) > 1.5 * day_factor(ordinary)
    assert day_factor(ordinary) == day_factor(first)
    assert day_factor(date(2026, 4, 1)) < day_factor(date(2026, 4, 8))
    february = [date(2026, 2, 1) + timedelta(days=day) for day in range(28)]
    peaks = [
        day.day for day in february if day_factor(day) > 1.5 * day_factor(day.replace(day=day.weekday() + 9))
    ]
    assert peaks == [26, 27, 28]


@pytest.mark.parametrize(
    ("at", "earliest", "latest"),
    [
        ("2026-03-02T10:15:00", "2026-03-02T10:15:00", "2026-03-02T10:15:00"),
        ("2026-03-02T05:00:00", "2026-03-02T08:00:00", "2026-03-02T09:30:00"),
        ("2026-03-02T20:00:00", "2026-03-03T08:00:00", "2026-03-03T09:30:00"),
    ],
)
def test_work_waits_for_the_opening(at: str, earliest: str, latest: str) -> None:
    moved = in_working_hours(shanghai(at), Dice(1, "test"))
    assert shanghai(earliest) <= moved <= shanghai(latest)


def test_working_days_skip_the_weekend() -> None:
    friday = shanghai("2026-03-06T10:00:00")
    assert after_working_days(friday, 1.0, Dice(1, "test")) == friday + 3 * DAY
    assert after_working_days(friday, 6.0, Dice(1, "test")) == friday + 10 * DAY
