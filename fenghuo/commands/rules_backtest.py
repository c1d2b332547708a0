"""`fenghuo rules backtest`: what a version of a rule pack would have done with past events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from rich.console import Console

from backtest.errors import BacktestError
from backtest.labels import read_labels
from backtest.page import page
from backtest.report import Backtest, Source, Timing
from backtest.rulebook import Rulebook
from backtest.trial import Count, Trial
from fenghuo.commands.backtest_flow import TrialJudge, count_sink, remind, watched
from fenghuo.commands.offline import run_offline
from fenghuo.commands.replay import progress, sha256_of, write_whole
from fenghuo.ending import RunError, stop_on_signals
from fenghuo.pack_source import Versions, pack_source
from fenghuo.settings import Settings
from fenghuo.settings import Source as Origins
from fenghuo.wiring import (
    Risk,
    build_risk,
    sample_model,
)
from flows.rulings import FIXED, Rulings
from models.errors import ModelError
from models.registry import load as load_model
from rules.pack import Pack
from wire.column_mapping import read_mapping
from wire.file_source import FileSource
from wire.input_files import InputFiles


@dataclass(frozen=True)
class Wanted:
    """What is to be backtested, beside the settings.

    Args:
        pack: file of the tested pack, or `NAME@VERSION`.
        against: the same of the pack that it is compared with; None for none.
        labels: CSV of what is known of events.
        since: first event time that counts, epoch milliseconds; None for all.
        until: first event time that counts no more; None for all.
    """

    pack: str
    against: str | None = None
    labels: Path | None = None
    since: int | None = None
    until: int | None = None


def backtest(
    settings: Settings, wanted: Wanted, console: Console, versions: Versions | None = None
) -> Backtest:
    """Try a pack, and the one that it is compared with, on `settings.events`.

    Args:
        settings: events, mapping, model and tables count.
        wanted: packs, labels and period.
        console: for progress.
        versions: where packs by `NAME@VERSION` are kept; None without a database.

    Raises:
        FenghuoError: an input is wrong, no event lies in the period, or the work failed.
    """
    packs = [pack_source(name, versions) for name in (wanted.pack, wanted.against) if name is not None]
    labels = read_labels(wanted.labels) if wanted.labels is not None else None
    mapping = read_mapping(settings.mapping) if settings.mapping is not None else None
    files = InputFiles(list(settings.events or ()), mapping)
    risk = risk_of(settings, packs)
    trial = Trial(
        books=tuple(Rulebook(pack) for pack in packs),
        models=(risk.model.id if risk.model is not None else None,) * len(packs),
        sources=tuple(Source(file=path.name, sha256=sha256_of(path)) for path in files.paths),
        labels=labels,
        since=wanted.since,
        until=wanted.until,
    )
    count = Count(trial)
    with stop_on_signals() as stop, progress(console, files, "backtest") as on_read:
        source = FileSource(files, on_read=on_read, stop=stop)
        seconds = run_trial(trial, count, risk, source)
        if stop.is_set():
            raise RunError("stopped; a backtest keeps nothing, the same command begins anew")
    rate = round(count.messages.messages / seconds)
    try:
        return count.report(Timing(seconds=round(seconds, 3), events_per_second=rate))
    except BacktestError as error:
        raise RunError(str(error)) from None  # it is known only after the work


def risk_of(settings: Settings, packs: list[Pack]) -> Risk:
    """What judges: the first pack, and one model for all of them.

    Where nobody said which model, the sample's is taken, if it was trained for one of the packs and fits all.

    Raises:
        FenghuoError: the model that was named does not fit a pack, or a table is wrong.
    """
    if settings.model is None and settings.source_of("model").source is Origins.DEFAULT:
        settings = settings.model_copy(update={"model": _sample_model(packs)})
    risk = build_risk(settings, pack=packs[0])
    if risk.model is not None:
        for pack in packs[1:]:
            risk.model.check_features(pack.readable)
    return risk


def _sample_model(packs: list[Pack]) -> Path | None:
    folder = next(filter(None, map(sample_model, packs)), None)
    if folder is None:
        return None
    model = load_model(folder)
    try:
        for pack in packs:
            model.check_features(pack.readable)
    except ModelError:
        return None  # the report notes that rules which read `anomaly` are not evaluable
    return folder


def run_trial(trial: Trial, count: Count, risk: Risk, source: FileSource) -> float:
    """Run a trial through the dataflow that judges live; the seconds that it took.

    Raises:
        RunError: a step ended the run.
    """
    rulings = Rulings()
    names = [rulings.enter(book.pack) for book in trial.books]
    judge = TrialJudge(trial, names, (risk.model,) * len(trial.books), risk.metrics)
    lateness = max(book.pack.lateness for book in trial.books)
    deadlines = watched(trial.books)
    rulings.add(FIXED, replace(risk.pack, lateness=lateness, deadlines=deadlines), judge)
    return run_offline(risk, source, count_sink(count), rulings, judge, remind(trial.books))


def to_json(report: Backtest) -> bytes:
    """The report as the content of its JSON file."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


Target = tuple[Path, Callable[[Backtest], bytes]]
"""A file to write, and what makes its content of a report."""


def targets(json: Path | None, html: Path | None, out: Path | None) -> list[Target]:
    """The files that are asked for; their folders are made now, so that no work is done in vain.

    Raises:
        BacktestError: a file can't be written there.
    """
    wanted: list[tuple[Path | None, Callable[[Backtest], bytes]]] = [(json, to_json), (html, page)]
    if out is not None:
        wanted += [(out / "backtest.json", to_json), (out / "backtest.html", page)]
    found = [(path, content) for path, content in wanted if path is not None]
    for path, _ in found:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BacktestError(
                f"{path}: can't be written: {error.strerror or error}; choose another path"
            ) from error
        if path.is_dir():
            raise BacktestError(f"{path}: this is a folder; name a file, or use --out")
    return found


def write(report: Backtest, files: Sequence[Target]) -> None:
    """Write a report to files, each as a whole.

    Raises:
        RunError: one can't be written.
    """
    for path, content in files:
        try:
            write_whole(path, content(report))
        except OSError as error:
            raise RunError(
                f"{path}: can't be written: {error.strerror or error}; choose another path"
            ) from error
