"""Times: UTC milliseconds inside, RFC 3339 outside, over all years that an event may name."""

import time
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.clock import EARLIEST, LATEST, milliseconds, moment, rfc3339, rfc3339_column, wall_clock

TIMES = st.integers(EARLIEST, LATEST)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (EARLIEST, "0001-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_001, "2000-02-29T00:00:00.001Z"),
        (LATEST, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_texts_are_rfc_3339_with_milliseconds(ms: int, text: str) -> None:
    assert rfc3339(ms) == text
    assert rfc3339_column(np.array([ms])) == [text]


@given(TIMES)
def test_a_text_means_the_same_moment(ms: int) -> None:
    text = rfc3339(ms)
    assert milliseconds(datetime.fromisoformat(text)) == ms
    assert milliseconds(moment(ms)) == ms
    assert rfc3339_column(np.array([ms, 0]))[0] == text


def test_milliseconds_are_rounded_down_on_both_sides_of_1970() -> None:
    micro = timedelta(microseconds=1)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert [milliseconds(epoch + n * micro) for n in (-1, 0, 999, 1_000)] == [-1, 0, 0, 1]
    assert milliseconds(datetime(1970, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))) == 0


def test_an_empty_column_has_no_texts() -> None:
    assert rfc3339_column(np.array([], np.int64)) == []


def test_the_wall_clock_is_the_machines() -> None:
    assert abs(wall_clock() - time.time() * 1000) < 5_000
