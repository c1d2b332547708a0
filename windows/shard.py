"""The windows of one shard: takes batches of its events, keeps the journal, answers with features."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from events.columns import Bools, Column, EventBatch, Int64s, Kind, attribute_column
from events.event import MAX_AMOUNT, Attribute, EventType
from windows.evaluate import Query, evaluate
from windows.journal import Append, Journal
from windows.log import NEVER, GroupLog
from windows.plan import WindowPlan
from windows.profile import ProfileChange, pack, unpack
from windows.record import Records, decode, encode


class ProfileColumns:
    """The profile that each event of a batch sees, read column by column."""

    def __init__(self, profiles: list[dict[str, Attribute]]) -> None:
        self._profiles = profiles

    def column(self, name: str, kind: Kind) -> Column:
        """The values of `profile.<name>`, shape (n,); NULL where none was given or it is of another kind."""
        column = attribute_column([profile.get(name) for profile in self._profiles], kind)
        if kind is not Kind.MONEY:
            return column
        fen = np.rint(column.values)
        fits = np.isfinite(fen) & (np.abs(fen) <= MAX_AMOUNT)
        return Column(np.where(fits, fen, 0).astype(np.int64), column.valid & fits, kind)


@dataclass(frozen=True)
class WindowedBatch:
    """Events to decide, with what their windows held when they were accepted.

    Args:
        batch: the events that get a decision, n of them.
        features: one column of shape (n,) for every feature of the plan; empty when degraded.
        profiles: the customers' profiles.
        late: events that came later than the lateness, shape (n,).
        repeated: events that had been accepted by an earlier delivery of the same message, shape (n,).
        duplicates: rows (of the source batch) that are duplicates.
        degraded: True when the windows could not be read.
    """

    batch: EventBatch
    features: Mapping[str, Column]
    profiles: ProfileColumns
    late: Bools
    repeated: Bools
    duplicates: Int64s
    degraded: bool = False


@dataclass(slots=True)
class _Work:
    """What one group needs of a batch; the log's records from number `own` on were appended for it."""

    log: GroupLog
    rows: list[int]
    fresh: list[int]
    changes: list[ProfileChange]
    resident: bool
    own: int


class ShardWindows:
    """Windows of the groups of one shard.

    1. Encode the events; leave out those that the group's log already has.
    2. Append the rest to the journals in one call, which also brings what is stored but not loaded.
    3. Absorb: the log now holds every accepted event in its order of acceptance.
    4. Tell duplicates from decided events, and evaluate all features as of each event's place in the log.

    Args:
        plan: the features.
        journal: store of this shard's journals.
        lateness: milliseconds after which a late event is marked.
        memory: bytes of logs to keep loaded between batches.
    """

    def __init__(self, plan: WindowPlan, journal: Journal, lateness: int, memory: int) -> None:
        self._plan = plan
        self._journal = journal
        self._lateness = lateness
        self._memory = memory
        self._held = 0
        self._logs: OrderedDict[str, GroupLog] = OrderedDict()

    @property
    def loaded_bytes(self) -> int:
        """Approximate memory of the logs that are loaded."""
        return self._held

    def process(self, batch: EventBatch) -> WindowedBatch:
        """Accept the events of a batch and give their features.

        Raises:
            StoreUnavailableError: nothing was accepted for certain; send the batch again later.
            WindowsLostError: the store lost data.
        """
        records = encode(self._plan, batch)
        keys: list[bytes] = records["id"].tolist()
        works = self._sort_out(batch, records, keys)
        self._append(works, records)
        return self._answer(batch, works, records, keys)

    def _sort_out(self, batch: EventBatch, records: Records, keys: list[bytes]) -> dict[str, _Work]:
        works: dict[str, _Work] = {}
        seen: set[tuple[str, bytes]] = set()
        for row, group in enumerate(batch.groups):
            work = works.get(group)
            if work is None:
                resident = group in self._logs
                log = self._logs[group] if resident else GroupLog(self._plan)
                work = works[group] = _Work(log, [], [], [], resident, len(log))
            work.rows.append(row)
            key = keys[row]
            if (group, key) in seen or work.log.find(key) is not None:
                continue
            seen.add((group, key))
            work.fresh.append(row)
            event = batch.events[row]
            if event.type is EventType.CUSTOMER_CHANGED and event.attributes:
                customer = int(records["customer"][row])
                change = ProfileChange(key, customer, int(batch.occurred_at[row]), event.attributes)
                work.changes.append(change)
        return works

    def _append(self, works: dict[str, _Work], records: Records) -> None:
        appends: list[Append] = []
        for group, work in works.items():
            if work.fresh or not work.resident:
                appends.append(Append(f"e:{group}", work.log.stored, records[work.fresh].tobytes()))
            if work.changes or not work.resident:
                data = b"".join(map(pack, work.changes))
                appends.append(Append(f"p:{group}", work.log.stored_profile, data))
        answers = iter(self._journal.append(appends) if appends else [])
        for group, work in works.items():
            log = work.log
            before = log.memory if work.resident else 0
            if work.fresh or not work.resident:
                foreign = next(answers)
                log.absorb(decode(self._plan, foreign))
                work.own = len(log)
                log.absorb(records[work.fresh])
                log.stored += len(foreign) + len(work.fresh) * self._plan.record.itemsize
            if work.changes or not work.resident:
                foreign = next(answers)
                log.absorb_profile(unpack(foreign))
                log.absorb_profile(work.changes)
                log.stored_profile += len(foreign) + sum(len(pack(change)) for change in work.changes)
            self._logs[group] = log
            self._logs.move_to_end(group)
            self._held += log.memory - before

    def _answer(
        self, batch: EventBatch, works: dict[str, _Work], records: Records, keys: list[bytes]
    ) -> WindowedBatch:
        n = len(batch)
        group_of, number = np.zeros(n, np.int64), np.full(n, -1, np.int64)
        late, repeated = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        profiles: list[dict[str, Attribute]] = [{}] * n
        times, customers = batch.occurred_at.tolist(), records["customer"].tolist()
        for place, work in enumerate(works.values()):
            log, fresh = work.log, set(work.fresh)
            for row in work.rows:
                found = log.find(keys[row])
                if found is None:
                    continue
                is_new = found >= work.own and row in fresh
                if not is_new and not log.is_same_delivery(found, records[row]):
                    continue
                group_of[row], number[row] = place, found
                repeated[row] = not is_new
                newest = log.newest_before(found)
                late[row] = newest != NEVER and times[row] < newest - self._lateness
                profiles[row] = log.profile(customers[row], found)
        decided = np.flatnonzero(number >= 0)
        logs = [work.log.accepted for work in works.values()]
        features = evaluate(self._plan, logs, Query(group_of[decided], number[decided]))
        self._evict()
        return WindowedBatch(
            batch=batch.take(decided),
            features=features,
            profiles=ProfileColumns([profiles[row] for row in decided.tolist()]),
            late=late[decided],
            repeated=repeated[decided],
            duplicates=batch.rows[np.flatnonzero(number < 0)],
        )

    def _evict(self) -> None:
        while self._held > self._memory and len(self._logs) > 1:
            _, log = self._logs.popitem(last=False)
            self._held -= log.memory


def without_windows(batch: EventBatch) -> WindowedBatch:
    """The batch as it is judged while the store is away: no features, no profile, no duplicate known."""
    nothing = np.zeros(len(batch), np.bool_)
    return WindowedBatch(
        batch, {}, ProfileColumns([{}] * len(batch)), nothing, nothing, np.zeros(0, np.int64), degraded=True
    )
