"""Figures of the subject `memory`, from runs."""

from bench.load import Customers
from bench.memory import Arrival, MemoryRun, figures


def test_memory_is_per_event_and_beside_the_naive_version() -> None:
    runs = [
        MemoryRun(Arrival.LARGE, Customers.ZIPF, 1_000, 30_000, 500_000, 200_000),
        MemoryRun(Arrival.TRICKLE, Customers.ZIPF, 1_000, 50_000, 500_000, 200_000),
        MemoryRun(Arrival.NAIVE, Customers.ZIPF, 1_000, 450_000, 0, 0),
    ]
    found = {one.name.removeprefix("memory."): one for one in figures(runs)}
    assert (found["zipf.large.store"].median, found["zipf.large.store"].met) == (30.0, True)
    assert found["zipf.trickle.store"].met is False
    assert (found["zipf.large.worker"].median, found["zipf.large.loaded"].median) == (500.0, 200.0)
    assert found["zipf.large.naive_by_product"].median == 15.0
    assert (found["zipf.naive.store"].median, found["zipf.naive.store"].target) == (450.0, None)
    assert "zipf.naive.worker" not in found
