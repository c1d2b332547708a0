"""Features of past events, from the dataflow or from recorded decisions, as training material."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
import numpy as np
from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from events.clock import milliseconds
from events.columns import Column, Int64s, Objects
from events.event import EventType
from fenghuo.commands.offline import OrderedSink, run_offline
from fenghuo.ending import RunError, stop_on_signals
from fenghuo.wiring import Risk
from flows.rulings import FIXED, Rulings
from models.history import collect_rows, decided_rows
from models.labels import Knowledge
from models.material import Collector
from rules.evaluate import derive
from rules.pack import Pack
from rules.score import rule_hits
from windows.windowed import WindowedBatch
from wire.file_source import FileSource
from wire.input_files import InputFiles
from wire.output import Output


@dataclass(frozen=True, slots=True)
class Featured(Output):
    """Features of a part of a batch.

    Args:
        events: ids of the wanted events, shape (n,).
        types: their types, shape (n,).
        groups: their unified customers, shape (n,).
        occurred_at: event times, shape (n,).
        columns: wanted features by name, shape (n,).
        reports: (target, label, time) of each `label.reported` event of the part.
    """

    events: list[str] = field(default_factory=list)
    types: Objects = field(default_factory=lambda: np.empty(0, object))
    groups: list[str] = field(default_factory=list)
    occurred_at: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    columns: dict[str, Column] = field(default_factory=dict)
    reports: list[tuple[object, object, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """Which events are wanted.

    Args:
        types: of these types.
        since: from this event time on, epoch milliseconds; None: from the first on.
        until: before this event time; None: up to the last.
    """

    types: frozenset[EventType]
    since: int | None = None
    until: int | None = None

    def covers(self, moment: int) -> bool:
        """Whether an event time lies in the period."""
        after = self.since is None or moment >= self.since
        return after and (self.until is None or moment < self.until)

    def rows(self, windowed: WindowedBatch) -> Int64s:
        """Places of the wanted events."""
        batch = windowed.batch
        wanted = batch.is_of(self.types)
        if self.since is not None:
            wanted &= batch.occurred_at >= self.since
        if self.until is not None:
            wanted &= batch.occurred_at < self.until
        return np.flatnonzero(wanted)


class FeatureJudge:
    """Hands on the features of wanted events, what labels say, and where wanted rules hit.

    Args:
        pack: whose features and rules.
        names: of the wanted ones.
        wanted: which events.
    """

    def __init__(self, pack: Pack, names: frozenset[str], wanted: Wanted) -> None:
        self._pack = pack
        self._names = names
        self._wanted = wanted
        self._rules = tuple(rule.name for rule in pack.evaluated if rule.name in names)

    def __call__(self, windowed: WindowedBatch) -> Featured:
        """The features of a batch."""
        rows = self._wanted.rows(windowed)
        part = windowed.take(rows)
        derived = derive(self._pack, part.batch, part.features, part.warming)
        hits = rule_hits(self._pack, part.batch, derived, part.profiles, self._rules) if self._rules else {}
        batch = windowed.batch
        return Featured(
            batch=batch.batch,
            size=batch.size,
            rows=batch.rows,
            duplicates=windowed.duplicates,
            events=[event.event_id for event in part.batch.events],
            types=part.batch.types,
            groups=part.batch.groups,
            occurred_at=part.batch.occurred_at,
            columns={
                name: column for name, column in (derived.features | hits).items() if name in self._names
            },
            reports=[
                (attributes.get("target"), attributes.get("label"), int(batch.occurred_at[row]))
                for row in np.flatnonzero(batch.is_of({EventType.LABEL_REPORTED})).tolist()
                if (attributes := batch.events[row].attributes or {})
            ],
        )


class _Taking:
    """Takes features into material and labels, in the order of the input."""

    def __init__(self, collector: Collector, knowledge: Knowledge) -> None:
        self._collector = collector
        self._knowledge = knowledge

    def told(self, output: Output) -> None:
        """Nothing is told beside batches."""
        raise AssertionError(output)

    def take(self, parts: list[Output]) -> None:
        """Take all parts of one batch."""
        featured = [part for part in parts if isinstance(part, Featured) and len(part.rows)]
        for part in sorted(featured, key=lambda part: int(part.rows[0])):
            self._collector.add(part.events, part.types, part.groups, part.occurred_at, part.columns)
            for target, label, known_at in part.reports:
                self._knowledge.report(target, label, known_at)


def collect(
    risk: Risk,
    files: InputFiles,
    wanted: Wanted,
    collector: Collector,
    knowledge: Knowledge,
    on_read: Callable[[int], None] = lambda _: None,
) -> None:
    """Run files through the dataflow, and collect the features of the wanted events and what labels say.

    Args:
        risk: whose pack and tables count.
        files: to read.
        wanted: which events.
        collector: takes the features that it names; the name of a rule stands for where it hits.
        knowledge: takes labels.
        on_read: called with the number of messages read so far.

    Raises:
        RunError: a step ended the run, or a signal did.
    """
    pack = risk.pack
    judge = FeatureJudge(pack, frozenset(collector.kinds), wanted)
    rulings = Rulings()
    rulings.add(FIXED, replace(pack, deadlines=()), judge)
    with stop_on_signals() as stop:
        source = FileSource(files, on_read=on_read, stop=stop)
        run_offline(risk, source, OrderedSink(_Taking(collector, knowledge)), rulings, judge)
        if stop.is_set():
            raise RunError("stopped before the end; nothing was made")


class Known(Struct):
    """What is needed of an event beside its decision."""

    event_id: str
    type: str
    occurred_at: int | str
    attributes: dict[str, Raw] | None = None

    def tell(self, knowledge: Knowledge) -> None:
        """Hand on what the event says of another, if it is a label."""
        if self.type == EventType.LABEL_REPORTED.value and (moment := _moment(self.occurred_at)):
            attributes = self.attributes or {}
            target, label = (_text(attributes.get(key)) for key in ("target", "label"))
            knowledge.report(target, label, moment)


def recorded(
    events: Iterable[bytes],
    decisions: Iterable[bytes],
    wanted: Wanted,
    collector: Collector,
    knowledge: Knowledge,
    name: str = "decisions.jsonl",
) -> None:
    """Collect the features that past decisions recorded.

    Args:
        events: messages of the events, for their types and labels; decisions don't repeat them.
        decisions: JSON of the decisions on them.
        wanted: which events.
        collector: takes the features that it names.
        knowledge: takes labels.
        name: of the decisions, for messages.

    Raises:
        ModelError: one of the decisions is none, or lacks a feature.
    """
    decoder = Decoder(Known)
    types = {}
    for message in events:
        try:
            event = decoder.decode(message)
        except (DecodeError, UnicodeDecodeError, RecursionError):
            continue  # it is among the dead letters
        types[event.event_id] = event.type
        event.tell(knowledge)
    asked = {kind.value for kind in wanted.types}
    rows = decided_rows(decisions, types, name)
    collect_rows(
        (row for row in rows if row.event_type in asked and wanted.covers(row.occurred_at)), collector
    )


def _text(raw: Raw | None) -> object:
    return None if raw is None else msgspec.json.decode(raw)


def _moment(value: int | str) -> int | None:
    if isinstance(value, int):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return milliseconds(moment) if moment.tzinfo is not None else None
