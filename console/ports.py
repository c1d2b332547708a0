"""Ports: what the console needs from a store, and the values that cross it."""

from collections.abc import AsyncIterator
from typing import Protocol

from msgspec import Struct

from alerts.hit import Hit
from rules.decision import Outcome, Text, Tier


class User(Struct, frozen=True):
    """A person who signed in.

    Args:
        roles: role names, for example `analyst`, `finance`, `legal`, `sre`, `admin`.
    """

    user_id: str
    name: str
    roles: frozenset[str]


class QueueCount(Struct, frozen=True):
    """Number of open cases of one queue and tier."""

    queue: str
    tier: Tier
    open: int


class AlertFilter(Struct, frozen=True):
    """What the alert list shows; None means all."""

    queue: str | None = None
    tier: Tier | None = None
    scenario: str | None = None
    text: str | None = None  # part of group, customer or order
    before: str | None = None  # cursor of the row after which the page starts
    limit: int = 50


class AlertRow(Struct, frozen=True, kw_only=True):
    """One line of the alert list; money in fen, times in epoch milliseconds.

    Args:
        cursor: opaque place of the row in the list, for the next page.
    """

    alert_id: str
    case_id: str
    group: str
    customer: str
    scenario: str
    title: Text
    reason: Text
    tier: Tier
    outcome: Outcome
    queue: str
    status: str
    hits: int
    amount: int
    first_hit_at: int
    last_hit_at: int
    raised_at: int
    cursor: str


class AlertDetail(Struct, frozen=True, kw_only=True):
    """An alert with the newest of its hits, newest first."""

    row: AlertRow
    playbook: str | None
    decision_ids: int
    hits: list[Hit]


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
