"""How a command ends: by failing at work that had begun, or because somebody told it to stop."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from events.errors import FenghuoError


class RunError(FenghuoError):
    """Raised when work that had begun failed; what was done is kept."""


@contextmanager
def stop_on_signals() -> Iterator[Event]:
    """An event that SIGINT and SIGTERM set; a second one ends the process at once."""
    stop = Event()

    def heed(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- the signature of handlers
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    before = {number: signal.signal(number, heed) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
