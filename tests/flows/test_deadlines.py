"""Deadlines through the whole dataflow: from files, and from Kafka with silence and a restart."""

import gzip
import json
import random
import time
from contextlib import ExitStack, closing
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer

from events.clock import MINUTE, milliseconds
from fenghuo.embedded import start_broker, start_valkey
from tests.flows.processes import SAMPLE, Topic, command, running
from tests.rules.making import SMALL
from tests.rules.waits import DEADLINES
from wire.kafka_topics import INPUTS, OUTPUTS, ensure_topics


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "pack.yaml"
    path.write_text(SMALL + DEADLINES, "utf-8")
    return path


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory, pack: Path) -> Path:
    """The sample, replayed once without interruption."""
    out = tmp_path_factory.mktemp("deadlines") / "out"
    done = command("replay", SAMPLE, "--out", out, "--pack", pack, "--model", "none")
    assert done.returncode == 0, done.stderr
    return out


def told(out: Path) -> tuple[bytes, dict[str, Any]]:
    """Alerts, and what the summary counts of deadlines."""
    summary = json.loads((out / "summary.json").read_bytes())
    return (out / "alerts.jsonl").read_bytes(), summary["deadlines"]


def moment(event: dict[str, Any]) -> int:
    at = event["occurred_at"]
    return at if isinstance(at, int) else milliseconds(datetime.fromisoformat(at))


def confirmed_late() -> list[str]:
    """Orders of which the first confirmation or cancellation to come happened over ten minutes later."""
    placed: dict[tuple[str, str], int] = {}
    ended: dict[tuple[str, str], int] = {}
    with gzip.open(SAMPLE) as stream:
        for line in stream:
            try:
                event = json.loads(line)
                key, at = (event["subsidiary"], event["order"]), moment(event)
            except (ValueError, KeyError, TypeError):
                continue
            if event["type"] == "order.placed":
                placed[key] = at
            elif event["type"] in ("order.confirmed", "order.cancelled"):
                ended.setdefault(key, at)
    return [key[1] for key, at in placed.items() if key in ended and ended[key] > at + 10 * MINUTE]


def test_every_order_confirmed_late_is_missed_and_taken_back(replayed: Path) -> None:
    alerts = [json.loads(line) for line in (replayed / "alerts.jsonl").read_bytes().splitlines()]
    confirm = [alert for alert in alerts if alert["scenario"] == "confirm"]
    _, counts = told(replayed)
    late = confirmed_late()
    assert len(late) > 50
    assert counts["confirm"]["answered_late"] == len(late)
    assert counts["confirm"]["missed"] == sum(alert["hits"] for alert in confirm)
    notes = " ".join(one["withdrawn"]["zh"] for a in confirm for one in a["evidence"] if "withdrawn" in one)
    for order in late:
        assert order in notes


def test_two_workers_and_kills_change_nothing(replayed: Path, pack: Path, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    out = tmp_path / "out"
    arguments = ("replay", SAMPLE, "--out", out, "--pack", pack, "--model", "none", "--workers", 2)
    for _ in range(2):
        with running(tmp_path / "log", *arguments) as process:
            decisions = out / "decisions.jsonl"
            until = time.monotonic() + 60
            while not (decisions.exists() and decisions.stat().st_size) and process.child.poll() is None:
                assert time.monotonic() < until
                time.sleep(0.02)
            time.sleep(moments.uniform(0, 1))
            process.kill()
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    alerts, counts = told(out)
    assert alerts == told(replayed)[0]
    assert counts["confirm"]["missed"] == told(replayed)[1]["confirm"]["missed"]


def test_silence_and_a_restart(pack: Path, tmp_path: Path) -> None:
    """An order, silence, the alert; a restart; the confirmation comes late and takes the alert back."""
    now = int(time.time() * 1000)
    short = tmp_path / "short.yaml"
    short.write_text(pack.read_text("utf-8").replace("within: 10m", "within: 2s, grace: 0s"), "utf-8")
    event = {"subsidiary": "SH01", "customer": "C1", "order": "SO-1"}
    with start_valkey(tmp_path / "valkey") as valkey, start_broker(tmp_path / "broker") as broker:
        settings = {
            "redis_url": valkey.url,
            "kafka": broker.url,
            "data_dir": tmp_path / "home",
            "pack": short,
            "model": "none",
            "kafka_partitions": 1,
            "snapshot_interval": 0.2,
            "silence": 0.5,
        }
        ensure_topics({"bootstrap.servers": broker.url}, (*INPUTS, *OUTPUTS), 1)
        producer = Producer({"bootstrap.servers": broker.url})

        def send(**fields: object) -> None:
            producer.produce("orders", json.dumps(event | fields).encode(), key="SH01:C1")
            assert producer.flush(10) == 0

        with ExitStack() as stack:
            alerts, withdrawals, decisions = (
                stack.enter_context(closing(Topic(broker.url, topic, 1)))
                for topic in ("risk.alerts", "risk.withdrawals", "risk.decisions")
            )
            with running(tmp_path / "run.log", "run", **settings) as run:
                send(event_id="A", type="order.placed", occurred_at=now, amount=100)
                (message,) = alerts.until(lambda found: len(found) == 1, 30, run)
                hit = msgspec.json.decode(message.value() or b"")
                (decided,) = decisions.until(lambda found: len(found) == 1, 5, run)
                assert hit["decision_id"] == msgspec.json.decode(decided.value() or b"")["decision_id"]
                assert (hit["scenario"], hit["order"], hit["tier"]) == ("confirm", "SO-1", "medium")
                assert run.stop() == 0
            with running(tmp_path / "run.log", "run", **settings) as run:
                send(event_id="B", type="order.confirmed", occurred_at=now + 60_000)
                (message,) = withdrawals.until(lambda found: len(found) == 1, 30, run)
                withdrawal = msgspec.json.decode(message.value() or b"")
                assert (withdrawal["hit_id"], withdrawal["in_time"]) == (hit["hit_id"], False)
                assert "58 s late" in withdrawal["note"]["en"]
                assert len(alerts.read()) == 1
                assert run.stop() == 0


def test_a_pack_without_deadlines_pays_nothing(tmp_path: Path) -> None:
    path, events = tmp_path / "pack.yaml", tmp_path / "events.jsonl"
    path.write_text(SMALL, "utf-8")
    with gzip.open(SAMPLE) as stream:
        events.write_bytes(b"".join(islice(stream, 100)))
    done = command("replay", events, "--out", tmp_path / "out", "--pack", path, "--model", "none")
    assert done.returncode == 0, done.stderr
    assert told(tmp_path / "out")[1] == {}
