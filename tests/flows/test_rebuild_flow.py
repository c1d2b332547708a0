"""The dataflow of a rebuild: the logs that it learns are those that the run had, as far as needed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bytewax.testing import TestingSource
from prometheus_client import CollectorRegistry

from events.clock import DAY
from events.columns import EventBatch
from fenghuo.wiring import plans, run_flow
from flows.rebuild import Learnt, MemoryJournal, Stage, rebuild_flow
from flows.saved import FIRST, SECOND
from flows.shards import shard_of
from flows.windows import ShardState
from rules.pack import load_pack
from telemetry.metrics import FlowMetrics
from tests.flows.rebuilding import PACK, START, STEP, Sent, stream
from windows import log
from windows.journal import Stored
from windows.owned import OwnedWindows
from windows.plan import WindowPlan
from wire.codec import Codec
from wire.history import HistoryBatch
from wire.messages import RawBatch
from wire.tables import Tables

SHARDS = 2
LATENESS = 2 * DAY
CODEC = Codec(Tables(), 1 << 20)
MESSAGES = stream(21_000, seed=5)
KNOWN, NEW = MESSAGES[:20_000], MESSAGES[20_000:]


def batches(messages: Sequence[Sent], size: int = 500) -> list[HistoryBatch]:
    """Messages as the source gives them, each partition with offsets of its own."""
    found = []
    counts: dict[str, int] = {}
    for begin in range(0, len(messages), size):
        part = messages[begin : begin + size]
        sources = [f"{one.topic}:{one.partition}" for one in part]
        offsets = []
        for source in sources:
            counts[source] = counts.get(source, -1) + 1
            offsets.append(counts[source])
        raw = RawBatch(begin, [one.raw for one in part], sources, np.array(offsets, np.int64), START)
        found.append(HistoryBatch(raw, np.array([one.stamp for one in part], np.int64)))
    return found


def learn(
    home: Path,
    messages: Sequence[Sent],
    saved: dict[int, ShardState],
    workers: int = 1,
    *,
    second: dict[int, ShardState] | None = None,
) -> list[Stage]:
    """Both stages after the messages went through."""
    home.mkdir(exist_ok=True)
    (home / "pack.yaml").write_text(PACK)
    metrics = FlowMetrics(CollectorRegistry())
    within, apart = plans(load_pack(home / "pack.yaml"))
    stages = [
        Stage(FIRST, within, LATENESS, saved, metrics),
        Stage(SECOND, apart, LATENESS, saved if second is None else second, metrics),
    ]
    seen: list[int] = []
    flow = rebuild_flow(
        TestingSource(batches(messages)),
        codec=CODEC,
        shards=SHARDS,
        first=stages[0],
        second=stages[1],
        on_batch=lambda history, events: seen.append(len(history.raw.values)),  # noqa: ARG005
    )
    run_flow(flow, workers=workers, recovery=home / "engine", interval=0)
    assert sum(seen) == len(messages)
    return stages


class OneLog(MemoryJournal):
    """A store that holds one shard's log."""

    def __init__(self, learnt: Learnt) -> None:
        write = learnt.write
        self._stored = Stored(
            learnt.mark, write.records, write.ground or b"", list(write.blocks), dict(write.schemas)
        )

    def claim(self, shard: int) -> Stored:  # noqa: ARG002
        return self._stored


def answers(plan: WindowPlan, learnt: Learnt, state: ShardState, batch: EventBatch) -> dict[str, list[Any]]:
    """Features of events by a worker that opens the log as recovery tells it to."""
    windows = OwnedWindows(plan, OneLog(learnt), LATENESS)
    windows.open(learnt.write.shard, state.mark, state.records, state.recent)
    found = windows.process(batch, np.full(len(batch), learnt.write.shard)).windowed
    ids = [event.event_id for event in found.batch.events]
    return {
        "event": ids,
        **{name: [column.at(row) for row in range(len(ids))] for name, column in found.features.items()},
    }


