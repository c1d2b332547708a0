"""The root of every error that Fenghuo raises on purpose."""


class FenghuoError(Exception):
    """A failure with a one-line message for a person: what, where, what to do."""


class EventError(FenghuoError):
    """Raised when an event breaks the contract of events.

    Args:
        field: dotted name of the offending field, or None when the whole message is broken.
        reason: what was wrong with it.
    """

    def __init__(self, field: str | None, reason: str) -> None:
        super().__init__(f"`{field}`: {reason}" if field else reason)
        self.field = field
        self.reason = reason
