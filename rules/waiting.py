"""Waiting: which events others have to follow in time, and what is told when they do not.

    after ─► wait ─┬─ expected in time ─► nothing
                   └─ the lane's clock passes due + grace ─► missed ─► expected at last ─► answered

An expected event also ends a wait whose start arrives after it. One that happened after the due time ends it
only when the clock has passed: what is missed does not depend on how fast messages came. What was missed is
remembered for a while: an event that comes late takes the alert back, whether it happened or only came late.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from events.clock import DAY
from events.columns import Bools, EventBatch, Int64s
from events.event import EventType
from rules.deadline import Deadline
from rules.rule import EVALUATED
from rules.suppression import Suppressions
from rules.wait import Early, Kept, Key, Wait, WaitLog, early_of, missed_of
from rules.watermark import LaneClock, Passing
from windows.feature import Entity

REMEMBERED = 30 * DAY
"""Event time for which a missed wait is remembered."""

EARLY = 7 * DAY
"""Event time for which an expected event is remembered that nothing waited for."""

_PRUNE_FROM = 1024


class Missed(NamedTuple):
    """A wait whose time is over; a suppression may cover it."""

    deadline: Deadline
    wait: Wait
    suppressed: bool = False


class Answered(NamedTuple):
    """A missed wait whose expected event came after all.

    Args:
        deadline: that was missed.
        wait: of the event that started it.
        event_id: of the event that came.
        type: of that event.
        at: its event time, epoch milliseconds.
    """

    deadline: Deadline
    wait: Wait
    event_id: str
    type: EventType
    at: int

    @property
    def in_time(self) -> bool:
        """Whether it had happened in time, and only its message came late."""
        return self.at <= self.wait.due


Told = Missed | Answered


class Concern(NamedTuple):
    """What of a batch concerns deadlines.

    Args:
        rows: events that start or end a time, shape (n,).
        begins: by deadline, events that start its time, shape (n,).
    """

    rows: Bools
    begins: Mapping[str, Bools]


class Duties:
    """The deadlines that are watched.

    Args:
        deadlines: of a pack, whatever their mode.
        pack: its id.
        suppressions: of what is missed.
    """

    def __init__(
        self,
        deadlines: Sequence[Deadline],
        pack: str,
        suppressions: Suppressions | None = None,
    ) -> None:
        self._suppressions = suppressions
        self.watched = {one.name: one for one in deadlines if one.mode in EVALUATED}
        self.pack = pack
        self._kinds = {kind for one in self.watched.values() for kind in (one.after, *one.expect)}

    def missed(self, deadline: Deadline, wait: Wait) -> Missed:
        """What is told of a wait whose time is over."""
        covers = self._suppressions
        covered = bool(covers and covers.suppressed(wait.group, wait.due, [deadline]))
        return Missed(deadline, wait, covered)

    def concern(self, batch: EventBatch) -> Concern:
        """What of a batch concerns them."""
        rows = batch.is_of(self._kinds)
        return Concern(rows, {name: one.begins(batch) for name, one in self.watched.items()})


class Waiting:
    """The waits of the events of one shard.

    Args:
        duties: what is watched; may be replaced, and waits that began before keep their due time.
        kept: what an earlier run left.
    """

    def __init__(self, duties: Duties, kept: Kept | None = None) -> None:
        self.duties = duties
        self._clocks: dict[str, LaneClock] = {}
        self._early: dict[Key, Early] = {}
        self._prune_at = _PRUNE_FROM
        self._empty()
        self._log = WaitLog(kept)
        for number, wait in self._log.waits():
            self._enter(number, wait)
        self._restored = set(self._waits)
        if kept is not None:
            self._missed |= set(missed_of(kept))
            self._early = early_of(kept)
            self._clocks = {lane: LaneClock(heights, at) for lane, (heights, at) in kept.clocks.items()}

    def __len__(self) -> int:
        return len(self._waits)

    def take(self, batch: EventBatch, rows: Int64s, concern: Concern, passing: Passing) -> list[Told]:
        """Take in events of the shard, in the order of arrival, and what their batch does to the clocks.

        Args:
            batch: n events.
            rows: those of the shard, shape (m,).
            concern: what of the batch concerns the duties.
            passing: of the batch.

        Returns:
            what is to be told now, in an order that only the input decides.
        """
        told: list[Told] = []
        rows = rows[concern.rows[rows]]
        if len(rows):
            for row, clock in zip(rows.tolist(), self._reached(passing, rows).tolist(), strict=True):
                told += self._event(batch, row, passing.lanes[passing.codes[row]], clock, concern.begins)
        for lane, after in passing.after.items():
            self._clock(lane).move(after)
        for lane, silent in passing.silent.items():
            self._clock(lane).wait(silent)
        for lane in sorted({*passing.after, *passing.silent}):
            told += self._pass(lane)
        if len(self._early) >= self._prune_at:
            self._prune()
        return sorted(told, key=_order)

    def kept(self) -> Kept:
        """What recovery has to keep."""
        if self._log.worn:
            self._renew()
        clocks = {lane: (clock.heights, clock.reached) for lane, clock in self._clocks.items()}
        return self._log.kept(self._missed, self._early, clocks)

    def _clock(self, lane: str) -> LaneClock:
        return self._clocks.setdefault(lane, LaneClock())

    def _reached(self, passing: Passing, rows: Int64s) -> Int64s:
        """Where the clock of its lane stands at each of the rows."""
        codes, before = passing.codes[rows], passing.before[:, rows]
        reached = np.empty(len(rows), np.int64)
        for code in np.unique(codes).tolist():
            own = codes == code
            reached[own] = self._clock(passing.lanes[code]).at(before[:, own])
        return reached

    def _event(
        self, batch: EventBatch, row: int, lane: str, clock: int, begins: Mapping[str, Bools]
    ) -> Iterator[Told]:
        kind = batch.events[row].type
        for deadline in self.duties.watched.values():
            expected = kind in deadline.expect
            if not expected and not begins[deadline.name][row]:
                continue
            entity = _entity(deadline, batch, row)
            if entity is None:
                continue
            if expected:
                yield from self._expected(deadline, entity, batch, row, lane, clock)
            else:
                yield from self._begin(deadline, _wait(deadline, entity, self.duties.pack, lane, batch, row))

    def _begin(self, deadline: Deadline, wait: Wait) -> Iterator[Told]:
        early = self._early.get(wait.key)
        if early is not None and early.at >= wait.occurred_at:
            if early.at > wait.due:
                yield self.duties.missed(deadline, wait)
                yield Answered(deadline, wait, early.event_id, early.type, early.at)
        elif all(self._waits[number].event_id != wait.event_id for number in self._open.get(wait.key, ())):
            self._enter(self._log.add(wait), wait)

    def _enter(self, number: int, wait: Wait) -> None:
        self._waits[number] = wait
        self._open.setdefault(wait.key, []).append(number)
        heapq.heappush(self._due.setdefault(wait.lane, []), (wait.until, number))

    def _expected(
        self, deadline: Deadline, entity: str, batch: EventBatch, row: int, lane: str, clock: int
    ) -> Iterator[Told]:
        """An expected event ends all waits that began before it, or is remembered for one that comes."""
        key, event, at = (deadline.name, entity), batch.events[row], int(batch.occurred_at[row])
        used, left = False, False
        for number in [one for one in self._open.get(key, ()) if self._waits[one].occurred_at <= at]:
            wait = self._waits[number]
            if wait.until <= clock:
                yield from self._miss(deadline, number)
            if number not in self._waits or (at > wait.due and wait.until > clock):
                left = True
                continue
            # A run that was cut may have told a wait as missed before it could save that it had.
            if number in self._missed or number in self._restored:
                yield Answered(deadline, wait, event.event_id, event.type, at)
            self._end(number)
            used = True
        if (left or not used) and (key not in self._early or at > self._early[key].at):
            self._early[key] = Early(at, lane, event.event_id, event.type)

    def _pass(self, lane: str) -> Iterator[Told]:
        """What the clock of a lane has passed."""
        clock, due = self._clock(lane).reached, self._due.get(lane, [])
        while due and due[0][0] <= clock:
            until, number = heapq.heappop(due)
            wait = self._waits.get(number)
            if wait is None:
                continue
            deadline = self.duties.watched.get(wait.deadline)
            if deadline is None or until != wait.until:
                self._end(number)  # nobody watches it any more, or it was missed long ago
            else:
                heapq.heappush(due, (until + REMEMBERED, number))
                yield from self._miss(deadline, number)

    def _miss(self, deadline: Deadline, number: int) -> Iterator[Told]:
        """The clock has passed a wait; an event that happened too late may have come already."""
        if number in self._missed:
            return
        wait = self._waits[number]
        self._missed.add(number)
        yield self.duties.missed(deadline, wait)
        late = self._early.get(wait.key)
        if late is not None and late.at >= wait.occurred_at:
            yield Answered(deadline, wait, late.event_id, late.type, late.at)
            self._end(number)

    def _end(self, number: int) -> None:
        wait = self._waits.pop(number)
        left = [one for one in self._open[wait.key] if one != number]
        if left:
            self._open[wait.key] = left
        else:
            del self._open[wait.key]
        self._missed.discard(number)
        self._restored.discard(number)
        self._log.end(number)

    def _empty(self) -> None:
        self._waits: dict[int, Wait] = {}
        self._open: dict[Key, list[int]] = {}
        self._due: dict[str, list[tuple[int, int]]] = {}
        self._missed: set[int] = set()

    def _renew(self) -> None:
        """Number the waits anew in a log without those that are over."""
        waits, missed, restored = self._waits, self._missed, self._restored
        self._empty()
        self._restored, self._log = set(), WaitLog()
        for old, wait in waits.items():
            number = self._log.add(wait)
            self._enter(number, wait)
            if old in missed:
                self._missed.add(number)
            if old in restored:
                self._restored.add(number)

    def _prune(self) -> None:
        """Forget the expected events that came too long ago."""
        clocks = {lane: clock.reached - EARLY for lane, clock in self._clocks.items()}
        self._early = {key: one for key, one in self._early.items() if one.at > clocks[one.lane]}
        self._prune_at = max(_PRUNE_FROM, 2 * len(self._early))


def _order(told: Told) -> tuple[int, str, str, bool]:
    return told.wait.due, told.wait.deadline, told.wait.event_id, isinstance(told, Answered)


def _entity(deadline: Deadline, batch: EventBatch, row: int) -> str | None:
    """Whose event it is; None where the event does not say."""
    event = batch.events[row]
    match deadline.by:
        case Entity.GROUP:
            return batch.groups[row]
        case Entity.CUSTOMER:
            return f"{event.subsidiary}\n{event.customer}"
        case _:
            return f"{event.subsidiary}\n{event.order}" if event.order is not None else None


def _wait(deadline: Deadline, entity: str, pack: str, lane: str, batch: EventBatch, row: int) -> Wait:
    event, at = batch.events[row], int(batch.occurred_at[row])
    return Wait(
        deadline=deadline.name,
        entity=entity,
        lane=lane,
        due=deadline.due(at),
        grace=deadline.grace,
        pack=pack,
        event_id=event.event_id,
        type=event.type.value,
        subsidiary=event.subsidiary,
        customer=event.customer,
        group=batch.groups[row],
        order=event.order,
        shipment=event.shipment,
        region=batch.regions[row],
        counterparty=event.counterparty,
        amount=int(batch.amount[row]) if batch.has_amount[row] else None,
        occurred_at=at,
    )
