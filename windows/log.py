"""The log of one group: its accepted events in order, rebuilt from stored bytes at any time.

What is stored is a journal of deliveries. Which of them counts is decided on reading, always alike: the
first record of an event id is the event, a later one from the same place is the same delivery again, one from
another place is a duplicate. So a record that is written twice, by a retry or by a worker left over from
before a restart, changes nothing.
"""

import numpy as np

from windows.plan import WindowPlan
from windows.profile import Profile, ProfileChange
from windows.record import Records

NEVER = np.iinfo(np.int64).min


class GroupLog:
    """Accepted events of one group.

    Args:
        plan: layout of the records.
    """

    def __init__(self, plan: WindowPlan) -> None:
        self._rows: Records = np.zeros(4, plan.record)
        self._newest = np.full(4, NEVER, np.int64)
        self._index: dict[bytes, int] = {}
        self._profiles: dict[int, Profile] = {}
        self._size = 0
        self.stored = 0
        """Bytes of the stored journal that this log reflects."""
        self.stored_profile = 0
        """Bytes of the stored profile changes that this log reflects."""

    def __len__(self) -> int:
        return self._size

    @property
    def accepted(self) -> Records:
        """The accepted records in order, shape (len(self),)."""
        return self._rows[: self._size]

    @property
    def memory(self) -> int:
        """Approximate bytes held."""
        return self._rows.nbytes + self._newest.nbytes + 150 * len(self._index)

    def newest_before(self, record: int) -> int:
        """Newest event time accepted before number `record`, NEVER for the first."""
        return int(self._newest[record])

    def find(self, key: bytes) -> int | None:
        """Number of the accepted event with this 16-byte id, None if there is none."""
        return self._index.get(key)

    def is_same_delivery(self, record: int, row: np.void) -> bool:
        """True when `row` came from the same source and offset as the accepted event."""
        known = self._rows[record]
        return bool(known["source"] == row["source"] and known["offset"] == row["offset"])

    def absorb(self, rows: Records) -> None:
        """Accept, in order, every row whose event id is not known yet."""
        index, size = self._index, self._size
        fresh: list[int] = []
        for place, key in enumerate(rows["id"].tolist()):
            if key not in index:
                index[key] = size + len(fresh)
                fresh.append(place)
        if not fresh:
            return
        end = size + len(fresh)
        self._grow(end)
        self._rows[size:end] = rows if len(fresh) == len(rows) else rows[fresh]
        # Newest before a record: of the newest before its predecessor, and the predecessor.
        times = self._rows["occurred_at"]
        start = (self._newest[size - 1], times[size - 1]) if size else (NEVER,)
        seen = np.concatenate((np.array(start, np.int64), times[size : end - 1]))
        self._newest[size:end] = np.maximum.accumulate(seen)[-len(fresh) :]
        self._size = end

    def _grow(self, end: int) -> None:
        if end > len(self._rows):
            room = max(end, 2 * len(self._rows))
            rows, newest = np.zeros(room, self._rows.dtype), np.full(room, NEVER, np.int64)
            rows[: self._size] = self._rows[: self._size]
            newest[: self._size] = self._newest[: self._size]
            self._rows, self._newest = rows, newest

    def absorb_profile(self, changes: list[ProfileChange]) -> None:
        """Take profile changes whose events are accepted; a change seen before is left out."""
        for change in changes:
            number = self._index.get(change.key)
            if number is not None:
                self._profiles.setdefault(change.customer, Profile()).accept(number, change)

    def profile(self, customer: int, record: int) -> dict[str, bool | int | float | str]:
        """The customer's profile as the event accepted as number `record` sees it."""
        known = self._profiles.get(customer)
        return known.before(record) if known is not None else {}
