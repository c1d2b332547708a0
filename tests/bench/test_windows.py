"""Figures of the subject `windows`, from runs."""

from bench.load import Customers
from bench.windows import Batches, WindowsRun, figures


def run(batches: Batches, events: int, seconds: float) -> WindowsRun:
    return WindowsRun(batches, Customers.ZIPF, events, seconds, {"p50": 1.0, "p99": 3.0})


def test_rates_and_batches_stand_beside_the_naive_version() -> None:
    runs = [run(Batches.LARGE, 100_000, 1.0), run(Batches.NAIVE, 500, 1.0)]
    runs += [run(Batches.LARGE, 100_000, 2.0), run(Batches.NAIVE, 500, 2.0)]
    found = {one.name.removeprefix("windows.zipf."): one for one in figures(runs)}
    assert found["large.rate"].values == [100_000.0, 50_000.0]
    assert found["large.event"].values == [10.0, 20.0]
    assert found["large.times_naive"].values == [200.0, 200.0]
    assert found["large.batch_p99"].median == 3.0
    assert "naive.times_naive" not in found
