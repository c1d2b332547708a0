"""Views: what people read of alerts, cases and users; values that cross between a store and the console."""

from msgspec import Struct

from alerts.dispositions import Disposition
from alerts.errors import AlertError
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


class CursorError(AlertError):
    """Raised when `AlertFilter.before` is no cursor of a row."""


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
    """An alert with the newest of its hits, newest first.

    Args:
        withdrawn: number of hits that no longer hold.
        notes: why, by language, by the id of those among `hits`.
    """

    row: AlertRow
    playbook: str | None
    decision_ids: int
    hits: list[Hit]
    withdrawn: int = 0
    notes: dict[str, Text] = {}


class Answered(Struct, frozen=True, kw_only=True):
    """What became of an analyst's word on an alert.

    Args:
        label: what it says of the alert's events; None where it says nothing.
        labels: how many events got it.
    """

    alert_id: str
    disposition: Disposition
    label: str | None
    labels: int


class LabelRow(Struct, frozen=True, kw_only=True):
    """What a person said of an event.

    Args:
        target: id of the event.
        label: `fraud`, `bad_debt`, `dispute` or `legitimate`.
        known_at: when it was said, epoch milliseconds.
        scenario: of the alert that it was said of.
        group: the alert's unified customer.
        source: where it comes from, such as `alert:<id>`.
    """

    target: str
    label: str
    known_at: int
    scenario: str
    group: str
    source: str
