"""`fenghuo feed`: play input files into Kafka, as the systems that write them would send them."""

import time
from threading import Event

import structlog

from events.clock import SECOND, wall_clock
from fenghuo.embedded import start_services
from fenghuo.ending import stop_on_signals
from fenghuo.settings import Settings, SettingsError, variable
from telemetry.log import configure
from wire.column_mapping import read_mapping
from wire.feed import Feed, Pace
from wire.input_files import InputFiles
from wire.kafka_topics import INPUTS, ensure_topics
from wire.tables import read_tables

_log = structlog.get_logger(__name__)


def feed(settings: Settings, since: int | None = None, until: int | None = None) -> None:
    """Send `settings.events` at `settings.speed`.

    Args:
        settings: events, mapping, tables, speed and broker count.
        since: leave out what arrived before, epoch milliseconds of event time.
        until: leave out what arrived at or after.

    Raises:
        FenghuoError: an input is wrong or the broker does not take it.
    """
    if settings.kafka is None:
        raise SettingsError(f"`{variable('kafka')}` is not set; name the broker to send to")
    configure(settings.log_level.value, machine=settings.log_format.value == "json", process="feed")
    mapping = read_mapping(settings.mapping) if settings.mapping is not None else None
    files = InputFiles(list(settings.events or ()), mapping)
    tables = read_tables(settings.mappings, settings.rates)
    pace = Pace(settings.speed, wall_clock)
    with start_services(settings, settings.data_dir, need={"kafka"}) as services, stop_on_signals() as stop:
        config = {"bootstrap.servers": services.kafka}
        ensure_topics(config, INPUTS, settings.kafka_partitions)
        sender = Feed(config, tables)
        sent = 0
        for line in files.lines(timed=True):
            if since is not None and line.arrived < since:
                continue
            if stop.is_set() or (until is not None and line.arrived >= until):
                break
            due = pace.due(line)
            if due > wall_clock():
                sender.flush()
                _wait(due, stop)
            sender.send(line, due)
            sent += 1
        sender.flush()
        _log.info("feed_finished", messages=sent, stopped=stop.is_set())


def _wait(due: int, stop: Event) -> None:
    while not stop.is_set():
        left = (due - wall_clock()) / SECOND
        if left <= 0:
            return
        time.sleep(min(left, 0.2))
