"""Errors of the wire."""

from events.errors import FenghuoError


class WireError(FenghuoError):
    """Raised when an input or an output as a whole can't be used; a single bad message is a dead letter."""


class TableError(WireError):
    """Raised when a mapping table, a rate table or a column mapping is wrong; names file and line."""
