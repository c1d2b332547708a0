"""Models are promoted and taken back while events flow: none is lost, each is scored by exactly one."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Message
from sqlalchemy import Engine

from fenghuo.embedded import start_broker, start_valkey
from models.lifecycle import ModelAction
from store.artefacts import Artefacts
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.rules.models import ModelStore
from tests.chaos.test_publish import FULL, Steady
from tests.flows.processes import Running, Topic, running
from tests.models.keeping import kept_model
from tests.store.postgres.rules.making import LIN, ZHOU, pack
from wire.kafka_topics import DECISIONS, INPUTS, OUTPUTS, ensure_topics

PARTITIONS = 4


class _Scored(msgspec.Struct):
    id: str


class Decided(msgspec.Struct):
    """What is looked at of a decision."""

    event_id: str
    model: _Scored | None
    anomaly: float | None


@dataclass
class Stage:
    """Servers, settings, the console's view of the registry, and the ids of three models."""

    engine: Engine
    kafka: str
    settings: dict[str, object]
    artefacts: Artefacts
    ids: list[str]

    def promote(self, model: str) -> None:
        """Make a model the champion, by two people."""
        models = ModelStore(self.engine, self.artefacts)
        models.register(model, LIN)
        models.move(ModelAction.PROPOSE, model, LIN)
        models.move(ModelAction.PROMOTE, model, ZHOU)


@pytest.fixture
def stage(tmp_path: Path, database_url: str) -> Iterator[Stage]:
    migrate(database_url)
    engine = sync_engine(database_url)
    first = tmp_path / "pack.yaml"
    first.write_text(pack(1), "utf-8")
    home = tmp_path / "home"
    artefacts = Artefacts(str(home / "models"), tmp_path / "console-cache")
    made = [kept_model(tmp_path, seed) for seed in range(3)]
    for _, directory in made[1:]:
        artefacts.put(directory)
    with start_valkey(tmp_path / "valkey") as valkey, start_broker(tmp_path / "broker") as broker:
        config = {"bootstrap.servers": broker.url}
        for topics in (INPUTS, OUTPUTS):
            ensure_topics(config, topics, PARTITIONS)
        settings = {
            "redis_url": valkey.url,
            "kafka": broker.url,
            "database_url": database_url,
            "data_dir": home,
            "pack": first,
            "model": made[0][1],
            "kafka_partitions": PARTITIONS,
            "snapshot_interval": 0.5,
        }
        yield Stage(engine, broker.url, settings, artefacts, [model for model, _ in made])
    engine.dispose()


def all_of(topic: Topic, count: int, run: Running) -> list[Decided]:
    """Decisions on so many events, in the order of each partition; those that came again are there again."""
    decoder, decided, known = msgspec.json.Decoder(Decided), list[Decided](), set[str]()

    def done(messages: list[Message]) -> bool:
        for message in messages[len(decided) :]:
            decided.append(decoder.decode(message.value() or b""))
            known.add(decided[-1].event_id)
        return len(known) >= count

    topic.until(done, 60, run)
    return decided


def check(found: list[Decided], sent: int, order: list[str | None]) -> None:
    """Every event has a decision, under one model only, and each lane goes from model to model once."""
    models: defaultdict[str, set[str | None]] = defaultdict(set)
    for decision in found:
        models[decision.event_id].add(None if decision.model is None else decision.model.id)
        assert (decision.anomaly is None) == (decision.model is None)
    assert len(models) == sent
    assert [event for event, ids in models.items() if len(ids) != 1] == []
    place: dict[int, int] = {}
    for number in range(sent):
        (model,) = models[f"e{number}"]
        lane = number % 5000 % PARTITIONS
        reached = next((at for at in range(place.get(lane, 0), len(order)) if order[at] == model), None)
        assert reached is not None, (number, model)
        place[lane] = reached
    assert set(place.values()) == {len(order) - 1}


@pytest.mark.slow
def test_each_event_is_scored_by_one_model_from_champion_to_champion_and_back(
    stage: Stage, tmp_path: Path
) -> None:
    first, second, third = stage.ids
    models = ModelStore(stage.engine, stage.artefacts)
    with ExitStack() as stack:
        decisions = stack.enter_context(closing(Topic(stage.kafka, DECISIONS, PARTITIONS)))
        run = stack.enter_context(running(tmp_path / "run.log", "run", **stage.settings))
        sender = Steady(stage.kafka)
        sender.go_on(0.3)
        all_of(decisions, sender.sent, run)  # the model of the settings is the champion
        assert models.champions() == [first]
        stage.promote(second)
        sender.go_on(2)
        all_of(decisions, sender.sent, run)
        models.rollback(ZHOU)
        sender.go_on(2)
        all_of(decisions, sender.sent, run)
        models.move(ModelAction.RETIRE, first, LIN)
        sender.go_on(2)
        stage.promote(third)
        sender.go_on(2)
        found = all_of(decisions, sender.sent, run)
        assert run.stop() == 0
    check(found, sender.sent, [first, second, first, None, third])
    assert len(found) == sender.sent  # nothing came twice


@pytest.mark.slow
@pytest.mark.skipif(not FULL, reason="runs in `make chaos`")
def test_a_vanished_champion_leaves_the_one_before_in_force_over_a_kill(stage: Stage, tmp_path: Path) -> None:
    first, second, _ = stage.ids
    with ExitStack() as stack:
        decisions = stack.enter_context(closing(Topic(stage.kafka, DECISIONS, PARTITIONS)))
        sender = Steady(stage.kafka)
        with running(tmp_path / "run.log", "run", **stage.settings) as run:
            sender.go_on(0.3)
            all_of(decisions, sender.sent, run)
            run.kill()
        stage.promote(second)
        (Path(stage.artefacts.place) / second / "manifest.json").unlink()
        with running(tmp_path / "run.log", "run", **stage.settings) as run:
            sender.go_on(1)
            all_of(decisions, sender.sent, run)
            ModelStore(stage.engine, stage.artefacts).rollback(ZHOU)
            sender.go_on(1)
            found = all_of(decisions, sender.sent, run)
            assert run.stop() == 0
    check(found, sender.sent, [first])
    log = (tmp_path / "run.log").read_text()
    assert log.count("edition_not_loaded") == 1
    assert f"`{second}` is not in registry" in log


@pytest.mark.slow
def test_a_kill_around_a_promotion_changes_no_score(stage: Stage, tmp_path: Path) -> None:
    first, second, third = stage.ids
    scores: defaultdict[str, set[float | None]] = defaultdict(set)
    with ExitStack() as stack:
        decisions = stack.enter_context(closing(Topic(stage.kafka, DECISIONS, PARTITIONS)))
        sender = Steady(stage.kafka)
        for model in (second, third):
            with running(tmp_path / "run.log", "run", **stage.settings) as run:
                sender.go_on(0.5)
                all_of(decisions, sender.sent, run)
                stage.promote(model)
                sender.go_on(1)
                run.kill()
        with running(tmp_path / "run.log", "run", **stage.settings) as run:
            sender.go_on(0.5)
            found = all_of(decisions, sender.sent, run)
            assert run.stop() == 0
    check(found, sender.sent, [first, second, third])
    for decision in found:
        scores[decision.event_id].add(decision.anomaly)
    assert [event for event, values in scores.items() if len(values) != 1] == []
