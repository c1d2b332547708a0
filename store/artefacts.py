"""The model registry: immutable model directories by id, in a folder or an S3-like store.

    <registry>/<id>/model.skops …       first
    <registry>/<id>/manifest.json       last: without it a directory is no model

What is fetched is kept on this machine under the hash of its manifest, and checked each time it is used:
a model that was loaded once can be loaded again when the registry is gone, and none other by its name.
"""

import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from msgspec import Struct

from models.errors import ModelError
from models.lifecycle import Candidate, ModelRef
from models.manifest import MANIFEST
from models.model import Model
from models.registry import load
from store.shelf import Shelf, ShelfError

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ArtefactError(ModelError):
    """Raised when a model is not in the registry, is damaged there, or the registry does not answer."""


class MissingModelError(ArtefactError):
    """Raised when the registry holds no model of that id."""


class _Stated(Struct):
    """What the registry reads of a manifest, whatever its format."""

    id: str
    files: dict[str, str]


class Opened(NamedTuple):
    """A model that was fetched, checked and loaded.

    Args:
        candidate: what is kept of it.
        model: ready to score.
    """

    candidate: Candidate
    model: Model


class Artefacts:
    """The registry at a place.

    Args:
        place: folder, or `s3://bucket/prefix?region=…&endpoint_override=…` as pyarrow reads it; keys of
            access come from the usual `AWS_*` variables.
        cache: folder for what is fetched.

    Raises:
        ArtefactError: the place can't be understood.
    """

    def __init__(self, place: str, cache: Path) -> None:
        self._cache = cache
        try:
            self._shelf = Shelf(place, "FENGHUO_REGISTRY")
        except ShelfError as error:
            raise ArtefactError(f"registry {error}") from None

    @property
    def place(self) -> str:
        """Where it is, without options and keys."""
        return self._shelf.place

    def ids(self) -> list[str]:
        """Ids of the models, sorted.

        Raises:
            ArtefactError: the registry does not answer.
        """
        try:
            names = [name for name in self._shelf.folders() if _PLAIN.fullmatch(name)]
            return [name for name in names if self._shelf.holds(name, MANIFEST)]
        except ShelfError as error:
            raise ArtefactError(f"registry {error}") from error

    def manifest(self, model: str) -> dict[str, Any]:
        """What the manifest of a model says, as it stands in the registry; nothing else is looked at.

        Raises:
            ArtefactError: it is not there or no manifest, or the registry does not answer.
        """
        if not _PLAIN.fullmatch(model):
            raise self._missing(model)
        raw = self._wanted(model)
        _stated(raw, f"{self.place}/{model}")
        return msgspec.json.decode(raw, type=dict[str, Any])

    def put(self, directory: Path) -> ModelRef:
        """Take a model directory in, whole or not at all; what is there already stays as it is.

        Raises:
            ModelError: the directory is no sound model.
            ArtefactError: the registry does not answer, or holds something else under the id.
        """
        load(directory)
        manifest = (directory / MANIFEST).read_bytes()
        stated = _stated(manifest, str(directory))
        if not _intact(directory, _sha256(manifest)):
            raise ArtefactError(
                f"`{directory}`: a file is missing or not what `{MANIFEST}` says; restore it or train again"
            )
        kept = self._manifest(stated.id)
        if kept is not None and kept != manifest:
            return self.open(stated.id).candidate.ref  # trained again: the same model
        for name, digest in stated.files.items():
            if kept is None or not self._sound(stated.id, name, digest):
                self._write(stated.id, name, (directory / name).read_bytes())
        if kept is None:
            self._write(stated.id, MANIFEST, manifest)
        return ModelRef(id=stated.id, sha256=_sha256(manifest))

    def fetch(self, model: str, sha256: str | None = None, *, fresh: bool = False) -> Path:
        """Folder on this machine with the model, every file of it checked by its hash.

        Args:
            model: its id.
            sha256: hash of the manifest that it must have; None for the one that the registry holds.
            fresh: look at what the registry holds now, whatever this machine keeps.

        Raises:
            ArtefactError: it is not there, is another, or is damaged; or the registry does not answer.
        """
        if not _PLAIN.fullmatch(model):
            raise self._missing(model)
        if sha256 is None:
            sha256 = _sha256(self._wanted(model))
        folder = self._cache / f"{model}-{sha256}"
        if fresh or not _intact(folder, sha256):
            self._download(model, sha256, folder)
        return folder

    def open(self, model: str, sha256: str | None = None, *, fresh: bool = False) -> Opened:
        """A model, fetched, checked and loaded; arguments and errors are those of `fetch`.

        Raises:
            ModelError: as `fetch`; or the model can't be loaded.
        """
        folder = self.fetch(model, sha256, fresh=fresh)
        raw = (folder / MANIFEST).read_bytes()
        loaded = load(folder)
        if loaded.id != model:
            raise self._damaged(model, f"its manifest says that it is `{loaded.id}`")
        ref = ModelRef(id=model, sha256=_sha256(raw))
        manifest = msgspec.json.decode(raw, type=dict[str, Any])
        return Opened(Candidate(ref=ref, manifest=manifest), loaded)

    def _download(self, model: str, sha256: str, folder: Path) -> None:
        manifest = self._wanted(model)
        if (found := _sha256(manifest)) != sha256:
            raise self._damaged(
                model, f"its manifest has SHA-256 {found[:12]}…, not {sha256[:12]}… as when it was registered"
            )
        files = {MANIFEST: manifest}
        for name, digest in _stated(manifest, f"{self.place}/{model}").files.items():
            content = self._read(model, name)
            if content is None:
                raise self._damaged(model, f"`{name}` is missing")
            if (found := _sha256(content)) != digest:
                raise self._damaged(
                    model, f"`{name}` has SHA-256 {found[:12]}…, but its manifest says {digest[:12]}…"
                )
            files[name] = content
        try:
            _place(files, folder, sha256)
        except OSError as error:
            raise ArtefactError(
                f"model `{model}` can't be kept in `{self._cache}`: {error.strerror}; make it writable"
            ) from None

    def _wanted(self, model: str) -> bytes:
        manifest = self._manifest(model)
        if manifest is None:
            raise self._missing(model)
        return manifest

    def _manifest(self, model: str) -> bytes | None:
        return self._read(model, MANIFEST)

    def _sound(self, model: str, name: str, digest: str) -> bool:
        content = self._read(model, name)
        return content is not None and _sha256(content) == digest

    def _read(self, model: str, name: str) -> bytes | None:
        try:
            return self._shelf.read(model, name)
        except ShelfError as error:
            raise ArtefactError(f"registry {error}") from error

    def _write(self, model: str, name: str, content: bytes) -> None:
        try:
            self._shelf.write(model, name, content)
        except ShelfError as error:
            raise ArtefactError(f"registry {error}") from error

    def _missing(self, model: str) -> MissingModelError:
        return MissingModelError(
            f"model `{model[:64]}` is not in registry `{self.place}`; register it there, or set"
            " `FENGHUO_REGISTRY` to the registry that all machines share"
        )

    def _damaged(self, model: str, how: str) -> ArtefactError:
        return ArtefactError(
            f"model `{model}` in registry `{self.place}`: {how}: it was altered; restore it or train it again"
        )


