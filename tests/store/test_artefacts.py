"""The model registry, in a folder and on a server that speaks S3: whole models or none, checked by hash."""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

from models.errors import ModelError
from models.manifest import MANIFEST
from store.artefacts import ArtefactError, Artefacts, MissingModelError
from tests.models.keeping import kept_model, tamper

Place = Callable[[str], str]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Query of the address of an S3 server on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"endpoint_override={host}:{port}&scheme=http&region=us-east-1&allow_bucket_creation=true"
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, unique: str, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Where an empty registry is."""
    if request.param == "folder":
        return str(tmp_path / "registry")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    address = f"s3://{unique}/risk/models?{request.getfixturevalue('s3')}"
    files, _ = fs.FileSystem.from_uri(address)
    files.create_dir(unique)
    return address


@pytest.fixture
def registry(place: str, tmp_path: Path) -> Artefacts:
    return Artefacts(place, tmp_path / "cache")


@pytest.fixture
def trained(tmp_path: Path) -> tuple[str, Path]:
    return kept_model(tmp_path, seed=1)


def alter(registry: Artefacts, model: str, name: str, content: bytes | None) -> None:
    """Put other content into a file of the registry, or remove it."""
    files, root = registry._shelf._open()
    path = f"{root}/{model}/{name}"
    if content is None:
        files.delete_file(path)
        return
    with files.open_output_stream(path, compression=None) as stream:
        stream.write(content)


def test_an_empty_registry_holds_nothing(registry: Artefacts) -> None:
    assert registry.ids() == []
    with pytest.raises(MissingModelError, match=r"model `abc` is not in registry `.*FENGHUO_REGISTRY"):
        registry.fetch("abc")


def test_what_was_put_comes_back(registry: Artefacts, trained: tuple[str, Path], place: str) -> None:
    model, directory = trained
    ref = registry.put(directory)
    assert (ref.id, registry.ids()) == (model, [model])
    opened = registry.open(model, ref.sha256)
    assert (opened.model.id, opened.candidate.ref) == (model, ref)
    assert opened.candidate.manifest == registry.manifest(model)
    assert opened.candidate.manifest == json.loads((directory / MANIFEST).read_text())
    folder = registry.fetch(model)
    assert {path.name for path in folder.iterdir()} == {path.name for path in directory.iterdir()}
    elsewhere = Artefacts(place, directory.parent / "another machine")
    assert elsewhere.open(model).candidate.ref == ref


def test_putting_again_changes_nothing_and_mends_what_is_damaged(
    registry: Artefacts, trained: tuple[str, Path]
) -> None:
    model, directory = trained
    ref = registry.put(directory)
    assert registry.put(directory) == ref
    alter(registry, model, "model.skops", b"rubbish")
    assert registry.put(directory) == ref
    assert registry.open(model, ref.sha256, fresh=True).model.id == model


def test_the_same_model_trained_again_keeps_the_manifest_that_is_there(
    registry: Artefacts, trained: tuple[str, Path], tmp_path: Path
) -> None:
    _, directory = trained
    ref = registry.put(directory)
    again = tmp_path / "again"
    shutil.copytree(directory, again)
    manifest = json.loads((again / MANIFEST).read_text())
    manifest["versions"]["python"] = "3.99"
    (again / MANIFEST).write_text(json.dumps(manifest))
    assert registry.put(again) == ref


def test_a_directory_without_a_manifest_is_no_model(registry: Artefacts, trained: tuple[str, Path]) -> None:
    model, directory = trained
    registry.put(directory)
    alter(registry, model, MANIFEST, None)  # as after a kill before the last file
    assert registry.ids() == []
    with pytest.raises(MissingModelError):
        registry.open(model)
    registry.put(directory)
    assert registry.open(model).model.id == model


@pytest.mark.parametrize("name", ["model.skops", "calibration.json"])
def test_an_altered_or_missing_file_is_refused(
    registry: Artefacts, trained: tuple[str, Path], name: str
) -> None:
    model, directory = trained
    registry.put(directory)
    alter(registry, model, name, b"something else")
    with pytest.raises(ArtefactError, match=rf"`{name}` has SHA-256 .*: it was altered; restore it"):
        registry.open(model)
    alter(registry, model, name, None)
    with pytest.raises(ArtefactError, match=rf"`{name}` is missing"):
        registry.open(model)


def test_a_manifest_other_than_the_registered_is_refused(
    registry: Artefacts, trained: tuple[str, Path]
) -> None:
    model, directory = trained
    ref = registry.put(directory)
    raw = (directory / MANIFEST).read_bytes()
    alter(registry, model, MANIFEST, raw.replace(b'"rows": 300', b'"rows": 301'))
    with pytest.raises(ArtefactError, match=r"its manifest has SHA-256 .* as when it was registered"):
        registry.open(model, ref.sha256)
    with pytest.raises(ModelError, match="says model"):
        registry.open(model)  # nobody vouches for it but itself: the content tells


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (b"{", "Input data was truncated"),
        (b'{"id": "x"}', "missing required field `files`"),
        (b'{"id": "x", "files": {"../../escape": "0"}}', "`../../escape` is no plain name"),
    ],
)
def test_a_manifest_that_is_none_is_refused(
    registry: Artefacts, trained: tuple[str, Path], manifest: bytes, told: str
) -> None:
    model, directory = trained
    registry.put(directory)
    alter(registry, model, MANIFEST, manifest)
    with pytest.raises(ArtefactError) as caught:
        registry.open(model)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unsound_directory_is_not_taken_in(registry: Artefacts, trained: tuple[str, Path]) -> None:
    _, directory = trained
    tamper(directory)
    with pytest.raises(ModelError, match="SHA-256"):
        registry.put(directory)
    assert registry.ids() == []


def test_what_was_fetched_once_outlives_the_registry_but_not_tampering(
    registry: Artefacts, trained: tuple[str, Path]
) -> None:
    model, directory = trained
    ref = registry.put(directory)
    folder = registry.fetch(model, ref.sha256)
    files, root = registry._shelf._open()
    files.delete_dir(f"{root}/{model}")
    assert registry.open(model, ref.sha256).model.id == model
    with pytest.raises(MissingModelError):
        registry.open(model, ref.sha256, fresh=True)
    tamper(folder)
    with pytest.raises(MissingModelError):
        registry.open(model, ref.sha256)
    registry.put(directory)
    assert registry.open(model, ref.sha256).model.id == model


def test_many_at_a_time_put_and_fetch_one_model(
    place: str, trained: tuple[str, Path], tmp_path: Path
) -> None:
    model, directory = trained

    def both(number: int) -> str:
        own = Artefacts(place, tmp_path / f"cache-{number % 2}")
        return own.open(own.put(directory).id).model.id

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(both, range(8))) == {model}


@pytest.mark.parametrize("model", ["", "..", "a/b", "../x", "a" * 65, ".hidden"])
def test_a_name_that_leads_elsewhere_is_no_model(registry: Artefacts, model: str) -> None:
    with pytest.raises(MissingModelError):
        registry.open(model, "0" * 64)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("gs://bucket/models", "can't understand it: expected a directory or `s3://bucket/prefix`"),
        ("s3://key:secret@bucket/models?nonsense=1", "Unexpected query parameter"),
    ],
)
def test_an_address_that_means_nothing_is_told_without_its_keys(
    address: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(ArtefactError) as caught:
        Artefacts(address, tmp_path)
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    registry = Artefacts(
        "s3://models?endpoint_override=127.0.0.1:1&scheme=http&region=us-east-1", tmp_path / "cache"
    )
    with pytest.raises(ArtefactError, match=r"registry `s3://models`: can't read it: .*FENGHUO_REGISTRY"):
        registry.open("abc")


def test_a_machine_starts_while_the_server_is_away_and_uses_what_it_kept(
    trained: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    model, directory = trained
    here = Artefacts(str(tmp_path / "registry"), tmp_path / "cache")
    ref = here.put(directory)
    here.fetch(model)
    away = Artefacts("s3://models?endpoint_override=127.0.0.1:1&scheme=http", tmp_path / "cache")
    assert away.open(model, ref.sha256).model.id == model
