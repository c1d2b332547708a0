"""Errors of the windows."""

from events.errors import FenghuoError


class WindowError(FenghuoError):
    """Raised when a feature can't be planned or a stored log can't be read."""
