"""The root of the errors of the anomaly model."""

from events.errors import FenghuoError


class ModelError(FenghuoError):
    """Raised when a model can't be trained, kept, read back or used on the features at hand."""
