"""`fenghuo bench detection`, set `handbook`: card fraud, found by what learns from the product's windows."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from bench.cards import (
    DELAY,
    REACH,
    SAMPLES,
    TESTED,
    TRAINED,
    WEEK,
    CardsJob,
    CardsRun,
    Judged,
    Payments,
    Skill,
    Way,
    judged_rows,
    learnt_rows,
    skill,
)
from bench.handbook import FEATURES, Columns, events, transactions
from events.clock import DAY, milliseconds
from events.columns import Float64s, Int64s, Kind
from events.event import EventType
from fenghuo.commands.bench_track import PACKS, bench_settings
from fenghuo.commands.features import Wanted, collect
from fenghuo.ending import RunError
from fenghuo.wiring import Risk, build_risk
from models.blend import Blend
from models.blending import train_blend
from models.challenger import Course, Lessons
from models.committee import Committee
from models.labels import Knowledge
from models.manifest import Pack
from models.material import Collector, Material
from models.model import Model
from models.training import Growth, train_from_material
from wire.input_files import InputFiles

PACK = PACKS / "handbook.yaml"
TYPES = (EventType.PAYMENT_RECEIVED,)


def run(job: CardsJob, stop: Event) -> CardsRun:
    """Do a job in this process.

    Raises:
        FenghuoError: a file can't be read, or the job was stopped.
    """
    firsts = {week: _moment(week) for week in job.weeks}
    since = min(firsts.values()) - REACH
    end = max(firsts.values()) + (TRAINED + DELAY + TESTED) * DAY
    raw = transactions(Path(job.data), _months(since, end), since, end)
    started = time.monotonic()
    risk = build_risk(bench_settings(PACK, model="none"))
    material = _material(risk, raw, Path(job.folder) / "events.jsonl", since + REACH, end)
    seconds = time.monotonic() - started
    payments = _payments(raw, material)
    pack = Pack(risk.pack.id, risk.pack.content_hash)
    rules = tuple(rule.name for rule in risk.pack.evaluated)
    judged: list[Judged] = []
    weights: dict[str, float] = {}
    for week, first in firsts.items():
        judge = _Week(payments, material, first, pack, rules)
        for way, skills in judge.ways(job, stop):
            judged.append(Judged(week, way, skills))
        if week == WEEK and judge.blend is not None:
            weights = _weights(judge.blend)
    tested = judged_rows(payments, firsts[WEEK])
    return CardsRun(
        payments=len(raw["t"]),
        seconds=round(seconds, 1),
        trained=len(learnt_rows(payments, firsts[WEEK])),
        tested=len(tested),
        frauds=int(np.count_nonzero(payments.fraud[tested])),
        judged=judged,
        weights=weights,
    )


class _Week:
    """What learns from one week and is judged by another."""

    def __init__(
        self, payments: Payments, material: Material, first: int, pack: Pack, rules: tuple[str, ...]
    ) -> None:
        self._payments = payments
        self._pack = pack
        self._rules = rules
        self._tested = judged_rows(payments, first)
        trained = learnt_rows(payments, first)
        # Before the first day of the test all frauds of the training have become known.
        self._taught = Lessons(material.take(trained), payments.fraud[trained])
        self._tests = material.take(self._tested)
        self.blend: Blend | None = None

    def ways(self, job: CardsJob, stop: Event) -> Iterator[tuple[Way, list[Skill]]]:
        """The skills of each way."""
        yield Way.RANDOM_FOREST, [self._skill(self._random_forest())]
        for way, samples in ((Way.ISOLATION_FOREST, SAMPLES), (Way.SMALL_FOREST, Growth().samples)):
            _check(stop)
            yield way, [self._skill(self._isolation_forest(seed, samples)) for seed in job.seeds]
        challengers, blends = [], []
        for seed in job.blends:
            _check(stop)
            model = self._blended(seed)
            assert isinstance(model.scorer, Committee)
            self.blend = self.blend or model.scorer.blend
            cells = model.encoder.matrix(self._tests.columns)[:, : len(FEATURES)]
            challengers.append(self._skill(model.scorer.boosting.score(np.ascontiguousarray(cells))))
            blends.append(self._skill(model.scorer.score(model.encoder.matrix(self._tests.columns))))
        yield Way.CHALLENGER, challengers
        yield Way.BLEND, blends

    def _skill(self, scores: Float64s) -> Skill:
        return skill(self._payments, self._tested, scores)

    def _random_forest(self) -> Float64s:
        estimator = RandomForestClassifier(random_state=0, n_jobs=-1)
        estimator.fit(_table(self._taught.material), self._taught.bad)
        found: Float64s = estimator.predict_proba(_table(self._tests))[:, 1]
        return found

    def _isolation_forest(self, seed: int, samples: int) -> Float64s:
        material = self._taught.material
        bad = frozenset(material.events[self._taught.bad].tolist())
        growth = Growth(seed=seed, samples=samples)
        model = train_from_material(
            material, self._pack, growth, features=FEATURES, event_types=TYPES, bad=bad
        )
        return model.score(self._tests.columns).score

    def _blended(self, seed: int) -> Model:
        return train_blend(
            self._taught,
            self._pack,
            Growth(seed=seed, samples=SAMPLES),
            Course(seed=seed),
            features=FEATURES,
            rules=self._rules,
            event_types=TYPES,
        )


def _material(risk: Risk, raw: Columns, path: Path, since: int, end: int) -> Material:
    """Features and hits of the payments from `since` on, in the order of their numbers."""
    with path.open("wb") as stream:
        stream.writelines(events(raw, end))
    kinds = {name: risk.pack.kinds[name] for name in FEATURES}
    kinds |= {rule.name: Kind.BOOL for rule in risk.pack.evaluated}
    collector = Collector(kinds)
    collect(risk, InputFiles([path], None), Wanted(frozenset(TYPES), since), collector, Knowledge())
    material = collector.material()
    return material.take(np.argsort(_numbers(material), kind="stable"))


def _payments(raw: Columns, material: Material) -> Payments:
    """What the files say of the payments in the material.

    Raises:
        RunError: they are not the same.
    """
    numbers = raw["tx_id"].astype(np.int64)
    place = np.minimum(np.searchsorted(numbers, _numbers(material)), len(numbers) - 1)
    if not np.array_equal(numbers[place], _numbers(material)):
        raise RunError("the windows gave features of other payments than the files hold; restore the files")
    return Payments(
        at=material.occurred_at,
        card=raw["customer_id"][place].astype(np.int64),
        fraud=raw["fraud"][place].astype(np.bool_),
    )


def _numbers(material: Material) -> Int64s:
    return np.array([int(event.removeprefix("tx")) for event in material.events], np.int64)


def _table(material: Material) -> Float64s:
    """The features as the handbook's authors give them to their models: money in currency units."""
    columns = [
        material.columns[name].values / (100 if material.columns[name].kind is Kind.MONEY else 1)
        for name in FEATURES
    ]
    return np.stack(columns, axis=1)


def _weights(blend: Blend) -> dict[str, float]:
    told = {"base": blend.base, "forest": blend.forest, "challenger": blend.challenger, **blend.rules}
    return {name: round(weight, 3) for name, weight in told.items()}


def _moment(day: str) -> int:
    return milliseconds(datetime.fromisoformat(day).replace(tzinfo=UTC))


def _months(since: int, end: int) -> tuple[str, ...]:
    """Names of the files that hold payments of a span of time."""
    days = np.arange(since // DAY, (end - 1) // DAY + 1).astype("datetime64[D]")
    return tuple(np.unique(days.astype("datetime64[M]")).astype(str).tolist())


def _check(stop: Event) -> None:
    if stop.is_set():
        raise RunError("stopped")
