"""Figures of the subject `scoring`, from runs."""

from bench.scoring import Cost, ScoringRun, Way, figures


def run(kernel: float, naive: float) -> ScoringRun:
    return ScoringRun([Cost(Way.KERNEL, 100, kernel), Cost(Way.NAIVE, 100, naive)], 2e-9, 0.4)


def test_costs_stand_beside_scikit_learn() -> None:
    found = {one.name.removeprefix("scoring."): one for one in figures([run(2.0, 40.0), run(8.0, 40.0)])}
    assert found["100.kernel.event"].values == [2.0, 8.0]
    assert (found["100.kernel.event"].target, found["100.kernel.event"].met) == (5.0, True)
    assert found["100.kernel.times_naive"].values == [20.0, 5.0]
    assert found["100.naive.event"].target is None
    assert "100.naive.times_naive" not in found
    assert found["off_naive"].median == 2.0
    assert (found["explain"].median, found["explain"].target) == (0.4, 2.0)
