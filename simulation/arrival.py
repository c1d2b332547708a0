"""How messages arrive: most at once, some hours or days later, some twice; the stream is in arrival order."""

from dataclasses import dataclass

from msgspec import json

from events.clock import DAY, HOUR, MINUTE
from events.event import Event
from simulation.dice import Dice

LATE = 0.005  # share of messages that arrive minutes to days after the event
DUPLICATED = 0.005  # share of messages that arrive twice

_LATENCY = 900.0  # ms, the usual way from the ERP system
_LATENCY_SPREAD = 0.5
_EARLIEST_LATE = 5 * MINUTE
# Of the late ones: within an hour, within half a day; the rest within days.
_SOME_LATER, _MOST_LATE = 0.70, 0.95


@dataclass
class Arrivals:
    """What has been sent so far, by how it arrived."""

    messages: int = 0
    late: int = 0
    duplicates: int = 0


class Feed:
    """Takes events in any order and gives them back as lines, day by day, in the order of arrival.

    Only what is still to come is kept, so that memory grows with the traffic of open orders and not with the
    length of the run.

    Args:
        dice: decide on delays and repetitions.
        start: epoch milliseconds of the first midnight.
        days: length of the stream; what would arrive after its end never arrives.
    """

    def __init__(self, dice: Dice, start: int, days: int) -> None:
        self.arrived = Arrivals()
        self._dice = dice
        self._start = start
        self._end = start + days * DAY
        self._pending: dict[int, list[_Message]] = {}
        self._sequence = 0
        self._encoder = json.Encoder()

    def __len__(self) -> int:
        """Messages that are still to come."""
        return sum(len(messages) for messages in self._pending.values())

    def send(self, event: Event, at: int, *, prompt: bool = False, before: int | None = None) -> None:
        """Send the message of an event that happens at `at`.

        Args:
            event: what is sent.
            at: epoch milliseconds of the event.
            prompt: never late.
            before: moment that even a late message precedes, because its consequence happens then.
        """
        if at >= self._end:
            return
        arrives = at + int(self._dice.lognormal(_LATENCY, _LATENCY_SPREAD))
        late = not prompt and self._dice.chance(LATE)
        if late:
            arrives = at + self._lateness()
            if before is not None:
                arrives = min(arrives, before)
        line = self._encoder.encode(event)
        self._expect(_Message(arrives, line, late=late))
        if self._dice.chance(DUPLICATED):
            self._expect(_Message(arrives + self._repetition(), line, again=True))

    def insert(self, line: bytes, at: int) -> None:
        """Put a line into the stream as it is."""
        self._expect(_Message(at, line))

    def release(self, day: int) -> list[bytes]:
        """The lines that arrive on `day`; everything of that day must have been sent before."""
        messages = self._pending.pop(day, [])
        messages.sort(key=lambda message: (message.arrives, message.sequence))
        self.arrived.messages += len(messages)
        self.arrived.late += sum(message.late for message in messages)
        self.arrived.duplicates += sum(message.again for message in messages)
        return [message.line for message in messages]

    def _expect(self, message: "_Message") -> None:
        if message.arrives < self._end:
            self._sequence += 1
            message.sequence = self._sequence
            self._pending.setdefault((message.arrives - self._start) // DAY, []).append(message)

    def _lateness(self) -> int:
        kind = self._dice.uniform()
        if kind < _SOME_LATER:
            return int(self._dice.uniform(_EARLIEST_LATE, HOUR))
        if kind < _MOST_LATE:
            return int(self._dice.uniform(HOUR, 12 * HOUR))
        return int(self._dice.uniform(12 * HOUR, 3 * DAY))

    def _repetition(self) -> int:
        """A message comes again after a lost acknowledgement, or when somebody repeats an export."""
        if self._dice.chance(0.5):
            return int(self._dice.uniform(1_000, MINUTE))
        return int(self._dice.uniform(MINUTE, 6 * HOUR))


@dataclass(slots=True)
class _Message:
    arrives: int
    line: bytes
    late: bool = False
    again: bool = False
    sequence: int = 0
