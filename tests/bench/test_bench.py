"""The bench as a whole: every subject at a small size, from the load to the report."""

from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from bench.figure import Figure
from bench.gate import Limits
from bench.hot import HotPack, HotRun
from bench.latency import LatencyRun
from bench.load import Customers, Load, write
from bench.memory import MemoryRun
from bench.pipeline import Pipeline, PipelineJob, PipelineRun
from bench.report import Report
from bench.rules import Engine, RulesRun
from bench.scoring import SIZES, ScoringRun, Way
from bench.subject import Subject
from bench.windows import WindowsRun
from fenghuo.commands.bench import Bench, bench, check_gate, print_report
from fenghuo.commands.bench_stage import Stage
from fenghuo.ending import RunError

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def foreign_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens there: the bench uses servers of its own whatever the settings name."""
    monkeypatch.setenv("FENGHUO_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("FENGHUO_KAFKA", "127.0.0.1:1")


def measured(wanted: Bench) -> tuple[Report, dict[str, Figure]]:
    report = bench(wanted, Console(quiet=True))
    assert [section.subject for section in report.sections] == list(wanted.subjects)
    return report, {one.name: one for one in report.figures}


@pytest.mark.slow
def test_all_pipelines_are_measured_side_by_side(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report, found = measured(
        Bench(
            (Subject.PIPELINE,), spreads=(Customers.ZIPF,), events=3_000, customers=300, rounds=1, seconds=60
        )
    )
    (section,) = report.sections
    runs = [run for run in section.runs if isinstance(run, PipelineRun)]
    assert {run.pipeline for run in runs} == set(Pipeline)
    assert {run.events for run in runs if run.pipeline is not Pipeline.NAIVE} == {3_000}
    assert all(0 < run.events < 3_000 for run in runs if run.pipeline is Pipeline.NAIVE)
    for product in (Pipeline.FILE, Pipeline.KAFKA):
        assert found[f"pipeline.zipf.{product}.times_naive"].median > 2
        for step in ("decode", "store", "windows", "score", "rules", "decide", "encode", "rest"):
            assert f"pipeline.zipf.{product}.us.{step}" in found
    assert (section.setup["rules"], section.setup["features"], section.setup["trees"]) == (30, 12, 100)
    print_report(report, Console(width=140), tmp_path / "figures.json")
    assert msgspec.json.decode((tmp_path / "figures.json").read_bytes(), type=Report) == report
    assert "pipeline.zipf.kafka.rate" in capfd.readouterr().out


@pytest.mark.slow
def test_windows_are_measured_without_the_dataflow() -> None:
    wanted = Bench(
        (Subject.WINDOWS,), spreads=(Customers.ZIPF,), events=2_000, customers=300, rounds=1, seconds=30
    )
    report, found = measured(wanted)
    large, small, naive = (run for run in report.sections[0].runs if isinstance(run, WindowsRun))
    assert (large.events, small.events) == (2_000, 2_000)
    assert naive.events > 10
    for batches in ("large", "small"):
        assert found[f"windows.zipf.{batches}.times_naive"].median > 1
    assert small.batch["p50"] <= small.batch["p99"] <= small.batch["max"]


@pytest.mark.slow
def test_latency_counts_what_a_stall_of_the_store_holds_up() -> None:
    wanted = Bench(
        (Subject.LATENCY,),
        events=600,
        customers=20,
        rounds=1,
        rate=300.0,
        naive_rate=20.0,
        stall=1.0,
        seconds=60,
    )
    report, found = measured(wanted)
    product, naive = (run for run in report.sections[0].runs if isinstance(run, LatencyRun))
    assert (product.events, naive.events) == (600, 40)
    # Half of the two seconds that count are stalled, and every event that is due in them waits.
    for run in (product, naive):
        assert run.latency["max"] > 900
        assert run.latency["p95"] > 600
        assert run.latency["p50"] <= run.latency["p95"] <= run.latency["p99"] <= run.latency["max"]
    assert product.worker is not None
    assert product.worker.events == 600 + 900
    assert 0 < product.worker.latency["p50"] <= product.worker.latency["p99"]
    assert found["latency.product.p99"].met is False
    assert found["latency.naive_by_product.p50"].median > 0


@pytest.mark.slow
def test_hot_and_cold_customers_take_turns_over_windows_that_hold_everything() -> None:
    wanted = Bench((Subject.HOT,), packs=(HotPack.WIDE,), events=1_000, rounds=1, late=0.05, seconds=90)
    report, found = measured(wanted)
    product, naive = (run for run in report.sections[0].runs if isinstance(run, HotRun))
    assert (product.held, product.cold, product.filled) == (1_000 + 2_200, 10 + 2, 1_000 + 20_000)
    assert (naive.held, naive.cold) == (1_000 + 10, 10 + 1)
    assert [turn.hot for turn in product.turns] == [True, False] * 2
    for shape in ("batch", "single"):
        hot, cold, ratio = (
            found[f"hot.wide-late.{shape}.{which}"].median for which in ("hot", "cold", "ratio")
        )
        assert ratio == pytest.approx(hot / cold, rel=0.01)
        assert 0 < found[f"hot.wide-late.{shape}.windows_hot"].median < hot
    assert found["hot.naive-late.single.ratio"].values == [
        pytest.approx(
            found["hot.naive-late.single.hot"].median / found["hot.naive-late.single.cold"].median, rel=0.01
        )
    ]


@pytest.mark.slow
def test_rules_are_judged_alike_before_they_are_timed() -> None:
    report, found = measured(Bench((Subject.RULES,), rounds=1, seconds=12))
    runs = [run for run in report.sections[0].runs if isinstance(run, RulesRun)]
    assert [(run.rules, run.engine) for run in runs] == [
        (count, engine) for count in (30, 1_000) for engine in Engine
    ]
    assert all(run.agreed > 100 * run.rules for run in runs)
    for count in (30, 1_000):
        assert found[f"rules.{count}.product.times_naive"].median > 5
        steps = [found[f"rules.{count}.product.us.{step}"] for step in ("columns", "conditions", "results")]
        whole = found[f"rules.{count}.product.event"].median
        assert sum(step.median for step in steps) == pytest.approx(whole, rel=0.2)


@pytest.mark.slow
def test_scores_are_timed_beside_scikit_learn() -> None:
    report, found = measured(Bench((Subject.SCORING,), rounds=1, seconds=15))
    (run,) = [run for run in report.sections[0].runs if isinstance(run, ScoringRun)]
    assert [(cost.rows, cost.way) for cost in run.costs] == [(rows, way) for rows in SIZES for way in Way]
    assert run.off_naive <= 1e-7
    assert found["scoring.1.kernel.times_naive"].median > 50
    assert found["scoring.100.kernel.times_naive"].median > 5
    assert found["scoring.explain"].median > 0


@pytest.mark.slow
def test_memory_is_weighed_for_large_and_small_batches() -> None:
    wanted = Bench((Subject.MEMORY,), spreads=(Customers.ZIPF,), events=2_000, customers=500, seconds=90)
    report, found = measured(wanted)
    runs = [run for run in report.sections[0].runs if isinstance(run, MemoryRun)]
    assert [run.events for run in runs] == [2_000, 1_000, 2_000]
    assert all(10 < run.store / run.events < 1_000 for run in runs)
    assert all(run.worker > 0 for run in runs[:2])
    assert found["memory.zipf.naive.store"].median > found["memory.zipf.large.store"].median
    check_gate(
        report,
        Path("gate.json"),
        {"memory.zipf.large.naive_by_product": Limits(least=1)},
        Console(quiet=True),
    )


@pytest.mark.slow
def test_a_figure_outside_the_gate_is_one_line_and_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    wanted = Bench(
        (Subject.PIPELINE,),
        pipelines=(Pipeline.FILE,),
        spreads=(Customers.ZIPF,),
        events=1_000,
        customers=100,
        rounds=1,
    )
    report, _ = measured(wanted)
    gate = {"pipeline.zipf.file.rate": Limits(least=1e9), "pipeline.zipf.file.us.wall": Limits(least=0.001)}
    with pytest.raises(RunError, match=r"gate\.json: 1 of its figures fall short"):
        check_gate(report, Path("gate.json"), gate, Console())
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 1
    assert "gate.json: `pipeline.zipf.file.rate` is" in lines[0]
    assert "at least 1e+09 is wanted" in lines[0]


def test_a_run_that_fails_says_which_and_why(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    write(Load(10, 5, Customers.UNIFORM), events)
    job = PipelineJob(
        pipeline=Pipeline.FILE,
        customers=Customers.UNIFORM,
        events=str(events),
        size=10,
        warm_up=str(events),
        model=str(tmp_path / "no-model"),
        folder=str(tmp_path / "run"),
        seconds=5.0,
    )
    with pytest.raises(RunError, match=r"bench: pipeline, file, uniform: .*no-model"):
        Stage(tmp_path, 0.0, lambda _: None).run(job, PipelineRun)
    assert not (tmp_path / "run").exists()
