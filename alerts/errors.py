"""The root of the errors of alerts and cases."""

from events.errors import FenghuoError


class AlertError(FenghuoError):
    """Raised when an alert or a case can't take what it is given."""
