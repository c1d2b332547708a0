"""The model directory: what was saved comes back, anything else is refused in one line."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from sklearn.ensemble import IsolationForest, RandomForestRegressor

from models.baseline import Baseline
from models.errors import ModelError
from models.manifest import ARTEFACT, BASELINE, Pack
from models.material import Material
from models.model import Model
from models.registry import load, save
from models.training import Growth, train_from_material
from tests.models.making import small_model, trade


@pytest.fixture(scope="module")
def small() -> Model:
    return small_model()


@pytest.fixture
def saved(small: Model, tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    save(small, directory)
    return directory


def refusal(directory: Path) -> str:
    """The one line by which `directory` is refused."""
    with pytest.raises(ModelError) as caught:
        load(directory)
    message = str(caught.value)
    assert "\n" not in message
    assert str(directory) in message
    return message


def edit(directory: Path, change: Callable[[Any], None]) -> None:
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest, indent=2))


def replace(directory: Path, name: str, content: bytes) -> None:
    """Put `content` in place of a file, with a manifest that vouches for it."""
    (directory / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    edit(directory, lambda manifest: manifest["files"].update({name: digest}))


def test_model_survives_its_directory(model: Model, tmp_path: Path) -> None:
    save(model, tmp_path / "models" / "first")
    again = load(tmp_path / "models" / "first")
    assert again.manifest == model.manifest
    batch = trade(500, seed=3)
    assert np.array_equal(again.score(batch).score, model.score(batch).score)
    assert np.array_equal(again.score(batch).percentile, model.score(batch).percentile)
    rows = np.arange(20)
    assert again.explain(batch, rows) == model.explain(batch, rows)
    save(again, tmp_path / "second")
    for name in ("model.skops", "calibration.json", "reference.json", "manifest.json"):
        assert (tmp_path / "second" / name).read_bytes() == (tmp_path / "models/first" / name).read_bytes()


def test_the_directory_holds_these_files_and_no_pickle(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == [
        "calibration.json",
        "manifest.json",
        "model.skops",
        "reference.json",
    ]
    assert [path.name for path in saved.parent.iterdir()] == ["model"]
    names = zipfile.ZipFile(saved / "model.skops").namelist()
    assert {name.rpartition(".")[2] for name in names} == {"json", "npy"}


def test_empty_directory_is_filled_and_full_one_left_alone(small: Model, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    save(small, tmp_path / "empty")
    assert load(tmp_path / "empty").id == small.id
    with pytest.raises(ModelError, match=r"model` is not empty; name a new directory"):
        save(small, saved)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match=r"file` is not empty"):
        save(small, tmp_path / "file")
    with pytest.raises(ModelError, match=r"can't be written: .*; name another directory"):
        save(small, tmp_path / "file" / "below")


@pytest.mark.parametrize("name", ["manifest.json", "model.skops", "calibration.json", "reference.json"])
def test_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    assert refusal(saved) == (
        f"`{saved / name}`: No such file or directory; name a directory that `fenghuo model train` wrote"
    )


def test_missing_directory_is_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nowhere")


def test_broken_manifest_is_named_with_its_line(saved: Path) -> None:
    path = saved / "manifest.json"
    lines = path.read_text().splitlines()
    lines[4] = lines[4] + '"'
    path.write_text("\n".join(lines))
    assert re.match(rf"`{re.escape(str(path))}:5`: no JSON: ", refusal(saved))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", ":1`: no JSON"),
        (b"\xff\xfe\x00", "no JSON: 'utf-8' codec"),
        (b"[" * 100_000, "no JSON: "),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"format": 2}', "missing required field"),
        (b'{"format": 1}', "format 1 is too old, this version of Fenghuo reads 2; train the model again"),
        (b'{"format": "1"}', "`$.format`"),
        (b'{"format": NaN}', "`NaN` is not a number"),
    ],
    ids=["empty", "not UTF-8", "deep", "list", "bare", "old", "text", "NaN"],
)
def test_manifest_that_is_none_is_refused(saved: Path, content: bytes, what: str) -> None:
    (saved / "manifest.json").write_bytes(content)
    assert what in refusal(saved)


def test_manifest_with_a_wrong_field_names_it(saved: Path) -> None:
    edit(saved, lambda manifest: manifest["features"][2].update(median="much"))
    assert "Expected `float`, got `str` - at `$.features[2].median`" in refusal(saved)
    edit(saved, lambda manifest: manifest["features"][2].update(median=0.0, colour="red"))
    assert "unknown field `colour`" in refusal(saved)


def test_newer_format_is_refused_before_anything_else(saved: Path) -> None:
    (saved / "manifest.json").write_text('{"format": 3, "something": "new"}')
    assert "format 3 is too new, this version of Fenghuo reads 2; update Fenghuo" in refusal(saved)


@pytest.mark.parametrize("name", ["model.skops", "calibration.json", "reference.json"])
def test_altered_file_is_refused(saved: Path, name: str) -> None:
    content = bytearray((saved / name).read_bytes())
    content[len(content) // 2] ^= 1
    (saved / name).write_bytes(content)
    message = refusal(saved)
    assert f"{name}`: SHA-256 is " in message
    assert "the file was altered; restore it" in message


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["features"][0].update(unit=1.0),
        lambda manifest: manifest["features"].reverse(),
        lambda manifest: manifest["features"].pop(),
        lambda manifest: manifest.update(event_types=["order.placed"]),
        lambda manifest: manifest.update(rows=7),
        lambda manifest: manifest["period"].update({"from": "2020-01-01T00:00:00.000Z"}),
        lambda manifest: manifest["pack"].update(id="other@2"),
        lambda manifest: manifest["metrics"].update(score_p50=0.1),
        lambda manifest: manifest["parameters"].update(seed=5),
        lambda manifest: manifest.update(id="0" * 12),
    ],
    ids=["transform", "order", "fewer", "types", "rows", "period", "pack", "metrics", "seed", "id"],
)
def test_altered_manifest_is_refused(saved: Path, change: Callable[[Any], None]) -> None:
    edit(saved, change)
    assert "it was altered; restore it or train the model again" in refusal(saved)


def test_altered_calibration_is_refused_even_with_its_hash(saved: Path) -> None:
    points = json.loads((saved / "calibration.json").read_text())
    points["overall"]["scores"][-1] += 0.01
    replace(saved, "calibration.json", json.dumps(points).encode())
    assert "it was altered" in refusal(saved)
    points["overall"]["scores"].reverse()
    replace(saved, "calibration.json", json.dumps(points).encode())
    assert "the calibration is damaged" in refusal(saved)
    replace(saved, "calibration.json", b'{\n"scores": [0.1,\n}')
    assert "calibration.json:3`: no JSON" in refusal(saved)


class Foreign:
    """A type that no model has any business to hold."""

    def __init__(self) -> None:
        self.command = "anything"


@pytest.mark.parametrize(
    ("stranger", "what"),
    [
        (Foreign(), "Untrusted types found in the file: ['tests.models.test_registry.Foreign']"),
        ([1, 2, 3], "holds a `list`, not an isolation forest; refused"),
        (RandomForestRegressor(n_estimators=1), "holds a `RandomForestRegressor`"),
        (IsolationForest(), "can't be read (AttributeError)"),  # never fitted
    ],
    ids=["foreign", "list", "other forest", "unfitted"],
)
def test_anything_but_a_forest_is_refused(saved: Path, stranger: object, what: str) -> None:
    replace(saved, "model.skops", skops.io.dumps(stranger))
    assert what in refusal(saved)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut"], ids=["empty", "text", "cut"])
def test_file_that_is_no_archive_is_refused(saved: Path, content: bytes) -> None:
    replace(saved, "model.skops", content)
    assert re.search(r"can't be read \(\w+\); it was written with scikit-learn \d+\.\d+", refusal(saved))


def test_forest_with_a_wild_index_is_refused(small: Model, saved: Path) -> None:
    estimator = skops.io.loads(small.parts[ARTEFACT], trusted=["sklearn.tree._tree.Tree"])
    tree = estimator.estimators_[0].tree_
    state = tree.__getstate__()
    nodes = state["nodes"].copy()
    nodes["right_child"][0] = 10**6
    tree.__setstate__({**state, "nodes": nodes})
    replace(saved, "model.skops", skops.io.dumps(estimator))
    assert "the forest is damaged" in refusal(saved)


def test_forest_of_another_model_is_refused(saved: Path) -> None:
    replace(saved, "model.skops", small_model(seed=1).parts[ARTEFACT])
    assert "it was altered" in refusal(saved)


def test_forest_of_another_library_version_is_read_when_its_trees_survive(small: Model, saved: Path) -> None:
    rewritten = io.BytesIO()
    with zipfile.ZipFile(saved / "model.skops") as old, zipfile.ZipFile(rewritten, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, re.sub(rb'"\\"1\.\d+\.\d+\\""', rb'"\\"1.7.0\\""', content))
    assert b"1.7.0" in zipfile.ZipFile(rewritten).read("schema.json")
    replace(saved, "model.skops", rewritten.getvalue())
    assert load(saved).id == small.id


@settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_change_of_a_byte_of_the_manifest_gets_past(
    small: Model, saved: Path, data: st.DataObject
) -> None:
    """It is refused in one line, or it changed nothing that decides a score."""
    path = saved / "manifest.json"
    original = path.read_bytes()
    content = bytearray(original)
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    refused = None
    try:
        content_of = load(saved).manifest
    except ModelError as error:
        refused = str(error)
    path.write_bytes(original)
    if refused is None:
        assert (content_of.id, content_of.features) == (small.id, small.manifest.features)
    else:
        assert "\n" not in refused


def test_a_baseline_survives_its_directory_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    rows = trade(400)
    events = np.arange(400).astype(str).astype(object)
    groups = np.array([f"g{row % 20}" for row in range(400)], object)
    material = Material(events, np.full(400, "order.placed", object), groups, np.arange(400), rows, 400)
    trained = train_from_material(material, Pack("p@1", "0" * 64), Growth(trees=5), features=rows)
    directory = tmp_path / "model"
    save(trained, directory)
    asked = np.arange(5)
    again = load(directory)
    assert again.explain(rows, asked, groups=["g1"] * 5) == trained.explain(rows, asked, groups=["g1"] * 5)
    other = Baseline.of({"other": rows["orders_24h"]}, groups)
    (directory / BASELINE).write_bytes(other.to_bytes())
    assert "SHA-256" in refusal(directory)
    replace(directory, BASELINE, other.to_bytes())
    assert "altered" in refusal(directory)
    (directory / BASELINE).unlink()
    assert "No such file" in refusal(directory)