def _stated(manifest: bytes, where: str) -> _Stated:
    try:
        stated = msgspec.json.decode(manifest, type=_Stated)
    except msgspec.DecodeError as error:
        raise ArtefactError(f"`{where}/{MANIFEST}`: {error}; restore it, or train the model again") from None
    for name in (stated.id, *stated.files):
        if not _PLAIN.fullmatch(name):
            raise ArtefactError(f"`{where}/{MANIFEST}`: `{name[:64]}` is no plain name; restore the file")
    return stated


def _place(files: Mapping[str, bytes], folder: Path, sha256: str) -> None:
    """Have these files in a folder; what is intact there stays, since others may be reading it."""
    if _intact(folder, sha256):
        return
    fresh, damaged = (folder.parent / f".{folder.name}.{uuid4().hex}" for _ in range(2))
    try:
        fresh.mkdir(parents=True)
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        try:
            fresh.replace(folder)  # refused where the folder holds anything
        except OSError:
            if _intact(folder, sha256):  # another was first
                return
            folder.replace(damaged)
            fresh.replace(folder)
    finally:
        for left in (fresh, damaged):
            shutil.rmtree(left, ignore_errors=True)


def _intact(folder: Path, sha256: str) -> bool:
    try:
        manifest = (folder / MANIFEST).read_bytes()
        if _sha256(manifest) != sha256:
            return False
        files: Mapping[str, str] = _stated(manifest, str(folder)).files
        return all(_sha256((folder / name).read_bytes()) == digest for name, digest in files.items())
    except OSError:
        return False


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
