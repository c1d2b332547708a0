"""Errors that the console raises on purpose."""

from events.errors import FenghuoError


class ConsoleError(FenghuoError):
    """Root of the console's errors."""


class SettingError(ConsoleError):
    """Raised when the application is created with a value that it can't work with."""


class FilterError(ConsoleError):
    """Raised when a query parameter of the alert list is not usable; answered with 400."""


class NotSignedInError(ConsoleError):
    """Raised when a page or API needs a signed-in user and there is none; answered with 401."""


class ForbiddenError(ConsoleError):
    """Raised when a POST carries no valid token of the session; answered with 403."""


class NotFoundError(ConsoleError):
    """Raised when there is no such alert; answered with 404."""
