"""What people read of the life of rules: versions, suppressions, limited rules and the history of changes."""

from msgspec import Struct

from rules.lifecycle import Standing
from rules.rule import Mode
from rules.suppression import Suppression


class VersionRow(Struct, frozen=True, kw_only=True):
    """One version of a pack and where it stands; times in epoch milliseconds.

    Args:
        changed_at: when it came to stand there.
        changed_by: who brought it there.
        approved_by: the second person, where one was needed.
    """

    pack: str
    version: int
    sha256: str
    state: Mode
    author: str
    submitted_at: int
    changed_at: int
    changed_by: str
    approved_by: str | None


class SuppressionRow(Struct, frozen=True, kw_only=True):
    """A suppression, where it stands, and why it was asked for."""

    suppression: Suppression
    standing: Standing
    requested_by: str
    approved_by: str | None
    reason: str


class LimitedRule(Struct, frozen=True, kw_only=True):
    """A rule whose breaker tripped; the time in epoch milliseconds."""

    rule: str
    reason: str
    limited_at: int


class ChangeRow(Struct, frozen=True, kw_only=True):
    """One entry of the history.

    Args:
        change: its number, in the order in which changes came.
        subject: `version`, `suppression` or `breaker`.
        name: of the pack, suppression or rule.
        edition: the edition that it made; None where nothing in force changed.
        changed_at: epoch milliseconds.
    """

    change: int
    subject: str
    name: str
    version: int | None
    action: str
    before: str | None
    to: str
    actor: str
    approved_by: str | None
    reason: str
    edition: int | None
    changed_at: int


class Submitted(Struct, frozen=True, kw_only=True):
    """A version that was handed in; `fresh` is False where the same content was there already."""

    pack: str
    version: int
    sha256: str
    state: Mode
    fresh: bool


class Moved(Struct, frozen=True, kw_only=True):
    """Where a version or suppression stands after an action, and the edition that it made, if any."""

    name: str
    state: str
    edition: int | None
