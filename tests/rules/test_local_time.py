"""Hours and weekdays are those of the zone, also around changes of its clocks."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.clock import EARLIEST, HOUR, LATEST, MINUTE, milliseconds, moment
from rules.local_time import LocalTime

ZONES = ["Asia/Shanghai", "UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe"]


TIMES = st.integers(-1_893_456_000_000, 3_786_912_000_000)  # 1910 to 2090


@settings(derandomize=True, database=None, deadline=None)
@given(st.sampled_from(ZONES), st.lists(TIMES, min_size=1, max_size=8))
def test_as_the_standard_library_says(zone: str, drawn: list[int]) -> None:
    times = np.array(drawn, np.int64)
    local = [moment(ms).astimezone(ZoneInfo(zone)) for ms in drawn]
    assert LocalTime(zone).hours(times).tolist() == [one.hour for one in local]
    assert LocalTime(zone).weekdays(times).tolist() == [one.weekday() for one in local]


@pytest.mark.parametrize("change", ["2024-03-31T01:00Z", "2024-10-27T01:00Z"])
def test_around_a_change_of_the_clocks(change: str) -> None:
    times = milliseconds(datetime.fromisoformat(change)) + np.arange(
        -5 * HOUR, 5 * HOUR, 7 * MINUTE, dtype=np.int64
    )
    expected = [moment(ms).astimezone(ZoneInfo("Europe/Berlin")).hour for ms in times.tolist()]
    assert LocalTime("Europe/Berlin").hours(times).tolist() == expected


def test_the_edges_of_the_calendar_have_an_hour() -> None:
    for zone in ZONES:
        hours = LocalTime(zone).hours(np.array([EARLIEST, LATEST], np.int64))
        assert ((hours >= 0) & (hours < 24)).all()
    assert LocalTime("Asia/Shanghai").hours(np.array([LATEST], np.int64)).tolist() == [7]
