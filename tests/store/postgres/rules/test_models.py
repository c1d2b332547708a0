"""Models in PostgreSQL: registered once, promoted by two people, taken back by one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from events.columns import Kind
from events.rights import OPERATOR, LifecycleError, Person, Refusal
from models.lifecycle import RETRAINING, SETUP, ModelAction, ModelState
from rules.edition import Edition
from rules.lifecycle import Action
from store.artefacts import Artefacts
from store.postgres.rules.editions import PostgresEditionStore
from store.postgres.rules.models import ModelStore
from store.postgres.rules.packs import PackStore
from tests.models.keeping import kept_model, tamper
from tests.store.postgres.rules.making import LIN, WANG, ZHOU, pack

A, S = ModelAction, ModelState
OPS = Person("ops", frozenset({OPERATOR}))


@pytest.fixture
def artefacts(tmp_path: Path) -> Artefacts:
    return Artefacts(str(tmp_path / "registry"), tmp_path / "cache")


@pytest.fixture
def models(engine: Engine, editions: PostgresEditionStore, artefacts: Artefacts) -> ModelStore:
    return ModelStore(engine, artefacts)


@pytest.fixture
def ids(artefacts: Artefacts, tmp_path: Path) -> list[str]:
    """Ids of three models that lie in the registry."""
    made = [kept_model(tmp_path, seed) for seed in range(3)]
    for _, directory in made:
        artefacts.put(directory)
    return [model for model, _ in made]


def state(models: ModelStore, model: str) -> ModelState:
    return next(row.state for row in models.models() if row.id == model)


def promote(models: ModelStore, model: str) -> int:
    """LIN registers and proposes, ZHOU promotes; the number of the edition."""
    models.register(model, LIN)
    models.move(A.PROPOSE, model, LIN, "better")
    edition = models.move(A.PROMOTE, model, ZHOU, "looked at it").edition
    assert edition is not None
    return edition


def refused(caught: pytest.ExceptionInfo[LifecycleError]) -> Refusal:
    assert "\n" not in str(caught.value)
    return caught.value.refusal


def named(edition: Edition) -> tuple[str | None, list[str]]:
    """Ids of the champion and of the models in the shadow."""
    champion = None if edition.champion is None else edition.champion.id
    return champion, [ref.id for ref in edition.shadow_models]


def test_a_model_is_registered_once(models: ModelStore, ids: list[str], artefacts: Artefacts) -> None:
    first = models.register(ids[0], LIN, "of May")
    again = models.register(ids[0], ZHOU)
    assert (first.fresh, again.fresh, first.state) == (True, False, S.CANDIDATE)
    [row] = models.models()
    assert (row.id, row.registered_by, row.sha256) == (ids[0], "lin", first.sha256)
    assert row.manifest == artefacts.manifest(ids[0])
    [change] = models.history(ids[0])
    assert (change.action, change.before, change.to, change.reason) == (
        "register",
        None,
        "candidate",
        "of May",
    )


def test_what_the_registry_does_not_hold_is_not_registered(
    models: ModelStore, ids: list[str], artefacts: Artefacts
) -> None:
    with pytest.raises(LifecycleError, match="`abc` is not in registry") as caught:
        models.register("abc", LIN)
    assert refused(caught) is Refusal.UNKNOWN
    tamper(Path(artefacts.place) / ids[0])
    with pytest.raises(LifecycleError, match="it was altered") as caught:
        models.register(ids[0], LIN)
    assert refused(caught) is Refusal.DAMAGED
    with pytest.raises(LifecycleError, match="needs the role `rule-author`") as caught:
        models.register(ids[1], WANG)
    assert refused(caught) is Refusal.ROLE
    assert models.models() == []


def test_a_promotion_takes_a_second_person_and_makes_an_edition(
    models: ModelStore, editions: PostgresEditionStore, ids: list[str]
) -> None:
    models.register(ids[0], LIN)
    with pytest.raises(LifecycleError, match=f"`{ids[0]}` is not proposed; one person proposes it"):
        models.move(A.PROMOTE, ids[0], ZHOU)
    proposed = models.move(A.PROPOSE, ids[0], LIN, "catches more")
    assert (proposed.state, proposed.edition, editions.newest()) == (S.CANDIDATE, None, 1)
    assert models.models()[0].proposed_by == "lin"
    for person, refusal in ((LIN, Refusal.OWN_WORK), (WANG, Refusal.ROLE)):
        with pytest.raises(LifecycleError) as caught:
            models.move(A.PROMOTE, ids[0], person)
        assert refused(caught) is refusal
    assert (state(models, ids[0]), editions.newest()) == (S.CANDIDATE, 1)
    moved = models.move(A.PROMOTE, ids[0], ZHOU, "looked at it")
    assert (moved.state, moved.edition) == (S.CHAMPION, 2)
    before, edition = editions.edition(1), editions.edition(2)
    assert (before.governed, named(before)) == (False, (None, []))
    assert (edition.governed, named(edition)) == (True, (ids[0], []))
    assert edition.active == before.active
    [row] = models.models()
    assert (row.changed_by, row.approved_by, row.proposed_by) == ("zhou", "zhou", None)
    promoted, *_ = models.history(ids[0])
    assert (promoted.actor, promoted.approved_by, promoted.edition) == ("zhou", "zhou", 2)


def test_who_proposed_does_not_promote_what_another_registered(models: ModelStore, ids: list[str]) -> None:
    models.register(ids[0], Person(RETRAINING, LIN.roles))
    models.move(A.PROPOSE, ids[0], ZHOU)
    with pytest.raises(LifecycleError, match=f"`zhou` proposed `{ids[0]}`") as caught:
        models.move(A.PROMOTE, ids[0], ZHOU)
    assert refused(caught) is Refusal.OWN_WORK
    with pytest.raises(LifecycleError, match="programs only register"):
        models.move(A.PROMOTE, ids[0], Person(RETRAINING, ZHOU.roles))
    models.move(A.PROMOTE, ids[0], LIN)
    assert state(models, ids[0]) is S.CHAMPION


def test_another_step_ends_a_proposal(models: ModelStore, ids: list[str]) -> None:
    models.register(ids[0], LIN)
    models.move(A.PROPOSE, ids[0], LIN)
    models.move(A.SHADOW, ids[0], LIN)
    with pytest.raises(LifecycleError, match="is not proposed"):
        models.move(A.PROMOTE, ids[0], ZHOU)


def test_models_in_the_shadow_stand_in_the_edition_without_governing(
    models: ModelStore, editions: PostgresEditionStore, ids: list[str]
) -> None:
    for model in ids[:2]:
        models.register(model, LIN)
        models.move(A.SHADOW, model, LIN)
    edition = editions.edition(3)
    assert (edition.governed, named(edition)) == (False, (None, sorted(ids[:2])))
    assert models.move(A.RETIRE, ids[0], LIN).edition == 4
    assert named(editions.edition(4)) == (None, [ids[1]])
    models.register(ids[2], LIN)
    assert models.move(A.RETIRE, ids[2], LIN).edition is None


def test_a_promotion_replaces_the_champion_and_a_rollback_brings_it_back(
    models: ModelStore, editions: PostgresEditionStore, ids: list[str]
) -> None:
    promote(models, ids[0])
    second = promote(models, ids[1])
    assert (state(models, ids[0]), state(models, ids[1])) == (S.RETIRED, S.CHAMPION)
    back = models.rollback(OPS, "too many alerts")
    assert (back.name, back.state, back.edition) == (ids[0], S.CHAMPION, second + 1)
    assert (state(models, ids[0]), state(models, ids[1])) == (S.CHAMPION, S.RETIRED)
    assert named(editions.edition(second + 1)) == (ids[0], [])
    assert [(one.name, one.to, one.actor, one.reason) for one in models.history()[:2]] == [
        (ids[0], "champion", "ops", "too many alerts"),
        (ids[1], "retired", "ops", "too many alerts"),
    ]
    again = models.rollback(OPS)
    assert (again.name, again.state) == (ids[0], S.RETIRED)
    edition = editions.edition(second + 2)
    assert (edition.governed, edition.champion) == (False, None)
    with pytest.raises(LifecycleError, match="nothing to take back"):
        models.rollback(OPS)
    with pytest.raises(LifecycleError, match="needs the role"):
        models.rollback(WANG)


def test_a_retired_champion_leaves_none_until_a_rollback(
    models: ModelStore, editions: PostgresEditionStore, ids: list[str]
) -> None:
    promote(models, ids[0])
    with pytest.raises(LifecycleError, match="a second person") as caught:
        models.move(A.RETIRE, ids[0], LIN)
    assert refused(caught) is Refusal.OWN_WORK
    retired = models.move(A.RETIRE, ids[0], ZHOU).edition
    assert retired is not None
    edition = editions.edition(retired)
    assert (edition.governed, edition.champion) == (True, None)
    assert models.rollback(ZHOU).name == ids[0]
    assert named(editions.edition(retired + 1)) == (ids[0], [])


@pytest.mark.parametrize("action", [A.SHADOW, A.PROPOSE])
def test_what_was_tampered_with_goes_nowhere_and_the_champion_stays(
    models: ModelStore,
    editions: PostgresEditionStore,
    ids: list[str],
    artefacts: Artefacts,
    action: ModelAction,
) -> None:
    before = promote(models, ids[0])
    models.register(ids[1], LIN)
    tamper(Path(artefacts.place) / ids[1])
    with pytest.raises(LifecycleError, match=r"it was altered.*nothing was changed") as caught:
        models.move(action, ids[1], LIN)
    assert refused(caught) is Refusal.DAMAGED
    assert (state(models, ids[0]), editions.newest()) == (S.CHAMPION, before)


def test_what_vanished_after_it_was_proposed_is_not_promoted(
    models: ModelStore, editions: PostgresEditionStore, ids: list[str], artefacts: Artefacts
) -> None:
    before = promote(models, ids[0])
    models.register(ids[1], LIN)
    models.move(A.PROPOSE, ids[1], LIN)
    (Path(artefacts.place) / ids[1] / "manifest.json").unlink()
    with pytest.raises(LifecycleError, match=f"`{ids[1]}` is not in registry") as caught:
        models.move(A.PROMOTE, ids[1], ZHOU)
    assert refused(caught) is Refusal.DAMAGED
    assert (state(models, ids[0]), editions.newest()) == (S.CHAMPION, before)


def test_a_model_with_features_that_the_packs_lack_is_refused(
    models: ModelStore, artefacts: Artefacts, tmp_path: Path
) -> None:
    model, directory = kept_model(tmp_path, 9, {"ordered_72h": Kind.MONEY, "orders_73h": Kind.NUMBER})
    artefacts.put(directory)
    models.register(model, LIN)
    with pytest.raises(
        LifecycleError, match=r"reads feature `orders_73h`, which the pack lacks \(it has"
    ) as caught:
        models.move(A.PROPOSE, model, LIN)
    assert refused(caught) is Refusal.CLASH


def test_a_pack_that_lacks_a_feature_of_the_champion_is_told(
    models: ModelStore, packs: PackStore, ids: list[str]
) -> None:
    promote(models, ids[0])
    assert models.lacking() == {}
    packs.submit(pack(2).replace("mean_72h:", "average_72h:"), "small.yaml", LIN)
    packs.move(Action.PUBLISH, "small", 2, ZHOU)
    assert models.lacking() == {ids[0]: ["mean_72h"]}


def test_without_packs_in_force_nothing_is_promoted(
    engine: Engine, ids: list[str], artefacts: Artefacts
) -> None:
    models = ModelStore(engine, artefacts)
    models.register(ids[0], LIN)
    with pytest.raises(LifecycleError, match="no pack is in force yet"):
        models.move(A.PROPOSE, ids[0], LIN)


def test_of_two_promotions_at_once_both_are_done_one_after_the_other(
    models: ModelStore, editions: PostgresEditionStore, ids: list[str]
) -> None:
    for model in ids:
        models.register(model, LIN)
        models.move(A.PROPOSE, model, LIN)
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(lambda model: models.move(A.PROMOTE, model, ZHOU).edition, ids))
    assert sorted(edition or 0 for edition in made) == [2, 3, 4]
    last = ids[made.index(4)]
    champions = [row.id for row in models.models() if row.state is S.CHAMPION]
    assert champions == [last]
    assert [named(editions.edition(edition or 0))[0] for edition in made] == ids
    assert models.champions()[-1] == last


def test_one_model_is_promoted_once_by_two_at_a_time(models: ModelStore, ids: list[str]) -> None:
    models.register(ids[0], LIN)
    models.move(A.PROPOSE, ids[0], LIN)

    def outcome(_: int) -> str:
        try:
            return f"edition {models.move(A.PROMOTE, ids[0], ZHOU).edition}"
        except LifecycleError as error:
            return error.refusal.value

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(outcome, range(2))) == ["edition 2", "state"]


def test_the_model_of_the_settings_is_the_first_champion(
    engine: Engine, ids: list[str], artefacts: Artefacts
) -> None:
    store = PostgresEditionStore(engine)
    assert store.seed({"small.yaml": pack(1)}, champion=artefacts.open(ids[0]).candidate) == 1
    assert store.seed({"small.yaml": pack(1)}, champion=artefacts.open(ids[1]).candidate) == 1
    assert (store.edition(1).governed, named(store.edition(1))) == (True, (ids[0], []))
    models = ModelStore(engine, artefacts)
    [row] = models.models()
    assert (row.registered_by, row.state, models.champions()) == (SETUP, S.CHAMPION, [ids[0]])


def test_editions_of_before_models_are_still_read(editions: PostgresEditionStore, engine: Engine) -> None:
    statement = text(
        "INSERT INTO editions SELECT 2, jsonb_set(content - 'governed' - 'champion' - 'shadow_models', "
        "'{number}', '2'), made_at FROM editions"
    )
    with engine.begin() as connection:
        connection.execute(statement)
    edition = editions.edition(2)
    assert (edition.governed, named(edition), edition.active) == (
        False,
        (None, []),
        editions.edition(1).active,
    )


def test_a_registered_model_is_never_altered(models: ModelStore, ids: list[str], engine: Engine) -> None:
    models.register(ids[0], LIN)
    for statement in ("UPDATE models SET sha256 = ''", "DELETE FROM models", "TRUNCATE models"):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))
