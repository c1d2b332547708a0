"""Retraining on real servers: what a run decided becomes a candidate, and nothing but a candidate."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from fenghuo.embedded import start_broker, start_valkey
from fenghuo.embedded.service import free_port
from models.lifecycle import RETRAINING, ModelState
from models.views import ModelRow
from store.artefacts import Artefacts
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.rules.models import ModelStore
from tests.flows.processes import MAPPINGS, Topic, command, running
from tests.flows.test_live import PARTITIONS, Servers, fed, sample

LINES = 1_500


@pytest.fixture
def servers(tmp_path: Path, database_url: str) -> Iterator[Servers]:
    with ExitStack() as stack:
        valkey = stack.enter_context(start_valkey(tmp_path / "valkey"))
        broker = stack.enter_context(start_broker(tmp_path / "broker"))
        yield Servers(valkey.url, broker.url, database_url)


def registered(servers: Servers, home: Path) -> dict[str, ModelRow]:
    engine = sync_engine(servers.database)
    try:
        store = ModelStore(engine, Artefacts(str(home / "models"), home / "cache"))
        return {row.id: row for row in store.models()}
    finally:
        engine.dispose()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_a_run_decided_becomes_a_candidate_and_the_champion_stays(
    servers: Servers, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    home, past = tmp_path / "home", sample(tmp_path, LINES - 500)
    how = ("--trees", 20, "--feature", "order*", "--alerts-per-day", 5)
    done = command("model", "train", past, "--out", tmp_path / "model", *how, mappings=MAPPINGS)
    assert done.returncode == 0, done.stderr
    settings = servers.settings(home, model=tmp_path / "model", retrain_period="3660d")
    fed(servers, tmp_path, sample(tmp_path, LINES))
    topic = Topic(servers.kafka, "risk.decisions", PARTITIONS)
    with running(tmp_path / "run.log", "run", **settings) as run:
        topic.until(lambda found: len(found) >= LINES - 50, 100, run)
        assert run.stop() == 0
    topic.close()
    (champion,) = registered(servers, home).values()
    assert champion.state is ModelState.CHAMPION

    metrics = free_port()
    scheduled = {**settings, "retrain_every": "5s", "metrics_port": metrics}
    with running(tmp_path / "desk.log", "desk", **scheduled) as desk:

        def counted() -> bool:
            desk.check()
            try:
                told = httpx.get(f"http://127.0.0.1:{metrics}/metrics").text
            except httpx.TransportError:
                return False
            return 'fenghuo_retrainings_total{result="registered"} 1.0' in told

        eventually(counted, timeout=90)
        assert desk.stop() == 0
    rows = registered(servers, home)
    assert len(rows) == 2
    assert rows[champion.id].state is ModelState.CHAMPION
    (candidate,) = (row for row in rows.values() if row.registered_by == RETRAINING)
    assert candidate.state is ModelState.CANDIDATE
    before, after = champion.manifest, candidate.manifest
    assert after["parameters"] == before["parameters"]
    assert [one["name"] for one in after["features"]] == [one["name"] for one in before["features"]]
    assert after["budget"]["per_day"] == 5

    again = command("model", "retrain", **settings)
    assert again.returncode == 0, again.stderr
    (line,) = again.stdout.splitlines()
    assert line.startswith(f"{candidate.id}: unchanged, candidate: {after['rows']:,} events of "), line
    assert len(registered(servers, home)) == 2


@pytest.mark.slow
def test_a_retraining_that_fails_is_counted_and_the_desk_lives_on(
    servers: Servers, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    migrate(servers.database)
    metrics = free_port()
    settings = servers.settings(tmp_path / "home", retrain_every="1h", metrics_port=metrics)
    with running(tmp_path / "desk.log", "desk", **settings) as desk:

        def failed() -> bool:
            desk.check()
            try:
                told = httpx.get(f"http://127.0.0.1:{metrics}/metrics").text
            except httpx.TransportError:
                return False
            return 'fenghuo_retrainings_total{result="failed"} 1.0' in told

        eventually(failed, timeout=60)
        assert "no pack is in force yet" in (tmp_path / "desk.log").read_text()
        desk.check()
        assert desk.stop() == 0

    by_hand = command("model", "retrain", "--json", **settings)
    assert by_hand.returncode == 1
    assert json.loads(by_hand.stdout)["result"] == "failed"
    assert re.search(r"no pack is in force yet.*; start `fenghuo run` first", by_hand.stderr)


@pytest.mark.parametrize("missing", ["kafka", "database_url"])
def test_a_server_that_is_not_named_is_asked_for(missing: str) -> None:
    named = {"kafka": "127.0.0.1:9", "database_url": "postgresql://nobody@127.0.0.1:9/none"}
    del named[missing]
    done = command("model", "retrain", **named)
    assert done.returncode == 2
    assert f"`FENGHUO_{missing.upper()}` is not set" in done.stderr
