"""The schedule of retraining: looks whether it is due, and has a process of its own do it.

Training takes memory and time. In a process of its own it takes neither from the desk, and it ends when the
desk does.
"""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from events.clock import HOUR, MINUTE, SECOND, Clock, wall_clock
from events.errors import FenghuoError
from fenghuo.retraining import Outcome, Result
from models.retraining import due_at
from store.postgres.rules.models import ModelStore

LOOK = MINUTE
"""Milliseconds between looks at most."""

AGAIN = HOUR
"""Milliseconds after a failure until the next attempt at most."""

_PATIENCE = 5.0  # seconds for which a process that is told to stop is waited for
_COMMAND = (sys.executable, "-m", "fenghuo", "model", "retrain", "--if-due", "--json")

_log = structlog.get_logger(__name__)

Attempt = Callable[[threading.Event], Outcome | None]
"""Retrains where it is due; None when it was stopped."""


class RetrainingMetrics(Protocol):
    """Where it is counted what came of retrainings."""

    def retrained(self, result: str, ended_at: float) -> None:
        """Count one that ended at a moment, Unix time in seconds."""
        ...


class Retrainer:
    """Retrains on schedule; whatever fails is logged and counted, and tried again later.

    Args:
        models: tell when it is due.
        every: age of the newest model at which it is, milliseconds.
        metrics: count what came of it.
        attempt: retrains.
        clock: the present.
    """

    def __init__(
        self,
        models: ModelStore,
        every: int,
        metrics: RetrainingMetrics,
        attempt: Attempt | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        self._models = models
        self._every = every
        self._metrics = metrics
        self._attempt = attempt or in_process
        self._clock = clock
        self._not_before = 0

    def run(self, stop: threading.Event) -> None:
        """Look again and again until `stop` is set."""
        while not stop.is_set():
            self.look(stop)
            stop.wait(min(LOOK, self._every) / SECOND)

    def look(self, stop: threading.Event) -> None:
        """Retrain, if it is due."""
        try:
            if self._clock() < max(self._not_before, due_at(self._models.models(), self._every)):
                return
            outcome = self._attempt(stop)
        except (FenghuoError, OSError) as error:
            outcome = Outcome(result=Result.FAILED, error=str(error))
        if outcome is None or outcome.result is Result.NOT_DUE:
            return
        now = self._clock()
        failed = outcome.result is Result.FAILED
        # The same model again makes none younger: without this it would be due at once.
        self._not_before = now + (min(self._every, AGAIN) if failed else self._every)
        self._metrics.retrained(outcome.result, now / SECOND)
        if failed:
            _log.error("retraining_failed", error=outcome.error)
        else:
            _log.info("retraining_ended", **msgspec.to_builtins(outcome))


def in_process(stop: threading.Event) -> Outcome | None:
    """Retrain by `fenghuo model retrain` with the settings of this process; ends with it."""
    with subprocess.Popen(_COMMAND, stdout=subprocess.PIPE) as child:  # noqa: S603 -- our own command
        while child.poll() is None:
            if stop.wait(0.1):
                child.terminate()
                try:
                    child.wait(_PATIENCE)
                except subprocess.TimeoutExpired:
                    child.kill()
                return None
        assert child.stdout is not None
        told = child.stdout.read()
    try:
        return msgspec.json.decode(told, type=Outcome)
    except msgspec.DecodeError:
        return Outcome(
            result=Result.FAILED, error=f"it ended with code {child.returncode}; see the log above"
        )
