"""The bench as a whole: every pipeline in a process of its own, from the load to the report."""

from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from bench.load import Customers, Load, write
from bench.report import Report
from bench.run import Job, Pipeline
from fenghuo.commands.bench import Bench, bench, print_report, run_job
from fenghuo.ending import RunError


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_all_pipelines_are_measured_side_by_side(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens there: the bench uses servers of its own whatever the settings name.
    monkeypatch.setenv("FENGHUO_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("FENGHUO_KAFKA", "127.0.0.1:1")
    wanted = Bench(spreads=(Customers.ZIPF,), events=3_000, customers=300, rounds=2, seconds=10.0)
    report = bench(wanted, Console(quiet=True))
    rows = {row.pipeline: row for row in report.throughput}
    assert rows.keys() == set(Pipeline)
    assert [run.events for row in (rows[Pipeline.FILE], rows[Pipeline.KAFKA]) for run in row.rounds[:1]] == [
        3_000,
        3_000,
    ]
    assert 0 < rows[Pipeline.NAIVE].rounds[0].events < 3_000
    for product in (rows[Pipeline.FILE], rows[Pipeline.KAFKA]):
        assert product.times_naive is not None
        assert product.times_naive > 2
        assert {
            "decode",
            "store",
            "windows",
            "score",
            "rules",
            "decide",
            "encode",
        } <= product.microseconds.keys()
    assert (report.setup.rules, report.setup.features, report.setup.trees) == (30, 12, 100)
    print_report(report, Console(width=140), tmp_path / "figures.json")
    assert msgspec.json.decode((tmp_path / "figures.json").read_bytes(), type=Report) == report
    assert "Events per second" in capfd.readouterr().out


def test_a_run_that_fails_says_which_and_why(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    write(Load(10, 5, Customers.UNIFORM), events)
    job = Job(
        Pipeline.FILE,
        Customers.UNIFORM,
        str(events),
        10,
        str(events),
        str(tmp_path / "no-model"),
        str(tmp_path / "run"),
        5.0,
    )
    with pytest.raises(RunError, match=r"bench: file, uniform: .*no-model"):
        run_job(job)
    assert not (tmp_path / "run").exists()
