"""Retraining from what a broker holds: which events count, which do not, and what is registered."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, insert

from events.clock import DAY, rfc3339
from fenghuo.embedded import start_broker
from fenghuo.retraining import Outcome, Result, Retraining, RetrainingError
from models.errors import ModelError
from models.lifecycle import RETRAINING, ModelState
from store.artefacts import Artefacts
from store.postgres import turn
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.models import ModelStore
from store.postgres.tables import LABELS
from tests.models.keeping import kept_model
from tests.store.postgres.rules.making import pack
from tests.wire.broker import make, put
from wire.kafka_topics import DECISIONS, INPUTS

END = 1_785_000_000_000
PACK = "small@1"
COUNT = 300


@dataclass
class World:
    """A broker with the topics, and a database with the pack `small` in force."""

    kafka: str
    engine: Engine
    artefacts: Artefacts

    def retraining(self, **changes: Any) -> Retraining:
        config = {"bootstrap.servers": self.kafka}
        plain = Retraining(config, self.engine, self.artefacts, 28 * DAY, clock=lambda: END)
        return replace(plain, **changes)

    def store(self) -> ModelStore:
        return ModelStore(self.engine, self.artefacts)

    def manifest(self, outcome: Outcome) -> dict[str, Any]:
        return self.artefacts.manifest(outcome.model)

    def champion(self) -> str:
        """The champion that the setup named, with five trees of 64 events."""
        return next(row.id for row in self.store().models() if row.state is ModelState.CHAMPION)

    def events(self, *numbers: int, at: int = END - DAY, kind: str = "order.placed") -> None:
        put(self.kafka, "orders", [(at, event(number, at, kind)) for number in numbers])

    def decisions(self, *numbers: int, at: int = END - DAY, **changes: Any) -> None:
        put(self.kafka, DECISIONS, [(at, decision(number, at, **changes)) for number in numbers])

    def label(self, number: int, known_at: int, label: str = "fraud") -> None:
        said = {"target": f"e{number}", "label": label}
        put(
            self.kafka,
            "labels",
            [(known_at, event(10_000 + number, known_at, "label.reported", attributes=said))],
        )

    def decided(self, count: int = COUNT) -> None:
        self.events(*range(count))
        self.decisions(*range(count))


def event(number: int, at: int, kind: str, **fields: Any) -> bytes:
    content = {"event_id": f"e{number}", "type": kind, "occurred_at": at, **fields}
    return json.dumps(content).encode()


def decision(number: int, at: int, **changes: Any) -> bytes:
    numbers = np.random.default_rng(number)
    content = {
        "decision_id": f"d{number}",
        "event_id": f"e{number}",
        "group": f"g{number % 7}",
        "occurred_at": rfc3339(at + number),
        "features": {
            "ordered_72h": int(numbers.lognormal(10, 1)),
            "orders_72h": int(numbers.integers(1, 9)),
            "mean_72h": int(numbers.lognormal(9, 1)),
        },
        "rules": [],
        "pack": PACK,
        "degraded": False,
    }
    return json.dumps(content | changes).encode()


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    migrate(database_url)
    engine = sync_engine(database_url)
    artefacts = Artefacts(str(tmp_path / "models"), tmp_path / "cache")
    _, directory = kept_model(tmp_path, 7)
    champion = artefacts.open(artefacts.put(directory).id).candidate
    PostgresEditionStore(engine).seed({"small.yaml": pack(1)}, champion=champion)
    with start_broker(tmp_path / "broker") as broker:
        make(broker.url, (*INPUTS, DECISIONS))
        yield World(broker.url, engine, artefacts)
    engine.dispose()


def test_a_candidate_is_registered_and_the_champion_stays(world: World) -> None:
    world.decided()
    champion = world.champion()
    outcome = world.retraining().run()
    assert (outcome.result, outcome.rows, outcome.left_out) == (Result.REGISTERED, COUNT, 0)
    rows = {row.id: row for row in world.store().models()}
    candidate = rows[outcome.model]
    assert (candidate.state, candidate.registered_by) == (ModelState.CANDIDATE, RETRAINING)
    assert rows[champion].state is ModelState.CHAMPION
    assert world.store().champions() == [champion]
    (change,) = world.store().history(outcome.model)
    assert change.reason == f"retraining on {rfc3339(END - 28 * DAY)} – {rfc3339(END)}"
    manifest, before = world.manifest(outcome), rows[champion].manifest
    for name in ("algorithm", "event_types", "parameters"):
        assert manifest[name] == before[name]
    assert [one["name"] for one in manifest["features"]] == [one["name"] for one in before["features"]]
    assert manifest["pack"]["id"] == PACK


def test_the_same_period_again_gives_the_same_model_and_nothing_new(world: World) -> None:
    world.decided()
    first, again = world.retraining().run(), world.retraining().run()
    assert (first.result, again.result) == (Result.REGISTERED, Result.UNCHANGED)
    assert first.model == again.model
    assert len(world.store().models()) == 2
    assert len(world.store().history(first.model)) == 1


def test_what_is_known_to_be_bad_by_the_end_is_not_learnt(world: World) -> None:
    world.decided()
    world.label(3, END - 1)
    world.label(4, END + DAY)  # not known yet
    world.label(5, END - 2)
    world.label(5, END - 1, "legitimate")  # corrected
    said = {"label": "fraud", "scenario": "large", "group_id": "g"}
    with world.engine.begin() as connection:
        for number, known_at in ((6, END), (7, END + 1)):
            row = {"target": f"e{number}", "source": f"alert:{number}", "known_at": known_at}
            connection.execute(insert(LABELS), said | row)
    outcome = world.retraining().run()
    assert (outcome.rows, outcome.left_out) == (COUNT - 2, 2)
    assert world.manifest(outcome)["left_out"] == 2


def test_what_does_not_belong_to_the_period_or_the_pack_is_left_out(world: World) -> None:
    world.decided()
    world.events(400, 401, at=END - 29 * DAY)  # before the period, though decided in it
    world.decisions(400, 401)
    world.events(402, at=END)
    world.decisions(402, at=END)
    world.events(403, 404)
    world.decisions(403, 404, pack="small@2")
    world.events(405)
    world.decisions(405, degraded=True)
    world.events(406, kind="payment.received")
    world.decisions(406)
    world.events(407)  # never decided
    world.decisions(1, 2, 3)  # sent again after a crash
    put(world.kafka, "orders", [(END - DAY, b"{broken")])
    outcome = world.retraining().run()
    assert (outcome.rows, outcome.other_packs, outcome.degraded) == (COUNT, 2, 1)
    assert world.manifest(outcome)["seen"] == COUNT


def test_of_more_events_than_fit_a_sample_stands_for_all(world: World) -> None:
    world.decided(2_000)
    outcome = world.retraining(most_rows=500).run()
    manifest = world.manifest(outcome)
    assert manifest["rows"] == 500
    assert manifest["seen"] == pytest.approx(2_000, rel=0.15)


def test_too_few_events_are_an_error_and_nothing_is_registered(world: World) -> None:
    world.decided(99)
    with pytest.raises(ModelError, match="99 events to train on; at least 100 are needed"):
        world.retraining().run()
    assert [row.state for row in world.store().models()] == [ModelState.CHAMPION]


def test_what_is_no_decision_is_named_by_its_place(world: World) -> None:
    world.decided(3)
    put(world.kafka, DECISIONS, [(END, b"rubbish")])
    with pytest.raises(RetrainingError, match=r"`risk.decisions:0` offset 3: not a decision: .*malformed"):
        world.retraining().run()


def test_while_another_is_at_it_it_is_not_done_twice(world: World) -> None:
    world.decided()
    with turn.turn(world.engine, turn.RETRAINING) as mine:
        assert mine
        with pytest.raises(RetrainingError, match="another retraining is under way"):
            world.retraining().run()
    assert world.retraining().run().result is Result.REGISTERED


def test_where_another_was_first_it_is_not_due_any_more(world: World) -> None:
    world.decided()
    assert world.retraining(every=DAY).run().result is Result.NOT_DUE  # the champion is new
    registered = max(row.registered_at for row in world.store().models())
    world.events(*range(COUNT), at=registered)
    world.decisions(*range(COUNT), at=registered)
    due = world.retraining(every=DAY, clock=lambda: registered + DAY)
    assert due.run().result is Result.REGISTERED
