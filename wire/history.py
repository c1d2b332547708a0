"""What Kafka still holds of the messages that were judged before, and since when that is complete."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from events.clock import DAY, LATEST, MINUTE
from events.columns import Int64s
from wire.errors import WireError
from wire.messages import RawBatch

SAMPLE = 100
"""Messages from before the time asked for that are read, too, to see how far events lie ahead of them."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of offsets of one partition.

    Args:
        begin: the first that is read.
        end: the first that is not.
    """

    begin: int
    end: int

    @property
    def cut(self) -> bool:
        """True when messages before it were left out."""
        return self.begin > 0


@dataclass(frozen=True, slots=True)
class HistoryBatch:
    """Messages that were judged before.

    Args:
        raw: the messages.
        produced: epoch milliseconds of each message, 0 or less where it doesn't say; shape (n,).
    """

    raw: RawBatch
    produced: Int64s


def stretch(source: str, low: int, wanted: int | None, read: int) -> Stretch:
    """Where to read of a partition that a run had read up to offset `read`.

    Args:
        source: name of the partition.
        low: the oldest offset that it still holds.
        wanted: the first offset of the time asked for; None for all that there is.
        read: offset at which the run goes on.

    Raises:
        WireError: messages that the run has not read yet are gone.
    """
    if low > read:
        raise WireError(
            f"Kafka: `{source}` begins at offset {low}, and the run had read up to {read}: messages were "
            "deleted before they were read, so it can't go on; delete the recovery directory to start anew"
        )
    return Stretch(low if wanted is None else max(low, min(wanted, read) - SAMPLE), read)


@dataclass
class Completeness:
    """Finds since when the events that are read are all there were.

    What is left out of a partition was produced before what is read of it, but an event may be dated ahead of
    its message. So the greatest lead among those that are read is added, as far as most of them are like it:
    a few wrong times must not hide everything.

    Args:
        since: time asked for in epoch milliseconds; None for all that there is.
        cut: the partitions of which something is left out.
    """

    since: int | None
    cut: frozenset[str]
    _first: dict[str, int] = field(default_factory=dict)
    _leads: Counter[int] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def note(self, history: HistoryBatch, rows: Int64s, times: Int64s) -> None:
        """Take note of a batch; workers may call it at once.

        Args:
            history: the batch.
            rows: of the messages that are events, shape (m,).
            times: event time of each, shape (m,).
        """
        later = np.full(len(history.produced), LATEST)
        by_source = _rows_by_source(history.raw.sources)
        for own in by_source.values():
            stamps = history.produced[own]
            # A message without a time says nothing about those before it.
            known = np.where(stamps > 0, stamps, LATEST)
            later[own] = np.minimum.accumulate(known[::-1])[::-1]
        leads = np.maximum(times - later[rows], 0)
        minutes, counts = np.unique(-(-leads // MINUTE), return_counts=True)
        with self._lock:
            self._leads.update(dict(zip(minutes.tolist(), counts.tolist(), strict=True)))
            for source, own in by_source.items():
                self._first.setdefault(source, int(history.produced[own[0]]))

    def complete_from(self, now: int) -> int | None:
        """Event time from which everything is there, in epoch milliseconds; None when nothing is missing.

        Args:
            now: the present, for partitions that hold nothing any more.
        """
        if not self.cut:
            return self.since
        firsts = (self._first.get(source, 0) for source in self.cut)
        limits = [first if first > 0 else now for first in firsts]
        return max(limits if self.since is None else [self.since, *limits]) + self._lead()

    def _lead(self) -> int:
        half = self._leads.total() / 2
        seen = typical = greatest = 0
        for minute in sorted(self._leads):
            if seen <= half:
                typical = minute
            if minute <= typical + DAY // MINUTE:
                greatest = minute
            seen += self._leads[minute]
        return greatest * MINUTE


def cut_sources(lanes: Mapping[int, Mapping[str, Stretch]]) -> frozenset[str]:
    """The partitions of which something is left out.

    Args:
        lanes: by partition number and topic.
    """
    return frozenset(
        f"{topic}:{number}" for number, lane in lanes.items() for topic, one in lane.items() if one.cut
    )


def _rows_by_source(sources: Sequence[str]) -> dict[str, Int64s]:
    codes = {name: code for code, name in enumerate(dict.fromkeys(sources))}
    numbers = np.fromiter((codes[source] for source in sources), np.int64, len(sources))
    return {name: np.flatnonzero(numbers == code) for name, code in codes.items()}
