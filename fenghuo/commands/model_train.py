"""`fenghuo model train`: fit the anomaly model on the features of a replay."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from rich.console import Console

from backtest.labels import LabelFile, read_labels
from events.clock import DAY
from events.columns import Kind
from events.errors import FenghuoError
from events.event import EventType
from fenghuo.commands.features import Wanted, collect, recorded
from fenghuo.commands.replay import progress
from fenghuo.settings import Settings
from fenghuo.wiring import build_risk
from models.blending import train_blend
from models.challenger import Course, lessons, train_challenger
from models.labels import Knowledge
from models.manifest import Algorithm
from models.manifest import Pack as PackOrigin
from models.material import MOST_ROWS, Collector, Material
from models.model import Model
from models.registry import check_free, save
from models.training import Growth, train_from_material
from rules.pack import Pack
from wire.column_mapping import read_mapping
from wire.input_files import InputFiles


class TrainingError(FenghuoError):
    """Raised when a feature is not there."""


@dataclass(frozen=True)
class Training:
    """How a model is trained.

    Args:
        labels: CSV with a column `event_id` of events known to be bad, besides those that `label.reported`
            events name; the model must not learn them as normal.
        event_types: types of the events to learn from and to score.
        features: patterns of the features to read (`*_72h`); none: all of the pack.
        since: first event time to learn from, epoch milliseconds; None: the first of the files.
        until: first event time to learn from no more, and the last moment at which a label counts that became
            known; None: the last of the files.
        most_rows: of more events than this a uniform sample is drawn.
        decisions: recorded decisions on the events, whose features are taken; None: the events are replayed.
        algorithm: how the model scores; all but the isolation forest learn from labels.
        growth: what to grow.
        course: how boosted trees are grown; None: by default, with the seed of `growth`.
        settled: milliseconds after which an event would be known to be bad; younger ones teach nothing, where
            `until` is given.
    """

    labels: Path | None = None
    event_types: tuple[EventType, ...] = (EventType.ORDER_PLACED,)
    features: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    most_rows: int = MOST_ROWS
    decisions: Path | None = None
    algorithm: Algorithm = Algorithm.ISOLATION_FOREST
    growth: Growth = field(default_factory=Growth)
    course: Course | None = None
    settled: int = 7 * DAY


def train(settings: Settings, training: Training, out: Path, console: Console) -> Model:
    """Train on what the dataflow says of `settings.events`, and save to the folder `out`.

    Raises:
        FenghuoError: an input is wrong, the run failed, or there is nothing to learn from.
    """
    check_free(out)
    risk = build_risk(settings)
    pack, growth = risk.pack, training.growth
    kinds = _chosen(pack.kinds, training.features)
    if growth.segment is not None:
        kinds |= _chosen(pack.kinds, (growth.segment,), "--segment")
    rules = _weighed(pack, training)
    kinds |= dict.fromkeys(rules, Kind.BOOL)
    knowledge = known_from(read_labels(training.labels) if training.labels is not None else None)
    collector = Collector(kinds, training.most_rows, growth.seed)
    mapping = read_mapping(settings.mapping) if settings.mapping is not None else None
    files = InputFiles(list(settings.events or ()), mapping)
    wanted = Wanted(frozenset(training.event_types), training.since, training.until)
    if training.decisions is not None:
        _read_recorded(training.decisions, files, wanted, collector, knowledge)
    else:
        with progress(console, files, "features") as on_read:
            collect(risk, files, wanted, collector, knowledge, on_read)
    features = tuple(_chosen(pack.kinds, training.features))
    model = grown(collector.material(), pack, training, features, rules, knowledge.bad(training.until))
    save(model, out)
    return model


def grown(
    material: Material,
    pack: Pack,
    training: Training,
    features: tuple[str, ...],
    rules: tuple[str, ...],
    bad: frozenset[str],
) -> Model:
    """The model of past events.

    Args:
        material: the events.
        pack: whose features they have.
        training: how to train.
        features: what the model reads.
        rules: what a blend weighs besides.
        bad: events that are known to be bad.

    Raises:
        ModelError: there is too little to learn from.
    """
    origin = PackOrigin(pack.id, pack.content_hash)
    growth = replace(training.growth, days=pack.local_time.days)
    types = training.event_types
    if training.algorithm is Algorithm.ISOLATION_FOREST:
        return train_from_material(material, origin, growth, features=features, event_types=types, bad=bad)
    taught = lessons(material, bad, training.until, training.settled)
    course = training.course or Course(seed=growth.seed)
    if training.algorithm is Algorithm.GRADIENT_BOOSTING:
        return train_challenger(taught, origin, course, growth, features=features, event_types=types)
    return train_blend(taught, origin, growth, course, features=features, rules=rules, event_types=types)


def _weighed(pack: Pack, training: Training) -> tuple[str, ...]:
    """The rules that a blend weighs: those that judge the events and do not read the model."""
    if training.algorithm is not Algorithm.BLEND:
        return ()
    types = set(training.event_types)
    return tuple(rule.name for rule in pack.evaluated if rule.name in pack.readable and rule.on & types)


def _read_recorded(
    path: Path, files: InputFiles, wanted: Wanted, collector: Collector, knowledge: Knowledge
) -> None:
    events = (line.raw for line in files.lines())
    try:
        with path.open("rb") as decisions:
            recorded(events, decisions, wanted, collector, knowledge, str(path))
    except OSError as error:
        raise TrainingError(f"{path}: can't be read: {error.strerror}; name a decisions.jsonl") from error


def known_from(file: LabelFile | None) -> Knowledge:
    """What a file of labels says; nothing where there is none."""
    knowledge = Knowledge()
    if file is not None:
        for event, label in file.labels.items():
            knowledge.report(event, label.kind, label.known_at)
    return knowledge


def _chosen(
    kinds: Mapping[str, Kind], patterns: tuple[str, ...], option: str = "--feature"
) -> dict[str, Kind]:
    for pattern in patterns:
        if not fnmatch.filter(kinds, pattern):
            near = get_close_matches(pattern, kinds, n=1)
            cure = f"did you mean `{near[0]}`?" if near else f"there are `{'`, `'.join(kinds)}`"
            raise TrainingError(f"{option} `{pattern}` fits no feature of the pack; {cure}")
    return {
        name: kind
        for name, kind in kinds.items()
        if not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    }
