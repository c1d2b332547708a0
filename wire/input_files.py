"""Input files: JSON lines, CSV and Parquet as one stream of messages in arrival order."""

import csv
import gzip
import heapq
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec
from msgspec import Meta, Struct
from pyarrow import parquet

from events.clock import EARLIEST, milliseconds
from wire.column_mapping import ColumnMapping, RowMapper
from wire.errors import WireError

LINES = (".jsonl", ".ndjson", ".json")
TABLES = (".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a file.

    Args:
        arrived: event-time clock of its file when it came: the newest event time so far, epoch milliseconds.
        raw: the message.
        file: number of the file in the order given.
    """

    arrived: int
    raw: bytes
    file: int


class _Timed(Struct):
    occurred_at: Annotated[datetime, Meta(tz=True)] | int


_time_decoder = msgspec.json.Decoder(_Timed)
_encoder = msgspec.json.Encoder()


class InputFiles:
    """The events of one or several files.

    Several files are merged by event time, so that orders and shipments in separate exports meet as they did
    in life; within a file its own order stands. A file of rows is read through a column mapping.

    Args:
        paths: files; the ending tells the format, `.gz` is decompressed.
        mapping: for CSV and Parquet.

    Raises:
        WireError: a file is missing, of an unknown format, or a table without a mapping.
    """

    def __init__(self, paths: list[Path], mapping: ColumnMapping | None = None) -> None:
        self.paths = paths
        self._mapping = mapping
        self._open: dict[int, BinaryIO] = {}
        for path in paths:
            if not path.is_file():
                raise WireError(
                    f"{path}: no such file; name .jsonl, .jsonl.gz, .csv, .csv.gz or .parquet files"
                )
            if _format(path) in TABLES and mapping is None:
                raise WireError(f"{path}: a table needs a column mapping; add --mapping FILE.yaml")
            if _format(path) not in LINES + TABLES:
                raise WireError(
                    f"{path}: unknown format `{path.suffix}`; use .jsonl, .csv or .parquet (or .gz)"
                )

    @property
    def total_bytes(self) -> int:
        """Size of all files on disk."""
        return sum(path.stat().st_size for path in self.paths)

    @property
    def read_bytes(self) -> int:
        """Bytes of the open files consumed so far."""
        return sum(stream.tell() for stream in self._open.values() if not stream.closed)

    def lines(self, *, timed: bool = False) -> Iterator[Line]:
        """All messages in arrival order.

        Args:
            timed: read the time of every line, for playing at a speed; one file alone does without.
        """
        readers = [
            self._file(number, timed=timed or len(self.paths) > 1) for number in range(len(self.paths))
        ]
        return readers[0] if len(readers) == 1 else heapq.merge(*readers, key=lambda line: line.arrived)

    def _file(self, number: int, *, timed: bool) -> Iterator[Line]:
        path = self.paths[number]
        with path.open("rb") as stream:
            self._open[number] = stream
            try:
                yield from self._lines(path, stream, number, timed=timed)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise WireError(f"{path}: damaged gzip file ({error}); get it again") from error
            except OSError as error:
                raise WireError(f"{path}: can't be read: {error.strerror or error}") from error

    def _lines(self, path: Path, stream: BinaryIO, number: int, *, timed: bool) -> Iterator[Line]:
        plain = gzip.GzipFile(fileobj=stream) if path.suffix == ".gz" else stream
        if _format(path) in LINES:
            yield from _json_lines(plain, number, timed=timed)
            return
        assert self._mapping is not None
        rows = (
            _csv_rows(path, plain, self._mapping)
            if _format(path) == ".csv"
            else _parquet_rows(path, self._mapping)
        )
        yield from _mapped(rows, self._mapping, number)


def _format(path: Path) -> str:
    return Path(path.stem).suffix.lower() if path.suffix == ".gz" else path.suffix.lower()


def _json_lines(stream: Any, number: int, *, timed: bool) -> Iterator[Line]:
    clock = EARLIEST
    for raw in stream:
        line = raw.rstrip(b"\r\n")
        if not line:
            continue
        if timed:
            clock = max(clock, _time_of(line, clock))
        yield Line(clock, line, number)


def _time_of(line: bytes, clock: int) -> int:
    try:
        occurred_at = _time_decoder.decode(line).occurred_at
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return clock  # a broken message comes when its neighbours come
    return occurred_at if isinstance(occurred_at, int) else milliseconds(occurred_at)


def _csv_rows(path: Path, stream: Any, mapping: ColumnMapping) -> Iterator[dict[str, Any]]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    reader = csv.DictReader(text)
    try:
        _check_columns(path, mapping, set(reader.fieldnames or ()))
        yield from reader
    except UnicodeDecodeError as error:
        raise WireError(f"{path}:{reader.line_num + 1}: not UTF-8; convert the export first") from error
    except csv.Error as error:
        raise WireError(f"{path}:{reader.line_num + 1}: not CSV: {error}") from error
    finally:
        text.detach()


def _parquet_rows(path: Path, mapping: ColumnMapping) -> Iterator[dict[str, Any]]:
    try:
        table = parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise WireError(f"{path}: not a Parquet file: {error}") from error
    with table:
        _check_columns(path, mapping, set(table.schema_arrow.names))
        for batch in table.iter_batches():
            yield from batch.to_pylist()


def _check_columns(path: Path, mapping: ColumnMapping, have: set[str]) -> None:
    missing = sorted(mapping.columns() - have)
    if missing:
        raise WireError(f"{path}:1: column `{missing[0]}` is missing; the mapping reads it")


def _mapped(rows: Iterator[dict[str, Any]], mapping: ColumnMapping, number: int) -> Iterator[Line]:
    mapper = RowMapper(mapping)
    events = (event for row in rows for event in mapper.events(row))
    timed: Iterable[tuple[int, bytes]] = (
        (_time_of_mapped(event), _encoder.encode(event)) for event in events
    )
    if mapping.order_by == "occurred_at":
        timed = sorted(timed, key=itemgetter(0))
    clock = EARLIEST
    for time, raw in timed:
        clock = max(clock, time)
        yield Line(clock, raw, number)


def _time_of_mapped(event: dict[str, Any]) -> int:
    time = event.get("occurred_at")
    return time if isinstance(time, int) else EARLIEST
