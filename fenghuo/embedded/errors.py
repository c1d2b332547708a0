"""What goes wrong with servers that Fenghuo starts or is told to use."""

import signal
from pathlib import Path

from events.errors import FenghuoError


class EmbeddedError(FenghuoError):
    """The root of the errors of embedded services: a server can't be started, found or reached."""


class NotReady(EmbeddedError):  # noqa: N818 - a state, often passing
    """Raised when a server does not answer (yet); the text is the reason that the client gave."""


class ServiceDied(EmbeddedError):  # noqa: N818 - the event that a supervisor watches for
    """Raised when an embedded server ended without being told to.

    Args:
        service: its name.
        exit_code: what it exited with, negative for the number of the signal that killed it.
        last_line: the last line of its log.
        log: where that log is.
    """

    def __init__(self, service: str, exit_code: int, last_line: str, log: Path) -> None:
        super().__init__(f"{service} {ending(exit_code)}; last line of `{log}`: {last_line or '(empty)'}")
        self.service = service
        self.exit_code = exit_code
        self.last_line = last_line
        self.log = log


def ending(exit_code: int) -> str:
    """How a process ended, in words.

    >>> ending(-9)
    'was killed by signal 9 (SIGKILL)'
    >>> ending(1)
    'ended with exit code 1'
    """
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    number = -exit_code
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "a real-time signal"
    return f"was killed by signal {number} ({name})"
