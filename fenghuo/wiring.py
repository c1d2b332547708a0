"""Wiring: the one place where settings become objects."""

import gc
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import local

import structlog
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink
from bytewax.recovery import RecoveryConfig
from bytewax.run import cli_main
from prometheus_client import CollectorRegistry

from events.clock import wall_clock
from events.errors import FenghuoError
from fenghuo.building import Builder, LoadedModels
from fenghuo.editions import Editions, Noted, RuleWatch, Told
from fenghuo.ending import RunError
from fenghuo.quiet import native_stderr_to
from fenghuo.recovery import prepare_recovery
from fenghuo.registry import artefacts_of
from fenghuo.settings import Settings
from fenghuo.settings import Source as Origins
from flows import steps
from flows.judge import Judge, Observer
from flows.risk import risk_flow
from flows.rulings import FIXED, Judging, Rulings
from flows.watch import watch
from flows.windows import OpenWorker, Overdue, WorkerWindows
from models.lifecycle import Candidate
from models.model import Model
from models.registry import load as load_model
from rules.pack import Pack
from rules.quarantine import Quarantine
from rules.union import load_packs
from store.artefacts import Artefacts
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.rules.breakers import Breakers, RuleCounts
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.model_watch import ModelWatchStore
from store.postgres.rules.shadows import ShadowCounts
from store.postgres.rules.suppressions import SuppressionStore
from store.redis.journal import RedisJournal, connect
from telemetry.metrics import FlowMetrics, ModelMetrics
from windows.feature import Entity
from windows.owned import OwnedWindows
from windows.plan import WindowPlan
from windows.windowed import WindowedBatch
from wire.codec import Codec
from wire.messages import RawBatch
from wire.output import Output
from wire.tables import read_tables

_log = structlog.get_logger(__name__)

LIFETIME = 5 * 366 * 86_400.0  # general data is kept for five years at most
REPLAY_LIFETIME = 7 * 86_400.0  # of a replay that is never finished
REPLAY_PATIENCE = 60.0  # seconds; a replay rather waits for its store than judges without windows


@dataclass(frozen=True)
class Risk:
    """What judges events, ready to be run.

    Args:
        settings: what it was built from.
        pack: rules in force.
        model: anomaly model in force.
        codec: decodes messages.
        metrics: what is counted.
        registry: where the metrics are.
    """

    settings: Settings
    pack: Pack
    model: Model | None
    codec: Codec
    metrics: FlowMetrics
    registry: CollectorRegistry


def build_risk(settings: Settings, *, sample: bool = False, pack: Pack | None = None) -> Risk:
    """Load everything that judges; nothing is started.

    Args:
        settings: pack, model, tables and limits count.
        sample: where nobody said which model, take the sample's, if it was trained for this very pack.
        pack: judges instead of the one that the settings name.

    Raises:
        FenghuoError: a pack, model or table is wrong; the message names file, line and cure.
    """
    pack = pack or load_packs(settings.pack)
    folder = settings.model
    if sample and folder is None and settings.source_of("model").source is Origins.DEFAULT:
        folder = sample_model(pack)
    model = load_model(folder) if folder is not None else None
    codec = Codec(read_tables(settings.mappings, settings.rates), settings.max_message_bytes)
    registry = CollectorRegistry()
    metrics = FlowMetrics(registry)
    metrics.pack.labels(pack.id, pack.content_hash[:12]).set(1)
    metrics.model.labels(model.id if model is not None else "none").set(1)
    plans(pack)
    if model is not None:
        model.check_features(pack.readable)
    return Risk(settings, pack, model, codec, metrics, registry)


def sample_model(pack: Pack) -> Path | None:
    """The model that was trained on the simulated sample, where it was trained for exactly this pack."""
    folder = Path(__file__).resolve().parents[1] / "samples" / "model"
    if not folder.is_dir():
        return None
    trained_on = load_model(folder).manifest.pack.sha256
    return folder if trained_on in {pack.content_hash, *(one.sha256 for one in pack.versions)} else None


def build_flow(
    risk: Risk,
    source: Source[RawBatch],
    sink: Sink[tuple[str, Output]],
    *,
    redis_url: str,
    namespace: str,
    patience: float,
    degrade: bool,
    gather: bool = False,
    lifetime: float = LIFETIME,
    editions: Editions | None = None,
    rulings: Rulings | None = None,
    judge: Judging | None = None,
    tell: Callable[[Overdue], Output] | None = None,
) -> Dataflow:
    """The dataflow between a source and a sink.

    Args:
        risk: what judges.
        source: of messages.
        sink: of outputs.
        redis_url: where windows are kept.
        namespace: part of every key, so that replays never touch live windows.
        patience: seconds to wait for Redis.
        degrade: judge without windows after that, instead of ending.
        gather: judge what several partitions give at a time together.
        lifetime: seconds that the log of a shard is kept without being written to.
        editions: of the rules, where they change while the flow runs.
        rulings: by edition; that of `risk` alone where none are given.
        judge: judges instead of them, over the windows that they need.
        tell: what is handed on of deadlines instead of hits of what is missed.
    """
    if editions is not None:
        rulings = editions.rulings
    elif rulings is None:
        rulings = Rulings()
        quarantine = Quarantine(risk.settings.quarantine_after)
        judging = Judge(risk.pack, risk.model, wall_clock, risk.metrics, quarantine)
        rulings.add(FIXED, risk.pack, judging)
    ruled = rulings

    def ruling(windowed: WindowedBatch) -> Output:
        return ruled.of(windowed.batch.edition)(windowed)

    def open_worker(scope: Entity, keys: str) -> OpenWorker:
        return _open_worker(risk, rulings, scope, redis_url, keys, patience, lifetime, degrade=degrade)

    # What an edition to come may ask for has to be there from the start.
    tells = editions is not None or bool(rulings.of(FIXED).duties.watched)
    crowds = editions is not None or bool(rulings.ground(Entity.COUNTERPARTY).plan.features)
    return risk_flow(
        source,
        sink,
        codec=risk.codec,
        gather=gather,
        shards=risk.settings.shards,
        open_worker=open_worker(Entity.GROUP, namespace),
        open_second=open_worker(Entity.COUNTERPARTY, f"{namespace}:counterparties") if crowds else None,
        judge=judge or ruling,
        tell=(tell or steps.tell(wall_clock, risk.metrics)) if tells else None,
        clock=wall_clock if gather else None,
        metrics=risk.metrics,
    )


