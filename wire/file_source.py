"""The file source of the dataflow: one partition that reads all input files in arrival order."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Event
from typing import NamedTuple

import numpy as np
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from events.clock import EARLIEST, wall_clock
from wire.input_files import InputFiles, Line
from wire.messages import RawBatch

BATCH = 8192
_TICK = timedelta(milliseconds=20)


class FilePlace(NamedTuple):
    """Where reading goes on: messages read so far, of each file, and batches made of them."""

    read: int
    offsets: tuple[int, ...]
    batches: int


class FileSource(FixedPartitionedSource[RawBatch, FilePlace]):
    """Reads input files as batches of messages.

    Args:
        files: what to read.
        speed: event seconds played per second, None for as fast as possible.
        batch: most messages in one batch.
        on_read: called with the number of messages read so far, for a progress bar.
        stop: when set, reading ends before the end; the place is kept.
    """

    def __init__(
        self,
        files: InputFiles,
        speed: float | None = None,
        batch: int = BATCH,
        on_read: Callable[[int], None] = lambda _: None,
        stop: Event | None = None,
    ) -> None:
        self._stop = stop or Event()
        self._files = files
        self._speed = speed
        self._batch = batch
        self._on_read = on_read

    def list_parts(self) -> list[str]:
        """One partition: the order of the files is the order of the stream."""
        return ["files"]

    def build_part(self, step_id: str, for_part: str, resume_state: FilePlace | None) -> "_FilePartition":  # noqa: ARG002
        """Open the files and skip what was read before."""
        place = resume_state or FilePlace(0, (0,) * len(self._files.paths), 0)
        return _FilePartition(self._files, self._speed, self._batch, self._on_read, place, self._stop)


class _FilePartition(StatefulSourcePartition[RawBatch, FilePlace]):
    def __init__(
        self,
        files: InputFiles,
        speed: float | None,
        batch: int,
        on_read: Callable[[int], None],
        place: FilePlace,
        stop: Event,
    ) -> None:
        self._stop = stop
        self._names = names_of(files.paths)
        self._lines = files.lines(timed=speed is not None)
        for _ in islice(self._lines, place.read):
            pass
        self._speed = speed
        self._size = batch
        self._on_read = on_read
        self._read, offsets, self._batches = place
        self._offsets = list(offsets)
        self._ahead: Line | None = None
        self._started: tuple[int, int] | None = None  # wall clock and event clock of the first line played

    def next_batch(self) -> list[RawBatch]:
        if self._stop.is_set():
            raise StopIteration
        lines = list(islice(self._lines, self._size)) if self._speed is None else self._due(self._speed)
        if not lines:
            if self._ahead is None:
                raise StopIteration
            return []
        files = np.fromiter((line.file for line in lines), np.int64, len(lines))
        offsets = np.empty(len(lines), np.int64)
        for file in np.unique(files).tolist():
            rows = np.flatnonzero(files == file)
            offsets[rows] = self._offsets[file] + np.arange(len(rows))
            self._offsets[file] += len(rows)
        batch = RawBatch(
            batch=self._batches,
            values=[line.raw for line in lines],
            sources=[self._names[line.file] for line in lines],
            offsets=offsets,
            oldest_at=wall_clock(),
        )
        self._batches += 1
        self._read += len(lines)
        self._on_read(self._read)
        return [batch]

    def _due(self, speed: float) -> list[Line]:
        """The lines whose moment has come; the first one not due is kept for later."""
        due: list[Line] = []
        while len(due) < self._size:
            line = self._ahead or next(self._lines, None)
            self._ahead = None
            if line is None:
                break
            if line.arrived > EARLIEST:  # before the first readable time everything is due
                now = wall_clock()
                wall, event = self._started = self._started or (now, line.arrived)
                if line.arrived - event > (now - wall) * speed:
                    self._ahead = line
                    break
            due.append(line)
        return due

    def next_awake(self) -> datetime | None:
        return datetime.now(UTC) + _TICK if self._ahead is not None else None

    def snapshot(self) -> FilePlace:
        # A line read ahead was not emitted: it is not counted and is read again.
        return FilePlace(self._read, tuple(self._offsets), self._batches)

    def close(self) -> None:
        self._lines.close()


def names_of(paths: Sequence[Path]) -> list[str]:
    """A name for each file by which its messages are known; files of one name are told apart.

    >>> names_of([Path("a/orders.jsonl"), Path("b/orders.jsonl"), Path("c.csv")])
    ['orders.jsonl', 'orders.jsonl#2', 'c.csv']
    """
    seen: Counter[str] = Counter()
    names = []
    for path in paths:
        seen[path.name] += 1
        names.append(path.name if seen[path.name] == 1 else f"{path.name}#{seen[path.name]}")
    return names
