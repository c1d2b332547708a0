"""`fenghuo model list`: models with their states, from the console, or from a folder or registry alone."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console

from fenghuo.console_client import ConsoleClient
from fenghuo.ending import RunError
from fenghuo.printing import columns, say
from fenghuo.registry import artefacts_of
from fenghuo.settings import Settings, variable
from models.errors import ModelError
from models.views import Summary, summary
from store.artefacts import Artefacts

Session = Callable[[], AbstractContextManager[ConsoleClient]]

UNKNOWN = "unknown"
"""The state where nobody could be asked."""


class Row(Struct, frozen=True, kw_only=True):
    """One model.

    Args:
        problem: why it can't be used; empty for a sound one.
    """

    id: str
    state: str
    summary: Summary | None
    changed_at: str | None = None
    changed_by: str | None = None
    problem: str = ""


def rows(settings: Settings, directory: Path | None, session: Session, errors: Console) -> list[Row]:
    """Models of a folder, or those that the console knows; of the registry where it can't be asked.

    Args:
        settings: registry and user.
        directory: the folder, if one is named.
        session: begins one with the console.
        errors: where it is told that the console was not asked.

    Raises:
        FenghuoError: the console refuses, or the registry does not answer.
    """
    if directory is not None:
        return _of(Artefacts(str(directory), settings.data_dir / "model-cache"))
    told = f"nobody is named who may ask the console; set `{variable('user')}`"
    if settings.user is not None:
        try:
            with session() as console:
                return _asked(console)
        except RunError as error:
            told = str(error)
    say(errors, f"{told}; the registry is shown, states are unknown")
    return _of(artefacts_of(settings))


def as_json(found: list[Row]) -> str:
    """The models as JSON."""
    return msgspec.json.format(msgspec.json.encode({"models": found}), indent=2).decode()


def show(found: list[Row], out: Console) -> None:
    """Print the models."""
    shown = columns("模型 model", "状态 state", "算法 algorithm", "训练至 trained to", "事件 rows", "由 by")
    for row in found:
        said = row.summary
        if said is None:
            shown.add_row(row.id, row.state)
            continue
        rows = f"{said.rows:,}"
        shown.add_row(row.id, row.state, said.algorithm, said.last, rows, row.changed_by or "")
    out.print(shown)
    for row in found:
        if row.problem:
            say(out, row.problem)


def _asked(console: ConsoleClient) -> list[Row]:
    return [
        Row(
            id=one["id"],
            state=one["state"],
            summary=msgspec.convert(one["summary"], Summary),
            changed_at=one["changed_at"],
            changed_by=one["changed_by"],
        )
        for one in console.get("/api/models")["models"]
    ]


def _of(artefacts: Artefacts) -> list[Row]:
    found = []
    for name in artefacts.ids():
        try:
            manifest = artefacts.manifest(name)
        except ModelError as error:
            found.append(Row(id=name, state=UNKNOWN, summary=None, problem=str(error)))
        else:
            found.append(Row(id=str(manifest["id"]), state=UNKNOWN, summary=summary(manifest)))
    return found
