"""`fenghuo desk`: hits from Kafka become alerts and cases in PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import structlog
from prometheus_client import CollectorRegistry, start_http_server
from sqlalchemy import Engine

from desk.consumer import Desk
from fenghuo.embedded import start_services
from fenghuo.ending import stop_on_signals
from fenghuo.registry import artefacts_of
from fenghuo.retrainer import Retrainer
from fenghuo.setting_values import milliseconds_of
from fenghuo.settings import Settings, SettingsError, variable
from store.postgres.alerts import AlertStore
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.rejects import RejectStore
from store.postgres.rules.models import ModelStore
from telemetry.log import configure
from telemetry.metrics import DeskMetrics
from wire.kafka_topics import ALERTS, OUTPUTS, WITHDRAWALS, ensure_topics

_log = structlog.get_logger(__name__)


def desk(settings: Settings) -> None:
    """Work on the hits until told to stop.

    Raises:
        FenghuoError: a setting is wrong or a server can't be reached.
    """
    for name in ("kafka", "database_url"):
        if getattr(settings, name) is None:
            raise SettingsError(
                f"`{variable(name)}` is not set; name the server, or let `fenghuo demo` start it"
            )
    configure(settings.log_level.value, machine=settings.log_format.value == "json", process="desk")
    registry = CollectorRegistry()
    with (
        start_services(settings, settings.data_dir, need={"kafka", "database"}) as services,
        stop_on_signals() as stop,
    ):
        config = {"bootstrap.servers": services.kafka}
        ensure_topics(config, OUTPUTS, settings.kafka_partitions)
        migrate(services.database_url)
        engine = sync_engine(services.database_url)
        server, _ = start_http_server(settings.metrics_port, settings.metrics_host, registry)
        _log.info("desk_started", metrics=f"http://{settings.metrics_host}:{server.server_port}/metrics")
        metrics = DeskMetrics(registry)
        # A consumer group waits for its members about as long as half a session may last.
        consumer = Desk(
            {**config, "session.timeout.ms": 6000},
            ALERTS,
            WITHDRAWALS,
            AlertStore(engine),
            RejectStore(engine),
            metrics,
        )
        with retraining(settings, engine, metrics):
            consumer.run(stop)
        engine.dispose()
        _log.info("desk_stopped")


@contextmanager
def retraining(settings: Settings, engine: Engine, metrics: DeskMetrics) -> Iterator[None]:
    """Retrain on the schedule of the settings, if there is one, in a thread until the block ends."""
    if settings.retrain_every is None:
        yield
        return
    models = ModelStore(engine, artefacts_of(settings))
    retrainer = Retrainer(models, milliseconds_of(settings.retrain_every), metrics)
    ended = Event()
    thread = Thread(target=retrainer.run, args=(ended,), name="retraining", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
