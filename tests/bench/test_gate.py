"""The gate: what falls short is told in one line each, and a gate that can't hold anything is refused."""

from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.figure import TIMES, Better, figure
from bench.gate import Limits, read_gate, shortfalls
from bench.subject import Subject

GATES = Path(__file__).parents[2] / "bench" / "gates"
FIGURES = [
    figure("hot.plain.batch.ratio", TIMES, Better.LOWER, [1.0, 1.2, 9.0]),
    figure("pipeline.zipf.file.times_naive", TIMES, Better.HIGHER, [180.0]),
]
RUN = [Subject.HOT, Subject.PIPELINE]


def gate(path: Path, text: str) -> Path:
    path = path / "gate.json"
    path.write_text(text, "utf-8")
    return path


def test_figures_within_their_limits_pass() -> None:
    limits = {
        "hot.plain.batch.ratio": Limits(most=1.2),
        "pipeline.zipf.file.times_naive": Limits(least=180, most=1_000),
    }
    assert shortfalls(limits, FIGURES, RUN) == []


def test_each_figure_outside_its_limits_is_one_line() -> None:
    limits = {
        "hot.plain.batch.ratio": Limits(most=1.1),
        "pipeline.zipf.file.times_naive": Limits(least=200.5),
    }
    assert shortfalls(limits, FIGURES, RUN) == [
        "`hot.plain.batch.ratio` is 1.2 ×, at most 1.1 is wanted",
        "`pipeline.zipf.file.times_naive` is 180 ×, at least 200.5 is wanted",
    ]


def test_what_was_not_measured_falls_short() -> None:
    limits = {"hot.plain.batch.rato": Limits(most=2)}
    assert shortfalls(limits, FIGURES, RUN) == [
        "`hot.plain.batch.rato` was not measured; did you mean `hot.plain.batch.ratio`?"
    ]


def test_a_subject_that_was_not_run_is_left_alone() -> None:
    limits = {"latency.product.p99": Limits(most=50)}
    assert shortfalls(limits, FIGURES, RUN) == []
    assert len(shortfalls(limits, FIGURES, [*RUN, Subject.LATENCY])) == 1


def test_a_gate_is_read_from_a_file(tmp_path: Path) -> None:
    text = '{"hot.plain.batch.ratio": {"most": 1.5}, "latency.product.p50": {"least": 1, "most": 10}}'
    assert read_gate(gate(tmp_path, text)) == {
        "hot.plain.batch.ratio": Limits(most=1.5),
        "latency.product.p50": Limits(least=1, most=10),
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "truncated"),
        ('{"hot.x": {"at_most": 1}}', "at_most"),
        ('{"hot.x": {"most": "1"}}', "Expected"),
        ('{"hot.x": {}}', "neither `least` nor `most`"),
        ('{"heat.x": {"most": 1}}', "`heat.x` begins with none of windows, pipeline"),
    ],
)
def test_a_gate_that_holds_nothing_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(BenchError, match=reason):
        read_gate(gate(tmp_path, text))


def test_a_missing_gate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"gate\.json"):
        read_gate(tmp_path / "gate.json")


@pytest.mark.parametrize("path", sorted(GATES.glob("*.json")), ids=lambda path: path.name)
def test_the_gates_that_come_with_the_product_can_be_read(path: Path) -> None:
    assert read_gate(path)
