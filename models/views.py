"""What people read of the life of models."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from models.lifecycle import ModelState


class ModelRow(Struct, frozen=True, kw_only=True):
    """One registered model and where it stands; times in epoch milliseconds.

    Args:
        sha256: hash of its manifest.
        manifest: what the manifest says.
        changed_at: when it came to stand there.
        changed_by: who brought it there.
        approved_by: the second person, where one was needed.
        proposed_by: whose proposal to promote it is open.
    """

    id: str
    sha256: str
    state: ModelState
    manifest: dict[str, Any]
    registered_by: str
    registered_at: int
    changed_at: int
    changed_by: str
    approved_by: str | None
    proposed_by: str | None
    proposed_at: int | None


class Registered(Struct, frozen=True, kw_only=True):
    """A model that was registered; `fresh` is False where it was there already."""

    id: str
    sha256: str
    state: ModelState
    fresh: bool


class Summary(Struct, frozen=True, kw_only=True):
    """What people want to know first of a manifest, whatever its format; times are RFC 3339.

    Args:
        per_day: customers a day that it may raise; None where nobody set that.
        level: the percentile that keeps to it.
    """

    algorithm: str
    event_types: tuple[str, ...]
    features: tuple[str, ...]
    pack: str
    first: str
    last: str
    rows: int
    metrics: dict[str, float]
    per_day: int | None = None
    level: float | None = None


def summary(manifest: Mapping[str, Any]) -> Summary:
    """The summary of a manifest that was found sound; what its format does not have is empty."""
    period, budget = manifest.get("period") or {}, manifest.get("budget") or {}
    return Summary(
        algorithm=str(manifest.get("algorithm", "")),
        event_types=tuple(manifest.get("event_types", ())),
        features=tuple(feature["name"] for feature in manifest.get("features", ())),
        pack=str((manifest.get("pack") or {}).get("id", "")),
        first=str(period.get("from", "")),
        last=str(period.get("to", "")),
        rows=int(manifest.get("rows", 0)),
        metrics={
            name: float(value)
            for name, value in (manifest.get("metrics") or {}).items()
            if isinstance(value, int | float)
        },
        per_day=budget.get("per_day"),
        level=budget.get("level"),
    )
