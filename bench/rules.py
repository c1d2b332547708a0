"""The subject `rules`: what judging costs by the number of rules, beside an interpreter; pure."""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from bench.figure import TIMES, Better, Figure, figure, ratios
from bench.job import Job
from bench.steps import MARK
from bench.subject import Subject

TARGETS = {30: 0.5, 1_000: 20.0}
"""Microseconds per event that the design allows, by the number of rules."""


class Engine(StrEnum):
    """Who judges."""

    PRODUCT = "product"  # batches of columns
    NAIVE = "naive"  # one event after the other, walking the tree of each condition


class RulesJob(Job, frozen=True, kw_only=True):
    """Judge events by so many rules.

    Args:
        engine: who.
        rules: how many.
        seed: of rules and events.
    """

    engine: Engine
    rules: int
    seed: int

    @property
    def what(self) -> str:
        """Subject, engine, rules."""
        return f"rules, {self.engine}, {self.rules:,} rules"


class RulesRun(Struct, frozen=True, tag=True):
    """What a job came to.

    Args:
        engine: who judged.
        rules: how many there were.
        events: that were judged.
        event: microseconds for one of them; the least of all batches of the product.
        steps: the same by step.
        load: seconds to read the pack; 0 of the naive version.
        agreed: results that were compared with the other engine's before the clock started, all equal.
    """

    engine: Engine
    rules: int
    events: int
    event: float
    steps: dict[str, float]
    load: float
    agreed: int


def figures(runs: Iterable[RulesRun]) -> list[Figure]:
    """Cost of an event, of its steps and of reading the pack, and the naive cost by the product's."""
    grouped: dict[tuple[int, Engine], list[RulesRun]] = defaultdict(list)
    for run in runs:
        grouped[run.rules, run.engine].append(run)
    found: list[Figure] = []
    for (rules, engine), rounds in grouped.items():
        name = f"{Subject.RULES}.{rules}.{engine}"
        costs = [run.event for run in rounds]
        ours = engine is Engine.PRODUCT
        found.append(figure(f"{name}.event", "µs", Better.LOWER, costs, TARGETS.get(rules) if ours else None))
        if not ours:
            continue
        found.append(figure(f"{name}.load", "s", Better.LOWER, [run.load for run in rounds]))
        found += [
            figure(f"{name}{MARK}{step}", "µs", Better.LOWER, [run.steps[step] for run in rounds])
            for step in rounds[0].steps
        ]
        naive = [run.event for run in grouped.get((rules, Engine.NAIVE), [])]
        if times := ratios(naive, costs):
            found.append(figure(f"{name}.times_naive", TIMES, Better.HIGHER, times))
    return found
