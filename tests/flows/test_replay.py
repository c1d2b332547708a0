"""`fenghuo replay` as a user runs it: complete, the same whatever happens, and clear when it can't work."""

import csv
import gzip
import json
import random
import re
import time
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.flows.processes import LABELS, MAPPINGS, SAMPLE, command, running

FILES = ("decisions.jsonl", "alerts.jsonl", "dead_letters.jsonl")
DECIDED_AT = re.compile(rb'"decided_at":"[^"]*"')


def results(out: Path) -> list[bytes]:
    """The result files without the moments of deciding."""
    return [DECIDED_AT.sub(b"", (out / name).read_bytes()) for name in FILES]


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def summary(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "summary.json").read_bytes())
    return found


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped sample, replayed once without interruption."""
    out = tmp_path_factory.mktemp("replay") / "out"
    done = command("replay", SAMPLE, "--out", out, "--mappings", MAPPINGS)
    assert done.returncode == 0, done.stderr
    return out


def test_every_message_of_the_sample_is_accounted_for(replayed: Path) -> None:
    with gzip.open(SAMPLE) as stream:
        messages = sum(1 for _ in stream)
    told = summary(replayed)
    assert told["input"] == messages
    assert told["input"] == told["decided"] + told["duplicate"] + told["dead_lettered"]
    assert told["balanced"]
    assert told["dead_lettered"] == 10
    assert told["decided"] == (replayed / "decisions.jsonl").read_bytes().count(b"\n")


def test_every_injected_scenario_raises_its_alert(replayed: Path) -> None:
    alerts = lines_of(replayed / "alerts.jsonl")
    raised = {(alert["group"], alert["scenario"]) for alert in alerts}
    with LABELS.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    certain = [row for row in rows if row["scenario"] != "anomaly"]
    assert len(certain) > 80
    assert [row for row in certain if (row["group"], row["scenario"]) not in raised] == []
    # The model finds most of the odd orders, and whoever plays the demo sees some.
    odd = [row for row in rows if row["scenario"] == "anomaly"]
    assert sum((row["group"], "anomaly") in raised for row in odd) >= len(odd) // 2


def test_the_first_customer_is_held_at_the_decisive_shipment(replayed: Path) -> None:
    with LABELS.open(newline="") as stream:
        decisive = {row["event_id"] for row in csv.DictReader(stream) if row["scenario"] == "first-customer"}
    decisions = {
        decision["event_id"]: decision
        for decision in lines_of(replayed / "decisions.jsonl")
        if decision["event_id"] in decisive
    }
    assert decisions.keys() == decisive
    for decision in decisions.values():
        assert (decision["outcome"], decision["tier"]) == ("hold", "critical")
        assert decision["features"]["shipped_72h"] > 500_000_000
        assert "5,000,000" in decision["reason"]["zh"]


def test_four_workers_write_the_same_bytes(replayed: Path, tmp_path: Path) -> None:
    done = command("replay", SAMPLE, "--out", tmp_path / "out", "--mappings", MAPPINGS, "--workers", 4)
    assert done.returncode == 0, done.stderr
    assert results(tmp_path / "out") == results(replayed)


def test_kills_at_any_moment_change_nothing(replayed: Path, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    out = tmp_path / "out"
    arguments = ("replay", SAMPLE, "--out", out, "--mappings", MAPPINGS)
    for _ in range(3):
        with running(tmp_path / "log", *arguments) as process:
            decisions = out / "decisions.jsonl"
            deadline = time.monotonic() + 60
            while not (decisions.exists() and decisions.stat().st_size) and process.child.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            time.sleep(moments.uniform(0, 1.5))
            process.kill()
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    assert results(out) == results(replayed)
    assert summary(out)["decided"] == summary(replayed)["decided"]


def test_a_finished_replay_is_not_done_again(replayed: Path) -> None:
    done = command("replay", SAMPLE, "--out", replayed, "--mappings", MAPPINGS)
    assert done.returncode == 0
    assert "finished before" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("nothing.jsonl",), 2, "no such file"),
        ((SAMPLE, "--pack", "nothing.yaml"), 2, "no such file"),
        ((SAMPLE, "--model", "tests"), 2, "tests"),
        ((LABELS,), 2, "column mapping"),
        ((SAMPLE, "--speed", "fast"), 2, "60x"),
        ((SAMPLE, "--mappings", "tests"), 0, ""),
    ],
)
def test_wrong_use_is_one_line_and_starts_nothing(
    tmp_path: Path, arguments: tuple[object, ...], code: int, told: str
) -> None:
    out = tmp_path / "out"
    done = command("replay", *arguments, "--out", out)
    assert done.returncode == code, done.stderr
    if code:
        assert told in done.stderr
        assert done.stderr.startswith("fenghuo: ")
        assert done.stderr.count("\n") == 1
        assert not out.exists()


def test_another_replay_in_the_same_folder_is_refused(replayed: Path) -> None:
    done = command("replay", SAMPLE, "--out", replayed)
    assert done.returncode == 2
    assert "holds a replay with other tables" in done.stderr


def test_a_damaged_file_fails_with_its_name_and_can_be_gone_on_with(tmp_path: Path) -> None:
    whole = SAMPLE.read_bytes()
    damaged = tmp_path / "damaged.jsonl.gz"
    damaged.write_bytes(whole[: len(whole) // 2])
    done = command("replay", damaged, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "damaged.jsonl.gz: damaged gzip file" in done.stderr
    assert done.stderr.count("\n") <= 2


def test_an_interrupt_keeps_the_place(replayed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("replay", SAMPLE, "--out", out, "--mappings", MAPPINGS)
    with running(tmp_path / "log", *arguments) as process:
        deadline = time.monotonic() + 60
        while not (out / "decisions.jsonl").exists() and process.child.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert process.stop() == 1
    assert "goes on where it was" in (tmp_path / "log").read_text()
    assert command(*arguments).returncode == 0
    assert results(out) == results(replayed)


def test_bad_messages_are_dead_letters_and_the_run_goes_on(tmp_path: Path) -> None:
    good = {
        "event_id": "e1",
        "type": "order.placed",
        "occurred_at": "2026-03-02T09:00:00+08:00",
        "subsidiary": "SH01",
        "customer": "C1",
        "amount": 100,
    }
    bad: list[tuple[bytes, str | None]] = [
        (b"{", None),
        (b"\0\0\0\0", None),
        (b"x" * 5_000_000, None),
        (json.dumps(good | {"amount": 1.5}).encode(), "amount"),
        (json.dumps(good | {"amount": 2**53}).encode(), "amount"),
        (json.dumps(good | {"occurred_at": "2026-03-02T09:00:00"}).encode(), "occurred_at"),
        (json.dumps(good | {"type": "order.eaten"}).encode(), "type"),
        (json.dumps(good | {"customer": "上海"}, ensure_ascii=False).encode("gbk"), "customer"),
        (
            json.dumps({name: value for name, value in good.items() if name != "subsidiary"}).encode(),
            "subsidiary",
        ),
    ]
    events = tmp_path / "events.jsonl"
    lines = [
        json.dumps(good).encode(),
        *(raw for raw, _ in bad),
        json.dumps(good | {"event_id": "e2"}).encode(),
    ]
    events.write_bytes(b"\n".join(lines) + b"\n")
    done = command("replay", events, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    told = summary(tmp_path / "out")
    assert (told["input"], told["decided"], told["dead_lettered"]) == (11, 2, 9)
    letters = lines_of(tmp_path / "out" / "dead_letters.jsonl")
    assert [letter["field"] for letter in letters] == [field for _, field in bad]
    assert [letter["offset"] for letter in letters] == list(range(1, 10))


def test_a_named_redis_is_used_and_left_clean(valkey_url: str, tmp_path: Path) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        before = set(client.scan_iter("{s*}:replay:*"))
        done = command("replay", SAMPLE, "--out", tmp_path / "out", redis_url=valkey_url)
        assert done.returncode == 0, done.stderr
        assert set(client.scan_iter("{s*}:replay:*")) == before
    assert not (tmp_path / "out" / ".state" / "valkey").exists()


def test_a_file_given_twice_is_all_duplicates_the_second_time(tmp_path: Path) -> None:
    head = tmp_path / "head.jsonl"
    with gzip.open(SAMPLE) as stream:
        head.write_bytes(b"".join(next(stream) for _ in range(500)))
    done = command("replay", head, head, "--out", tmp_path / "out", "--mappings", MAPPINGS)
    assert done.returncode == 0, done.stderr
    told = summary(tmp_path / "out")
    assert told["input"] == 1000
    assert told["duplicate"] >= told["decided"]
    assert told["balanced"]
