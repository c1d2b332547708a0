"""Moments in messages: RFC 3339 text that somebody else may have written."""

from datetime import datetime

from alerts.errors import AlertError
from events.clock import EARLIEST, LATEST, milliseconds


def time_of(text: str, whose: str) -> int:
    """The moment that an `occurred_at` names, in epoch milliseconds.

    Args:
        text: the value.
        whose: what it belongs to, for the message.

    Raises:
        AlertError: when it is no RFC 3339 time with an offset.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is not None and at.tzinfo is not None:
        ms = milliseconds(at)
        if EARLIEST <= ms <= LATEST:
            return ms
    raise AlertError(f"{whose}: got `{text}` as `occurred_at`; send an RFC 3339 time with an offset")
