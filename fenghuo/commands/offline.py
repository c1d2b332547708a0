"""Past events through the dataflow that judges live, for commands that want columns instead of decisions."""

import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from bytewax.outputs import DynamicSink, StatelessSinkPartition

from backtest.errors import BacktestError
from fenghuo.embedded import start_services
from fenghuo.wiring import REPLAY_LIFETIME, REPLAY_PATIENCE, Risk, build_flow, run_flow
from flows.rulings import Judging, Rulings
from flows.windows import Overdue
from store.redis.journal import connect, forget
from wire.file_source import FileSource
from wire.output import Output

SNAPSHOT_SECONDS = 5.0
"""Nothing is recovered, but what windows need no more is dropped with each saved state."""


class Taker(Protocol):
    """Takes what comes of batches, in the order of the input."""

    def take(self, parts: list[Output]) -> None:
        """Take all parts of one batch, which account for each of its messages once."""
        ...

    def told(self, output: Output) -> None:
        """Take what is told of deadlines, which belongs to no place in the order."""
        ...


class OrderedSink(DynamicSink[tuple[str, Output]]):
    """Hands on batches as a whole, in the order of the input; for one worker.

    Args:
        taker: takes them.
        apart: outputs that are no part of a batch.
    """

    def __init__(self, taker: Taker, apart: type[Output] | None = None) -> None:
        self._taker = taker
        self._apart = apart

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "_OrderedPartition":  # noqa: ARG002
        """The sink's only partition.

        Raises:
            BacktestError: there are several workers, and no one order of batches.
        """
        if worker_count != 1:
            raise BacktestError(f"a backtest runs on one worker, got {worker_count}; leave `workers` at 1")
        return _OrderedPartition(self._taker, self._apart)


class _OrderedPartition(StatelessSinkPartition[tuple[str, Output]]):
    def __init__(self, taker: Taker, apart: type[Output] | None) -> None:
        self._taker = taker
        self._apart = apart
        self._next = 0
        self._waiting: dict[int, list[Output]] = {}

    def write_batch(self, items: list[tuple[str, Output]]) -> None:
        for _, output in items:
            if self._apart is not None and isinstance(output, self._apart):
                self._taker.told(output)
                continue
            self._waiting.setdefault(output.batch, []).append(output)
        while _complete(parts := self._waiting.get(self._next, [])):
            self._taker.take(parts)
            del self._waiting[self._next]
            self._next += 1


def _complete(parts: list[Output]) -> bool:
    return bool(parts) and sum(part.accounted for part in parts) == parts[0].size


def run_offline(
    risk: Risk,
    source: FileSource,
    sink: OrderedSink,
    rulings: Rulings,
    judge: Judging,
    tell: Callable[[Overdue], Output] | None = None,
) -> float:
    """Run files through the dataflow with windows of their own; the seconds that it took.

    Args:
        risk: what judges.
        source: of messages.
        sink: takes what comes of them.
        rulings: what the windows have to give.
        judge: judges.
        tell: what is handed on of deadlines.

    Raises:
        RunError: a step ended the run.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fenghuo-offline-") as folder,
        start_services(risk.settings, Path(folder), need={"redis"}) as services,
    ):
        namespace = f"offline:{secrets.token_hex(8)}"
        flow = build_flow(
            risk,
            source,
            sink,
            redis_url=services.redis_url,
            namespace=namespace,
            patience=REPLAY_PATIENCE,
            degrade=False,
            lifetime=REPLAY_LIFETIME,
            rulings=rulings,
            judge=judge,
            tell=tell,
        )
        started = time.monotonic()
        run_flow(flow, workers=1, recovery=Path(folder) / "recovery", interval=SNAPSHOT_SECONDS)
        seconds = time.monotonic() - started
        if risk.settings.redis_url is not None:
            forget(connect(services.redis_url, 10), namespace, REPLAY_PATIENCE)
    return seconds
