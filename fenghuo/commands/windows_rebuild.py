"""`fenghuo windows rebuild`: windows that Redis lost are learnt anew from Kafka.

1. Ask a copy of the recovery directory how far the run had read, and what it knows of each shard.
2. Ask Redis which shards it lost.
3. Let Kafka's messages from `since` up to there go through the windows, in memory.
4. Put the logs of the lost shards into Redis, under the names that the recovery directory knows.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from events.clock import rfc3339, wall_clock
from events.columns import EventBatch
from events.errors import FenghuoError
from fenghuo.commands.run import NAMESPACE
from fenghuo.ending import RunError, stop_on_signals
from fenghuo.recovery import check_saved, copy_recovery
from fenghuo.settings import Settings, SettingsError, variable
from fenghuo.wiring import LIFETIME, REPLAY_PATIENCE, Risk, build_risk, plans, run_flow
from flows.rebuild import Learnt, Stage, rebuild_flow
from flows.saved import FIRST, SECOND, Saved, saved_flow
from flows.shards import shard_key
from flows.windows import ShardState
from store.redis.journal import connect
from store.redis.rebuilding import Held, RebuildingJournal
from telemetry.log import configure
from telemetry.metrics import FlowMetrics
from windows.errors import WindowError
from wire.history import Completeness, HistoryBatch, cut_sources
from wire.kafka_history import KafkaHistory, find_stretches
from wire.kafka_source import lane_name
from wire.kafka_topics import INPUTS, ensure_topics

_EPOCH_SECONDS = 1.0  # between two moments at which logs may be trimmed
_NAMESPACES = {FIRST: NAMESPACE, SECOND: f"{NAMESPACE}:counterparties"}


class RebuildError(FenghuoError):
    """Raised when windows can't, or need not, be rebuilt; nothing was changed."""


