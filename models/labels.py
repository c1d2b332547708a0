"""Labels: what is known of past events, and since when."""

from collections.abc import Mapping
from typing import NamedTuple

BAD = frozenset({"fraud", "bad_debt", "dispute"})
LEGITIMATE = "legitimate"

ALWAYS = -(2**63)
"""Time of knowledge of a label that does not tell it."""


class Report(NamedTuple):
    """One statement on an event.

    Args:
        known_at: when it became known, epoch milliseconds.
        label: one of `BAD`, or `LEGITIMATE`.
    """

    known_at: int
    label: str


class Knowledge:
    """All statements on events; of each event the newest that was known counts, of equal times the later."""

    def __init__(self) -> None:
        self.unreadable = 0
        self._reports: dict[str, list[Report]] = {}

    def report(self, target: object, label: object, known_at: int = ALWAYS) -> None:
        """Take a statement in; one that names no event or no label is counted."""
        if not isinstance(target, str) or not isinstance(label, str) or label not in BAD | {LEGITIMATE}:
            self.unreadable += 1
            return
        self._reports.setdefault(target, []).append(Report(known_at, label))

    def labels(self, by: int | None = None) -> Mapping[str, str]:
        """Label by event, in the order in which events were first named.

        Args:
            by: what became known later is left out; None: nothing is.
        """
        found = {}
        for target, reports in self._reports.items():
            known = [report for report in reports if by is None or report.known_at <= by]
            if known:
                newest = max(report.known_at for report in known)
                found[target] = [report for report in known if report.known_at == newest][-1].label
        return found

    def bad(self, by: int | None = None) -> frozenset[str]:
        """Ids of the events that were known to be bad."""
        return frozenset(target for target, label in self.labels(by).items() if label != LEGITIMATE)
