"""The live pipeline on real servers: from a message in Kafka to the alert on the page, through crashes."""

import csv
import gzip
import json
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
from confluent_kafka import Producer

from alerts.views import User
from fenghuo.demo_users import USERS
from fenghuo.embedded import start_broker, start_valkey
from fenghuo.embedded.probe import libpq_url
from fenghuo.embedded.service import free_port
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.users import seed_demo_users
from tests.flows.processes import MAPPINGS, SAMPLE, Running, Topic, command, decisions_by_id, running
from tests.rules.making import TRADE_CORE

PARTITIONS = 2
Wait = Callable[..., None]


@dataclass
class Servers:
    """Addresses that a pipeline of its own needs."""

    redis: str
    kafka: str
    database: str

    def settings(self, home: Path, **more: object) -> dict[str, object]:
        return {
            "redis_url": self.redis,
            "kafka": self.kafka,
            "database_url": self.database,
            "data_dir": home,
            "mappings": MAPPINGS,
            "kafka_partitions": PARTITIONS,
            "snapshot_interval": 0.2,
            **more,
        }


@pytest.fixture
def servers(tmp_path: Path, database_url: str) -> Iterator[Servers]:
    with ExitStack() as stack:
        valkey = stack.enter_context(start_valkey(tmp_path / "valkey"))
        broker = stack.enter_context(start_broker(tmp_path / "broker"))
        yield Servers(valkey.url, broker.url, database_url)


def sample(tmp_path: Path, lines: int) -> Path:
    """The first messages of the sample."""
    with gzip.open(SAMPLE) as stream:
        head = [next(stream) for _ in range(lines)]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(head))
    return path


def fed(servers: Servers, tmp_path: Path, events: Path, **more: object) -> None:
    settings = servers.settings(tmp_path / "feed", **more)
    done = command("feed", events, "--speed", "max", **settings)
    assert done.returncode == 0, done.stderr


def order(number: int, **fields: Any) -> bytes:
    event = {
        "event_id": f"live-{number}",
        "type": "order.placed",
        "occurred_at": int(time.time() * 1000),
        "subsidiary": "SH01",
        "customer": "<script>alert(1)</script>",
        "order": f"SO-{number}",
        "amount": 230_000_000,
    }
    return json.dumps(event | fields).encode()


def test_an_order_becomes_an_alert_on_the_page_and_a_bad_message_a_dead_letter(
    servers: Servers, tmp_path: Path, eventually: Wait
) -> None:
    migrate(servers.database)
    engine = sync_engine(servers.database)
    seed_demo_users(engine, [(User(u.user_id, u.name, frozenset({u.role})), u.password) for u in USERS])
    engine.dispose()
    port, metrics = free_port(), free_port()
    settings = servers.settings(tmp_path / "home")
    with (
        running(tmp_path / "run.log", "run", **{**settings, "metrics_port": metrics}) as run,
        running(tmp_path / "desk.log", "desk", **settings) as desk,
        running(tmp_path / "console.log", "console", **{**settings, "console_port": port}) as console,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as browser,
    ):

        def up() -> bool:
            for process in (run, desk, console):
                process.check()
            try:
                return browser.get("/healthz").status_code == 200
            except httpx.TransportError:
                return False

        eventually(up, timeout=60)
        sign_in(browser)
        producer = Producer({"bootstrap.servers": servers.kafka})
        eventually(lambda: "run_started" in (tmp_path / "run.log").read_text(), timeout=60)
        producer.produce("orders", order(1), key="g")
        producer.produce("orders", b'{"event_id": "live-2"', key="g", headers={"origin": b"erp"})
        producer.produce("orders", order(1), key="g")
        producer.flush(10)

        def alerts() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = browser.get("/api/alerts").json()["alerts"]
            return found

        eventually(alerts, timeout=60)
        (alert,) = alerts()
        assert (alert["scenario"], alert["tier"], alert["amount"], alert["hits"]) == (
            "large-amount",
            "high",
            230_000_000,
            1,
        )
        page = browser.get("/").text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<script>alert(1)</script>" not in page
        detail = browser.get(f"/alerts/{alert['alert_id']}").text
        assert "2,300,000.00" in detail
        with psycopg.connect(libpq_url(servers.database)) as connection:
            stored = connection.execute("SELECT count(*), min(queue) FROM cases").fetchone()
        assert stored == (1, "trade-desk")

        dead = Topic(servers.kafka, "risk.dead_letters", PARTITIONS)
        (letter,) = dead.until(lambda messages: len(messages) == 1, 30, run)
        dead.close()
        assert letter.value() == b'{"event_id": "live-2"'
        headers = dict(letter.headers() or [])
        assert headers["reason"] == b"not JSON: Input data was truncated"
        assert re.fullmatch(r"b'orders:\d'", str(headers["source"]))

        told = httpx.get(f"http://127.0.0.1:{metrics}/metrics").text
        counts = {name: total(told, f"fenghuo_events_{name}") for name in BALANCE}
        assert counts == {"in": 3, "decided": 1, "duplicate": 1, "dead_lettered": 1}
        assert [process.stop() for process in (run, desk, console)] == [0, 0, 0]


