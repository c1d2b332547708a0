"""What the dataflow hands to a sink: everything that came of some messages of one batch."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from events.columns import Int64s
from wire.messages import DeadLetter


@dataclass(frozen=True, slots=True)
class Lines:
    """JSON documents as they were encoded: runs of lines, each line ended by a line feed.

    A file takes the runs as they are; who wants the documents one by one splits them by iterating.
    """

    runs: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, documents: Iterable[bytes]) -> "Lines":
        """Lines of single documents."""
        return cls((b"".join(document + b"\n" for document in documents),))

    def __len__(self) -> int:
        return sum(run.count(b"\n") for run in self.runs)

    def __iter__(self) -> Iterator[bytes]:
        for run in self.runs:
            yield from run.split(b"\n")[:-1]


@dataclass(frozen=True, slots=True)
class Output:
    """Results of a part of a batch; all parts of a batch together account for each of its messages once.

    Args:
        batch: running number of the batch within its reader.
        size: messages of the whole batch.
        rows: place in the batch of each decided message, shape (n,).
        keys: group of each decided message, the key of what is sent.
        decisions: JSON of each decision, in the order of `rows`.
        hits: (place in `rows`, JSON) of each hit, in order.
        dead: dead letters.
        duplicates: places in the batch of messages whose event id was known.
        late: decided events that came later than the lateness.
        degraded: decided events that were judged without windows.
        partial: decided events of which a rule failed.
        outcomes: number of decisions by outcome.
        rules: number of results by `rule:result`.
        overdue: (group, JSON) of each hit of a missed deadline.
        withdrawn: (group, JSON) of what takes such a hit back.
        deadlines: number of these by `deadline result`.
    """

    batch: int
    size: int
    rows: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    keys: list[str] = field(default_factory=list)
    decisions: Lines = Lines()
    hits: list[tuple[int, bytes]] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    duplicates: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    late: int = 0
    degraded: int = 0
    partial: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    overdue: list[tuple[str, bytes]] = field(default_factory=list)
    withdrawn: list[tuple[str, bytes]] = field(default_factory=list)
    deadlines: dict[str, int] = field(default_factory=dict)

    @property
    def accounted(self) -> int:
        """Messages of the batch that this part accounts for."""
        return len(self.rows) + len(self.dead) + len(self.duplicates)
