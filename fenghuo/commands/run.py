"""`fenghuo run`: the dataflow on Kafka, until it is told to stop."""

import structlog
from prometheus_client import start_http_server

from fenghuo.embedded import start_services
from fenghuo.ending import stop_on_signals
from fenghuo.settings import Settings, SettingsError, variable
from fenghuo.wiring import build_flow, build_risk, run_flow
from telemetry.log import configure
from wire.kafka_sink import KafkaSink
from wire.kafka_source import KafkaSource
from wire.kafka_topics import INPUTS, OUTPUTS, ensure_topics

NAMESPACE = "live"

_log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Judge the events of Kafka's input topics.

    Raises:
        FenghuoError: a setting, pack or model is wrong, a server can't be reached, or the run failed.
    """
    if settings.kafka is None or settings.redis_url is None:
        name = variable("kafka" if settings.kafka is None else "redis_url")
        raise SettingsError(f"`{name}` is not set; name the server, or let `fenghuo demo` start it")
    configure(settings.log_level.value, machine=settings.log_format.value == "json", process="run")
    risk = build_risk(settings)
    with (
        start_services(settings, settings.data_dir, need={"redis", "kafka"}) as services,
        stop_on_signals() as stop,
    ):
        config = {"bootstrap.servers": services.kafka}
        partitions = ensure_topics(config, INPUTS, settings.kafka_partitions)
        ensure_topics(config, OUTPUTS, partitions)
        server, _ = start_http_server(settings.metrics_port, settings.metrics_host, risk.registry)
        _log.info(
            "run_started",
            pack=risk.pack.id,
            model=risk.model.id if risk.model is not None else None,
            partitions=partitions,
            metrics=f"http://{settings.metrics_host}:{server.server_port}/metrics",
        )
        flow = build_flow(
            risk,
            KafkaSource(config, INPUTS, partitions, risk.metrics, stop, silence=settings.silence),
            KafkaSink(config, settings.shards, risk.metrics),
            redis_url=services.redis_url,
            namespace=NAMESPACE,
            patience=settings.degrade_after,
            degrade=True,
            gather=True,
        )
        run_flow(
            flow,
            workers=settings.workers,
            recovery=settings.data_dir / "recovery",
            interval=settings.snapshot_interval,
        )
        _log.info("run_stopped")
