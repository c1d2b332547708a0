"""The manifest: what a model is, what it was trained on, and the id that follows from its content."""

import hashlib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec
import numpy.typing as npt
from msgspec import Struct

from models.budget import Budget
from models.features import ModelFeature
from models.segments import Segmentation

FORMAT = 2


class Algorithm(StrEnum):
    """How a model's score is computed."""

    ISOLATION_FOREST = "isolation-forest"
    GRADIENT_BOOSTING = "gradient-boosting"
    BLEND = "blend"


MANIFEST = "manifest.json"
ARTEFACT = "model.skops"
CALIBRATION = "calibration.json"
BASELINE = "baseline.npz"
REFERENCE = "reference.json"
TREES = "boosting.npz"
WEIGHTS = "blend.json"
SURPRISE = "surprise.json"
"""Names of the files of a model directory."""


class Pack(Struct, frozen=True, forbid_unknown_fields=True):
    """The rule pack whose features the model reads.

    Args:
        id: `name@version`.
        sha256: hash of the pack's content, as the caller computes it.
    """

    id: str
    sha256: str


class Period(Struct, frozen=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}):
    """Event times of the first and the last training row, RFC 3339."""

    first: str
    last: str


class Content(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The part of the manifest that the id follows from, beside the trees and the other files.

    Args:
        format: version of the layout of a model directory.
        algorithm: how the score is computed.
        event_types: types of the events that the model scores, sorted.
        features: the features in the order of the matrix.
        rules: names of those features that are no features of the pack, but say where its rules hit.
        pack: where the features come from.
        period: time of the training data.
        rows: training rows.
        seen: events that the rows were drawn from.
        left_out: events that were not learnt, because they were known to be bad.
        parameters: what the trees were grown with.
        metrics: figures of the training, by name.
        segments: how customers are told apart for percentiles; None where they are not.
        budget: the alerts that the model may raise; None where nobody set it.
    """

    format: int = FORMAT
    algorithm: Algorithm = Algorithm.ISOLATION_FOREST
    event_types: tuple[str, ...]
    features: tuple[ModelFeature, ...]
    rules: tuple[str, ...] = ()
    pack: Pack
    period: Period
    rows: int
    seen: int
    left_out: int = 0
    parameters: dict[str, int | float | str]
    metrics: dict[str, float]
    segments: Segmentation | None = None
    budget: Budget | None = None


class Manifest(Content, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that `manifest.json` says; nothing in it depends on when or where the model was trained.

    Args:
        id: name of the model in decisions, from `content_id`.
        versions: version by library of the program that trained the model.
        files: SHA-256 by name of the files beside the manifest.
    """

    id: str
    versions: dict[str, str]
    files: dict[str, str]


def content_id(
    content: Content, arrays: Iterable[tuple[npt.NDArray[Any], str]], files: Mapping[str, str]
) -> str:
    """Twelve hexadecimal digits that change with anything that may change a score or its explanation.

    Only stored numbers enter it, none that the machine's mathematics library derives from them: the same
    model has the same id everywhere. Trained twice on the same rows it has the same id, too.

    Args:
        content: what the manifest says of the model.
        arrays: those of its trees as they were read, each with the layout that it is hashed in (`<i4`).
        files: SHA-256 by name of the files beside the manifest; that of the trees says nothing more.
    """
    names = Content.__struct_fields__
    digest = hashlib.sha256(msgspec.json.encode({name: getattr(content, name) for name in names}))
    for array, layout in arrays:
        digest.update(array.astype(layout).tobytes())
    rest = {name: sha256 for name, sha256 in sorted(files.items()) if name != ARTEFACT}
    digest.update(msgspec.json.encode(rest))
    return digest.hexdigest()[:12]
