"""Options that several commands have in common."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from events.clock import milliseconds

Pack = Annotated[list[Path] | None, typer.Option(help="Rule pack; repeat for several that judge together.")]
ModelDir = Annotated[str | None, typer.Option(help="Model directory, or `none`.")]
Mapping = Annotated[Path | None, typer.Option(help="Column mapping file for CSV and Parquet.")]
Tables = Annotated[Path | None, typer.Option(help="Folder of mapping tables.")]
Rates = Annotated[Path | None, typer.Option(help="CSV of exchange rates to CNY.")]
Speed = Annotated[str | None, typer.Option(help="`max`, `1x`, `60x` …")]


def moment_of(text: str | None) -> int | None:
    """Epoch milliseconds of an RFC 3339 time.

    Raises:
        BadParameter: it is none, or has no offset.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(f"`{text}` is no time with an offset; write 2026-03-10T09:30:00+08:00")
    return milliseconds(moment)
