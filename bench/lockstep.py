"""One batch at a time: the next one is handed out when every message of the last one was answered.

So the clock sees what one batch costs from end to end, with nothing of the next one in between.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Lock

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from wire.file_source import FileSource
from wire.input_files import InputFiles
from wire.messages import RawBatch
from wire.output import Output


@dataclass(frozen=True)
class Block:
    """A file to be judged in batches of one size.

    Args:
        path: JSON lines.
        batch: messages in a batch.
        keep: keep the decisions.
    """

    path: Path
    batch: int
    keep: bool = False


@dataclass
class Timing:
    """What a block came to so far.

    Args:
        block: which.
        events: messages answered.
        seconds: spent on them, from each batch handed out to its last answer.
        metered: what the meter went on by meanwhile.
        decisions: of them, where they are kept.
        duplicates: messages that were told to be duplicates.
        degraded: events judged without windows.
    """

    block: Block
    events: int
    seconds: float
    metered: float
    decisions: list[bytes]
    duplicates: int = 0
    degraded: int = 0


class Lockstep:
    """The blocks in their order, between a source and a sink.

    Args:
        blocks: to hand out.
        stop: when set, nothing more is handed out.
        ended: called with each block that was answered as a whole, before the next one begins.
        meter: a number that grows with the work, such as the seconds that one step took; read at the edges of
            blocks.
    """

    def __init__(
        self,
        blocks: list[Block],
        stop: Event | None = None,
        ended: Callable[[Timing], None] = lambda _: None,
        meter: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.timings: list[Timing] = []
        self.stop = stop or Event()
        self._ended = ended
        self._meter = meter
        self._batches = self._read(blocks)
        self._lock = Lock()
        self._waiting = 0
        self._since = 0.0

    def _read(self, blocks: list[Block]) -> Iterator[RawBatch]:
        number = 0
        for block in blocks:
            timing = Timing(block, 0, 0.0, -self._meter(), [])
            self.timings.append(timing)
            part = FileSource(InputFiles([block.path]), batch=block.batch).build_part("read", "files", None)
            try:
                while True:
                    try:
                        (batch,) = part.next_batch()
                    except StopIteration:
                        break
                    yield replace(batch, batch=number)
                    number += 1
            finally:
                part.close()
            timing.metered += self._meter()
            self._ended(timing)

    def next_batch(self) -> list[RawBatch]:
        """The next batch, or nothing while the last one is not answered.

        Raises:
            StopIteration: all blocks are answered, or it was told to stop.
        """
        with self._lock:
            if self._waiting:
                return []
            if self.stop.is_set():
                raise StopIteration
            batch = next(self._batches)
            self._waiting = len(batch.values)
            self._since = time.perf_counter()
            return [batch]

    def answered(self, outputs: list[Output]) -> None:
        """Take note of answers; those that complete the batch stop the clock."""
        with self._lock:
            timing = self.timings[-1]
            for output in outputs:
                self._waiting -= output.accounted
                timing.events += output.accounted
                timing.duplicates += len(output.duplicates)
                timing.degraded += output.degraded
            if not self._waiting:
                timing.seconds += time.perf_counter() - self._since
            if timing.block.keep:
                for output in outputs:
                    timing.decisions += output.decisions


class LockstepSource(FixedPartitionedSource[RawBatch, None]):
    """Reads what the lockstep hands out; it is never resumed."""

    def __init__(self, lockstep: Lockstep) -> None:
        self._lockstep = lockstep

    def list_parts(self) -> list[str]:
        """One partition: blocks have one order."""
        return ["blocks"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_SourcePart":  # noqa: ARG002
        """The only partition."""
        return _SourcePart(self._lockstep)


class _SourcePart(StatefulSourcePartition[RawBatch, None]):
    def __init__(self, lockstep: Lockstep) -> None:
        self._lockstep = lockstep

    def next_batch(self) -> list[RawBatch]:
        return self._lockstep.next_batch()

    def snapshot(self) -> None:
        return None


class LockstepSink(FixedPartitionedSink[Output, None]):
    """Gives every output to the lockstep and writes nothing."""

    def __init__(self, lockstep: Lockstep) -> None:
        self._lockstep = lockstep

    def list_parts(self) -> list[str]:
        """One partition."""
        return ["blocks"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_SinkPart":  # noqa: ARG002
        """The only partition."""
        return _SinkPart(self._lockstep)


class _SinkPart(StatefulSinkPartition[Output, None]):
    def __init__(self, lockstep: Lockstep) -> None:
        self._lockstep = lockstep

    def write_batch(self, values: list[Output]) -> None:
        self._lockstep.answered(values)

    def snapshot(self) -> None:
        return None
