"""One job of `fenghuo bench`, in a process of its own: `python -m fenghuo.commands.bench_run JOB RESULT`.

Neither memory nor threads nor caches of one run reach the next. Every run starts servers of its own; those
that settings name are left alone. Kernels are loaded before the clock starts.
"""

import sys
from pathlib import Path
from threading import Event

import msgspec

from bench.hot import HotJob
from bench.latency import LatencyJob
from bench.memory import MemoryJob
from bench.pipeline import PipelineJob
from bench.rules import RulesJob
from bench.run import AnyJob, AnyRun
from bench.windows import WindowsJob
from events.errors import FenghuoError
from fenghuo.commands import (
    bench_hot,
    bench_latency,
    bench_memory,
    bench_pipeline,
    bench_rules,
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
            return bench_pipeline.run(job, stop)
        case LatencyJob():
            return bench_latency.run(job, stop)
        case HotJob():
            return bench_hot.run(job, stop)
        case MemoryJob():
            return bench_memory.run(job, stop)
        case WindowsJob():
            return bench_windows.run(job, stop)
        case RulesJob():
            return bench_rules.run(job, stop)


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
