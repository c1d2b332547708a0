"""The root of the errors of the desk."""

from events.errors import FenghuoError


class DeskError(FenghuoError):
    """Raised when the desk can't do its work."""


class MessageError(DeskError):
    """Raised when a message of `risk.alerts` is no hit."""
