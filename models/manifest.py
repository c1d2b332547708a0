"""The manifest: what a model is, what it was trained on, and the id that follows from its content."""

import hashlib

import msgspec
from msgspec import Struct

from models.calibration import Calibration
from models.features import ModelFeature
from models.forest import Forest

FORMAT = 1
ALGORITHM = "isolation-forest"

MANIFEST = "manifest.json"
ARTEFACT = "model.skops"
CALIBRATION = "calibration.json"
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


class Parameters(Struct, frozen=True, forbid_unknown_fields=True):
    """What the forest was grown with.

    Args:
        samples: rows that each tree sees.
    """

    trees: int
    samples: int
    seed: int


class Content(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The part of the manifest that the id follows from, beside the trees and the calibration.

    Args:
        format: version of the layout of a model directory.
        algorithm: how the score is computed.
        event_types: types of the events that the model scores, sorted.
        features: the features in the order of the matrix.
        pack: where the features come from.
        period: time of the training data.
        rows: training rows.
        parameters: what the forest was grown with.
        metrics: quantiles of the raw training scores, by name.
    """

    format: int = FORMAT
    algorithm: str = ALGORITHM
    event_types: tuple[str, ...]
    features: tuple[ModelFeature, ...]
    pack: Pack
    period: Period
    rows: int
    parameters: Parameters
    metrics: dict[str, float]


class Manifest(Content, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that `manifest.json` says.

    Args:
        id: name of the model in decisions, from `content_id`.
        created_at: RFC 3339.
        versions: version by library of the program that trained the model.
        files: SHA-256 by name of the files beside the manifest.
    """

    id: str
    created_at: str
    versions: dict[str, str]
    files: dict[str, str]


def content_id(content: Content, forest: Forest, calibration: Calibration) -> str:
    """Twelve hexadecimal digits that change with anything that may change a score.

    Only stored numbers enter it, none that the machine's mathematics library derives from them: the same
    model has the same id everywhere. Trained twice on the same rows it has the same id, too.
    """
    names = (name for name in Content.__struct_fields__)
    digest = hashlib.sha256(msgspec.json.encode({name: getattr(content, name) for name in names}))
    trees = forest.trees
    for array, layout in (
        (trees.roots, "<i4"),
        (trees.splits, "<i4"),
        (trees.children, "<i4"),
        (trees.cover, "<i4"),
        (trees.threshold, "<f4"),
        (calibration.scores, "<f8"),
        (calibration.levels, "<f8"),
    ):
        digest.update(array.astype(layout).tobytes())
    return digest.hexdigest()[:12]
