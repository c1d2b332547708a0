"""What people read of the life of models."""

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
