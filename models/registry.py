"""The model directory: `model.skops`, `calibration.json` and `manifest.json`, written whole or not at all."""

import hashlib
import json
import shutil
import warnings
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import NoReturn, TypeVar
from uuid import uuid4
from zipfile import BadZipFile

import msgspec
import skops.io
from msgspec import Struct
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import InconsistentVersionWarning
from skops.io.exceptions import UntrustedTypesFoundException

from models.blend import of_json
from models.boosting import of_bytes
from models.calibration import Calibration, Document
from models.committee import Committee
from models.errors import ModelError
from models.features import Encoder
from models.forest import Forest, flatten
from models.manifest import (
    ARTEFACT,
    BASELINE,
    CALIBRATION,
    FORMAT,
    MANIFEST,
    REFERENCE,
    SURPRISE,
    TREES,
    WEIGHTS,
    Algorithm,
    Manifest,
    content_id,
)
from models.model import Model
from models.scorer import Scorer

TRUSTED = ("sklearn.tree._tree.Tree",)
"""Types that skops doesn't trust by itself and a forest can't do without; `flatten` checks their indices."""

PARTS = {
    Algorithm.ISOLATION_FOREST: (ARTEFACT,),
    Algorithm.GRADIENT_BOOSTING: (TREES,),
    Algorithm.BLEND: (ARTEFACT, TREES, SURPRISE, WEIGHTS),
}
"""Files that hold what scores, by algorithm."""

OPTIONAL = (BASELINE,)
"""Files that stand there where the manifest names them."""

_ONE_AT_A_TIME = Lock()
"""NumPy parses the headers of arrays as Python, which Python 3.11 can't always do in two threads at once."""

S = TypeVar("S", bound=Struct)


def save(model: Model, directory: Path) -> None:
    """Write `model` into `directory`, which must be new or empty.

    Raises:
        ModelError: the directory holds something or can't be written.
    """
    manifest = msgspec.json.format(msgspec.json.encode(model.manifest), indent=2) + b"\n"
    files = {**model.parts, MANIFEST: manifest}
    fresh = directory.parent / f".{directory.name}.{uuid4().hex}"
    try:
        check_free(directory)
        fresh.mkdir(parents=True)
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        fresh.replace(directory)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise ModelError(
            f"`{directory}`: can't be written: {error.strerror}; name another directory"
        ) from None


