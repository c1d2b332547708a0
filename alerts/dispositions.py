"""Dispositions: what an alert turned out to be, and what that says of its events."""

from enum import StrEnum

from msgspec import Struct

from alerts.errors import AlertError
from events.rights import Right
from models.labels import LEGITIMATE

ANALYST = "analyst"
RIGHT = Right({ANALYST})
"""Who may say what an alert was."""

LONGEST_REASON = 2000


class Disposition(StrEnum):
    """What an alert turned out to be."""

    CONFIRMED_RISK = "confirmed_risk"
    FALSE_POSITIVE = "false_positive"
    LEGITIMATE = "legitimate"
    INCONCLUSIVE = "inconclusive"
    DUPLICATE = "duplicate"


class Act(StrEnum):
    """What a person does."""

    DISPOSE = "dispose of the alert"


class Harm(StrEnum):
    """What was wrong, as labels name it."""

    FRAUD = "fraud"
    BAD_DEBT = "bad_debt"
    DISPUTE = "dispute"


class DispositionError(AlertError):
    """Raised when a disposition says too little, or comes to an alert that has changed."""


class Answer(Struct, frozen=True, kw_only=True):
    """An analyst's word on an alert.

    Args:
        disposition: what it turned out to be.
        harm: what was wrong, of a confirmed risk only.
        reason: why; kept for good.
        hits: hits that the alert had when it was looked at.
    """

    disposition: Disposition
    harm: Harm | None = None
    reason: str
    hits: int


def check(answer: Answer) -> None:
    """See that an answer says what it has to.

    Raises:
        DispositionError: it does not.
    """
    confirmed = answer.disposition is Disposition.CONFIRMED_RISK
    if confirmed is not (answer.harm is not None):
        needs = "say what was wrong" if confirmed else "only a confirmed risk has a harm; leave it out"
        raise DispositionError(f"disposition `{answer.disposition}`: {needs}")
    if not answer.reason.strip():
        raise DispositionError(f"disposition `{answer.disposition}`: the reason is empty; say why")


def check_seen(answer: Answer, hits: int) -> None:
    """See that the answer is to what the alert is now.

    Raises:
        DispositionError: hits have come that the analyst did not see.
    """
    if answer.hits != hits:
        raise DispositionError(
            f"the alert has {hits} hits by now, the answer is to {answer.hits}; look at it again"
        )


def label_of(answer: Answer) -> str | None:
    """What the answer says of the alert's events; None where it says nothing.

    >>> label_of(Answer(disposition=Disposition.CONFIRMED_RISK, harm=Harm.BAD_DEBT, reason="…", hits=1))
    'bad_debt'
    """
    match answer.disposition:
        case Disposition.CONFIRMED_RISK:
            return str(answer.harm)
        case Disposition.FALSE_POSITIVE | Disposition.LEGITIMATE:
            return LEGITIMATE
        case _:
            return None
