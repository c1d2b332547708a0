"""The sink of a replay: JSON-lines files in the order of the input, whatever the number of workers."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from wire.errors import WireError
from wire.messages import dead_letter_line
from wire.output import Lines, Output

DECISIONS, HITS, DEAD_LETTERS = "decisions.jsonl", "hits.jsonl", "dead_letters.jsonl"
OVERDUE, WITHDRAWN = "overdue.jsonl", "withdrawn.jsonl"
_FILES = (DECISIONS, HITS, DEAD_LETTERS, OVERDUE, WITHDRAWN)


@dataclass(frozen=True)
class ReplayPlace:
    """How far a replay has been written: length of each file, next batch, and the counts so far."""

    lengths: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_FILES, 0))
    batch: int = 0
    counts: dict[str, int] = field(default_factory=dict)


class ReplaySink(FixedPartitionedSink[Output, ReplayPlace]):
    """Writes decisions, dead letters and hits below a folder, each exactly once.

    What was written after the last saved place is cut off on a restart and written again.

    Args:
        folder: for decisions and dead letters.
        state: for the hits, from which alerts grow at the end; those of deadlines are apart, in no order.
        totals: called with the final counts when the input has ended.
    """

    def __init__(self, folder: Path, state: Path, totals: "Totals") -> None:
        results = (DECISIONS, DEAD_LETTERS)
        self._paths = {name: (folder if name in results else state) / name for name in _FILES}
        self._totals = totals

    def list_parts(self) -> list[str]:
        """One partition: files have one order."""
        return ["replay"]

    def build_part(self, step_id: str, for_part: str, resume_state: ReplayPlace | None) -> "_ReplayPartition":  # noqa: ARG002
        """Open the files at the saved place."""
        return _ReplayPartition(self._paths, resume_state or ReplayPlace(), self._totals)


class Totals:
    """Receives the counts of a replay."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()


class _ReplayPartition(StatefulSinkPartition[Output, ReplayPlace]):
    def __init__(self, paths: dict[str, Path], place: ReplayPlace, totals: Totals) -> None:
        for name, path in paths.items():
            if (path.stat().st_size if path.exists() else 0) < place.lengths[name]:
                raise WireError(f"{path}: shorter than what was written; delete the folder and replay again")
        self._files: dict[str, BinaryIO] = {}
        for name, path in paths.items():
            stream = self._files[name] = path.open("r+b" if path.exists() else "w+b")
            stream.truncate(place.lengths[name])
            stream.seek(0, os.SEEK_END)
        self._next = place.batch
        self._totals = totals
        self._totals.counts = Counter(place.counts)
        self._waiting: dict[int, list[Output]] = {}

    def write_batch(self, values: list[Output]) -> None:
        for output in values:
            if output.deadlines:
                self._tell(output)
                continue
            self._waiting.setdefault(output.batch, []).append(output)
        while self._complete(parts := self._waiting.get(self._next, [])):
            self._write(parts)
            del self._waiting[self._next]
            self._next += 1

    @staticmethod
    def _complete(parts: list[Output]) -> bool:
        return bool(parts) and sum(part.accounted for part in parts) == parts[0].size

    def _write(self, parts: list[Output]) -> None:
        hits = [
            (int(part.rows[place]), number, line)
            for part in parts
            for number, (place, line) in enumerate(part.hits)
        ]
        dead = [(letter.row, dead_letter_line(letter)) for part in parts for letter in part.dead]
        self._files[DECISIONS].writelines(_in_order(parts).runs)
        self._append(HITS, [line for _, _, line in sorted(hits)])
        self._append(DEAD_LETTERS, [line for _, line in sorted(dead)])
        counts = self._totals.counts
        for part in parts:
            counts["decided"] += len(part.rows)
            counts["duplicate"] += len(part.duplicates)
            counts["dead_lettered"] += len(part.dead)
            counts["late"] += part.late
            counts["degraded"] += part.degraded
            counts["partial"] += part.partial
            for outcome, number in part.outcomes.items():
                counts[f"outcome {outcome}"] += number
            for rule, number in part.rules.items():
                counts[f"rule {rule}"] += number
        counts["input"] += parts[0].size

    def _tell(self, output: Output) -> None:
        """What deadlines tell belongs to no message, and is put into order at the end."""
        self._append(OVERDUE, [hit for _, hit in output.overdue])
        self._append(WITHDRAWN, [withdrawal for _, withdrawal in output.withdrawn])
        for deadline, number in output.deadlines.items():
            self._totals.counts[f"deadline {deadline}"] += number

    def _append(self, name: str, lines: list[bytes]) -> None:
        if lines:
            self._files[name].write(b"\n".join(lines) + b"\n")

    def snapshot(self) -> ReplayPlace:
        if self._waiting:
            raise WireError("a batch is incomplete at the end of an epoch; this is a defect, report it")
        for stream in self._files.values():
            stream.flush()
            os.fsync(stream.fileno())
        lengths = {name: stream.tell() for name, stream in self._files.items()}
        return ReplayPlace(lengths, self._next, dict(self._totals.counts))

    def close(self) -> None:
        for stream in self._files.values():
            stream.close()


def _in_order(parts: list[Output]) -> Lines:
    """The decisions of a batch in the order of its messages; nothing is moved where they stand so already."""
    rows = np.concatenate([part.rows for part in parts])
    lines = Lines(tuple(run for part in parts for run in part.decisions.runs))
    if np.all(rows[1:] > rows[:-1]):
        return lines
    single = list(lines)
    return Lines.of(single[place] for place in np.argsort(rows).tolist())
