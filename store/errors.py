"""The root of the errors of the stores."""

from events.errors import FenghuoError


class StoreError(FenghuoError):
    """Raised when a store can't do what it was asked."""