BALANCE = ("in", "decided", "duplicate", "dead_lettered")


def total(exposition: str, name: str) -> int:
    """Sum of a counter over its labels."""
    found = re.findall(rf"^{name}_total(?:{{[^}}]*}})? (\S+)$", exposition, re.MULTILINE)
    return int(sum(map(float, found)))


def sign_in(browser: httpx.Client) -> None:
    form = browser.get("/sign-in").text
    fields = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    answer = browser.post("/sign-in", data={**fields, "name": "analyst", "password": "demo-analyst"})
    assert answer.status_code == 200, answer.text[:500]


def decided(servers: Servers, home: Path, expected: int, kills: int, log: Path) -> dict[str, dict[str, Any]]:
    """Decisions of a run over what the topics hold, killed so many times at random moments on the way."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    moments = random.Random(seed)
    topic = Topic(servers.kafka, "risk.decisions", PARTITIONS)
    settings = servers.settings(home)

    def distinct(messages: list[Any]) -> int:
        return len({message.value()[:60] for message in messages})

    try:
        for kill in range(kills):
            with running(log, "run", **settings) as process:
                part = expected * (kill + moments.random()) / kills
                topic.until(lambda messages, part=part: distinct(messages) >= part, 60, process)  # type: ignore[misc]
                process.kill()
        last = log.with_suffix(".last")
        with running(last, "run", **settings) as process:
            topic.until(
                lambda messages: distinct(messages) >= expected and "run_started" in last.read_text(),
                60,
                process,
            )
            assert process.stop() == 0
        return decisions_by_id(topic.read(1.0))
    finally:
        topic.close()


def test_a_worker_killed_in_mid_stream_decides_as_if_never_killed(
    servers: Servers, tmp_path: Path, database_url: str
) -> None:
    events = sample(tmp_path, 9_000)
    fed(servers, tmp_path, events)
    done = command("replay", events, "--out", tmp_path / "out", "--model", "none", mappings=MAPPINGS)
    assert done.returncode == 0, done.stderr
    expected = json.loads((tmp_path / "out" / "summary.json").read_bytes())["decided"]

    killed = decided(servers, tmp_path / "killed", expected, 3, tmp_path / "killed.log")
    with ExitStack() as stack:
        valkey = stack.enter_context(start_valkey(tmp_path / "other-valkey"))
        broker = stack.enter_context(start_broker(tmp_path / "other-broker"))
        calm = Servers(valkey.url, broker.url, database_url)
        fed(calm, tmp_path, events)
        whole = decided(calm, tmp_path / "calm", expected, 0, tmp_path / "calm.log")
    assert len(whole) == expected
    assert within_groups(killed) == within_groups(whole)


def within_groups(decisions: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Decisions without what crosses partitions: there the order of arrival counts, which no run repeats."""
    kept = {}
    for identity, decision in decisions.items():
        features = {k: v for k, v in decision["features"].items() if not k.startswith("counterparty_")}
        rules = [one for one in decision["rules"] if one["rule"] != "shared-consignee"]
        assert len(features) == len(decision["features"]) - 2
        kept[identity] = decision | {"features": features, "rules": rules}
    return kept


def through(
    servers: Servers, tmp_path: Path, events: Path, expected: int, **more: object
) -> list[dict[str, Any]]:
    """All decisions on a file that was fed to Kafka, and its alerts in PostgreSQL by the desk."""
    fed(servers, tmp_path, events, **more)
    settings = servers.settings(tmp_path / "home", **more)
    topic = Topic(servers.kafka, "risk.decisions", PARTITIONS)
    with (
        running(tmp_path / "run.log", "run", **settings) as run,
        running(tmp_path / "desk.log", "desk", **settings) as desk,
    ):
        messages = topic.until(lambda found: len(found) >= expected, 100, run)
        assert run.stop() == 0
        hits = Topic(servers.kafka, "risk.alerts", PARTITIONS)
        sent = len(hits.read(2.0))
        hits.close()
        await_hits(servers, sent, desk)
        assert desk.stop() == 0
    topic.close()
    return [msgspec.json.decode(message.value() or b"") for message in messages]


