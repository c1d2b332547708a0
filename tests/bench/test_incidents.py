"""Incidents of simulated trade: what is counted, and that those of an unseen seed are found."""

from pathlib import Path

import pytest

from bench.incidents import IncidentsJob, IncidentsRun, Scenario, figures
from bench.subject import Subject
from fenghuo.commands.bench_incidents import run
from fenghuo.ending import stop_on_signals


def ran(seed: int, found: int, alerts: int) -> IncidentsRun:
    scenarios = [Scenario("night-orders", 4, found, 9), Scenario("large-amount", 6, 6, 6)]
    return IncidentsRun(seed, 1_000, alerts, 1, 14, 2, 30, scenarios, [])


def test_figures_are_of_every_stream() -> None:
    told = {one.name: one for one in figures([ran(1, 4, 4), ran(2, 3, 6), ran(3, 0, 9)])}
    recall = told[f"{Subject.DETECTION}.simulated.recall"]
    assert recall.values == [1.0, 0.9, 0.6]
    assert recall.met is False
    alerted = told["detection.simulated.alerted"]
    assert alerted.median == pytest.approx(0.6)
    assert alerted.met is False
    assert told["detection.simulated.hit"].median == pytest.approx(1.4)
    assert told["detection.simulated.deadlines_missed"].median == pytest.approx(3.0)
    assert told["detection.simulated.night-orders.recall"].values == [1.0, 0.75, 0.0]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_incidents_of_an_unseen_seed_are_found(tmp_path: Path) -> None:
    job = IncidentsJob(training=100, seed=101, days=14, customers=800, folder=str(tmp_path), seconds=60.0)
    with stop_on_signals() as stop:
        done = run(job, stop)
    assert sum(one.incidents for one in done.scenarios) > 140
    assert len({one.name for one in done.scenarios}) > 30
    assert [one.name for one in figures([done]) if one.met is False] == []
    assert done.astray <= 10
