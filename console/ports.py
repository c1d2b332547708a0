"""Ports: what the console needs from a store."""

from collections.abc import AsyncIterator
from typing import Protocol

from alerts.views import AlertDetail, AlertFilter, AlertRow, QueueCount, User


class AlertReader(Protocol):
    """Reads alerts and cases for the pages."""

    async def counts(self) -> list[QueueCount]:
        """Open cases by queue and tier."""
        ...

    async def alerts(self, wanted: AlertFilter) -> list[AlertRow]:
        """Open alerts, highest tier first, newest first within a tier."""
        ...

    async def alert(self, alert_id: str, hits: int) -> AlertDetail | None:
        """One alert with at most `hits` of its hits, or None where there is no such alert."""
        ...

    def changes(self) -> AsyncIterator[str]:
        """Ids of alerts as they are raised or grow, without end."""
        ...

    async def alive(self) -> bool:
        """True when the store answers."""
        ...


class UserReader(Protocol):
    """Finds people by their sign-in name."""

    async def credentials(self, user_id: str) -> tuple[User, str] | None:
        """The person and the argon2 hash of the password, or None for an unknown name."""
        ...
