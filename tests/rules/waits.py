"""Makes streams for tests of deadlines, and says again in plain Python what must be told."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from events.clock import MINUTE
from events.event import Event, EventType
from rules.pack import Pack, load_pack
from rules.waiting import Answered, Duties, Told, Waiting
from rules.watermark import NEVER, passing
from tests.rules.making import SMALL, batch, event

PLACED, CONFIRMED, CANCELLED = (
    EventType.ORDER_PLACED,
    EventType.ORDER_CONFIRMED,
    EventType.ORDER_CANCELLED,
)
GRACE = MINUTE

DEADLINES = """\
deadlines:
  confirm:
    {after: order.placed, expect: [order.confirmed, order.cancelled], by: order, within: 10m, tier: medium,
     outcome: review, queue: service}
"""


def pack_with(folder: Path, deadlines: str = DEADLINES) -> Pack:
    """A pack with deadlines."""
    path = folder / "pack.yaml"
    path.write_text(SMALL + deadlines, "utf-8")
    return load_pack(path)


class Step(NamedTuple):
    """One message: an event of an order, in a lane."""

    at: int
    kind: EventType
    order: str
    lane: str = "0"


def events_of(steps: list[Step]) -> list[Event]:
    """The steps as events with ids of their own."""
    return [
        event(number, kind=step.kind, occurred_at=step.at, order=step.order)
        for number, step in enumerate(steps)
    ]


def told(
    pack: Pack, steps: list[Step], cuts: list[int], restarts: frozenset[int] = frozenset()
) -> list[Told]:
    """What is told of a stream in batches, with a restart from what was kept after some of them."""
    duties = Duties(pack.deadlines, pack.id)
    waiting = Waiting(duties)
    events = events_of(steps)
    found: list[Told] = []
    for place, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(steps)], strict=True)):
        part = batch(*events[begin:end])
        lanes = [step.lane for step in steps[begin:end]]
        found += waiting.take(
            part, np.arange(len(part)), duties.concern(part), passing(part.occurred_at, lanes, None)
        )
        if place in restarts:
            waiting = Waiting(duties, waiting.kept())
    return found


def brief(found: list[Told]) -> set[tuple[str, str, bool | None]]:
    """What was told: order, what, and of an answer whether it had happened in time."""
    return {
        (one.wait.order or "", "answered", one.in_time)
        if isinstance(one, Answered)
        else (one.wait.order or "", "missed", None)
        for one in found
    }


@dataclass
class Plain:
    """The same in plain Python, message by message, for streams in which an order is placed once.

    Args:
        within: milliseconds.
    """

    within: int = 10 * MINUTE
    seen: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    open: dict[str, Step] = field(default_factory=dict)
    missed: set[str] = field(default_factory=set)
    early: dict[str, int] = field(default_factory=dict)
    told: set[tuple[str, str, bool | None]] = field(default_factory=set)

    def clock(self, lane: str) -> int:
        """The third newest time of the lane."""
        times = sorted(self.seen[lane], reverse=True)
        return times[2] if len(times) > 2 else NEVER

    def expire(self) -> None:
        for order, start in list(self.open.items()):
            if start.at + self.within + GRACE <= self.clock(start.lane):
                self.missed.add(order)
                self.told.add((order, "missed", None))
                if self.early.get(order, NEVER) >= start.at:
                    self.told.add((order, "answered", False))
                    del self.open[order]

    def take(self, step: Step) -> None:
        self.expire()
        due = step.at + self.within
        if step.kind is PLACED:
            early = self.early.get(step.order, NEVER)
            if early < step.at:
                self.open[step.order] = step
            elif early > due:
                self.told |= {(step.order, "missed", None), (step.order, "answered", False)}
        else:
            start = self.open.get(step.order)
            in_time = start is not None and step.at <= start.at + self.within
            if start is not None and start.at <= step.at and (in_time or step.order in self.missed):
                if step.order in self.missed:
                    self.told.add((step.order, "answered", in_time))
                del self.open[step.order]
            else:
                self.early[step.order] = max(step.at, self.early.get(step.order, NEVER))
        self.seen[step.lane].append(step.at)


def plainly(steps: list[Step]) -> set[tuple[str, str, bool | None]]:
    """What must be told of a stream."""
    plain = Plain()
    for step in steps:
        plain.take(step)
    plain.expire()
    return plain.told
