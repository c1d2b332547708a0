"""What the passes of `fenghuo bench` share: its settings and one way through the dataflow."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from threading import Event, Timer
from typing import Any

from bytewax.inputs import FixedPartitionedSource
from bytewax.outputs import Sink
from prometheus_client import CollectorRegistry

from bench.lockstep import Lockstep, LockstepSink, LockstepSource
from bench.stopwatch import Stopwatch, TimedSource
from fenghuo.commands.replay import SNAPSHOT_SECONDS
from fenghuo.ending import RunError
from fenghuo.settings import Settings, load_settings
from fenghuo.wiring import REPLAY_PATIENCE, Risk, build_flow, run_flow
from telemetry.metrics import FlowMetrics
from windows.windowed import WindowedBatch
from wire.messages import RawBatch
from wire.output import Output

PACKS = Path(str(files("bench"))) / "packs"
PACK = PACKS / "bench.yaml"
OWN_SERVERS = dict.fromkeys(("redis_url", "kafka", "database_url", "mappings", "rates"))


def bench_settings(pack: Path = PACK, **options: Any) -> Settings:
    """The settings in force, such as shards and workers, but a pack of the bench and embedded servers."""
    return load_settings(pack=pack, speed="max", **options).model_copy(update=OWN_SERVERS)


@dataclass(frozen=True)
class Track:
    """One pass through the dataflow: where it reads and writes, and what it does besides as its command does.

    Args:
        source: of messages.
        sink: of outputs.
        folder: for recovery state; its name parts the windows from those of other passes.
        redis_url: where windows are kept.
        stop: what the source heeds; set after `size` messages or `seconds`.
        patience: seconds to wait for the store.
        degrade: whether to judge without windows after that.
        interval: seconds between two saved states.
        size: messages to judge.
        seconds: to judge them in.
        judge: what judges instead of the risk's pack and model.
        begun: called once, when messages are first asked for.
    """

    source: FixedPartitionedSource[RawBatch, Any]
    sink: Sink[tuple[str, Output]]
    folder: Path
    redis_url: str
    stop: Event = field(default_factory=Event)
    patience: float = REPLAY_PATIENCE
    degrade: bool = False
    interval: float = SNAPSHOT_SECONDS
    size: int = sys.maxsize
    seconds: float = 60.0
    judge: Callable[[WindowedBatch], Output] | None = None
    begun: Callable[[], None] = lambda: None

    def run(self, risk: Risk) -> tuple[float, float]:
        """Judge; wall and CPU seconds from the first message read to the last decision safely written."""
        watch = Stopwatch()
        flow = build_flow(
            risk,
            TimedSource(self.source, watch, self.size, self.stop, self.begun),
            self.sink,
            redis_url=self.redis_url,
            namespace=self.folder.name,
            patience=self.patience,
            degrade=self.degrade,
            gather=self.degrade,  # both as the live run does
            judge=self.judge,
        )
        timer = Timer(self.seconds, self.stop.set)
        timer.start()
        try:
            run_flow(
                flow,
                workers=risk.settings.workers,
                recovery=self.folder / "recovery",
                interval=self.interval,
            )
            return watch.read()
        finally:
            timer.cancel()


def run_lockstep(lockstep: Lockstep, risk: Risk, folder: Path, redis_url: str, seconds: float) -> None:
    """Judge the blocks of a lockstep, one batch at a time.

    Raises:
        RunError: not every event got a decision made with windows, or the seconds did not suffice.
    """
    Track(
        LockstepSource(lockstep), LockstepSink(lockstep), folder, redis_url, lockstep.stop, seconds=seconds
    ).run(risk)
    if lockstep.stop.is_set():
        done = sum(timing.events for timing in lockstep.timings)
        raise RunError(f"{done:,} events were judged when its {seconds:.0f} s were over; give more --seconds")
    spoilt = sum(timing.duplicates + timing.degraded for timing in lockstep.timings)
    if spoilt:
        raise RunError(f"{spoilt} events were told to be duplicates or were judged without windows")


def new_folder(parent: str | Path, name: str) -> Path:
    """A folder that did not exist."""
    folder = Path(parent) / name
    folder.mkdir()
    return folder


def uncounted(risk: Risk) -> Risk:
    """The same with metrics that begin at zero."""
    registry = CollectorRegistry()
    return replace(risk, registry=registry, metrics=FlowMetrics(registry))


def step_seconds(risk: Risk) -> dict[str, float]:
    """Seconds by step, as the metrics have them."""
    steps = {
        sample.labels["step"]: sample.value
        for metric in risk.metrics.step_seconds.collect()
        for sample in metric.samples
        if sample.name.endswith("_sum")
    }
    return {**steps, "store": total(risk, "fenghuo_window_store_seconds_sum")}


def total(risk: Risk, name: str) -> float:
    """The sum of all samples of this name."""
    samples = (sample for metric in risk.registry.collect() for sample in metric.samples)
    return sum(sample.value for sample in samples if sample.name == name)
