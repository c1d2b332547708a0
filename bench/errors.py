"""Errors of benches."""

from events.errors import FenghuoError


class BenchError(FenghuoError):
    """Raised when a bench is asked for what it can't do, such as a gate on a figure that does not exist."""