def of_shard(messages: Sequence[Sent], stage: str, shard: int) -> EventBatch:
    """The events of a shard, as they come after all that is known."""
    (history,) = batches(messages, len(messages))
    batch = CODEC.decode(replace(history.raw, offsets=history.raw.offsets + len(KNOWN))).batch
    owners = [
        shard_of(group if stage == FIRST else event.counterparty or group, SHARDS)
        for group, event in zip(batch.groups, batch.events, strict=True)
    ]
    return batch.take(np.flatnonzero(np.array(owners) == shard))


def saved(records: int = 0) -> dict[int, ShardState]:
    return {shard: ShardState(f"mark {shard}", records) for shard in range(SHARDS)}


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_trimmed_on_the_way_is_not_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    whole = learn(tmp_path / "whole", KNOWN, saved())
    monkeypatch.setattr(log, "_TRIM_FROM", 1_000)
    short = learn(tmp_path / "short", KNOWN, saved(), workers)
    for all_, less in zip(whole, short, strict=True):
        for shard in range(SHARDS):
            before, after = all_.log(shard, None), less.log(shard, None)
            assert after.records == before.records > 1_000
            assert sum(map(len, after.write.blocks)) < 0.8 * sum(map(len, before.write.blocks))
            state = ShardState(f"mark {shard}", before.records)
            before = replace(before, write=replace(before.write, records=before.records))
            after = replace(after, write=replace(after.write, records=after.records))
            new = of_shard(NEW, all_.name, shard)
            wanted = answers(all_.plan, before, state, new)
            assert len(wanted["event"]) > 200
            assert answers(less.plan, after, state, new) == wanted


def test_the_log_bears_the_name_and_the_number_that_recovery_knows(tmp_path: Path) -> None:
    first, _ = learn(tmp_path, KNOWN, saved(123_456))
    learnt = first.log(1, START)
    assert (learnt.mark, learnt.write.records, learnt.write.expected) == ("mark 1", 123_456, -1)
    new = of_shard(NEW, FIRST, 1)
    found = answers(first.plan, learnt, ShardState("mark 1", 123_456), new)
    assert any(value is not None for value in found["last"])
    assert all(value is None for value in found["first"])  # before START nothing is known


def test_a_shard_without_events_gets_an_empty_log_that_says_since_when(tmp_path: Path) -> None:
    first, _ = learn(tmp_path, [], saved(9))
    learnt = first.log(0, START + 20_500 * STEP)
    assert (learnt.records, list(learnt.write.blocks)) == (0, [])
    new = of_shard(NEW, FIRST, 0)
    found = answers(first.plan, learnt, ShardState("mark 0", 9), new)
    times = {event.event_id: time for event, time in zip(new.events, new.occurred_at.tolist(), strict=True)}
    for event, count in zip(found["event"], found["orders_1d"], strict=True):
        assert (count is not None) == (times[event] - DAY >= START + 20_500 * STEP)


def test_what_is_owed_is_left_out_of_the_first_stage_and_passes_to_the_second(tmp_path: Path) -> None:
    (history,) = batches(KNOWN, len(KNOWN))
    decoded = CODEC.decode(history.raw).batch
    owners = np.array([shard_of(group, SHARDS) for group in decoded.groups])
    owed = decoded.take(np.flatnonzero(owners == 0)[-700:])
    states = {**saved(), 0: ShardState("mark 0", 0, (), (owed,))}
    first, second = learn(tmp_path / "all", KNOWN, saved())
    found, passed = learn(tmp_path / "owed", KNOWN, states, second=saved())
    ids = {event.event_id for event in owed.events}
    known = {event.event_id for event in decoded.take(np.flatnonzero(owners == 0)[:-700]).events}
    assert len(ids - known) > 500
    assert found.log(0, None).records == first.log(0, None).records - len(ids - known)
    assert found.log(1, None).records == first.log(1, None).records
    for shard in range(SHARDS):
        assert passed.log(shard, None).records == second.log(shard, None).records > 1_000


def test_shards_that_recovery_does_not_know_are_found(tmp_path: Path) -> None:
    first, second = learn(tmp_path, KNOWN, {0: ShardState("mark", 5)})
    assert (first.strangers(SHARDS), second.strangers(SHARDS)) == ([1], [1])
    first, second = learn(tmp_path / "none", KNOWN, saved())
    assert (first.strangers(SHARDS), second.strangers(SHARDS)) == ([], [])
