"""`fenghuo bench rules`: judging by columns, beside an interpreter that takes one event after the other."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import numpy as np

from bench.load import FIRST_AT, TYPICAL, Customers, Load, lines
from bench.naive_conditions import Facts, NaiveCondition
from bench.report import Section
from bench.rule_texts import pack as pack_text
from bench.rules import Engine, RulesJob, RulesRun, figures
from bench.subject import Subject
from events.columns import Column, EventBatch, Kind
from fenghuo.commands.bench_stage import Stage
from fenghuo.commands.bench_track import PACK
from fenghuo.ending import RunError
from rules.evaluate import HIT, NO_HIT, NOT_EVALUABLE, Derived, derive, evaluate
from rules.language import Frame, Scope
from rules.pack import Pack, load_pack
from rules.sources import RuleColumns
from windows.feature import Aggregate
from wire.codec import Codec
from wire.messages import RawBatch
from wire.tables import read_tables

COUNTS = (30, 1_000)
BATCH = 1_000
BATCHES = 8
LONGEST = 8.0
"""Seconds after which a run ends, however far it is."""
NAIVE_LONGEST = 3.0
_COMPARED = 200  # events whose results are compared before the clock starts
_MAX_BYTES = 1 << 20
_NULLS = 0.1
_TRUTHS = {True: HIT, False: NO_HIT, None: NOT_EVALUABLE}


@dataclass(frozen=True)
class Given:
    """A batch with the features of its events.

    Args:
        batch: the events.
        derived: their features.
        anomaly: percentiles of a model's scores.
    """

    batch: EventBatch
    derived: Derived
    anomaly: Column


def measure(stage: Stage, rounds: int, seed: int) -> Section:
    """Let product and interpreter judge by few and by many rules, in turn.

    Raises:
        FenghuoError: a run failed, or the two differ.
    """
    jobs = [
        RulesJob(
            engine=engine,
            rules=count,
            seed=seed,
            folder=stage.job_folder(f"{engine}-{count}"),
            seconds=LONGEST,
        )
        for count in COUNTS
        for engine in Engine
    ]
    runs = list(stage.rounds(jobs, rounds, RulesRun))
    setup: dict[str, int | float | str] = {"events of a batch": BATCH, "batches": BATCHES}
    return Section(Subject.RULES, setup, figures(runs), [], list(runs))


def run(job: RulesJob, stop: Event) -> RulesRun:
    """Do a job in this process.

    Raises:
        RunError: the interpreter says something else than the product.
    """
    path = Path(job.folder) / "pack.yaml"
    path.write_text(pack_text(PACK.read_text("utf-8"), job.rules, job.seed), "utf-8")
    started = time.perf_counter()
    pack = load_pack(path)
    load = time.perf_counter() - started
    batches = list(_given(pack, job.seed))
    conditions = [NaiveCondition(rule.when.text, Scope(pack.kinds, pack.lists)) for rule in pack.evaluated]
    agreed = _compare(pack, batches[0], conditions)
    if job.engine is Engine.NAIVE:
        return _naively(job, pack, batches[0], conditions, agreed, stop)
    whole, read, conditions_alone = _timed(pack, batches, job.seconds, stop)
    steps = {
        "columns": read,
        "conditions": conditions_alone - read,
        "results": max(0.0, whole - conditions_alone),
    }
    return RulesRun(job.engine, job.rules, BATCH * BATCHES, whole, steps, load, agreed)


def _given(pack: Pack, seed: int) -> Iterator[Given]:
    """Batches of events as the codec gives them, with features such as windows give."""
    codec, random = Codec(read_tables(None, None), _MAX_BYTES), np.random.default_rng(seed)
    values = list(lines(Load(BATCH * BATCHES, BATCH, Customers.ZIPF, seed)))
    offsets = np.arange(BATCH, dtype=np.int64)
    for number in range(BATCHES):
        part: list[bytes | None] = [*values[number * BATCH : (number + 1) * BATCH]]
        raw = RawBatch(number, part, ["bench"] * BATCH, offsets, FIRST_AT)
        batch = codec.decode(raw).batch
        features = {one.name: _feature(one.aggregate, one.kind, random) for one in pack.features}
        anomaly = Column(random.random(BATCH), np.ones(BATCH, np.bool_), Kind.NUMBER)
        yield Given(batch, derive(pack, batch, features), anomaly)


def _feature(aggregate: Aggregate, kind: Kind, random: np.random.Generator) -> Column:
    """Counts, sums of fen, and averages that are NULL here and there."""
    if aggregate is Aggregate.COUNT:
        return Column(random.integers(0, 12, BATCH), np.ones(BATCH, np.bool_), kind)
    fen = random.lognormal(np.log(TYPICAL), 2, BATCH)
    if aggregate is Aggregate.SUM:
        return Column(fen.astype(np.int64), np.ones(BATCH, np.bool_), kind)
    return Column(fen, random.random(BATCH) >= _NULLS, kind)


def _fresh(batch: EventBatch) -> EventBatch:
    """The batch as it comes out of the windows: they read types and nothing else."""
    fresh = replace(batch, _cache={})
    _ = fresh.type_codes
    return fresh


def _frame(pack: Pack, given: Given) -> Frame:
    batch, derived = _fresh(given.batch), given.derived
    return Frame(RuleColumns(batch, pack.local_time, derived.features, {}, None, given.anomaly))


def _timed(pack: Pack, batches: list[Given], seconds: float, stop: Event) -> tuple[float, float, float]:
    """Microseconds per event of all of judging, of fetching columns, and of that and the conditions."""
    names = {(name, kind) for rule in pack.evaluated for name, kind in rule.when.kinds.items()}
    best = [float("inf")] * 3
    end = time.monotonic() + seconds
    while not stop.is_set() and time.monotonic() < end:
        for given in batches:
            took = (_judging(pack, given), _reading(names, _frame(pack, given)), _running(pack, given))
            best = [min(pair) for pair in zip(best, took, strict=True)]
    whole, read, conditions = (one * 1e6 / BATCH for one in best)
    return whole, read, conditions


def _judging(pack: Pack, given: Given) -> float:
    batch = _fresh(given.batch)
    started = time.perf_counter()
    evaluate(pack, batch, given.derived, None, given.anomaly)
    return time.perf_counter() - started


def _reading(names: set[tuple[str, Kind]], frame: Frame) -> float:
    started = time.perf_counter()
    for name, kind in names:
        frame.cells(name, kind)
    return time.perf_counter() - started


def _running(pack: Pack, given: Given) -> float:
    frame = _frame(pack, given)
    started = time.perf_counter()
    with np.errstate(all="ignore"):
        for rule in pack.evaluated:
            rule.when.run(frame)
    return time.perf_counter() - started


def _facts(pack: Pack, given: Given) -> list[tuple[str, Facts]]:
    """Type and values of every event; making them is not timed."""
    frame = _frame(pack, given)
    names = {name: kind for rule in pack.evaluated for name, kind in rule.when.kinds.items()}
    columns = {name: frame.column(name, kind) for name, kind in names.items()}
    return [
        (event.type, {name: column.at(row) for name, column in columns.items()})
        for row, event in enumerate(given.batch.events)
    ]


def _compare(pack: Pack, given: Given, conditions: list[NaiveCondition]) -> int:
    """How many results of both were compared.

    Raises:
        RunError: they differ.
    """
    judgement = evaluate(pack, _fresh(given.batch), given.derived, None, given.anomaly)
    agreed = 0
    for row, (kind, facts) in enumerate(_facts(pack, given)[:_COMPARED]):
        for verdict, condition in zip(judgement.verdicts, conditions, strict=True):
            if kind not in verdict.rule.on:
                continue
            mine, theirs = int(verdict.codes[row]), _TRUTHS[condition.holds(facts)]
            if mine != theirs:
                told = f"`{verdict.rule.when.text}` is {theirs} to the interpreter, {mine} to the product"
                raise RunError(f"bench rules: event {row}: {told}")
            agreed += 1
    return agreed


def _naively(
    job: RulesJob, pack: Pack, given: Given, conditions: list[NaiveCondition], agreed: int, stop: Event
) -> RulesRun:
    rules = [(rule.on, condition) for rule, condition in zip(pack.evaluated, conditions, strict=True)]
    facts, done = _facts(pack, given), 0
    started = time.perf_counter()
    while not stop.is_set() and time.perf_counter() - started < min(job.seconds, NAIVE_LONGEST):
        kind, values = facts[done % BATCH]
        for on, condition in rules:
            if kind in on:
                condition.holds(values)
        done += 1
    event = (time.perf_counter() - started) * 1e6 / done
    return RulesRun(job.engine, job.rules, done, event, {}, 0.0, agreed)
