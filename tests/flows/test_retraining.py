"""Retraining on real servers: what a run decided becomes a candidate, and nothing but a candidate."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fenghuo.embedded import start_broker, start_valkey
from models.lifecycle import ModelState
from models.views import ModelRow
from store.artefacts import Artefacts
from store.postgres.engine import sync_engine
from store.postgres.rules.models import ModelStore
from tests.flows.processes import SAMPLE, Topic, command, decisions_by_id, running
from tests.flows.test_live import PARTITIONS, Servers, fed, sample

MODEL = SAMPLE.parent / "model"


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
def test_what_a_run_decided_becomes_a_candidate_and_the_champion_stays(
    servers: Servers, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    home = tmp_path / "home"
    settings = servers.settings(home, model=MODEL, retrain_period="3660d")
    fed(servers, tmp_path, sample(tmp_path, 6_000))
    topic = Topic(servers.kafka, "risk.decisions", PARTITIONS)
    with running(tmp_path / "run.log", "run", **settings) as run:
        messages = topic.until(lambda found: len(found) >= 5_900, 100, run)
        assert run.stop() == 0
    topic.close()
    decisions = decisions_by_id(messages)
    (champion,) = registered(servers, home).values()
    assert champion.state is ModelState.CHAMPION

    first = command("model", "retrain", "--json", **settings)
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    print(told, len(decisions))
