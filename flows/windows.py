"""The stateful step: windows of one shard, with what waits while the store is away."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from bytewax.operators import StatefulBatchLogic

from events.columns import EventBatch
from telemetry.metrics import FlowMetrics
from windows.journal import Journal, StoreUnavailableError
from windows.shard import ShardWindows, WindowedBatch, without_windows


@dataclass(frozen=True, slots=True)
class ShardState:
    """What recovery keeps of a shard; the windows themselves are in the store.

    Args:
        mark: name of the stock of windows that the saved offsets belong to.
        owed: batches that were decided without windows and that the windows still have to take in.
    """

    mark: str | None = None
    owed: tuple[EventBatch, ...] = ()


class ShardBatch(NamedTuple):
    """Events of one shard."""

    shard: int
    batch: EventBatch


class MarkedJournal(Journal, Protocol):
    """A journal that knows which stock of windows it belongs to."""

    @property
    def mark(self) -> str | None:
        """Name of the stock; None before the first call."""
        ...


OpenShard = Callable[[int, str | None], tuple[MarkedJournal, ShardWindows]]
"""Opens the windows of a shard, given the mark that recovery kept for it."""


class WindowsLogic(StatefulBatchLogic[ShardBatch, WindowedBatch, ShardState]):
    """Accepts the events of a shard and answers with their features.

    While the store does not answer, the source waits; when the journal gives up waiting, events are judged
    without windows and kept to be taken in as soon as the store is back, in their order.

    Args:
        open_shard: opens the shard when its first batch comes.
        state: what recovery kept.
        metrics: where batches are timed.
        degrade: False where a wrong answer is worse than none: then the store's failure ends the run.
    """

    def __init__(
        self, open_shard: OpenShard, state: ShardState | None, metrics: FlowMetrics, *, degrade: bool
    ) -> None:
        self._open_shard = open_shard
        self._kept = state or ShardState()
        self._owed = list(self._kept.owed)
        self._opened: tuple[MarkedJournal, ShardWindows] | None = None
        self._metrics = metrics
        self._degrade = degrade

    def on_batch(self, values: list[ShardBatch]) -> tuple[Iterable[WindowedBatch], bool]:
        """Process the batches of this shard in order; the logic is kept for ever."""
        if self._opened is None:
            self._opened = self._open_shard(values[0].shard, self._kept.mark)
        windows = self._opened[1]
        done = [self._process(windows, value.batch) for value in values]
        self._metrics.windows_memory.labels(str(values[0].shard)).set(windows.loaded_bytes)
        return done, StatefulBatchLogic.RETAIN

    def _process(self, windows: ShardWindows, batch: EventBatch) -> WindowedBatch:
        try:
            with self._metrics.step_seconds.labels("windows").time():
                while self._owed:
                    windows.process(self._owed[0])
                    self._owed.pop(0)
                return windows.process(batch)
        except StoreUnavailableError:
            if not self._degrade:
                raise
            self._owed.append(batch)
            return without_windows(batch)

    def snapshot(self) -> ShardState:
        """What recovery must keep."""
        mark = self._opened[0].mark if self._opened is not None else self._kept.mark
        return ShardState(mark, tuple(self._owed))
