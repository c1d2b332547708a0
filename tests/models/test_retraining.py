"""When retraining is due, and that the next model is made as the champion was."""

from typing import Any

import msgspec
import pytest

from events.columns import Kind
from events.event import EventType
from models.challenger import Course
from models.errors import ModelError
from models.lifecycle import RETRAINING, ModelState
from models.manifest import Algorithm
from models.retraining import due_at, recipe_of
from models.training import Growth
from models.views import ModelRow
from tests.models.making import small_model, trade

KINDS = {name: one.kind for name, one in trade(100).items()}


def row(at: int, state: ModelState, by: str = "lin") -> ModelRow:
    return ModelRow(
        id=str(at),
        sha256="",
        state=state,
        manifest={},
        registered_by=by,
        registered_at=at,
        changed_at=at + 5_000,
        changed_by=by,
        approved_by=None,
        proposed_by=None,
        proposed_at=None,
    )


@pytest.mark.parametrize(
    ("models", "due"),
    [
        ([], 0),
        ([row(100, ModelState.CANDIDATE)], 0),  # a person's work is no retraining
        ([row(100, ModelState.CHAMPION)], 107),
        ([row(100, ModelState.RETIRED)], 0),
        ([row(100, ModelState.CHAMPION), row(300, ModelState.SHADOW)], 107),
        ([row(100, ModelState.CHAMPION), row(200, ModelState.CANDIDATE, RETRAINING)], 207),
        ([row(300, ModelState.CHAMPION), row(200, ModelState.RETIRED, RETRAINING)], 307),
    ],
)
def test_it_is_due_when_the_champion_and_its_candidates_are_old(models: list[ModelRow], due: int) -> None:
    assert due_at(models, 7) == due


def manifest(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(small_model().manifest)
    return plain | changes


def test_without_a_champion_a_forest_reads_all_features_of_orders() -> None:
    recipe = recipe_of(None, KINDS, ())
    assert (recipe.algorithm, recipe.features) == (Algorithm.ISOLATION_FOREST, tuple(KINDS))
    assert recipe.event_types == (EventType.ORDER_PLACED,)
    assert (recipe.growth.trees, recipe.growth.samples) == (Growth().trees, Growth().samples)


def test_a_forest_is_made_as_before() -> None:
    budget = {"per_day": 50, "level": 0.99, "days": 1, "mean": 1.0, "most": 1}
    segments = {"feature": "orders_30d", "kind": "number", "edges": [3.0, 9.0]}
    parameters = {"trees": 7, "samples": 64, "seed": 3}
    recipe = recipe_of(manifest(budget=budget, segments=segments, parameters=parameters), KINDS, ())
    growth = recipe.growth
    assert (growth.trees, growth.samples, growth.seed, growth.alerts_per_day) == (7, 64, 3, 50)
    assert (growth.segment, growth.segments) == ("orders_30d", 3)
    assert recipe.event_types == (EventType.ORDER_PLACED, EventType.SHIPMENT_DISPATCHED)
    assert set(recipe.features) == set(KINDS)
    assert recipe.lacking == ()


def test_boosted_trees_are_made_as_before() -> None:
    parameters = {"trees": 30, "rate": 0.2, "leaves": 8, "columns": 0.4, "seed": 2}
    recipe = recipe_of(manifest(algorithm="gradient-boosting", parameters=parameters), KINDS, ())
    assert recipe.algorithm is Algorithm.GRADIENT_BOOSTING
    assert recipe.course == Course(seed=2, rounds=30, rate=0.2, leaves=8, columns=0.4)


def test_a_blend_is_made_as_before_with_the_rules_that_decisions_tell() -> None:
    before = manifest(
        algorithm="blend",
        parameters={"forest.trees": 9, "forest.samples": 32, "forest.seed": 1}
        | {"challenger.trees": 30, "challenger.seed": 2},
    )
    rules = [dict(before["features"][0], name=name, kind="bool") for name in ("large", "gone")]
    before |= {"features": [*before["features"], *rules], "rules": ["large", "gone"]}
    recipe = recipe_of(before, KINDS, {"large", "other"})
    assert (recipe.growth.trees, recipe.growth.samples, recipe.growth.seed) == (9, 32, 1)
    assert (recipe.course.rounds, recipe.course.seed) == (30, 2)
    assert recipe.rules == ("large",)
    assert recipe.lacking == ("gone",)
    assert set(recipe.features) == set(KINDS)


def test_features_that_the_pack_lacks_or_means_otherwise_are_told() -> None:
    kinds = {name: kind for name, kind in KINDS.items() if name != "orders_24h"}
    kinds["ordered_24h"] = Kind.NUMBER
    recipe = recipe_of(manifest(), kinds, ())
    assert set(recipe.lacking) == {"orders_24h", "ordered_24h"}
    assert not set(recipe.features) & set(recipe.lacking)


@pytest.mark.parametrize(
    ("champion", "kinds", "message"),
    [
        (manifest(format="x"), KINDS, r"the champion's manifest: .*`\$.format`"),
        (manifest(), {}, "has no feature that the champion"),
        (
            manifest(segments={"feature": "gone", "kind": "money", "edges": []}),
            KINDS,
            "no feature `gone`, by which",
        ),
    ],
)
def test_what_cant_be_made_again_is_refused(
    champion: dict[str, Any], kinds: dict[str, Kind], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        recipe_of(champion, kinds, ())
