"""The windows of one worker: all shards that it owns, judged together batch by batch."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from events.columns import Bools, Column, EventBatch, Int64s, Kind
from events.event import EventType
from windows.block import Change
from windows.errors import WindowError
from windows.feature import Aggregate, Feature
from windows.journal import (
    Appended,
    BehindError,
    Journal,
    Stored,
    StoreUnavailableError,
    WindowsLostError,
    Write,
)
from windows.plan import MICRO, WindowPlan
from windows.profile import EMPTY
from windows.record import NOBODY, Records, encode
from windows.rows import NEVER
from windows.shard import Answer, Prepared, ShardWindows
from windows.state import blank
from windows.tables import DUPLICATE, FRESH, SAME
from windows.windowed import ProfileColumns, WindowedBatch

_WHOLE = frozenset({Aggregate.COUNT, Aggregate.SUM, Aggregate.MIN, Aggregate.MAX, Aggregate.DISTINCT})
_COUNTED = frozenset({Aggregate.COUNT, Aggregate.DISTINCT})
_REPAIRS = 5  # tries; the store may lose the last second again between two writes
_TYPES = {kind: place for place, kind in enumerate(EventType)}


class Processed(NamedTuple):
    """What became of a batch.

    Args:
        windowed: the events to decide.
        left: rows of the events that were not accepted; send them again later.
        failure: why they were not, None where all were.
    """

    windowed: WindowedBatch
    left: Int64s
    failure: StoreUnavailableError | None


class OwnedWindows:
    """The windows of the shards that a worker owns.

    Args:
        plan: the features.
        journal: store of the logs.
        lateness: milliseconds after which a late event is marked.
        loss_window: seconds of answered writes that the store may lose when it is killed.
    """

    def __init__(self, plan: WindowPlan, journal: Journal, lateness: int, loss_window: float = 0.0) -> None:
        self._loss_window = loss_window
        self._journal = journal
        self._shards: dict[int, ShardWindows] = {}
        self.follow(plan, lateness)

    @property
    def plan(self) -> WindowPlan:
        """The features that are given."""
        return self._plan

    def follow(self, plan: WindowPlan, lateness: int) -> None:
        """Give other features from now on; each shard changes over with its next events."""
        self._plan = plan
        self._lateness = lateness
        self._retention = plan.horizon + lateness

    def __contains__(self, shard: int) -> bool:
        return shard in self._shards

    def shard(self, shard: int) -> ShardWindows:
        """The windows of one shard that is open."""
        return self._shards[shard]

    def open(self, shard: int, mark: str | None, saved: int, recent: Sequence[Appended] = ()) -> None:
        """Take over a shard.

        Args:
            shard: its number.
            mark: name of the stock of windows that the saved place belongs to; None for a first start.
            saved: records that the log had taken in when the place was saved.
            recent: blocks that were appended shortly before, in case the store lost them.

        Raises:
            StoreUnavailableError: no answer within the allowed time.
            WindowsLostError: the store lost what the saved place builds upon.
        """
        stored = self._journal.claim(shard)
        if stored.mark == mark:
            stored = self._restored(shard, stored, recent)
        if mark is not None and (stored.mark != mark or stored.records < saved):
            what = (
                "is another stock" if stored.mark != mark else f"ends {saved - stored.records} records early"
            )
            raise WindowsLostError(
                f"the window store lost shard {shard}: its log {what}; restore Redis from its append-only "
                "file, rebuild the windows with `fenghuo windows rebuild`, or delete the recovery directory "
                "to start with empty ones"
            )
        self._shards[shard] = ShardWindows(
            self._plan, self._retention, shard, stored, saved, self._loss_window
        )

    def _restored(self, shard: int, stored: Stored, recent: Sequence[Appended]) -> Stored:
        """The log with the last blocks that the store lost, appended again."""
        for one in recent:
            if one.before == stored.records:
                write = Write(shard, one.before, one.records, [one.block], schemas=one.schemas)
                (error,) = self._journal.write([write])
                if error is not None:
                    raise error
                schemas = {**stored.schemas, **one.schemas}
                stored = replace(
                    stored, records=one.records, blocks=[*stored.blocks, one.block], schemas=schemas
                )
        return stored

    def process(self, batch: EventBatch, owners: Int64s, lateness: int | None = None) -> Processed:
        """Accept the events of a batch and give their features.

        Args:
            batch: n events.
            owners: shard of each event, shape (n,); all of them are open. An event that names no owner (no
                counterparty) is in no shard, and its features are NULL.
            lateness: milliseconds after which a late event is marked; None for that of the windows.

        Raises:
            WindowsLostError: the store lost data that it can't be given again.
            FencedError: another worker owns one of the shards.
        """
        records = encode(self._plan, batch)
        prepared = self._prepare(batch, records, owners)
        outcomes = self._write({shard: p.write for shard, p in prepared.items() if p.write is not None})
        nothing = np.full(len(batch), FRESH, np.int8)  # what an event without an owner is
        answer = Answer(blank(self._plan, len(batch)), [EMPTY] * len(batch), nothing)
        refused: list[Int64s] = []
        for shard, one in prepared.items():
            if shard in outcomes:
                self._shards[shard].withdraw(one)
                refused.append(one.rows)
            else:
                self._shards[shard].commit(one, answer)
        self._upkeep(prepared.keys() - outcomes.keys())
        left = np.sort(np.concatenate(refused)) if refused else np.zeros(0, np.int64)
        failure = next(iter(outcomes.values()), None)
        return Processed(
            self._windowed(batch, answer, left, self._lateness if lateness is None else lateness),
            left,
            failure,
        )

    def _prepare(self, batch: EventBatch, records: Records, owners: Int64s) -> dict[int, Prepared]:
        changed = [
            row
            for row in np.flatnonzero(records.types == _TYPES[EventType.CUSTOMER_CHANGED]).tolist()
            if batch.events[row].attributes
        ]
        prepared: dict[int, Prepared] = {}
        named = np.flatnonzero(records.names[:, 0] != NOBODY)
        order = named[np.argsort(owners[named], kind="stable")]
        shards, begins = np.unique(owners[order], return_index=True)
        for shard, rows in zip(
            shards.tolist(), np.split(order, begins[1:]) if len(order) else [], strict=True
        ):
            place = {row: number for number, row in enumerate(rows.tolist())} if changed else {}
            changes = [
                Change(place[row], batch.events[row].attributes or {}) for row in changed if row in place
            ]
            windows = self._shards[shard]
            if windows.plan is not self._plan:
                windows.follow(self._plan, self._retention)
            prepared[shard] = windows.prepare(records.take(rows), changes, rows)
        return prepared

    def _write(self, writes: Mapping[int, Write]) -> dict[int, StoreUnavailableError]:
        """Do writes; gives those that could not be done because the store does not answer."""
        failed: dict[int, StoreUnavailableError] = {}
        for (shard, write), error in zip(
            writes.items(), self._journal.write(list(writes.values())), strict=True
        ):
            found = error
            if isinstance(found, BehindError):
                found = self._repair(shard, write)
            if isinstance(found, StoreUnavailableError):
                failed[shard] = found
            elif found is not None:
                raise found
        return failed

    def _repair(self, shard: int, write: Write) -> WindowError | None:
        """Give the store the whole log of a shard again, then the write that showed that it lost it."""
        error: WindowError | None = None
        for _ in range(_REPAIRS):
            (error,) = self._journal.write([self._shards[shard].log.anew()])
            if error is None:
                (error,) = self._journal.write([write])
            if not isinstance(error, BehindError):
                break
        return error

    def _upkeep(self, shards: set[int]) -> None:
        writes = {shard: self._shards[shard].upkeep() for shard in sorted(shards)}
        due = {shard: write for shard, write in writes.items() if write is not None}
        if due:
            failed = self._write(due)
            for shard, write in due.items():
                if shard not in failed:
                    self._shards[shard].kept_up(write)

    def _windowed(self, batch: EventBatch, answer: Answer, left: Int64s, lateness: int) -> WindowedBatch:
        taken = np.ones(len(batch), np.bool_)
        taken[left] = False
        decided = np.flatnonzero((answer.status != DUPLICATE) & taken)
        whole = len(decided) == len(batch)
        result = answer.result
        features, warming = {}, {}
        for number, feature in enumerate(self._plan.features):
            column = _column(feature, result.integers[number], result.floats[number], result.valid[number])
            features[feature.name] = column if whole else column.take(decided)
            held_back: Bools = result.warming[number] if whole else result.warming[number][decided]
            if held_back.any():
                warming[feature.name] = held_back
        newest, times = result.newest[decided], batch.occurred_at[decided]
        return WindowedBatch(
            batch=batch if whole else batch.take(decided),
            features=features,
            profiles=ProfileColumns(
                answer.profiles if whole else [answer.profiles[row] for row in decided.tolist()]
            ),
            late=times < np.maximum(newest, NEVER + lateness) - lateness,
            repeated=answer.status[decided] == SAME,
            dropped=batch.take(np.flatnonzero((answer.status == DUPLICATE) & taken)),
            warming=warming,
        )


def _column(
    feature: Feature, integers: Int64s, floats: "np.ndarray[tuple[int], np.dtype[np.float64]]", valid: Bools
) -> Column:
    whole = feature.aggregate in _WHOLE
    if whole and (feature.aggregate in _COUNTED or feature.kind is Kind.MONEY):
        return Column(integers, valid, feature.kind)
    values = integers.astype(np.float64) if whole else floats
    is_attribute = feature.field is not None and feature.kind is not Kind.MONEY
    scaled = is_attribute and feature.aggregate not in _COUNTED
    return Column(values / MICRO if scaled else values, valid, feature.kind)
