"""`fenghuo bench detection`, set `simulated`: incidents of simulated trade, found by what ships."""

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Event

from rich.console import Console

from backtest.rulebook import Rulebook
from backtest.tally import PackTally
from backtest.trial import Count, Trial
from bench.incidents import BUDGET, IncidentsJob, IncidentsRun, Scenario
from fenghuo.commands.bench_track import bench_settings
from fenghuo.commands.model_train import Training, train
from fenghuo.commands.rules_backtest import run_trial
from fenghuo.commands.simulate import simulate
from fenghuo.ending import RunError
from fenghuo.settings import Settings
from fenghuo.wiring import build_risk
from models.training import Growth
from rules.rule import Mode
from simulation.stream import Settings as Simulated
from wire.file_source import FileSource
from wire.input_files import InputFiles

PACKS = tuple(
    Path(__file__).resolve().parents[2] / "rules" / "packs" / f"{name}.yaml"
    for name in ("service-standards", "trade-core")
)
FEATURES = (
    "event_amount",
    "local_hour",
    "amount_to_average",
    "regions_72h",
    "orders_*h",
    "ordered_24h",
    "night_*",
    "days_since_order",
)
"""What the model of the sample reads, as samples/README.md says."""
TRAINED_FROM, JUDGED_FROM = date(2026, 3, 2), date(2026, 3, 16)
_QUIET = Console(quiet=True)


@dataclass(frozen=True)
class _Stream:
    """A simulated stream.

    Args:
        events: file of its messages.
        labels: CSV of its incidents.
        mappings: folder of its mapping tables.
    """

    events: Path
    labels: Path
    mappings: Path

    @classmethod
    def of(cls, job: IncidentsJob, seed: int, first: date) -> "_Stream":
        """The stream of a seed, written into the job's folder."""
        folder = Path(job.folder) / f"stream-{seed}"
        stream = cls(folder / "events.jsonl", folder / "labels.csv", folder / "mappings")
        simulated = Simulated(days=job.days, start=first, seed=seed, customers=job.customers)
        if simulate(simulated, stream.events, stream.labels, stream.mappings, _QUIET):
            raise RunError(f"{folder}: no room for a simulated stream; free some and run again")
        return stream

    def settings(self, model: Path | None) -> Settings:
        """The settings to judge it by what ships."""
        given = bench_settings(events=(self.events,), model=model or "none")
        return given.model_copy(update={"pack": PACKS, "mappings": self.mappings})


def run(job: IncidentsJob, stop: Event) -> IncidentsRun:
    """Do a job in this process.

    Raises:
        FenghuoError: there is no room, or the job was stopped.
    """
    past = _Stream.of(job, job.training, TRAINED_FROM)
    model = Path(job.folder) / "model"
    growth = Growth(alerts_per_day=BUDGET)
    train(past.settings(None), Training(past.labels, features=FEATURES, growth=growth), model, _QUIET)
    stream = _Stream.of(job, job.seed, JUDGED_FROM)
    settings = stream.settings(model)
    risk = build_risk(settings)
    trial = Trial(
        books=(Rulebook(risk.pack),), models=(risk.model.id if risk.model is not None else None,), sources=()
    )
    count = Count(trial)
    run_trial(trial, count, risk, FileSource(InputFiles([stream.events], None), stop=stop))
    if stop.is_set():
        raise RunError("stopped")
    return _counted(job.seed, count, stream.labels)


def _counted(seed: int, count: Count, labels: Path) -> IncidentsRun:
    """What was found of the incidents, and what was alerted for that."""
    tally = count.tallies[0]
    hits = _hits(tally)
    injected: Counter[str] = Counter()
    found: Counter[str] = Counter()
    rules: dict[str, set[str]] = {}
    lost: list[tuple[str, str]] = []
    customers: set[str] = set()
    with labels.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            scenario, rule, event = row["scenario"], row["expected_rule"], row["event_id"]
            injected[scenario] += 1
            customers.add(row["group"])
            rules.setdefault(scenario, set()).add(rule)
            if event in hits[rule]:
                found[scenario] += 1
            else:
                lost.append((scenario, event))
    scenarios = [
        Scenario(name, injected[name], found[name], len(set().union(*(hits[rule] for rule in rules[name]))))
        for name in sorted(injected)
    ]
    alerts = set(tally.alerts.raised)
    scored = {rule.name for rule in tally.book.rules if "anomaly" in rule.when.kinds}
    return IncidentsRun(
        seed=seed,
        events=count.messages.evaluated,
        alerts=len(alerts),
        astray=sum(group not in customers for group, _ in alerts),
        hit=len(set().union(*hits.values())),
        model=len(set().union(*(hits[name] for name in scored if name in hits))),
        missed_deadlines=sum(len(tally.duties.missed(one.name)) for one in tally.book.deadlines),
        scenarios=scenarios,
        lost=lost,
    )


def _hits(tally: PackTally) -> dict[str, set[str]]:
    """Events that each active rule hit."""
    return {
        rule.name: own.events
        for rule, own in zip(tally.book.rules, tally.rules, strict=True)
        if rule.mode is Mode.ACTIVE
    }
