"""`fenghuo model evaluate`: models beside one another on a period later than they were trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from backtest.labels import LabelFile, read_labels
from events.clock import milliseconds, rfc3339
from events.columns import Kind
from events.errors import FenghuoError
from events.event import EventType
from fenghuo.commands.features import Wanted, collect
from fenghuo.commands.model_train import known_from
from fenghuo.commands.replay import progress, write_whole
from fenghuo.ending import RunError
from fenghuo.settings import Settings
from fenghuo.wiring import build_risk
from models.evaluation import Evaluation, evaluate
from models.labels import LEGITIMATE, Knowledge
from models.material import MOST_ROWS, Collector, Material
from models.model import Model
from models.registry import load
from rules.pack import Pack
from wire.column_mapping import read_mapping
from wire.input_files import InputFiles


class EvaluationError(FenghuoError):
    """Raised when models can't be compared, or not on that period."""


@dataclass(frozen=True)
class Asked:
    """What is to be evaluated.

    Args:
        models: directories; the first is what the others are compared with.
        labels: CSV of what is known of events, besides `label.reported` events.
        since: first event time that counts; None: the end of the latest training.
        until: first event time that counts no more; None: the end of the files.
        known_by: what labels say that became known later is left out; None: nothing is.
        ks: for the precision among the k customers that score highest.
    """

    models: tuple[Path, ...]
    labels: Path | None = None
    since: int | None = None
    until: int | None = None
    known_by: int | None = None
    ks: tuple[int, ...] = (10, 50, 100)


class Report(Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """What came of it.

    Args:
        pack: whose features were scored.
        first: earliest event, RFC 3339.
        last: latest event.
        labels: events that labels call bad, in the period or not.
        models: one evaluation for each model.
    """

    pack: str
    first: str
    last: str
    labels: int
    models: list[Evaluation]


def evaluated(settings: Settings, asked: Asked, console: Console) -> Report:
    """Score the events of a period by every model, and measure what they find.

    Raises:
        FenghuoError: an input is wrong, a model saw the period in training, or models don't go together.
    """
    models = [load(path) for path in asked.models]
    types = _types(models)
    since = _later(models, asked.since)
    risk = build_risk(settings)
    for model in models:
        model.check_features(risk.pack.readable)
    kinds: dict[str, Kind] = {name: kind for model in models for name, kind in model.kinds.items()}
    labels = read_labels(asked.labels) if asked.labels is not None else None
    collector, knowledge = Collector(kinds, MOST_ROWS), known_from(labels)
    mapping = read_mapping(settings.mapping) if settings.mapping is not None else None
    files = InputFiles(list(settings.events or ()), mapping)
    with progress(console, files, "features") as on_read:
        collect(risk, files, Wanted(types, since, asked.until), collector, knowledge, on_read)
    material = collector.material()
    harm = harms(knowledge, labels, asked.known_by)
    return Report(
        pack=risk.pack.id,
        first=rfc3339(int(material.occurred_at[0])) if len(material) else "",
        last=rfc3339(int(material.occurred_at[-1])) if len(material) else "",
        labels=len(harm),
        models=[measured(model, material, harm, risk.pack, asked.ks) for model in models],
    )


def measured(
    model: Model, material: Material, harm: dict[str, str], pack: Pack, ks: tuple[int, ...]
) -> Evaluation:
    """What one model is worth on material."""
    days = pack.local_time.days(material.occurred_at)
    scores = model.score(material.columns)
    return evaluate(model.id, scores, harm, material.events, material.groups, days, model.raises_from, ks)


def harms(knowledge: Knowledge, file: LabelFile | None, known_by: int | None) -> dict[str, str]:
    """By bad event its scenario, where the file names one, else the kind of its label."""
    found = {event: kind for event, kind in knowledge.labels(known_by).items() if kind != LEGITIMATE}
    if file is not None:
        for event, label in file.labels.items():
            scenario = next((scenario for _, scenario in label.incidents if scenario), None)
            if event in found and scenario is not None:
                found[event] = scenario
    return found


def _types(models: Sequence[Model]) -> frozenset[EventType]:
    first = models[0]
    for model in models[1:]:
        if model.event_types != first.event_types:
            raise EvaluationError(
                f"model `{model.id}` scores {', '.join(sorted(model.event_types))}, model `{first.id}`"
                f" {', '.join(sorted(first.event_types))}; compare models of the same events"
            )
    return frozenset(EventType(name) for name in first.event_types)


def _later(models: Sequence[Model], since: int | None) -> int:
    """Where the period begins, which no model may have learnt from."""
    ends = {model.id: _ended(model) for model in models}
    latest = max(ends, key=lambda name: ends[name])
    if since is None:
        return ends[latest] + 1
    if since <= ends[latest]:
        raise EvaluationError(
            f"model `{latest}` was trained on events up to {rfc3339(ends[latest])}; begin later, or train a"
            " model with `--until`"
        )
    return since


def _ended(model: Model) -> int:
    return milliseconds(datetime.fromisoformat(model.manifest.period.last))


def show(report: Report, console: Console) -> None:
    """The figures as tables: models side by side, then each kind of harm."""
    first = report.models[0]
    table = Table(title=f"{report.pack}, {report.first} – {report.last}")
    table.add_column("")
    for one in report.models:
        table.add_column(one.model, justify="right")

    def row(name: str, cells: Sequence[str]) -> None:
        table.add_row(name, *cells)

    row("events", [f"{one.events:,}" for one in report.models])
    row("bad", [f"{one.bad:,}" for one in report.models])
    row("AUC ROC", [_figure(one.auc) for one in report.models])
    row("average precision", [_figure(one.average_precision) for one in report.models])
    for k in first.precision_at:
        row(f"precision at {k} a day", [_figure(one.precision_at[k]) for one in report.models])
    row("limit", [f"{one.limit:.6f}" for one in report.models])
    row("alerts a day", [f"{one.alerts_per_day:.1f}" for one in report.models])
    row("busiest day", [str(one.busiest_day) for one in report.models])
    row("precision at the limit", [_figure(one.precision) for one in report.models])
    row("recall at the limit", [_figure(one.recall) for one in report.models])
    for kind in sorted({kind for one in report.models for kind in one.scenarios}):
        cells = []
        for one in report.models:
            found = one.scenarios[kind]
            cells.append(f"{_figure(found.auc)}  {found.customers_found}/{found.customers}")
        row(kind, cells)
    console.print(table)
    if first.bad == 0:
        console.print(
            "No event of the period has a label that calls it bad: only the volume of alerts counts."
        )
    else:
        console.print(
            "Scenarios: AUC ROC, and customers found at the limit. Events without a label count as good."
        )


def _figure(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def write(report: Report, path: Path) -> None:
    """Write the figures to a JSON file.

    Raises:
        RunError: it can't be written.
    """
    try:
        write_whole(path, msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    except OSError as error:
        raise RunError(f"{path}: can't be written: {error.strerror or error}; choose another path") from error
