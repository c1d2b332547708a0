"""Local time of a pack's timezone: hour and weekday of event times, column by column."""

from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from events.clock import DAY, HOUR, moment
from events.columns import Int64s

_FIRST, _LAST = -62_000_000_000_000, 253_300_000_000_000  # beyond them local time would leave the calendar
_MONDAY = 3  # 1 January 1970 was a Thursday


class LocalTime:
    """Local time of one timezone.

    Args:
        name: IANA name of the timezone.

    Raises:
        ZoneInfoNotFoundError: there is no such timezone.
        ValueError: the name is not one.
    """

    def __init__(self, name: str) -> None:
        zone = ZoneInfo(name)

        def offset(ms: int) -> int:
            shift = moment(min(max(ms, _FIRST), _LAST)).astimezone(zone).utcoffset() or timedelta()
            return shift // timedelta(milliseconds=1)

        @lru_cache(maxsize=4096)
        def of_day(day: int) -> int | None:
            """The offset of a whole day of UTC; None where it changes within it."""
            first, last = offset(day * DAY), offset((day + 1) * DAY - 1)
            return first if first == last else None

        self.name = name
        self._offset = offset
        self._of_day = of_day

    def hours(self, occurred_at: Int64s) -> Int64s:
        """Hour of the day, 0–23."""
        return self._local(occurred_at) % DAY // HOUR

    def weekdays(self, occurred_at: Int64s) -> Int64s:
        """Day of the week, 0 (Monday) – 6 (Sunday)."""
        return (self._local(occurred_at) // DAY + _MONDAY) % 7

    def days(self, occurred_at: Int64s) -> Int64s:
        """Days since 1 January 1970, by the local calendar."""
        return self._local(occurred_at) // DAY

    def _local(self, occurred_at: Int64s) -> Int64s:
        days = occurred_at // DAY
        if (
            len(days)
            and (shift := self._of_day(first := int(days.min()))) is not None
            and first == days.max()
        ):
            return occurred_at + shift  # most batches lie within a day
        days, places = np.unique(days, return_inverse=True)
        shifts = [self._of_day(day) for day in days.tolist()]
        local: Int64s = occurred_at + np.array([shift or 0 for shift in shifts], np.int64)[places]
        for row in np.flatnonzero(np.array([shift is None for shift in shifts], np.bool_)[places]).tolist():
            local[row] += self._offset(int(occurred_at[row]))
        return local