@contextmanager
def following_editions(risk: Risk, database_url: str, lineage: str) -> Iterator[Editions]:
    """The editions that a database keeps, followed until the end of the block.

    Where it keeps none, the packs and the model of the settings become the first.

    Args:
        risk: what judges otherwise.
        database_url: of the database.
        lineage: name of the run that the places of lanes belong to.

    Raises:
        FenghuoError: the database or the registry can't be used, or what it keeps can't judge.
    """
    migrate(database_url)
    engine = sync_engine(database_url)
    artefacts = artefacts_of(risk.settings)
    try:
        store = PostgresEditionStore(engine)
        if store.newest() == 0:
            store.seed(
                {str(path): path.read_text("utf-8") for path in risk.settings.pack},
                champion=_first_champion(risk.settings, artefacts),
            )
        noted, process = Noted(), secrets.token_hex(8)
        told = Told(
            RuleCounts(engine, process),
            ShadowCounts(engine, process),
            SuppressionStore(engine),
            Breakers(engine),
            ModelWatchStore(engine, process),
        )
        metrics = ModelMetrics(risk.registry)

        def watched(pack: Pack, champion: Model | None, shadows: Sequence[Model]) -> list[Observer]:
            return watch(pack, champion, shadows, metrics, noted.models)

        rules = RuleWatch(noted, told, wall_clock, risk.metrics)
        models = LoadedModels(lambda ref: artefacts.open(ref.id, ref.sha256).model, risk.metrics)
        after = risk.settings.quarantine_after
        build = Builder(store, models, risk.model, noted, risk.metrics, after, watched)
        with Editions(store, build, risk.metrics, lineage, rules) as editions:
            yield editions
    finally:
        engine.dispose()


def _first_champion(settings: Settings, artefacts: Artefacts) -> Candidate | None:
    """The model of the settings, taken into the registry."""
    return None if settings.model is None else artefacts.open(artefacts.put(settings.model).id).candidate


def plans(pack: Pack) -> tuple[WindowPlan, WindowPlan]:
    """The plans of both stages: windows within a group, and windows by counterparty."""
    apart = [feature for feature in pack.features if feature.by is Entity.COUNTERPARTY]
    within = [feature for feature in pack.features if feature.by is not Entity.COUNTERPARTY]
    return WindowPlan(within), WindowPlan(apart, Entity.COUNTERPARTY)


def _open_worker(
    risk: Risk,
    rulings: Rulings,
    scope: Entity,
    redis_url: str,
    namespace: str,
    patience: float,
    lifetime: float,
    *,
    degrade: bool,
) -> OpenWorker:
    settings = risk.settings
    # The embedded server writes through before it answers.
    loss_window = settings.redis_loss_window if settings.redis_url is not None else 0.0
    timeout = max(1.0, patience)
    own = local()  # each worker is a thread

    def open_worker() -> WorkerWindows:
        held: WorkerWindows | None = getattr(own, "windows", None)
        if held is None:
            journal = RedisJournal(connect(redis_url, timeout), namespace, patience, lifetime, risk.metrics)
            journal.claim_shards(settings.shards)
            ground = rulings.ground(scope)
            windows = OwnedWindows(ground.plan, journal, ground.lateness, loss_window)
            held = own.windows = WorkerWindows(windows, risk.metrics, degrade, rulings, scope)
        return held

    return open_worker


def run_flow(flow: Dataflow, *, workers: int, recovery: Path, interval: float) -> None:
    """Run a dataflow until its input ends, going on where the last run was.

    Args:
        flow: to run.
        workers: threads in this process.
        recovery: directory of the recovery state, made where it is missing.
        interval: seconds between two saved states.

    Raises:
        RunError: a step ended the run on purpose.
        RecoveryError: the recovery directory can't be read.
    """
    prepare_recovery(recovery)
    noise = recovery / "engine.log"
    try:
        with noise.open("ab") as stream, native_stderr_to(stream), _rare_collections():
            cli_main(
                flow,
                workers_per_process=workers,
                epoch_interval=timedelta(seconds=interval),
                recovery_config=RecoveryConfig(str(recovery)),
            )
    except Exception as error:
        found = _cause(error, FenghuoError)
        if found is None:
            raise
        raise RunError(str(found)) from error


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for garbage less often, and not among what is there already: that costs a tenth of all time."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _cause(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    """The first error of a kind in the chain that led to `error`."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, kind):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
