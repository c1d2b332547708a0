"""Figures of the subject `pipeline`, from runs."""

import pytest

from bench.figure import Figure
from bench.load import Customers
from bench.pipeline import Pipeline, PipelineRun, figures

STEPS = {
    "decode": 1.0,
    "windows": 4.0,
    "store": 1.5,
    "score": 0.5,
    "rules": 0.5,
    "decide": 1.0,
    "encode": 0.5,
}


def run(
    pipeline: Pipeline, events: int, seconds: float, customers: Customers = Customers.ZIPF
) -> PipelineRun:
    steps = {} if pipeline is Pipeline.NAIVE else {name: cost * seconds / 10 for name, cost in STEPS.items()}
    return PipelineRun(pipeline, customers, events, seconds, seconds / 2, steps)


def of(runs: list[PipelineRun]) -> dict[str, Figure]:
    return {found.name.removeprefix("pipeline."): found for found in figures(runs)}


def test_rates_are_those_of_the_rounds() -> None:
    found = of([run(Pipeline.FILE, 1_000, seconds) for seconds in (4.0, 1.0, 2.0)])
    assert found["zipf.file.rate"].values == [250.0, 1_000.0, 500.0]


def test_the_naive_version_is_the_measure_of_its_round() -> None:
    runs = [run(Pipeline.FILE, 1_000, 1.0), run(Pipeline.NAIVE, 10, 1.0)]
    runs += [run(Pipeline.FILE, 1_000, 10.0), run(Pipeline.NAIVE, 10, 10.0)]
    found = of(runs)
    assert found["zipf.file.times_naive"].values == [100.0, 100.0]
    assert "zipf.naive.times_naive" not in found


def test_without_the_naive_version_there_is_no_ratio() -> None:
    assert "zipf.file.times_naive" not in of([run(Pipeline.FILE, 1_000, 1.0)])


def test_spreads_of_customers_are_kept_apart() -> None:
    found = of([run(Pipeline.FILE, 1_000, 1.0), run(Pipeline.FILE, 1_000, 2.0, Customers.UNIFORM)])
    assert found["zipf.file.rate"].median == 1_000
    assert found["uniform.file.rate"].median == 500


def test_steps_are_in_microseconds_per_event_and_add_up() -> None:
    found = of([run(Pipeline.FILE, 1_000, 0.01)])
    steps = {
        name.rpartition(".")[2]: one.median for name, one in found.items() if name.startswith("zipf.file.us.")
    }
    wall, cpu = steps.pop("wall"), steps.pop("cpu")
    assert (wall, cpu) == pytest.approx((10.0, 5.0))
    assert (steps["store"], steps["windows"]) == (1.5, 2.5)  # the call to the store stands by itself
    assert sum(steps.values()) == pytest.approx(wall)
    assert not [name for name in of([run(Pipeline.NAIVE, 10, 1.0)]) if name.endswith("us.decode")]


def test_the_design_s_targets_are_for_the_product() -> None:
    found = of([run(pipeline, 60_000, 1.0) for pipeline in Pipeline])
    assert (found["zipf.kafka.rate"].met, found["zipf.file.rate"].met) == (True, False)
    assert found["zipf.naive.rate"].met is None