class Doubt(NamedTuple):
    """A shard that took in fewer events than before, though nothing seems to be missing.

    Args:
        stage: of the windows.
        shard: its number.
        before: events that the run had taken in at least.
        now: events that the rebuild took in.
    """

    stage: str
    shard: int
    before: int
    now: int


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild came to.

    Args:
        shards: how many logs were put into Redis.
        intact: how many Redis still held.
        messages: read from Kafka.
        events: in the logs.
        complete_from: event time from which windows are complete; None where nothing is missing.
        doubtful: shards that took in fewer events than before.
        seconds: that it took.
    """

    shards: int
    intact: int
    messages: int
    events: int
    complete_from: int | None
    doubtful: list[Doubt]
    seconds: float


def rebuild(settings: Settings, since: int | None, console: Console, *, force: bool = False) -> Rebuilt:
    """Rebuild the windows that Redis lost.

    Args:
        settings: of the run that stopped.
        since: epoch milliseconds from which messages are read; None for all that Kafka holds.
        console: for progress.
        force: also rebuild what Redis still holds.

    Raises:
        FenghuoError: it can't be done, or need not be; or it failed, and may be started again.
    """
    started = time.monotonic()
    if settings.kafka is None or settings.redis_url is None:
        name = variable("kafka" if settings.kafka is None else "redis_url")
        raise SettingsError(f"`{name}` is not set; name the server that `fenghuo run` uses")
    if since is not None and since > wall_clock():
        raise RebuildError(f"--since {rfc3339(since)} lies in the future; nothing was produced since")
    recovery = settings.data_dir / "recovery"
    check_saved(recovery)
    configure(settings.log_level.value, machine=settings.log_format.value == "json", process="rebuild")
    config = {"bootstrap.servers": settings.kafka}
    risk = build_risk(settings)
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        home = Path(stack.enter_context(TemporaryDirectory(prefix="rebuild-", dir=settings.data_dir)))
        copy_recovery(recovery, home / "saved")
        partitions = ensure_topics(config, INPUTS, settings.kafka_partitions)
        saved = saved_state(home / "saved", [lane_name(number) for number in range(partitions)])
        stages = _stages(risk, saved)
        journals = {stage.name: _journal(settings, settings.redis_url, stage.name) for stage in stages}
        for journal in journals.values():
            stack.callback(journal.close)
        lost = {stage.name: _lost(stage, journals[stage.name], force=force) for stage in stages}
        _check(settings, saved, stages, lost)
        read = {
            number: {topic: saved.read[lane_name(number)][0].get(topic, 0) for topic in INPUTS}
            for number in range(partitions)
            if lane_name(number) in saved.read
        }
        lanes = find_stretches(config, read, since)
        completeness = Completeness(since, cut_sources(lanes))
        total = sum(one.end - one.begin for lane in lanes.values() for one in lane.values())
        reading = stack.enter_context(_reading(console, completeness, total))
        flow = rebuild_flow(
            KafkaHistory(config, lanes, stop),
            codec=risk.codec,
            shards=settings.shards,
            first=stages[0],
            second=stages[1] if len(stages) > 1 else None,
            on_batch=reading.note,
        )
        run_flow(flow, workers=settings.workers, recovery=home / "engine", interval=_EPOCH_SECONDS)
        if stop.is_set():
            raise RunError("stopped; nothing was changed, and the same command begins anew")
        _refuse_strangers(stages, settings.shards)
        complete_from = completeness.complete_from(wall_clock())
        doubtful: list[Doubt] = []
        events = 0
        for stage in stages:
            for shard in lost[stage.name]:
                learnt = stage.log(shard, complete_from)
                before = stage.saved[shard].records
                if complete_from is None and learnt.records < before:
                    doubtful.append(Doubt(stage.name, shard, before, learnt.records))
                    learnt = stage.log(shard, reading.newest)
                events += learnt.records
                _put(journals[stage.name], learnt)
    return Rebuilt(
        shards=sum(map(len, lost.values())),
        intact=sum(len(stage.saved) - len(lost[stage.name]) for stage in stages),
        messages=reading.messages,
        events=events,
        complete_from=complete_from,
        doubtful=doubtful,
        seconds=time.monotonic() - started,
    )


def saved_state(copy: Path, lanes: list[str]) -> Saved:
    """What a run had saved.

    Args:
        copy: of its recovery directory; the engine writes there.
        lanes: names of the source's parts.
    """
    saved = Saved()
    run_flow(saved_flow(lanes, saved), workers=1, recovery=copy, interval=_EPOCH_SECONDS)
    return saved


def _stages(risk: Risk, saved: Saved) -> list[Stage]:
    """The stages that the pack in force has."""
    metrics = FlowMetrics(CollectorRegistry())  # nobody is to see these events as new ones
    stages = []
    for name, plan in zip((FIRST, SECOND), plans(risk.pack), strict=True):
        if name == FIRST or plan.features:
            states = {int(key): state for key, state in saved.shards[name].items()}
            stages.append(Stage(name, plan, risk.pack.lateness, states, metrics))
    return stages


def _journal(settings: Settings, redis_url: str, stage: str) -> RebuildingJournal:
    metrics = FlowMetrics(CollectorRegistry())
    timeout = max(1.0, settings.degrade_after)
    journal = RebuildingJournal(
        connect(redis_url, timeout), _NAMESPACES[stage], REPLAY_PATIENCE, LIFETIME, metrics
    )
    journal.claim_shards(settings.shards)
    return journal


def _lost(stage: Stage, journal: RebuildingJournal, *, force: bool) -> list[int]:
    """The shards of a stage whose logs Redis lost."""
    return [
        shard
        for shard, state in sorted(stage.saved.items())
        if state.mark is not None and (force or is_lost(state, journal.held(shard)))
    ]


def is_lost(state: ShardState, held: Held | None) -> bool:
    """Whether a run could not go on with what Redis holds, even with the last blocks that recovery has."""
    if held is None or held.mark != state.mark:
        return True
    records = held.records
    for appended in state.recent:
        if appended.before == records:
            records = appended.records
    return records < state.records


def _check(settings: Settings, saved: Saved, stages: list[Stage], lost: Mapping[str, list[int]]) -> None:
    recovery = settings.data_dir / "recovery"
    beyond = [shard for stage in stages for shard in stage.saved if shard >= settings.shards]
    if beyond:
        raise RebuildError(
            f"`{recovery}` knows shard {max(beyond)}, got {settings.shards} shards; set FENGHUO_SHARDS as it "
            "was"
        )
    if not saved.read or not any(state.mark for stage in stages for state in stage.saved.values()):
        raise RebuildError(
            f"`{recovery}`: the run had taken in nothing before it stopped; `fenghuo run` can go on as it is"
        )
    if not any(lost.values()):
        raise RebuildError(
            "Redis holds the windows of every shard as the run left them, so there is nothing to rebuild; "
            "--force replaces them all the same"
        )


def _refuse_strangers(stages: list[Stage], shards: int) -> None:
    for stage in stages:
        if stage.saved and (strangers := stage.strangers(shards)):
            raise RunError(
                f"shard {shard_key(strangers[0])} holds events now, and held none when the run stopped: "
                "FENGHUO_SHARDS or the mapping tables were changed; put them back, rebuild, then change them"
            )


def _put(journal: RebuildingJournal, learnt: Learnt) -> None:
    try:
        journal.put(learnt.write, learnt.mark)
    except WindowError as error:
        raise RunError(f"{error}; then rebuild again: the shards that are done are kept") from error


class _Reading:
    """What has been read, for progress and for the end."""

    def __init__(self, completeness: Completeness, progress: Progress, total: int) -> None:
        self.messages = 0
        self.newest = 0
        self._completeness = completeness
        self._progress = progress
        self._task = progress.add_task("rebuild", total=total, rate=0, reached="")
        self._started = time.monotonic()

    def note(self, history: HistoryBatch, events: EventBatch) -> None:
        """Take note of a batch."""
        self._completeness.note(history, events.rows, events.occurred_at)
        self.messages += len(history.raw.values)
        if len(events):
            self.newest = max(self.newest, int(events.occurred_at.max()))
        rate = self.messages / max(time.monotonic() - self._started, 1e-3)
        self._progress.update(
            self._task, completed=self.messages, rate=round(rate), reached=rfc3339(self.newest)
        )


@contextmanager
def _reading(console: Console, completeness: Completeness, total: int) -> Iterator[_Reading]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,} of {task.total:,} messages"),
        TextColumn("{task.fields[rate]:,}/s"),
        TextColumn("{task.fields[reached]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Reading(completeness, progress, total)


def report(rebuilt: Rebuilt, console: Console) -> None:
    """Print what a rebuild came to."""
    console.print(
        f"{rebuilt.shards} shards rebuilt from {rebuilt.messages:,} messages in {rebuilt.seconds:.1f} s "
        f"({rebuilt.events:,} events); {rebuilt.intact} shards were whole",
        soft_wrap=True,
    )
    if rebuilt.complete_from is None:
        console.print("nothing is missing: features are as before", soft_wrap=True)
    else:
        console.print(
            f"windows are complete from {rfc3339(rebuilt.complete_from)} on; features that reach further "
            "back are not_evaluable (warming)",
            soft_wrap=True,
        )
    for stage, shard, before, now in rebuilt.doubtful:
        console.print(
            f"warning: {stage} {shard_key(shard)} took in {now:,} events, and {before:,} or more before, so "
            "it warms up from now on; were mapping tables or rates changed, or messages compacted away?",
            soft_wrap=True,
        )
