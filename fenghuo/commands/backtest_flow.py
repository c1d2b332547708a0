"""What turns the dataflow into a backtest: a judge that hands on columns, and a sink that counts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backtest.hits import BatchHits, batch_hits
from backtest.meaning import same_features
from backtest.rulebook import Rulebook
from backtest.trial import Count, Trial
from events.columns import EventBatch
from fenghuo.commands.offline import OrderedSink
from flows.windows import Overdue
from models.model import Model
from rules.deadline import Deadline
from rules.evaluate import derive, evaluate
from rules.score import Score, score
from rules.waiting import Told
from telemetry.metrics import FlowMetrics
from windows.windowed import WindowedBatch
from wire.output import Output


@dataclass(frozen=True, slots=True)
class Assessed(Output):
    """What the packs of a trial said of a part of a batch.

    Args:
        everything: the events that the windows accepted.
        told: the hits of each pack, over those events that lie in the period asked for.
        outside: how many do not.
    """

    everything: EventBatch | None = None
    told: tuple[BatchHits, ...] = ()
    outside: int = 0


@dataclass(frozen=True, slots=True)
class Reminded(Output):
    """What is told of deadlines.

    Args:
        told: of each; names the side whose pack's deadline it is.
    """

    told: tuple[tuple[int, Told], ...] = ()


def watched(books: Sequence[Rulebook]) -> tuple[Deadline, ...]:
    """The deadlines of all packs of a trial, each named after its place among the packs."""
    return tuple(
        replace(deadline, name=f"{side} {deadline.name}")
        for side, book in enumerate(books)
        for deadline in book.deadlines
    )


def remind(books: Sequence[Rulebook]) -> Callable[[Overdue], Reminded]:
    """The step from what is to be told of `watched` deadlines to what is counted."""

    def own(told: Told) -> tuple[int, Told]:
        side, _, name = told.deadline.name.partition(" ")
        return int(side), told._replace(deadline=books[int(side)].pack.deadlines_by_name[name])

    return lambda overdue: Reminded(overdue.batch, 0, told=tuple(map(own, overdue.told)))


class TrialJudge:
    """Judges batches by every pack of a trial, over the same windows.

    Args:
        trial: the packs and the period.
        names: for each pack, the window features' names by its own, as their union has them.
        models: the anomaly model of each pack; None for none.
        metrics: where steps are timed.
    """

    def __init__(
        self,
        trial: Trial,
        names: Sequence[Mapping[str, str]],
        models: Sequence[Model | None],
        metrics: FlowMetrics,
    ) -> None:
        self._trial = trial
        self._names = names
        self._models = models
        self._scoring = metrics.step_seconds.labels("score")
        self._ruling = metrics.step_seconds.labels("rules")
        packs = [book.pack for book in trial.books]
        model = models[0]
        self._shared = (
            model is not None
            and all(other is model for other in models)
            and not model.manifest.rules
            and same_features(packs, model.feature_names)
        )

    def __call__(self, windowed: WindowedBatch) -> Assessed:
        """What the packs say of a batch; only events in the period are judged."""
        batch = windowed.batch
        counted = np.flatnonzero(self._trial.counted(batch))
        part = windowed if len(counted) == len(batch) else windowed.take(counted)
        told: list[BatchHits] = []
        said: Score | None = None
        for book, names, model in zip(self._trial.books, self._names, self._models, strict=True):
            if not self._shared:
                said = None
            one, said = self._judge(part, book, names, model, said)
            told.append(one)
        return Assessed(
            batch=batch.batch,
            size=batch.size,
            rows=batch.rows,
            duplicates=windowed.duplicates,
            late=int(np.count_nonzero(part.late)),
            everything=batch,
            told=tuple(told),
            outside=len(batch) - len(counted),
        )

    def _judge(
        self,
        part: WindowedBatch,
        book: Rulebook,
        names: Mapping[str, str],
        model: Model | None,
        said: Score | None,
    ) -> tuple[BatchHits, Score | None]:
        """The hits of one pack, and the score that it was given or made."""
        pack, batch = book.pack, part.batch
        with self._scoring.time():
            features = {own: part.features[name] for own, name in names.items()}
            warming = {own: part.warming[name] for own, name in names.items() if name in part.warming}
            derived = derive(pack, batch, features, warming)
            if said is None and model is not None:
                said = score(model, batch, derived, pack, part.profiles)
        with self._ruling.time():
            anomaly = said.percentile if said is not None else None
            limit = said.limit if said is not None else None
            judgement = evaluate(pack, batch, derived, part.profiles, anomaly, limit=limit)
            return batch_hits(book, batch, judgement), said


class Counting:
    """Adds up what a trial said, batch by batch in the order of the input.

    Args:
        count: takes it.
    """

    def __init__(self, count: Count) -> None:
        self._count = count

    def told(self, output: Output) -> None:
        """Count what is told of deadlines."""
        assert isinstance(output, Reminded)
        self._count.tell(output.told)

    def take(self, parts: list[Output]) -> None:
        """Count all parts of one batch."""
        messages = self._count.messages
        messages.messages += parts[0].size
        assessed = [part for part in parts if isinstance(part, Assessed) and len(part.rows)]
        for part in parts:
            messages.duplicates += len(part.duplicates)
            messages.dead_lettered += len(part.dead)
        for part in sorted(assessed, key=lambda part: int(part.rows[0])):
            assert part.everything is not None
            messages.outside += part.outside
            messages.evaluated += len(part.rows) - part.outside
            messages.late += part.late
            self._count.add(part.everything, part.told)


def count_sink(count: Count) -> OrderedSink:
    """The sink that counts what a trial said."""
    return OrderedSink(Counting(count), Reminded)
