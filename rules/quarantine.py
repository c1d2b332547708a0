"""Quarantine: rules that failed too often are not run any more."""

from collections import Counter
from collections.abc import Iterable, Mapping

from rules.evaluate import Verdict


class Quarantine:
    """What fails, batch by batch.

    A rule in quarantine has the result `error`, with the cause of its last failure, for every event that it
    would judge. Failures count by batch, since a condition is run on a batch at once and fails for all of it.

    Args:
        after: batches in which a rule may fail before it is set aside.
    """

    def __init__(self, after: int) -> None:
        self._after = after
        self._failures: Counter[str] = Counter()
        self._held: dict[str, str] = {}

    @property
    def held(self) -> Mapping[str, str]:
        """Why each rule was set aside, by its name."""
        return self._held

    def note(self, verdicts: Iterable[Verdict]) -> list[tuple[str, str]]:
        """Take note of what rules said of a batch; gives names and messages of those now set aside."""
        fresh = []
        for verdict in verdicts:
            name, message = verdict.rule.name, verdict.message
            if message is None or name in self._held:
                continue
            self._failures[name] += 1
            if self._failures[name] >= self._after:
                self._held[name] = message
                fresh.append((name, message))
        return fresh
