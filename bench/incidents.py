"""Detection of the incidents of simulated trade by the rules and the model that ship; pure.

The model learns from one stream; others, of other seeds, are judged. An incident is found where the rule that
is expected to find it hits its decisive event, the first with which it is one.
"""

from collections.abc import Sequence
from math import fsum

from msgspec import Struct

from bench.figure import Better, Figure, figure
from bench.job import Job
from bench.subject import Subject

TRAINING, SEEDS = 100, (101, 102, 103)
"""Seeds of the streams: other ones than those by which rules and model were tuned."""
DAYS, CUSTOMERS = 14, 800
BUDGET = 1
"""Alerts a day that the model may raise: the least that found all anomalies of the tuning seeds."""
RECALL, ALERTED = 0.95, 0.5
"""Share of the incidents to be found, and percentage of events that may be alerted for that."""


class IncidentsJob(Job, frozen=True, kw_only=True):
    """Simulate trade, train on one stream, judge another.

    Args:
        training: seed of the stream that the model learns from.
        seed: of the stream that is judged.
        days: of each.
        customers: of each.
    """

    training: int
    seed: int
    days: int
    customers: int

    @property
    def what(self) -> str:
        """Subject, set and seed."""
        return f"detection, simulated, seed {self.seed}"


class Scenario(Struct, frozen=True):
    """One kind of incident in one stream.

    Args:
        name: of the scenario.
        incidents: that were injected.
        found: of these.
        hit: events that the rules hit which are expected to find it.
    """

    name: str
    incidents: int
    found: int
    hit: int


class IncidentsRun(Struct, frozen=True, tag=True):
    """What a job came to.

    Args:
        seed: of the stream.
        events: that were judged.
        alerts: that rules raised; every further hit of the same customer and scenario only lets one grow.
        astray: of these, those of customers without any incident.
        hit: events that a rule hit.
        model: of these, those that a rule hit which reads the anomaly score.
        missed_deadlines: orders and complaints that were answered too late, which no incident asks for.
        scenarios: each that was injected or alerted.
        lost: (scenario, event) of each incident that was not found.
    """

    seed: int
    events: int
    alerts: int
    astray: int
    hit: int
    model: int
    missed_deadlines: int
    scenarios: list[Scenario]
    lost: list[tuple[str, str]]


def figures(runs: Sequence[IncidentsRun]) -> list[Figure]:
    """Recall over all scenarios and by scenario, and the share of events that are alerted."""
    name = f"{Subject.DETECTION}.simulated"
    recalls = [_recall(run.scenarios) for run in runs]
    per_event = {
        "alerted": [100 * run.alerts / run.events for run in runs],
        "hit": [100 * run.hit / run.events for run in runs],
        "astray": [100 * run.astray / run.events for run in runs],
        "deadlines_missed": [100 * run.missed_deadlines / run.events for run in runs],
    }
    found = [
        figure(f"{name}.recall", "share", Better.HIGHER, recalls, RECALL),
        *(
            figure(
                f"{name}.{what}", "% of events", Better.LOWER, values, ALERTED if what == "alerted" else None
            )
            for what, values in per_event.items()
        ),
    ]
    for scenario in sorted({one.name for run in runs for one in run.scenarios if one.incidents}):
        own = [[one for one in run.scenarios if one.name == scenario] for run in runs]
        shares = [_recall(scenarios) for scenarios in own if any(one.incidents for one in scenarios)]
        found.append(figure(f"{name}.{scenario}.recall", "share", Better.HIGHER, shares))
    return found


def _recall(scenarios: Sequence[Scenario]) -> float:
    incidents = fsum(one.incidents for one in scenarios)
    return fsum(one.found for one in scenarios) / incidents if incidents else 1.0
