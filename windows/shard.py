"""The windows of one shard: which of its events are new, and what the windows hold for each."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from events.columns import Int64s
from windows.block import Block, Change, schema_of
from windows.errors import WindowError
from windows.feature import Entity
from windows.ground import restore
from windows.journal import Stored, Write
from windows.log import Checkpoint, ShardLog
from windows.memory import Result
from windows.plan import WindowPlan
from windows.profile import Values
from windows.record import Records
from windows.replayed import Replayed
from windows.state import Known, WindowState, adapt
from windows.tables import DUPLICATE, FRESH, SAME

CHECKPOINTS = 3
"""Saved states that must follow a checkpoint before records behind it are trimmed."""

Status = npt.NDArray[np.int8]


@dataclass(slots=True)
class Answer:
    """What the windows say of n events of a source batch; rows are filled in shard by shard.

    Args:
        result: features.
        profiles: of each event.
        status: FRESH, SAME or DUPLICATE of each event, shape (n,).
    """

    result: Result
    profiles: list[Values]
    status: Status


@dataclass(frozen=True, slots=True)
class Prepared:
    """Events of a batch that a shard is about to take in.

    Args:
        rows: their rows in the batch, shape (m,).
        records: of the rows.
        status: of the rows.
        new: records of the rows that are FRESH.
        changes: profile changes among these.
        write: that appends what is new; None where nothing is.
    """

    rows: Int64s
    records: Records
    status: Status
    new: Records
    changes: list[Change]
    write: Write | None


class ShardWindows:
    """Windows of the events of one shard.

    1. `prepare` tells new events from known ones and gives the write that puts the new ones into the log.
    2. The caller has the store do it.
    3. `commit` absorbs the events and reads their features; or `withdraw` leaves everything as it was.

    Args:
        plan: the features.
        retention: milliseconds that records are kept behind the clock of their source.
        shard: number of the shard.
        stored: what the store holds of it.
        saved: records that the log had taken in when the source's place was last saved; those behind it may
            be delivered again.
        loss_window: seconds of answered writes that the store may lose when it is killed.
    """

    def __init__(
        self, plan: WindowPlan, retention: int, shard: int, stored: Stored, saved: int, loss_window: float
    ) -> None:
        self._log = ShardLog(shard, schema_of(plan), stored, loss_window)
        self._checkpoints: deque[Checkpoint] = deque(maxlen=CHECKPOINTS)
        self._follow(plan, retention, saved)

    def _follow(self, plan: WindowPlan, retention: int, saved: int) -> None:
        self._plan = plan
        self._retention = retention
        self._schema = schema_of(plan).id
        self._everything = Known(np.ones(len(plan.series), np.bool_), np.ones(len(plan.entities), np.bool_))
        self._replayed = self._load(saved)

    @property
    def plan(self) -> WindowPlan:
        """The features that it gives."""
        return self._plan

    def follow(self, plan: WindowPlan, retention: int) -> None:
        """Give other features from now on; those that are new to the log warm up as after a restart."""
        open_ = self._replayed.first_open()
        self._log.adopt(schema_of(plan))
        self._follow(plan, retention, self._log.records if open_ is None else open_)

    @property
    def log(self) -> ShardLog:
        """The log of this shard."""
        return self._log

    @property
    def bytes(self) -> int:
        """Memory held."""
        return self._state.bytes + self._log.stored_bytes

    def _load(self, saved: int) -> Replayed:
        """Build the state from the log; what was accepted after `saved` waits to be delivered again."""
        self._state = WindowState(self._plan, self._retention)
        restore(self._log.ground, self._state)
        number = self._log.records - self._log.kept
        replayed = Replayed(self._plan)
        for schema, block in self._log.blocks():
            records, known = adapt(self._plan, schema, block.records)
            if (self._state.remember(records) != FRESH).any():
                raise WindowError(
                    f"shard {self._log.shard}: the log holds an event twice; rebuild the windows"
                )
            here = max(0, min(len(records), saved - number))
            first = records.take(slice(0, here))
            self._state.absorb(
                first, [c for c in block.changes if c.record < here], known, clocked=block.clocked
            )
            rest = [Change(c.record - here, c.attributes) for c in block.changes if c.record >= here]
            replayed.expect(records.take(slice(here, None)), rest, known, number + here)
            number += len(records)
        return replayed

    def prepare(self, records: Records, changes: Sequence[Change], rows: Int64s) -> Prepared:
        """Look at events of a batch; see the steps of the class.

        Args:
            records: of the events, in their order.
            changes: profile changes among them.
            rows: of the events in the batch, shape (m,).
        """
        status = self._state.remember(records)
        if self._plan.scope is not Entity.GROUP:
            status[status == DUPLICATE] = SAME  # what is a duplicate is told by the group's windows alone
        if self._replayed:
            self._replayed.catch_up(self._state, records, fully=bool((status == FRESH).any()))
        new = status == FRESH
        if not new.any():
            return Prepared(rows, records, status, records.take(new), [], None)
        fresh = records if new.all() else records.take(new)
        numbers = np.cumsum(new) - 1
        kept = [Change(int(numbers[c.record]), c.attributes) for c in changes if new[c.record]]
        write = self._log.append(Block(self._schema, fresh, kept))
        return Prepared(rows, records, status, fresh, kept, write)

    def commit(self, prepared: Prepared, answer: Answer) -> None:
        """Take the events in, after their write was done, and fill in their rows of the answer."""
        rows = prepared.rows
        answer.status[rows] = prepared.status
        if prepared.write is not None:
            self._log.done(prepared.write)
            asked = rows[prepared.status == FRESH]
            result = answer.result._replace(rows=asked)
            profiles = self._state.absorb(prepared.new, prepared.changes, self._everything, result)
            for row, profile in zip(asked.tolist(), profiles, strict=False):
                answer.profiles[row] = profile
        again = np.flatnonzero(prepared.status == SAME)
        if len(again):
            self._replayed.answer(prepared.records.keys[again], rows[again], answer.result, answer.profiles)

    def withdraw(self, prepared: Prepared) -> None:
        """Leave everything as it was before `prepare`."""
        self._state.forget(prepared.new)

    def checkpoint(self) -> int:
        """Note that the source's place is being saved.

        Returns:
            how many records the log had taken in without one that may still be delivered again.
        """
        expected = self._replayed.first_open()
        if expected is not None:
            return expected
        self._checkpoints.append(Checkpoint(self._log.records, self._state.floors()))
        return self._log.records

    def upkeep(self) -> Write | None:
        """A write that makes the log shorter; None where nothing is to do. `kept_up` tells when it stands."""
        if len(self._checkpoints) == CHECKPOINTS and not self._replayed:
            write = self._log.trim(self._plan, self._retention, self._checkpoints[0])
            if write is not None:
                return write
        return self._log.merge()

    def kept_up(self, write: Write) -> None:
        """Take note that a write of `upkeep` stands in the store."""
        self._log.done(write)
        if write.ground is not None:
            self._load(self._log.records)  # forgets in memory what was trimmed
