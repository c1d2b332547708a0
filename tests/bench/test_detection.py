"""The subject `detection`: published outliers, and what is told where they are not there."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bench.cards import WEEK, CardsRun, Judged, Skill, Way
from bench.cards import figures as card_figures
from bench.detection import OUTLIER_SETS, DetectionSet, OutliersJob, OutliersRun, figures
from bench.gate import read_gate, shortfalls
from bench.incidents import IncidentsRun, Scenario
from bench.incidents import figures as incident_figures
from bench.subject import Subject
from fenghuo.commands.bench import Bench, bench
from fenghuo.commands.bench_detection import Asked, run
from fenghuo.ending import RunError, stop_on_signals

GATES = Path(__file__).parents[2] / "bench" / "gates"


def job(file: Path, folder: Path) -> OutliersJob:
    return OutliersJob(name="4_breastw", file=str(file), seeds=(0, 1), folder=str(folder), seconds=1.0)


@pytest.mark.published
@pytest.mark.slow
@pytest.mark.parametrize("name", OUTLIER_SETS)
def test_published_outliers_are_found_as_published(published_data: Path, tmp_path: Path, name: str) -> None:
    file = published_data / "adbench" / f"{name}.npz"
    asked = OutliersJob(name=name, file=str(file), seeds=tuple(range(5)), folder=str(tmp_path), seconds=60.0)
    with stop_on_signals() as stop:
        done = run(asked, stop)
    assert isinstance(done, OutliersRun)
    found = figures([done])
    assert [one.name for one in found if one.met is False] == []
    assert sum(one.met is True for one in found) == 2


def test_clear_outliers_are_found_and_scores_are_scikit_learns(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    cells = random.normal(size=(500, 4))
    cells[:20] += 9
    np.savez(tmp_path / "set.npz", X=cells, y=np.arange(500) < 20)
    with stop_on_signals() as stop:
        done = run(job(tmp_path / "set.npz", tmp_path), stop)
    assert isinstance(done, OutliersRun)
    assert (done.rows, done.outliers) == (500, 20)
    assert min(done.areas) > 0.99
    assert done.off <= 1e-7


def test_figures_tell_the_distance_to_what_is_published() -> None:
    told = {one.name: one for one in figures([OutliersRun("4_breastw", 9, 1, [0.95, 0.97], 3e-9)])}
    assert told["detection.adbench.4_breastw.auc"].median == pytest.approx(0.96)
    assert told["detection.adbench.4_breastw.off_published"].met is False
    assert told["detection.adbench.off_scikit_learn"].met is True


def test_the_short_form_takes_what_takes_seconds(tmp_path: Path) -> None:
    assert Bench().detection == Asked(None, (DetectionSet.SIMULATED,), streams=1)
    assert Bench(data=tmp_path).detection.sets == (DetectionSet.SIMULATED,)
    (tmp_path / "adbench").mkdir()
    assert Bench(data=tmp_path).detection.sets == (DetectionSet.ADBENCH, DetectionSet.SIMULATED)
    assert Bench((Subject.DETECTION,), rounds=2).detection == Asked(rounds=2)


def test_gates_name_figures_that_there_are() -> None:
    skill = [Skill(0.9, 0.7, 0.3)]
    cards = CardsRun(9, 1.0, 5, 4, 1, [Judged(WEEK, way, skill) for way in Way], {})
    found = [
        *figures(OutliersRun(name, 9, 1, [area], 3e-9) for name, area in OUTLIER_SETS.items()),
        *card_figures(cards),
    ]
    published = read_gate(GATES / "detection-published.json")
    assert shortfalls(published, found, [Subject.DETECTION]) == []
    trade = IncidentsRun(1, 1_000, 4, 0, 14, 2, 30, [Scenario("night-orders", 4, 4, 9)], [])
    simulated = read_gate(GATES / "detection-simulated.json")
    assert shortfalls(simulated, incident_figures([trade]), [Subject.DETECTION]) == []


def test_without_sets_it_says_where_they_belong(tmp_path: Path) -> None:
    for data in (None, tmp_path):
        for one in (DetectionSet.ADBENCH, DetectionSet.HANDBOOK):
            with pytest.raises(RunError, match=f"no published set `{one}`; .* by --data or FENGHUO_DATA"):
                bench(Bench((Subject.DETECTION,), data=data, sets=(one,)), Console(quiet=True))
    (tmp_path / "broken.npz").write_bytes(b"PK no archive")
    with stop_on_signals() as stop, pytest.raises(RunError, match=r"broken\.npz: no set of outliers"):
        run(job(tmp_path / "broken.npz", tmp_path), stop)