def await_hits(servers: Servers, sent: int, desk: Running) -> None:
    deadline = time.monotonic() + 60
    with psycopg.connect(libpq_url(servers.database), autocommit=True) as connection:
        while True:
            row = connection.execute("SELECT count(*) FROM alert_hits").fetchone()
            if row == (sent,):
                return
            desk.check()
            assert time.monotonic() < deadline, f"{row} of {sent} hits in PostgreSQL"
            time.sleep(0.1)


@pytest.mark.published
@pytest.mark.slow
@pytest.mark.timeout(280)
def test_published_orders_and_shipments_go_through_whole_with_exact_amounts(
    servers: Servers, tmp_path: Path, published_data: Path
) -> None:
    orders = published_data / "dataco" / "dataco_order_events.csv.gz"
    mapping = Path("samples/column-mappings/dataco.yaml").resolve()
    decisions = through(
        servers,
        tmp_path,
        orders,
        131_504,
        mapping=mapping,
        rates=Path("samples/rates.csv").resolve(),
        pack=TRADE_CORE,  # nothing confirms these orders
    )
    assert len(decisions) == len({decision["event_id"] for decision in decisions}) == 131_504
    check_amounts(orders, decisions)
    with psycopg.connect(libpq_url(servers.database)) as connection:
        counted = connection.execute(
            "SELECT (SELECT count(*) FROM alerts), (SELECT count(*) FROM cases),"
            " (SELECT sum(hits) FROM alerts), (SELECT count(*) FROM alert_hits)"
        ).fetchone()
    assert counted is not None
    assert counted[0] == counted[1] > 0
    assert counted[2] == counted[3] > 0


def check_amounts(orders: Path, decisions: list[dict[str, Any]]) -> None:
    """Every event carries its own amount: cents times the rate of its day, half to even to the fen."""
    with Path("samples/rates.csv").open(newline="") as stream:
        rates = [
            (row["date"], Decimal(row["rate"])) for row in csv.DictReader(stream) if row["currency"] == "USD"
        ]
    by_id = {decision["event_id"]: decision for decision in decisions}
    with gzip.open(orders, "rt", newline="") as stream:
        for row in csv.DictReader(stream):
            for name, column in (("placed", "order_ts"), ("dispatched", "ship_ts")):
                # The rate is that of the day in China, eight hours ahead of the export.
                day = (datetime.fromisoformat(row[column]) + timedelta(hours=8)).date().isoformat()
                rate = next(rate for date, rate in reversed(rates) if date <= day)
                fen = int((Decimal(row["amount_cents"]) * rate).to_integral_value(ROUND_HALF_EVEN))
                features = by_id[f"dataco-{row['order_id']}-{name}"]["features"]
                assert features["event_amount"] == fen
                if name == "placed":
                    assert features["order_amount_30d"] == fen


@pytest.mark.published
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_published_invoices_go_through_and_blank_customers_are_dead_letters(
    servers: Servers, tmp_path: Path, published_data: Path
) -> None:
    invoices = published_data / "online_retail" / "invoices.csv.gz"
    mapping = Path("samples/column-mappings/online-retail.yaml").resolve()
    with gzip.open(invoices, "rt", newline="") as stream:
        blank = sum(not row["customer_id"].strip() for row in csv.DictReader(stream))
    assert blank == 3_710
    decisions = through(
        servers,
        tmp_path,
        invoices,
        25_900 - blank,
        mapping=mapping,
        rates=Path("samples/rates.csv").resolve(),
    )
    assert len(decisions) == len({decision["event_id"] for decision in decisions}) == 22_190
    dead = Topic(servers.kafka, "risk.dead_letters", PARTITIONS)
    letters = dead.read(2.0)
    dead.close()
    assert len(letters) == blank
    assert {dict(letter.headers() or [])["field"] for letter in letters} == {b"customer"}
    largest = max(decision["features"]["event_amount"] or 0 for decision in decisions)
    smallest = min(decision["features"]["event_amount"] or 0 for decision in decisions)
    assert largest == -smallest == 175_208_384  # 16,846,960 pence at 10.4, and its reversal minutes later
