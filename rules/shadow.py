"""Shadow: what a version of a pack that is tried says beside the one in force, as counts that add up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from events.columns import Bools, EventBatch, Int64s
from rules.decision import Outcome
from rules.evaluate import HIT, Judgement
from rules.rule import Mode

EXAMPLES = 5
"""Events that are named of each kind of difference."""

_OUTCOMES = tuple(Outcome)


class Side(StrEnum):
    """Which of two versions a rule hit in."""

    BOTH = "both"
    LIVE = "live"
    SHADOW = "shadow"


class Key(NamedTuple):
    """What is counted.

    Args:
        live: id of the version in force, `name@version`; empty where no version of that name is.
        shadow: id of the version that is tried.
        what: `outcome` or `rule`.
        name: of an outcome pair `review>hold`, or of the rule.
        side: of a rule; empty for outcomes.
    """

    live: str
    shadow: str
    what: str
    name: str
    side: str


class Seen(Struct, frozen=True):
    """How often, and ids of some of the events."""

    count: int
    examples: tuple[str, ...] = ()

    def joined(self, other: "Seen") -> "Seen":
        """Both together, with the examples that came first."""
        return Seen(self.count + other.count, (*self.examples, *other.examples)[:EXAMPLES])


class RuleComparison(Struct, frozen=True, kw_only=True):
    """How often a rule hit in both versions or in one, with some events by side."""

    rule: str
    both: int = 0
    live: int = 0
    shadow: int = 0
    examples: dict[str, list[str]] = {}


class ShadowReport(Struct, frozen=True, kw_only=True):
    """What a version in the shadow said beside the one in force.

    Args:
        live: the version in force, `name@version`; None where no version of that name was.
        judged: events that both were asked about.
        agreed: those with the same outcome.
        outcomes: events by pair of outcomes, `review>hold`: in force, then in the shadow.
        examples: ids of some events by pair that differs.
        since: wall-clock time of the first of them, epoch milliseconds.
        until: and of the last.
    """

    live: str | None
    shadow: str
    judged: int
    agreed: int
    outcomes: dict[str, int]
    examples: dict[str, list[str]]
    rules: list[RuleComparison]
    since: int
    until: int

    @property
    def differing(self) -> list[tuple[Outcome, Outcome, int, list[str]]]:
        """Outcomes in force and in the shadow that differ, the most frequent first: events, some of them."""
        found = []
        for pair, count in self.outcomes.items():
            live, shadow = (Outcome(one) for one in pair.split(">"))
            if live is not shadow:
                found.append((live, shadow, count, self.examples.get(pair, [])))
        return sorted(found, key=lambda one: -one[2])


@dataclass(frozen=True)
class Verdicts:
    """What the active rules of one version say of a batch.

    Args:
        outcomes: severity of the outcome, shape (n,).
        hits: by rule, the events that it hit, shape (n,); rules without hits are left out.
    """

    outcomes: Int64s
    hits: Mapping[str, Bools]


def verdicts(judgement: Judgement, rows: int) -> Verdicts:
    """The verdicts of a judgement on so many events."""
    outcomes = np.full(rows, judgement.least.severity, np.int64)
    hits: dict[str, Bools] = {}
    for verdict in judgement.verdicts:
        if verdict.rule.mode is Mode.ACTIVE:
            hit = verdict.codes == HIT
            if hit.any():
                hits[verdict.rule.name] = hit
                np.maximum(outcomes, np.where(hit, verdict.rule.outcome.severity, 0), out=outcomes)
    return Verdicts(outcomes, hits)


def compared(live: Verdicts, shadow: Verdicts, batch: EventBatch) -> dict[tuple[str, str, str], Seen]:
    """What both say of a batch, counted by the last three parts of `Key`."""
    found: dict[tuple[str, str, str], Seen] = {}
    pairs = live.outcomes * len(_OUTCOMES) + shadow.outcomes
    for pair, count in zip(*np.unique(pairs, return_counts=True), strict=True):
        one, other = divmod(int(pair), len(_OUTCOMES))
        rows = np.flatnonzero(pairs == pair) if one != other else np.zeros(0, np.int64)
        name = f"{_OUTCOMES[one]}>{_OUTCOMES[other]}"
        found["outcome", name, ""] = Seen(int(count), _examples(batch, rows))
    nothing = np.zeros(len(batch), np.bool_)
    for rule in sorted(live.hits.keys() | shadow.hits.keys()):
        a, b = live.hits.get(rule, nothing), shadow.hits.get(rule, nothing)
        for side, hit in ((Side.BOTH, a & b), (Side.LIVE, a & ~b), (Side.SHADOW, b & ~a)):
            rows = np.flatnonzero(hit)
            if len(rows):
                found["rule", rule, side.value] = Seen(len(rows), _examples(batch, rows))
    return found


def _examples(batch: EventBatch, rows: Int64s) -> tuple[str, ...]:
    return tuple(batch.events[row].event_id for row in rows[:EXAMPLES].tolist())


class ShadowTally:
    """Counts of comparisons, added up until they are taken; for many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: dict[Key, Seen] = {}

    def add(self, live: str, shadow: str, found: Mapping[tuple[str, str, str], Seen]) -> None:
        """Add what was found of a batch."""
        self.put_back({Key(live, shadow, *key): seen for key, seen in found.items()})

    def take(self) -> Mapping[Key, Seen]:
        """The counts since the last time."""
        with self._lock:
            seen, self._seen = self._seen, {}
        return seen

    def put_back(self, seen: Mapping[Key, Seen]) -> None:
        """Add counts, such as those that could not be kept elsewhere."""
        with self._lock:
            for key, one in seen.items():
                before = self._seen.get(key)
                self._seen[key] = one if before is None else before.joined(one)


def report(live: str, shadow: str, seen: Iterable[tuple[Key, Seen]], since: int, until: int) -> ShadowReport:
    """The report of all counts of one pair of versions."""
    outcomes: dict[str, int] = {}
    examples: dict[str, list[str]] = {}
    rules: dict[str, dict[str, Seen]] = {}
    for key, one in seen:
        if key.what == "rule":
            rules.setdefault(key.name, {})[key.side] = one
            continue
        outcomes[key.name] = outcomes.get(key.name, 0) + one.count
        if one.examples:
            examples[key.name] = list(one.examples)
    return ShadowReport(
        live=live or None,
        shadow=shadow,
        judged=sum(outcomes.values()),
        agreed=sum(count for pair, count in outcomes.items() if len(set(pair.split(">"))) == 1),
        outcomes=dict(sorted(outcomes.items())),
        examples=examples,
        rules=[
            RuleComparison(
                rule=name,
                **{side: one.count for side, one in sides.items()},
                examples={side: list(one.examples) for side, one in sides.items()},
            )
            for name, sides in sorted(rules.items())
        ],
        since=since,
        until=until,
    )
