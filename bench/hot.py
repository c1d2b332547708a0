"""The subject `hot`: what an event costs whose customer has a long history, against a short one; pure."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from bench.figure import TIMES, Better, Figure, figure, ratios
from bench.job import Job
from bench.subject import Subject

TARGET = 1.5
"""How many times as much the design allows with 1,000,000 events in the window as with 10."""


class HotPack(StrEnum):
    """Which features are kept: `hot-plain.yaml` and `hot-wide.yaml` in bench/packs."""

    PLAIN = "plain"  # counts, sums and averages over 4 windows
    WIDE = "wide"  # distinct, least, most and deviation as well


class Shape(StrEnum):
    """How events come."""

    BATCH = "batch"  # many in one batch: all of the hot customer, or of as many cold ones of the same shard
    SINGLE = "single"  # one in a batch: the work around it is the same for both


class HotJob(Job, frozen=True, kw_only=True):
    """Fill windows, then let events of the hot customer and of cold ones take turns.

    Args:
        pack: which features are kept.
        naive: whether the naive version judges.
        held: events of the hot customer before the clock starts.
        rounds: how often each takes its turn.
        late: share of events that come late.
        seed: of the load.
    """

    pack: HotPack
    naive: bool
    held: int
    rounds: int
    late: float
    seed: int

    @property
    def what(self) -> str:
        """Subject, who judges, pack, events held."""
        return f"hot, {'naive' if self.naive else self.pack}, {self.held:,} events"


class Turn(Struct, frozen=True):
    """Some events of one kind of customer.

    Args:
        shape: how they came.
        hot: whose they were.
        events: how many.
        seconds: from the first one read to the last decision written.
        windows: seconds of that in the windows and their store; 0 for the naive version.
    """

    shape: Shape
    hot: bool
    events: int
    seconds: float
    windows: float


class HotRun(Struct, frozen=True, tag=True):
    """What a job came to.

    Args:
        pack: which features were kept.
        naive: whether the naive version judged.
        late: share of events that came late.
        held: events of the hot customer in its window at the end, as its last decision says.
        cold: the same of a cold customer.
        filled: events that filled the windows.
        filling: seconds that took.
        turns: in their order.
    """

    pack: HotPack
    naive: bool
    late: float
    held: int
    cold: int
    filled: int
    filling: float
    turns: list[Turn]


def figures(runs: Iterable[HotRun]) -> list[Figure]:
    """Cost of hot and cold events and their ratio, for each pack and shape; one run has all rounds."""
    found: list[Figure] = []
    for run in runs:
        name = f"{Subject.HOT}.{'naive' if run.naive else run.pack}{'-late' if run.late else ''}"
        found.append(
            figure(f"{name}.fill_rate", "events/s", Better.HIGHER, [run.filled / max(1e-9, run.filling)])
        )
        for shape in Shape:
            for part, target in (("", None if run.naive else TARGET), ("windows_", None)):
                hot, cold = (_costs(run, shape, part, hot=hot) for hot in (True, False))
                if not any(hot):
                    continue
                found += [
                    figure(f"{name}.{shape}.{part}hot", "µs", Better.LOWER, hot),
                    figure(f"{name}.{shape}.{part}cold", "µs", Better.LOWER, cold),
                    figure(f"{name}.{shape}.{part}ratio", TIMES, Better.LOWER, ratios(hot, cold), target),
                ]
    return found


def _costs(run: HotRun, shape: Shape, part: str, *, hot: bool) -> list[float]:
    """Microseconds per event of every turn, of the whole or of its windows alone."""
    turns = [turn for turn in run.turns if turn.shape is shape and turn.hot is hot]
    return [1e6 * (turn.windows if part else turn.seconds) / turn.events for turn in turns]
