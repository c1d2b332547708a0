"""`fenghuo model register`, `promote`, `rollback` … : the life of models, by the console's API."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import Console

from fenghuo.console_client import ConsoleClient
from fenghuo.printing import columns, say
from fenghuo.registry import artefacts_of
from fenghuo.settings import Settings
from models.lifecycle import ModelAction, ModelState


def register(console: ConsoleClient, settings: Settings, directory: Path, reason: str, out: Console) -> None:
    """Put a model directory into the registry, make it a candidate, and tell what comes next.

    Raises:
        FenghuoError: the directory is no sound model, the registry does not answer, or the console refuses.
    """
    artefacts = artefacts_of(settings)
    ref = artefacts.put(directory)
    found = console.post("/api/models", {"id": ref.id, "reason": reason})
    told = "registered" if found["fresh"] else "was there already"
    say(out, f"{ref.id}: {told}, {found['state']}")
    if found["state"] == ModelState.CANDIDATE:
        say(out, f"one person proposes it (fenghuo model propose {ref.id}), another promotes it")


def move(console: ConsoleClient, action: ModelAction, model: str, reason: str, out: Console) -> None:
    """Take a model to another state, or propose it.

    Raises:
        FenghuoError: the console refuses.
    """
    moved = console.post(f"/api/models/{quote(model, safe='')}/{action}", {"reason": reason})
    if action is ModelAction.PROPOSE:
        say(out, f"{model}: proposed; a second person promotes it: fenghuo model promote {model}")
    else:
        _tell(moved, out)


def rollback(console: ConsoleClient, reason: str, out: Console) -> None:
    """Take the last change of the champion back.

    Raises:
        FenghuoError: the console refuses.
    """
    _tell(console.post("/api/models/rollback", {"reason": reason}), out)


def history(console: ConsoleClient, model: str | None, out: Console) -> None:
    """Print the changes of models, the newest first."""
    shown = columns(
        "时间 at", "模型 model", "操作 action", "状态 state", "由 by", "版次 edition", "理由 reason"
    )
    changes = console.get("/api/models/history")["changes"]
    for row in changes:
        if model is None or row["name"] == model:
            edition = "" if row["edition"] is None else str(row["edition"])
            shown.add_row(
                row["changed_at"],
                row["name"],
                row["action"],
                row["to"],
                row["actor"],
                edition,
                row["reason"],
            )
    out.print(shown)


def _tell(moved: Mapping[str, Any], out: Console) -> None:
    edition = moved["edition"]
    say(out, f"{moved['name']}: {moved['state']}" + (f", edition {edition}" if edition else ""))
