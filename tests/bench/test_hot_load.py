"""The load of the subject `hot`: one long history, many short ones, and turns that follow them."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.hot_load import COLD_HELD, HOT, HotLines, HotLoad, cold_customers
from events.clock import DAY
from flows.shards import shard_of

LOAD = HotLoad(held=600, late=0.0, seed=3, shards=8, after=100, cold=40)


def read(path: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


def test_the_history_holds_many_events_of_one_and_ten_of_each_other(tmp_path: Path) -> None:
    HotLines(LOAD).history(tmp_path / "history.jsonl")
    counts = Counter(event["customer"] for event in read(tmp_path / "history.jsonl"))
    assert counts.pop(HOT) == 600
    assert len(counts) == 40
    assert set(counts.values()) == {COLD_HELD}


def test_turns_follow_the_history_within_one_window(tmp_path: Path) -> None:
    lines = HotLines(LOAD)
    events = []
    for name, write in (
        ("history", lines.history),
        ("hot", lambda path: lines.turn(path, 50, hot=True)),
        ("cold", lambda path: lines.turn(path, 40, hot=False)),
    ):
        write(tmp_path / name)
        events.append(read(tmp_path / name))
    history, hot, cold = events
    assert {event["customer"] for event in hot} == {HOT}
    assert len({event["customer"] for event in cold}) == 40
    everything = [*history, *hot, *cold]
    times = [event["occurred_at"] for event in everything]
    assert times == sorted(times)
    assert times[-1] - times[0] < 21 * DAY
    assert len({event["event_id"] for event in everything}) == len(everything)


def test_late_events_are_late_by_less_than_the_lateness_and_the_last_one_never(tmp_path: Path) -> None:
    lines = HotLines(msgspec.structs.replace(LOAD, late=0.3))
    lines.history(tmp_path / "history")
    times = [event["occurred_at"] for event in read(tmp_path / "history")]
    newest, late = times[0], []
    for time in times:
        if time < newest:
            late.append(newest - time)
        newest = max(newest, time)
    assert len(late) / len(times) == pytest.approx(0.3, abs=0.06)
    assert max(late) < 4 * DAY
    assert times[-1] == newest


def test_all_customers_are_of_one_shard() -> None:
    customers = cold_customers(50, 8)
    assert len(set(customers)) == 50
    assert {shard_of(f"SH01:{code}", 8) for code in (*customers, HOT)} == {shard_of(f"SH01:{HOT}", 8)}
