"""The tally: what rules hold, counted for their breakers."""

from collections.abc import Iterator, Mapping
from threading import Lock

from rules.breaker import Count
from rules.decision import Outcome
from rules.evaluate import HIT, Judgement
from rules.rule import Mode
from rules.suppression import Judge


class RuleTally:
    """Counts of the rules that may hold a transaction, added up until they are taken; for many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[str, tuple[int, int]] = {}

    def add(self, judgement: Judgement) -> None:
        """Count what rules said of a batch."""
        with self._lock:
            for name, judged, holds in _holding(judgement):
                before = self._counts.get(name, (0, 0))
                self._counts[name] = before[0] + judged, before[1] + holds

    def take(self) -> Mapping[str, Count]:
        """The counts since the last time."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return {name: Count(judged=judged, holds=holds) for name, (judged, holds) in counts.items()}

    def put_back(self, counts: Mapping[str, Count]) -> None:
        """Add counts that could not be kept elsewhere."""
        with self._lock:
            for name, count in counts.items():
                before = self._counts.get(name, (0, 0))
                self._counts[name] = before[0] + count.judged, before[1] + count.holds


class Rises:
    """Suppressions that a hit of a higher tier ended, and why, until they are taken; for many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[str, str] = {}

    def __call__(self, identity: str, hit: Judge) -> None:
        """Note that a suppression ended."""
        with self._lock:
            self._found.setdefault(identity, f"`{hit.name}` hit with tier {hit.tier.value}")

    def take(self) -> list[tuple[str, str]]:
        """What was noted since the last time."""
        with self._lock:
            found, self._found = self._found, {}
        return list(found.items())


def _holding(judgement: Judgement) -> Iterator[tuple[str, int, int]]:
    for verdict, judged, counts in zip(judgement.verdicts, judgement.judged, judgement.counts(), strict=True):
        rule = verdict.rule
        if judged and rule.mode is Mode.ACTIVE and rule.outcome.severity > Outcome.REVIEW.severity:
            yield rule.name, judged, counts[HIT]
