"""Cases: what people work on; one per alert, moved between states by a table of allowed transitions."""

from enum import StrEnum

import uuid_utils
from msgspec import Struct
from msgspec.structs import replace

from alerts.alert import Alert, Raised
from alerts.errors import AlertError
from rules.decision import Tier


class CaseStatus(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    INVESTIGATING = "investigating"
    PENDING_APPROVAL = "pending_approval"
    CLOSED = "closed"


TRANSITIONS: dict[CaseStatus, frozenset[CaseStatus]] = {
    CaseStatus.OPEN: frozenset({CaseStatus.INVESTIGATING, CaseStatus.CLOSED}),
    CaseStatus.INVESTIGATING: frozenset({CaseStatus.OPEN, CaseStatus.PENDING_APPROVAL, CaseStatus.CLOSED}),
    CaseStatus.PENDING_APPROVAL: frozenset({CaseStatus.INVESTIGATING, CaseStatus.CLOSED}),
    CaseStatus.CLOSED: frozenset(),  # for good: the next hit opens a new alert with a new case
}
"""Where a case may move from each status."""


class TransitionError(AlertError):
    """Raised when a case may not move to the wanted status."""


class Case(Struct, frozen=True, kw_only=True):
    """The work on one alert.

    Args:
        case_id: UUIDv5 of the alert's id.
        queue: whose work it is.
        tier: the alert's tier.
    """

    case_id: str
    alert_id: str
    queue: str
    tier: Tier
    status: CaseStatus


def open_case(alert: Alert) -> Case:
    """The case of a new alert, in the queue of its leading rule."""
    return Case(
        case_id=str(uuid_utils.uuid5(uuid_utils.UUID(alert.alert_id), "case")),
        alert_id=alert.alert_id,
        queue=alert.queue,
        tier=alert.tier,
        status=CaseStatus.OPEN,
    )


def follow(case: Case, alert: Alert, raised: Raised | None) -> Case:
    """The case after its alert has grown.

    When the tier rose the case's tier follows, and a case that nobody has taken up goes to the queue of the
    rule that raised it. A case in somebody's hands stays in their queue.
    """
    if raised is not Raised.TIER_ROSE:
        return case
    queue = alert.queue if case.status is CaseStatus.OPEN else case.queue
    return replace(case, tier=alert.tier, queue=queue)


def ends_by_itself(status: CaseStatus) -> bool:
    """Whether a case in this status is closed when all hits of its alert were withdrawn.

    A case that somebody has taken up is theirs to close.
    """
    return status is CaseStatus.OPEN


def move(case: Case, to: CaseStatus) -> Case:
    """The case in status `to`.

    Raises:
        TransitionError: when `TRANSITIONS` does not allow it.
    """
    allowed = TRANSITIONS[case.status]
    if to not in allowed:
        choices = (
            ", ".join(f"`{status}`" for status in CaseStatus if status in allowed) or "nothing, it is final"
        )
        raise TransitionError(
            f"case `{case.case_id}`: can't move from `{case.status}` to `{to}`; allowed: {choices}"
        )
    return replace(case, status=to)
