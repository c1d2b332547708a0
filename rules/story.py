"""Stories: events that try one rule or deadline, and what it must say of them."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from rules.deadline import Deadline
from rules.rule import Rule


class Expected(StrEnum):
    """What a story expects of a rule about an event, or of a deadline about all events together."""

    HIT = "hit"
    NO_HIT = "no_hit"
    NOT_EVALUABLE = "not_evaluable"
    MISSED = "missed"
    IN_TIME = "in_time"
    ANSWERED = "answered"


OF_RULES = (Expected.HIT, Expected.NO_HIT, Expected.NOT_EVALUABLE)
OF_DEADLINES = (Expected.MISSED, Expected.IN_TIME, Expected.ANSWERED)
NEEDED_OF_DEADLINES = (Expected.MISSED, Expected.IN_TIME)


@dataclass(frozen=True)
class Step:
    """One event of a case.

    Args:
        message: the event as its JSON has it.
        expect: what the rule must say of it; None where the story does not care.
        line: where it stands in the file.
    """

    message: dict[str, Any]
    expect: Expected | None
    line: int


@dataclass(frozen=True)
class Case:
    """One trial of a rule: some events in the order of their arrival.

    Args:
        title: what it shows, for people.
        steps: the events.
        expect: what must come of it; for a rule of the last event.
        observed: values that the last result must show, in the units of conditions.
        anomaly: percentile that the model gives to every event; None without a model.
        anomaly_limit: percentile that its alert budget allows; None without one.
        degraded: whether the windows cannot be read.
        until: moment that the clock reaches at the end, epoch milliseconds; None where only events move it.
        line: where it stands in the file.
    """

    title: str
    steps: tuple[Step, ...]
    expect: Expected
    observed: dict[str, Decimal | str]
    anomaly: float | None
    anomaly_limit: float | None
    degraded: bool
    until: int | None
    line: int


@dataclass(frozen=True)
class Story:
    """The cases of one rule or deadline.

    Args:
        file: where they stand.
        subject: the rule or deadline.
        cases: in the order of the file.
        always_evaluable: why the rule is never not_evaluable; None where a case shows that it can be.
        line: where that reason, or the file, begins.
    """

    file: str
    subject: Rule | Deadline
    cases: tuple[Case, ...]
    always_evaluable: str | None
    line: int

    @property
    def missing(self) -> tuple[Expected, ...]:
        """The results that no case expects although one should."""
        shown = {case.expect for case in self.cases}
        needed: tuple[Expected, ...] = OF_RULES
        if isinstance(self.subject, Deadline):
            needed = NEEDED_OF_DEADLINES
        elif self.always_evaluable is not None:
            needed = (Expected.HIT, Expected.NO_HIT)
        return tuple(one for one in needed if one not in shown)
