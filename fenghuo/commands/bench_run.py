"""One job of `fenghuo bench`, in a process of its own: `python -m fenghuo.commands.bench_run JOB RESULT`.

Neither memory nor threads nor caches of one run reach the next. Every run starts servers of its own; those
that settings name are left alone. Kernels are loaded before the clock starts.
"""

import sys
from pathlib import Path
from threading import Event

import msgspec

from bench.cards import CardsJob
from bench.detection import OutliersJob
from bench.hot import HotJob
from bench.incidents import IncidentsJob
from bench.latency import LatencyJob
from bench.memory import MemoryJob
from bench.pipeline import PipelineJob
from bench.rules import RulesJob
from bench.run import AnyJob, AnyRun
from bench.scoring import ScoringJob
from bench.windows import WindowsJob
from events.errors import FenghuoError
from fenghuo.commands import (
    bench_detection,
    bench_hot,
    bench_latency,
    bench_memory,
    bench_pipeline,
    bench_rules,
    bench_scoring,
    bench_windows,
)
from fenghuo.ending import stop_on_signals


def run(job: AnyJob, stop: Event) -> AnyRun:
    """Do a job in this process.

    Raises:
        FenghuoError: it failed.
    """
    match job:
        case PipelineJob():
            done: AnyRun = bench_pipeline.run(job, stop)
        case LatencyJob():
            done = bench_latency.run(job, stop)
        case HotJob():
            done = bench_hot.run(job, stop)
        case MemoryJob():
            done = bench_memory.run(job, stop)
        case WindowsJob():
            done = bench_windows.run(job, stop)
        case RulesJob():
            done = bench_rules.run(job, stop)
        case ScoringJob():
            done = bench_scoring.run(job, stop)
        case OutliersJob() | CardsJob() | IncidentsJob():
            done = bench_detection.run(job, stop)
    return done


def main(job_path: str, result_path: str) -> int:
    """Do a job and write its result; 1 when it failed, and then the result is the reason in one line."""
    job = msgspec.json.decode(Path(job_path).read_bytes(), type=AnyJob)
    try:
        with stop_on_signals() as stop:
            result = run(job, stop)
    except FenghuoError as error:
        Path(result_path).write_text(str(error), encoding="utf-8")
        return 1
    Path(result_path).write_bytes(msgspec.json.encode(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
