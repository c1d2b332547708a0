"""`fenghuo run`: the dataflow on Kafka, until it is told to stop."""

from contextlib import ExitStack

import structlog
from prometheus_client import start_http_server

from fenghuo.embedded import start_services
from fenghuo.embedded.services import Need
from fenghuo.ending import stop_on_signals
from fenghuo.recovery import lineage_of
from fenghuo.settings import Settings, SettingsError, variable
from fenghuo.wiring import build_flow, build_risk, following_editions, run_flow
from telemetry.log import configure
from wire.kafka_sink import KafkaSink
from wire.kafka_source import KafkaSource
from wire.kafka_topics import INPUTS, OUTPUTS, ensure_topics

NAMESPACE = "live"

_log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Judge the events of Kafka's input topics.

    With a database the rules in force are those that it keeps, and change while the flow runs; without one
    they are the packs of the settings.

    Raises:
        FenghuoError: a setting, pack or model is wrong, a server can't be reached, or the run failed.
    """
    if settings.kafka is None or settings.redis_url is None:
        name = variable("kafka" if settings.kafka is None else "redis_url")
        raise SettingsError(f"`{name}` is not set; name the server, or let `fenghuo demo` start it")
    configure(settings.log_level.value, machine=settings.log_format.value == "json", process="run")
    risk = build_risk(settings)
    recovery = settings.data_dir / "recovery"
    need: set[Need] = {"redis", "kafka"}
    if settings.database_url is not None:
        need.add("database")
    with ExitStack() as stack:
        services = stack.enter_context(start_services(settings, settings.data_dir, need=need))
        stop = stack.enter_context(stop_on_signals())
        editions = None
        if settings.database_url is not None:
            lineage = lineage_of(recovery)
            editions = stack.enter_context(following_editions(risk, services.database_url, lineage))
        config = {"bootstrap.servers": services.kafka}
        partitions = ensure_topics(config, INPUTS, settings.kafka_partitions)
        ensure_topics(config, OUTPUTS, partitions)
        server, _ = start_http_server(settings.metrics_port, settings.metrics_host, risk.registry)
        _log.info(
            "run_started",
            pack=risk.pack.id if editions is None else editions.pack,
            edition=None if editions is None else editions.newest,
            model=(None if risk.model is None else risk.model.id) if editions is None else editions.model,
            partitions=partitions,
            metrics=f"http://{settings.metrics_host}:{server.server_port}/metrics",
        )
        source = KafkaSource(
            config,
            INPUTS,
            partitions,
            risk.metrics,
            stop,
            silence=settings.silence,
            editions=editions,
            reach=recovery / "reach",
        )
        flow = build_flow(
            risk,
            source,
            KafkaSink(config, settings.shards, risk.metrics),
            redis_url=services.redis_url,
            namespace=NAMESPACE,
            patience=settings.degrade_after,
            degrade=True,
            gather=True,
            editions=editions,
        )
        run_flow(
            flow,
            workers=settings.workers,
            recovery=recovery,
            interval=settings.snapshot_interval,
        )
        _log.info("run_stopped")
