"""The trial: one or two packs tried on the same events, batch by batch, and the report at the end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from backtest.comparison import Comparison
from backtest.errors import BacktestError
from backtest.figures import Side
from backtest.hits import BatchHits
from backtest.known import KnownIds
from backtest.labels import LabelFile, Reports
from backtest.notes import notes
from backtest.report import FORMAT, Backtest, Input, Source, Timing
from backtest.rulebook import Rulebook
from backtest.side import side
from backtest.tally import PackTally
from backtest.truth import truth
from events.clock import rfc3339
from events.columns import Bools, EventBatch
from rules.waiting import Told


@dataclass(frozen=True)
class Trial:
    """What is tried on what, as far as it is known beforehand.

    Args:
        books: rules of the tested pack, and of the one that it is compared with, if any.
        models: id of the anomaly model of each; None for none.
        sources: the event files.
        labels: of a file; None without one.
        since: first event time that counts, epoch milliseconds; None for all.
        until: first event time that counts no more; None for all.
    """

    books: tuple[Rulebook, ...]
    models: tuple[str | None, ...]
    sources: tuple[Source, ...]
    labels: LabelFile | None = None
    since: int | None = None
    until: int | None = None

    def inside(self, at: int) -> bool:
        """Whether a moment lies in the period asked for."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def counted(self, batch: EventBatch) -> Bools:
        """Which events of a batch lie in the period asked for, shape (n,)."""
        inside = np.ones(len(batch), np.bool_)
        if self.since is not None:
            inside &= batch.occurred_at >= self.since
        if self.until is not None:
            inside &= batch.occurred_at < self.until
        return inside


@dataclass
class Messages:
    """What became of the messages that were read."""

    messages: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    outside: int = 0
    evaluated: int = 0
    late: int = 0


class Count:
    """Everything that a trial counts.

    Args:
        trial: what is tried.
    """

    def __init__(self, trial: Trial) -> None:
        self.messages = Messages()
        self._trial = trial
        self._tallies = [PackTally(book) for book in trial.books]
        self._comparison = Comparison(*trial.books) if len(trial.books) > 1 else None
        self._reports = Reports()
        self._known = KnownIds()
        self._first: int | None = None
        self._last: int | None = None

    @property
    def tallies(self) -> Sequence[PackTally]:
        """What each pack decided so far, event by event."""
        return self._tallies

    def add(self, everything: EventBatch, hits: Sequence[BatchHits]) -> None:
        """Count a batch; batches come in the order of their events.

        Args:
            everything: all events of the batch; labels count wherever they stand.
            hits: of each pack, over those events that lie in the period.
        """
        self._reports.add(everything)
        batch = hits[0].batch
        if not len(batch):
            return
        self._known.add(batch)
        first, last = int(batch.occurred_at.min()), int(batch.occurred_at.max())
        self._first = first if self._first is None else min(first, self._first)
        self._last = last if self._last is None else max(last, self._last)
        for tally, one in zip(self._tallies, hits, strict=True):
            tally.add(one)
        if self._comparison is not None:
            self._comparison.add(*hits)

    def tell(self, told: Iterable[tuple[int, Told]]) -> None:
        """Count what is told of deadlines, where the event that started the time lies in the period.

        Args:
            told: of each; names the side whose pack's deadline it is.
        """
        for place, one in told:
            if self._trial.inside(one.wait.occurred_at):
                self._tallies[place].duties.tell(one)

    def report(self, timing: Timing) -> Backtest:
        """What it all came to.

        Raises:
            BacktestError: no event was evaluated.
        """
        trial, counted = self._trial, self.messages
        if self._first is None or self._last is None:
            raise BacktestError(
                f"no event to evaluate: of {counted.messages} messages {counted.dead_lettered} were dead "
                f"letters and {counted.outside} outside the period; name other files or another period"
            )
        for tally in self._tallies:
            tally.finish()
        known = truth(trial.labels, self._reports, self._known)
        sides: list[Side] = [
            side(tally, model, known) for tally, model in zip(self._tallies, trial.models, strict=True)
        ]
        labelled = known.labelled if known is not None else None
        return Backtest(
            format=FORMAT,
            input=Input(
                files=list(trial.sources),
                messages=counted.messages,
                duplicates=counted.duplicates,
                dead_lettered=counted.dead_lettered,
                outside=counted.outside,
                evaluated=counted.evaluated,
                late=counted.late,
                since=rfc3339(trial.since) if trial.since is not None else None,
                until=rfc3339(trial.until) if trial.until is not None else None,
                first_at=rfc3339(self._first),
                last_at=rfc3339(self._last),
            ),
            labels=labelled,
            tested=sides[0],
            against=sides[1] if self._comparison is not None else None,
            difference=self._comparison.difference(*self._tallies) if self._comparison is not None else None,
            notes=notes(trial.books, sides, labelled),
            timing=timing,
        )
