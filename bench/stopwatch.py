"""A source with a stopwatch: connecting and finding that nothing more comes is not judging."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Lock
from typing import TypeVar

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from wire.messages import RawBatch

S = TypeVar("S")


@dataclass
class Stopwatch:
    """Wall and CPU seconds of this process since it was started; runs from the first start."""

    wall: float | None = None
    cpu: float = 0.0

    def start(self, wall: float, cpu: float) -> None:
        """Start at a moment of `time.perf_counter` and `time.process_time`, unless it runs."""
        if self.wall is None:
            self.wall, self.cpu = wall, cpu

    def read(self) -> tuple[float, float]:
        """Wall and CPU seconds since the start; zeros when it was not started."""
        if self.wall is None:
            return 0.0, 0.0
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


class TimedSource(FixedPartitionedSource[RawBatch, S]):
    """The same source between two marks: the first messages start the stopwatch, the last ones end the input.

    Args:
        source: that is read.
        stopwatch: started when the call that brings the first messages begins.
        size: messages that there are; a broker may take long to say that there are no more.
        stop: set when they were read; the source must heed it.
        begun: called once, when messages are first asked for.
    """

    def __init__(
        self,
        source: FixedPartitionedSource[RawBatch, S],
        stopwatch: Stopwatch,
        size: int,
        stop: Event,
        begun: Callable[[], None] = lambda: None,
    ) -> None:
        self._begun: Callable[[], None] | None = begun
        self._source = source
        self._stopwatch = stopwatch
        self._left = size
        self._stop = stop
        self._lock = Lock()

    def list_parts(self) -> list[str]:
        """As the source."""
        return self._source.list_parts()

    def build_part(self, step_id: str, for_part: str, resume_state: S | None) -> "_TimedPart[S]":
        """As the source, watched."""
        return _TimedPart(self._source.build_part(step_id, for_part, resume_state), self)

    def asked(self) -> None:
        """Take note that messages are asked for."""
        with self._lock:
            begun, self._begun = self._begun, None
        if begun is not None:
            begun()

    def passed(self, batches: list[RawBatch], wall: float, cpu: float) -> None:
        """Take note of what a partition gave, asked at these moments."""
        with self._lock:
            self._stopwatch.start(wall, cpu)
            self._left -= sum(len(batch.values) for batch in batches)
            if self._left <= 0:
                self._stop.set()


class _TimedPart(StatefulSourcePartition[RawBatch, S]):
    def __init__(self, part: StatefulSourcePartition[RawBatch, S], source: TimedSource[S]) -> None:
        self._part = part
        self._source = source

    def next_batch(self) -> list[RawBatch]:
        self._source.asked()
        wall, cpu = time.perf_counter(), time.process_time()
        batches = list(self._part.next_batch())
        if batches:
            self._source.passed(batches, wall, cpu)
        return batches

    def next_awake(self) -> datetime | None:
        return self._part.next_awake()

    def snapshot(self) -> S:
        return self._part.snapshot()

    def close(self) -> None:
        self._part.close()