def check_free(directory: Path) -> None:
    """See that a model can be written into `directory`, before the work is done.

    Raises:
        ModelError: it holds something.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ModelError(f"`{directory}` is not empty; name a new directory")


def load(directory: Path) -> Model:
    """Read the model that `save` wrote into `directory`, check it, and make it ready to score.

    Raises:
        ModelError: a file is missing, damaged, altered, refused or from a newer version of Fenghuo.
    """
    with _ONE_AT_A_TIME:
        return _load(directory)


def _load(directory: Path) -> Model:
    manifest = _manifest(directory / MANIFEST)
    named = (
        *PARTS[manifest.algorithm],
        CALIBRATION,
        REFERENCE,
        *(name for name in OPTIONAL if name in manifest.files),
    )
    parts = {name: _intact(directory / name, manifest) for name in named}
    document = _decode(directory / CALIBRATION, parts[CALIBRATION], Document)
    try:
        calibration = Calibration.of_document(document)
        _check_segments(manifest, calibration)
        scorer = _scorer(parts, manifest)
    except ModelError as error:
        raise ModelError(f"`{directory}`: {error}") from None
    encoder = Encoder(manifest.features)
    found = content_id(manifest, scorer.arrays, manifest.files)
    if found != manifest.id or scorer.width != len(encoder.features):
        raise ModelError(
            f"`{directory / MANIFEST}`: says model `{manifest.id}`, but the content is that of `{found}`:"
            " it was altered; restore it or train the model again"
        )
    model = Model(manifest, encoder, scorer, calibration, parts)
    try:
        model.warm_up()
    except ModelError as error:
        raise ModelError(f"`{directory}`: {error}") from None
    return model


def _scorer(parts: Mapping[str, bytes], manifest: Manifest) -> Scorer:
    """What scores, of the files that hold it."""
    match manifest.algorithm:
        case Algorithm.ISOLATION_FOREST:
            return _forest(parts[ARTEFACT], manifest)
        case Algorithm.GRADIENT_BOOSTING:
            return of_bytes(parts[TREES])
        case Algorithm.BLEND:
            forest, boosting = _forest(parts[ARTEFACT], manifest), of_bytes(parts[TREES])
            blend = of_json(parts[WEIGHTS])
            if tuple(blend.rules) != manifest.rules or boosting.width != forest.width:
                raise ModelError(
                    f"`{WEIGHTS}` weighs other rules or features than the manifest; restore both"
                )
            document = _decode(Path(SURPRISE), parts[SURPRISE], Document)
            return Committee(forest, Calibration.of_document(document), boosting, blend)


def _check_segments(manifest: Manifest, calibration: Calibration) -> None:
    stated = 0 if manifest.segments is None else manifest.segments.count
    if len(calibration.segments) != stated:
        raise ModelError(
            f"`{CALIBRATION}` has {len(calibration.segments)} segments, the manifest {stated}; restore both"
        )
    edges = () if manifest.segments is None else manifest.segments.edges
    if any(low >= high for low, high in pairwise(edges)):
        raise ModelError(f"`{MANIFEST}`: the edges of the segments don't ascend; restore it")


def _manifest(path: Path) -> Manifest:
    raw = _read(path)
    stated = _parse(path, raw)
    version = stated.get("format") if isinstance(stated, dict) else None
    if isinstance(version, int) and version != FORMAT:
        age, cure = ("new", "update Fenghuo or ") if version > FORMAT else ("old", "")
        raise ModelError(
            f"`{path}`: format {version} is too {age}, this version of Fenghuo reads {FORMAT};"
            f" {cure}train the model again"
        )
    return _decode(path, raw, Manifest)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"`{path}`: {error.strerror}; name a directory that `fenghuo model train` wrote"
        ) from None


def _intact(path: Path, manifest: Manifest) -> bytes:
    content = _read(path)
    found = hashlib.sha256(content).hexdigest()
    stated = manifest.files.get(path.name, "nothing")
    if found != stated:
        raise ModelError(
            f"`{path}`: SHA-256 is {found[:12]}…, but the manifest of model `{manifest.id}` says"
            f" {stated[:12]}…: the file was altered; restore it or train the model again"
        )
    return content


def _parse(path: Path, raw: bytes) -> object:
    try:
        value: object = json.loads(raw.decode(), parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise ModelError(
            f"`{path}:{error.lineno}`: no JSON: {error.msg} at column {error.colno}; restore it"
        ) from None
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ModelError(f"`{path}`: no JSON: {error}; restore the file") from None
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"`{constant}` is not a number")


def _decode(path: Path, raw: bytes, wanted: type[S]) -> S:
    try:
        return msgspec.convert(_parse(path, raw), wanted)
    except msgspec.ValidationError as error:
        raise ModelError(f"`{path}`: {error}; restore the file or train the model again") from None


def _forest(artefact: bytes, manifest: Manifest) -> Forest:
    try:
        with warnings.catch_warnings():
            # The id, computed from the trees as they were read, is what tells whether they survived.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            estimator = skops.io.loads(artefact, trusted=list(TRUSTED))
        if type(estimator) is not IsolationForest:
            raise ModelError(
                f"`{ARTEFACT}` holds a `{type(estimator).__name__}`, not an isolation forest; refused"
            )
        return flatten(estimator)
    except UntrustedTypesFoundException as error:
        refused = str(error).partition("\n")[0]
        raise ModelError(f"`{ARTEFACT}` is refused: {refused} Only a forest is let in") from None
    except (BadZipFile, LookupError, TypeError, ValueError, AttributeError, ImportError, OSError) as error:
        trained = manifest.versions.get("scikit-learn", "an unknown version")
        raise ModelError(
            f"`{ARTEFACT}` can't be read ({type(error).__name__}); it was written with scikit-learn"
            f" {trained}: install that version or train the model again"
        ) from None
