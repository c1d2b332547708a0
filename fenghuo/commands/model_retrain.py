"""`fenghuo model retrain`: propose a candidate now, from what Kafka and the database hold."""

import os
import signal

import msgspec

from events.errors import FenghuoError
from fenghuo.ending import RunError
from fenghuo.registry import artefacts_of
from fenghuo.retraining import Outcome, Result, retraining_of
from fenghuo.settings import Settings, SettingsError, variable
from store.postgres.engine import sync_engine
from telemetry.log import configure


def retrain(settings: Settings, *, scheduled: bool) -> Outcome:
    """Train on the period before now, and register what came of it.

    Args:
        settings: Kafka, database, registry and period.
        scheduled: do it only where it is due, and let others work first.

    Raises:
        SettingsError: a server is not named, or there is no schedule.
        RunError: it failed.
    """
    for name in ("kafka", "database_url", *(("retrain_every",) if scheduled else ())):
        if getattr(settings, name) is None:
            raise SettingsError(f"`{variable(name)}` is not set; set it as for `fenghuo desk`")
    assert settings.database_url is not None
    configure(settings.log_level.value, machine=settings.log_format.value == "json", process="retrain")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if scheduled:
        os.nice(10)
    engine = sync_engine(settings.database_url)
    try:
        return retraining_of(settings, engine, artefacts_of(settings), scheduled=scheduled).run()
    except FenghuoError as error:
        raise RunError(str(error)) from error
    finally:
        engine.dispose()


def failed(error: RunError) -> Outcome:
    """What came of one that failed."""
    return Outcome(result=Result.FAILED, error=str(error))


def as_json(outcome: Outcome) -> str:
    """For programs, on one line."""
    return msgspec.json.encode(outcome).decode()


def told(outcome: Outcome) -> str:
    """For people, on one line."""
    if outcome.result is Result.NOT_DUE:
        return "not due: a newer model was registered"
    period = f"{outcome.since} to {outcome.until}"
    rest = f"{outcome.rows:,} events of {period}, {outcome.left_out:,} known to be bad left out"
    if outcome.other_packs:
        rest += f", {outcome.other_packs:,} decided by other packs left out"
    if outcome.degraded:
        rest += f", {outcome.degraded:,} decided without windows left out"
    return f"{outcome.model}: {outcome.result}, {outcome.state}: {rest}"
