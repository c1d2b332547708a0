"""Forest, challenger and rules heard together: trained, kept, read back, explained."""

from pathlib import Path

import numpy as np
import pytest

from events.columns import Column, Kind
from models.blending import train_blend
from models.challenger import Course, Lessons, lessons, train_challenger
from models.committee import Committee
from models.errors import ModelError
from models.manifest import Algorithm, Pack
from models.material import Material
from models.model import Model
from models.registry import load, save
from models.training import Growth
from tests.models.making import DAY, START

PACK = Pack("p@1", "0" * 64)
ROWS = 3000
RULES = ("night", "never")


def taught(seed: int = 0) -> Lessons:
    """Events of two features and two rules; bad ones are large, at night, and still rare."""
    rng = np.random.default_rng(seed)
    everywhere = np.ones(ROWS, np.bool_)
    size, count = rng.lognormal(10, 1, ROWS), rng.poisson(3, ROWS)
    night = rng.random(ROWS) < 0.1
    bad = night & (size > 30_000) & (rng.random(ROWS) < 0.8)
    names = np.empty(ROWS, object)
    names[:] = [f"e{row}" for row in range(ROWS)]
    groups = np.empty(ROWS, object)
    groups[:] = [f"g{row % 97}" for row in range(ROWS)]
    types = np.full(ROWS, "order.placed", object)
    columns = {
        "amount": Column(size.astype(np.int64), everywhere, Kind.MONEY),
        "count": Column(count, everywhere, Kind.NUMBER),
        "night": Column(night, everywhere, Kind.BOOL),
        "never": Column(np.zeros(ROWS, np.bool_), everywhere, Kind.BOOL),
    }
    times = START + np.sort(rng.integers(0, 14 * DAY, ROWS))
    return Lessons(Material(names, types, groups, times, columns, ROWS), bad)


def blend(seed: int = 0) -> Model:
    growth = Growth(trees=20, alerts_per_day=5)
    return train_blend(
        taught(seed), PACK, growth, Course(rounds=10), features=["amount", "count"], rules=RULES
    )


@pytest.fixture(scope="module")
def model() -> Model:
    return blend()


@pytest.fixture
def columns() -> dict[str, Column]:
    return dict(taught(seed=1).material.columns)


def test_what_it_hears_is_weighed(model: Model) -> None:
    assert model.manifest.algorithm is Algorithm.BLEND
    assert model.manifest.rules == RULES
    assert model.feature_names == ("amount", "count", *RULES)
    assert isinstance(model.scorer, Committee)
    weights = model.scorer.blend
    assert weights.rules["never"] == 0.0
    assert weights.rules["night"] > 0.0
    assert weights.challenger > 0.0


def test_it_finds_bad_events_that_it_has_not_seen(model: Model) -> None:
    later = taught(seed=1)
    scores = model.score(later.material.columns).score
    assert scores[later.bad].mean() > 10 * scores[~later.bad].mean()


def test_percentiles_are_those_of_events_that_it_has_not_learnt(model: Model) -> None:
    """Among new events of the same kind a tenth lie above 90 %; learnt ones would seem sure."""
    percentiles = model.score(taught(seed=2).material.columns).percentile
    assert (percentiles >= 0.9).mean() == pytest.approx(0.1, abs=0.03)
    budget = model.manifest.budget
    assert budget is not None
    assert budget.most <= 5


def test_contributions_add_up_and_name_the_rule(model: Model, columns: dict[str, Column]) -> None:
    cells = model.encoder.matrix(columns)
    shares, scores = model.scorer.explain(cells), model.scorer.score(cells)
    assert np.abs(shares.sum(axis=1) + model.base - scores).max() < 1e-9
    night = np.flatnonzero(columns["night"].values)[:50]
    explained = model.explain(columns, night, top=4)
    assert all("night" in {share.feature for share in one} for one in explained)
    assert (shares[columns["night"].values == 0][:, 2] == 0).all()


def test_rows_of_a_batch_do_not_depend_on_their_neighbours(model: Model, columns: dict[str, Column]) -> None:
    together = model.score(columns)
    for row in (0, 1, 1234):
        alone = model.score({name: column.take(np.array([row])) for name, column in columns.items()})
        assert alone.score[0] == together.score[row]
        assert alone.percentile[0] == together.percentile[row]


def test_the_same_lessons_give_the_same_bytes_and_are_read_back(model: Model, tmp_path: Path) -> None:
    save(model, tmp_path / "a")
    save(blend(), tmp_path / "b")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [
        "baseline.npz", "blend.json", "boosting.npz", "calibration.json", "manifest.json", "model.skops",
        "reference.json", "surprise.json",
    ]  # fmt: skip
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    again, columns = load(tmp_path / "a"), taught(seed=3).material.columns
    assert np.array_equal(again.score(columns).percentile, model.score(columns).percentile)


@pytest.mark.parametrize("name", ["blend.json", "boosting.npz", "surprise.json", "model.skops"])
def test_an_altered_part_is_refused(model: Model, tmp_path: Path, name: str) -> None:
    save(model, tmp_path / "m")
    path = tmp_path / "m" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="the file was altered"):
        load(tmp_path / "m")


def test_a_pack_without_its_rules_is_named(model: Model) -> None:
    kinds = {"amount": Kind.MONEY, "count": Kind.NUMBER, "night": Kind.BOOL}
    with pytest.raises(ModelError, match="reads feature `never`, which the pack lacks"):
        model.check_features(kinds)
    model.check_features({**kinds, "never": Kind.BOOL})


def test_a_challenger_is_kept_like_a_forest(tmp_path: Path) -> None:
    course, growth = Course(rounds=10), Growth(segment="count", segments=2)
    trained = train_challenger(taught(), PACK, course, growth, features=["amount", "count", "night"])
    save(trained, tmp_path / "m")
    again, columns = load(tmp_path / "m"), taught(seed=3).material.columns
    assert again.manifest == trained.manifest
    assert np.array_equal(again.score(columns).percentile, trained.score(columns).percentile)
    cells = again.encoder.matrix(columns)
    off = again.scorer.explain(cells).sum(axis=1) + again.base - again.scorer.score(cells)
    assert np.abs(off).max() < 1e-9


def test_too_few_bad_events_are_told() -> None:
    few = taught()
    few.bad[np.flatnonzero(few.bad)[5:]] = False
    with pytest.raises(ModelError, match=r"\d bad events and \d+ others to train on; at least 10 and 100"):
        train_challenger(few, PACK, features=["amount"])


def test_young_events_teach_nothing_unless_they_are_known_to_be_bad() -> None:
    material = taught().material
    end = int(material.occurred_at[-1])
    bad = {material.events[ROWS - 1], material.events[0]}
    found = lessons(material, bad, until=end, settled=7 * DAY)
    old = material.occurred_at <= end - 7 * DAY
    assert len(found.material) == np.count_nonzero(old) + 1
    assert set(found.material.events[found.bad]) == bad
    assert len(lessons(material, bad).material) == ROWS
