"""Editions in one process: a champion that can't be loaded leaves the edition before it in force."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from fenghuo.building import Builder, LoadedModels
from fenghuo.editions import Editions, Noted
from flows.judge import Observer
from models.errors import ModelError
from models.lifecycle import ModelAction, ModelRef
from models.model import Model
from rules.edition import Boundary
from rules.lifecycle import Action
from rules.pack import Pack
from store.artefacts import Artefacts
from store.postgres.engine import sync_engine
from store.postgres.migrate import migrate
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.models import ModelStore
from store.postgres.rules.packs import PackStore
from telemetry.metrics import FlowMetrics
from tests.models.keeping import kept_model, tamper, tiny_model
from tests.store.postgres.rules.making import LIN, ZHOU, pack


class Process:
    """What one process follows editions with, on a machine of its own."""

    def __init__(self, engine: Engine, artefacts: Artefacts, own: Model | None = None) -> None:
        self.registry = CollectorRegistry()
        metrics = FlowMetrics(self.registry)
        self.store = PostgresEditionStore(engine)
        self.loads: list[str] = []

        def load(ref: ModelRef) -> Model:
            opened = artefacts.open(ref.id, ref.sha256)
            self.loads.append(opened.model.id)
            return opened.model

        builder = Builder(self.store, LoadedModels(load, metrics), own, Noted(), metrics, 3)
        self.editions = Editions(self.store, builder, metrics, "lineage")

    def in_force(self) -> str:
        """Id of the model that scores, `none` for none, as the metric tells it."""
        [sample] = [
            sample
            for family in self.registry.collect()
            if family.name == "fenghuo_model_info"
            for sample in family.samples
        ]
        return sample.labels["model"]

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@dataclass
class Stage:
    """A database with the pack `small` in force, and three models in a registry."""

    engine: Engine
    place: Path
    home: Path
    ids: list[str]
    machines: int = 0

    def process(self, own: Model | None = None, machine: str = "one") -> Process:
        return Process(self.engine, Artefacts(str(self.place), self.home / machine), own)

    def models(self) -> ModelStore:
        return ModelStore(self.engine, Artefacts(str(self.place), self.home / "console"))

    def promote(self, model: str) -> None:
        models = self.models()
        models.register(model, LIN)
        models.move(ModelAction.PROPOSE, model, LIN)
        models.move(ModelAction.PROMOTE, model, ZHOU)


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    migrate(database_url)
    engine = sync_engine(database_url)
    PostgresEditionStore(engine).seed({"small.yaml": pack(1)})
    place = tmp_path / "registry"
    artefacts = Artefacts(str(place), tmp_path / "maker")
    ids = []
    for seed in range(3):
        model, directory = kept_model(tmp_path, seed)
        artefacts.put(directory)
        ids.append(model)
    yield Stage(engine, place, tmp_path, ids)
    engine.dispose()


def test_the_model_of_the_settings_scores_until_a_champion_is_named(stage: Stage) -> None:
    own = tiny_model(7)
    process = stage.process(own)
    assert process.in_force() == own.id
    stage.promote(stage.ids[0])
    process.editions.look()
    assert (process.editions.newest, process.in_force()) == (2, stage.ids[0])
    stage.models().move(ModelAction.RETIRE, stage.ids[0], ZHOU)
    process.editions.look()
    assert process.in_force() == "none"  # the model of the settings does not come back unasked
    stage.models().rollback(ZHOU)
    stage.models().rollback(ZHOU)
    process.editions.look()
    assert process.in_force() == own.id


def test_a_model_is_loaded_once_for_all_its_editions(stage: Stage) -> None:
    process = stage.process()
    stage.promote(stage.ids[0])
    stage.promote(stage.ids[1])
    process.editions.look()
    stage.models().rollback(ZHOU)
    process.editions.look()
    PackStore(stage.engine).move(Action.PAUSE, "small", 1, LIN)
    process.editions.look()
    assert process.loads == [stage.ids[1], stage.ids[0]]
    assert process.in_force() == stage.ids[0]


def test_a_champion_that_vanished_leaves_the_edition_before_in_force(stage: Stage) -> None:
    stage.promote(stage.ids[0])
    process = stage.process()
    stage.promote(stage.ids[1])
    shutil.rmtree(stage.place / stage.ids[1])
    for _ in range(5):
        process.editions.look()
    assert (process.editions.newest, process.in_force()) == (2, stage.ids[0])
    assert process.count("fenghuo_model_failures_total", state="champion") == 1  # it waits between tries
    assert process.count("fenghuo_rules_edition_failures_total") == 1
    assert stage.models().rollback(ZHOU).name == stage.ids[0]
    process.editions.look()
    assert (process.editions.newest, process.in_force()) == (4, stage.ids[0])


def test_a_tampered_champion_comes_into_force_once_it_is_restored(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = stage.process()
    stage.promote(stage.ids[0])
    kept = (stage.place / stage.ids[0] / "model.skops").read_bytes()
    tamper(stage.place / stage.ids[0])
    process.editions.look()
    assert (process.editions.newest, process.in_force()) == (1, "none")
    (stage.place / stage.ids[0] / "model.skops").write_bytes(kept)
    monkeypatch.setattr("fenghuo.editions.time.monotonic", lambda: 1e12)  # the wait is over
    process.editions.look()
    assert (process.editions.newest, process.in_force()) == (2, stage.ids[0])


def test_a_start_uses_the_newest_edition_whose_champion_is_there(stage: Stage) -> None:
    stage.promote(stage.ids[0])
    stage.process().editions.settle("lane", Boundary(edition=2, offsets={"orders": 0}))
    stage.promote(stage.ids[1])
    PackStore(stage.engine).move(Action.PAUSE, "small", 1, LIN)
    shutil.rmtree(stage.place / stage.ids[1])
    process = stage.process(machine="new")
    assert (process.editions.newest, process.in_force()) == (2, stage.ids[0])
    assert process.count("fenghuo_model_failures_total", state="champion") == 1


def test_a_start_never_goes_behind_what_was_in_force(stage: Stage) -> None:
    stage.promote(stage.ids[0])
    stage.promote(stage.ids[1])
    stage.process().editions.settle("lane", Boundary(edition=3, offsets={"orders": 0}))
    shutil.rmtree(stage.place / stage.ids[1])
    with pytest.raises(ModelError, match=f"`{stage.ids[1]}` is not in registry"):
        stage.process(machine="new")
    assert stage.process(machine="one").in_force() == stage.ids[1]  # this machine has kept it


def test_an_edition_that_a_lane_is_in_and_nobody_can_load_ends_the_run(stage: Stage) -> None:
    process = stage.process()
    stage.promote(stage.ids[0])
    shutil.rmtree(stage.place / stage.ids[0])
    with pytest.raises(ModelError, match="is not in registry"):
        process.editions.rulings.of(2)


def test_a_pack_that_lacks_a_feature_sets_the_champion_aside_and_tells(stage: Stage) -> None:
    stage.promote(stage.ids[0])
    process = stage.process()
    assert process.count("fenghuo_model_set_aside") == 0
    packs = PackStore(stage.engine)
    packs.submit(pack(2).replace("mean_72h:", "average_72h:"), "small.yaml", LIN)
    packs.move(Action.PUBLISH, "small", 2, ZHOU)
    process.editions.look()
    assert (process.in_force(), process.count("fenghuo_model_set_aside")) == ("none", 1)
    packs.move(Action.PUBLISH, "small", 1, ZHOU)
    process.editions.look()
    assert (process.in_force(), process.count("fenghuo_model_set_aside")) == (stage.ids[0], 0)


def test_a_shadow_model_that_is_lost_is_left_out_and_the_others_are_built(stage: Stage) -> None:
    seen: list[tuple[Model | None, list[str]]] = []
    models = stage.models()
    for model in stage.ids:
        models.register(model, LIN)
        models.move(ModelAction.SHADOW, model, LIN)
    shutil.rmtree(stage.place / stage.ids[1])
    artefacts = Artefacts(str(stage.place), stage.home / "new")
    store, metrics = PostgresEditionStore(stage.engine), FlowMetrics(registry := CollectorRegistry())
    loaded = LoadedModels(lambda ref: artefacts.open(ref.id, ref.sha256).model, metrics)

    def watch(_: Pack, model: Model | None, beside: Sequence[Model]) -> list[Observer]:
        seen.append((model, [one.id for one in beside]))
        return []

    builder = Builder(store, loaded, None, Noted(), metrics, 3, watch)
    built = builder(store.edition(store.newest()))
    wanted = sorted({stage.ids[0], stage.ids[2]})
    assert [model.id for model in built.models] == wanted
    assert seen == [(None, wanted)]
    assert registry.get_sample_value("fenghuo_model_failures_total", {"state": "shadow"}) == 1
