"""CSV with a header line, read so that every complaint names file and line."""

import csv
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from wire.errors import TableError


def csv_rows(
    path: Path, lines: Iterable[bytes], columns: Collection[str]
) -> Iterator[tuple[int, dict[Any, Any]]]:
    """Every row, text by column, with the number of its last line.

    A cell that a short row lacks is None; the list of cells beyond the header stands under the key None.

    Args:
        path: for messages.
        lines: the file, UTF-8 with or without a byte order mark.
        columns: those that must be there.

    Raises:
        TableError: a column is missing, or a line is neither UTF-8 nor CSV.
    """
    reader = csv.DictReader(_decoded(path, lines))
    try:
        header = reader.fieldnames or ()
        missing = [name for name in columns if name not in header]
        if missing:
            shown = ", ".join(header)[:200] or "nothing"
            raise TableError(f"{path}:1: column `{missing[0]}` is missing; the header has: {shown}")
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise TableError(f"{path}:{reader.line_num + 1}: not CSV: {error}") from error


def _decoded(path: Path, lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise TableError(
                f"{path}:{number}: not UTF-8: byte {line[error.start]:#04x}; convert the file first"
            ) from error
