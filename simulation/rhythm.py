"""When trade happens: hours of the day, days of the week and the end of the month, in Shanghai time."""

from datetime import date, datetime, timedelta, timezone
from functools import cache

import numpy as np
import numpy.typing as npt

from events.clock import DAY, HOUR, MINUTE, milliseconds, moment
from simulation.dice import Dice

SHANGHAI = timezone(timedelta(hours=8))  # without summer time since 1991
_OFFSET = 8 * HOUR

_WEEKDAYS = (1.0, 1.05, 1.05, 1.0, 0.95, 0.35, 0.2)  # Monday first
_CLOSING_DAYS = 3  # the last days of a month, when quotas are filled
_CLOSING = 1.7
_OPENING = 0.85  # and the first ones, when everybody has just bought

# Orders by hour of the day, in percent: almost none at night, a dip at lunch, little in the evening.
_HOURS = (
    *(0.05, 0.03, 0.02, 0.02, 0.03, 0.08, 0.4, 1.5),
    *(6.0, 12.0, 13.0, 10.5, 4.0, 6.5, 12.0, 12.0),
    *(10.0, 6.5, 2.5, 1.2, 0.8, 0.5, 0.25, 0.12),
)
_CUMULATIVE = np.cumsum(_HOURS) / sum(_HOURS)

_OPENS, _CLOSES = 8, 20  # hours of warehouses and offices


def midnight(day: date) -> int:
    """Epoch milliseconds of the first moment of `day` in Shanghai."""
    return milliseconds(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI))


def day_factor(day: date) -> float:
    """Trade of `day` as a multiple of an ordinary Monday's."""
    factor = _WEEKDAYS[day.weekday()]
    if (day + timedelta(days=_CLOSING_DAYS)).month != day.month:
        return factor * _CLOSING
    return factor * _OPENING if day.day <= _CLOSING_DAYS else factor


def order_times(dice: Dice, start: int, count: int) -> npt.NDArray[np.int64]:
    """Moments of `count` orders of the day that begins at `start`, shape (count,), unsorted."""
    hours = np.searchsorted(_CUMULATIVE, dice.numpy.random(count), side="right")
    within = dice.numpy.integers(0, HOUR, count)
    times: npt.NDArray[np.int64] = start + hours.astype(np.int64) * HOUR + within
    return times


def in_working_hours(at: int, dice: Dice) -> int:
    """`at`, or where nobody works then, some moment soon after the next opening."""
    hour = (at + _OFFSET) % DAY // HOUR
    if _OPENS <= hour < _CLOSES:
        return at
    opening = at - (at + _OFFSET) % DAY + _OPENS * HOUR + (DAY if hour >= _CLOSES else 0)
    return opening + int(dice.uniform() * 90 * MINUTE)


def after_working_days(at: int, days: float, dice: Dice) -> int:
    """The moment `days` working days (Monday to Friday) after `at`, in working hours."""
    later = at
    for _ in range(int(days)):
        later = _skip_weekend(later + DAY)
    return in_working_hours(_skip_weekend(later + int((days - int(days)) * DAY)), dice)


def _skip_weekend(at: int) -> int:
    while (at + _OFFSET) // DAY % 7 in _WEEKEND:
        at += DAY
    return at


_WEEKEND = frozenset({2, 3})  # day 0 of the epoch was a Thursday


@cache
def _minute_stamp(minute: int) -> str:
    return f"{moment(minute * MINUTE).astimezone(SHANGHAI):%y%m%d%H%M}"


def minute_stamp(at: int) -> str:
    """The minute of `at` as document numbers carry it.

    >>> minute_stamp(0)
    '7001010800'
    """
    return _minute_stamp(at // MINUTE)
