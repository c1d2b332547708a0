"""A version in the shadow: a running worker takes it up, only counts come of it, and they can be read."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec
from confluent_kafka import Producer

from events.rights import AUTHOR, Person
from fenghuo.embedded import start_broker, start_valkey
from rules.lifecycle import Action
from store.postgres.engine import sync_engine
from store.postgres.rules.packs import PackStore
from store.postgres.rules.shadows import ShadowCounts
from tests.flows.processes import Topic, running
from tests.rules.making import SMALL
from wire.kafka_topics import INPUTS, OUTPUTS, ensure_topics

STRICTER = SMALL.replace("version: 3", "version: 4").replace("amount >= 2000", "amount >= 500")
ANN = Person("ann", frozenset({AUTHOR}))


def test_a_version_in_the_shadow_changes_no_decision(
    tmp_path: Path, database_url: str, eventually: Callable[..., None]
) -> None:
    pack = tmp_path / "small.yaml"
    pack.write_text(SMALL, "utf-8")
    with (
        start_valkey(tmp_path / "valkey") as valkey,
        start_broker(tmp_path / "broker") as broker,
        ExitStack() as stack,
    ):
        settings = {
            "redis_url": valkey.url,
            "kafka": broker.url,
            "database_url": database_url,
            "data_dir": tmp_path / "home",
            "pack": pack,
            "model": "none",
            "kafka_partitions": 1,
            "snapshot_interval": 0.2,
        }
        ensure_topics({"bootstrap.servers": broker.url}, (*INPUTS, *OUTPUTS), 1)
        producer = Producer({"bootstrap.servers": broker.url})
        decisions = stack.enter_context(closing(Topic(broker.url, "risk.decisions", 1)))
        run = stack.enter_context(running(tmp_path / "run.log", "run", **settings))
        engine = sync_engine(database_url)
        stack.callback(engine.dispose)
        sent = 0

        def send(yuan: int) -> str:
            nonlocal sent
            sent += 1
            event = {
                "event_id": f"E{sent}",
                "type": "order.placed",
                "occurred_at": int(time.time() * 1000),
                "subsidiary": "SH01",
                "customer": f"C{sent}",
                "order": f"SO-{sent}",
                "amount": yuan * 100,
            }
            producer.produce("orders", json.dumps(event).encode(), key="SH01:C1")
            assert producer.flush(10) == 0
            return str(event["event_id"])

        send(1)
        decisions.until(lambda found: len(found) == 1, 30, run)
        packs = PackStore(engine)
        packs.submit(STRICTER, "small.yaml", ANN, "")
        packs.move(Action.SHADOW, "small", 4, ANN, "")

        def seen() -> list[str]:
            """Events that only the version in the shadow hit."""
            run.check()
            send(1000)
            reports = ShadowCounts(engine).reports("small")
            large = [rule for one in reports for rule in one.rules if rule.rule == "large"]
            return [event for rule in large for event in rule.examples.get("shadow", [])]

        eventually(lambda: len(seen()) > 0, timeout=30)
        send(3000)
        eventually(
            lambda: any(rule.both for one in ShadowCounts(engine).reports("small") for rule in one.rules),
            timeout=30,
        )
        (report,) = ShadowCounts(engine).reports("small")
        assert (report.live, report.shadow) == ("small@3", "small@4")
        assert report.outcomes["approve>review"] >= 1
        found = decisions.until(lambda found: len(found) >= sent - 1, 30, run)
        for message in found:
            decision = msgspec.json.decode(message.value() or b"")
            assert decision["pack"] == "small@3"
            hit = [one["rule"] for one in decision["rules"] if one["result"] == "hit"]
            assert ("large" in hit) == (decision["event_id"] == f"E{sent}")
        assert run.stop() == 0
