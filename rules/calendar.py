"""The Chinese working calendar: official holidays, and the weekends that are worked for them (调休).

The days come from the package `holidays`. The State Council announces a year's exchanged days late in the
year before; for years that the package does not know yet, weekends and statutory holidays are days of rest.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
import numpy as np

from events.clock import milliseconds
from events.columns import Bools, Int64s
from rules.local_time import LocalTime

_EPOCH = date(1970, 1, 1)
_LAST = (date.max - _EPOCH).days - 366


class WorkingDays:
    """Working days by the local time of one timezone.

    Args:
        local_time: whose days are meant.
    """

    def __init__(self, local_time: LocalTime) -> None:
        self._local_time = local_time
        self._zone = ZoneInfo(local_time.name)
        self._china = holidays.country_holidays("CN")
        self._works = lru_cache(maxsize=4096)(self._is_working)

    def workdays(self, occurred_at: Int64s) -> Bools:
        """Whether each moment lies on a working day, shape (n,)."""
        days, places = np.unique(self._local_time.days(occurred_at), return_inverse=True)
        works = np.fromiter((self._works(day) for day in days.tolist()), np.bool_, len(days))
        return works[places]

    def due(self, start: int, days: int) -> int:
        """The end of the last of some working days after the day of a moment, which itself does not count.

        Args:
            start: epoch milliseconds.
            days: how many, at least 1.

        Returns:
            epoch milliseconds of the midnight behind it.
        """
        day = int(self._local_time.days(np.array([start], np.int64))[0])
        while days:
            day += 1
            days -= self._works(day) or day >= _LAST
        return milliseconds(datetime.combine(_date(day + 1), time(), self._zone))

    def _is_working(self, day: int) -> bool:
        return bool(self._china.is_working_day(_date(day)))


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=min(day, _LAST))


@lru_cache(maxsize=64)
def working_days(local_time: LocalTime) -> WorkingDays:
    """The working days of a local time, made once."""
    return WorkingDays(local_time)
