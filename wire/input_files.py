"""Input files: JSON lines, CSV and Parquet as one stream of messages in arrival order."""

import gzip
import heapq
import zlib
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import Meta, Struct
from pyarrow import parquet

from events.clock import EARLIEST, LATEST, milliseconds
from wire.column_mapping import ColumnMapping
from wire.csv_rows import csv_rows
from wire.errors import WireError
from wire.row_mapper import RowMapper

LINES = (".jsonl", ".ndjson", ".json")
TABLES = (".csv", ".parquet")


class Line(NamedTuple):
    """One message of a file.

    Args:
        arrived: event-time clock of its file when it came: the newest event time so far, epoch milliseconds;
            EARLIEST before the first readable time.
        raw: the message.
        file: number of the file in the order given.
    """

    arrived: int
    raw: bytes
    file: int


class _Timed(Struct):
    occurred_at: Annotated[datetime, Meta(tz=True)] | Annotated[int, Meta(ge=EARLIEST, le=LATEST)]


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
        self._done = 0
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
        """Bytes of all files consumed so far."""
        return self._done + sum(stream.tell() for stream in self._open.values())

    def lines(self, *, timed: bool = False) -> Generator[Line]:
        """All messages in arrival order.

        Args:
            timed: read the time of every line, for playing at a speed; one file alone does without.
        """
        readers = [
            self._file(number, timed=timed or len(self.paths) > 1) for number in range(len(self.paths))
        ]
        try:
            yield from readers[0] if len(readers) == 1 else heapq.merge(*readers, key=attrgetter("arrived"))
        finally:
            for reader in readers:
                reader.close()

    def _file(self, number: int, *, timed: bool) -> Generator[Line]:
        path = self.paths[number]
        with path.open("rb") as stream:
            self._open[number] = stream
            try:
                yield from self._lines(path, stream, number, timed=timed)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise WireError(f"{path}: damaged gzip file ({error}); get it again") from error
            except OSError as error:
                raise WireError(f"{path}: can't be read: {error.strerror or error}") from error
            finally:
                del self._open[number]
        self._done += path.stat().st_size

    def _lines(self, path: Path, stream: BinaryIO, number: int, *, timed: bool) -> Iterator[Line]:
        plain = gzip.GzipFile(fileobj=stream) if path.suffix == ".gz" else stream
        if _format(path) in LINES:
            yield from _json_lines(plain, number, timed=timed)
            return
        assert self._mapping is not None
        if _format(path) == ".csv":
            columns = sorted(self._mapping.columns())
            rows: Iterator[dict[Any, Any]] = (row for _, row in csv_rows(path, plain, columns))
        else:
            rows = _parquet_rows(path, self._mapping)
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
    time = occurred_at if isinstance(occurred_at, int) else milliseconds(occurred_at)
    return time if EARLIEST <= time <= LATEST else clock


def _parquet_rows(path: Path, mapping: ColumnMapping) -> Iterator[dict[str, Any]]:
    columns = sorted(mapping.columns())
    try:
        with parquet.ParquetFile(path) as table:
            missing = [name for name in columns if name not in table.schema_arrow.names]
            if missing:
                raise WireError(f"{path}: column `{missing[0]}` is missing; the mapping reads it")
            for batch in table.iter_batches(columns=columns):
                cells = [_plain(batch.column(name)).to_pylist() for name in columns]
                yield from (dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True))
    except (OSError, ValueError, OverflowError, pa.ArrowException) as error:
        raise WireError(f"{path}: not a readable Parquet file: {error}") from error


def _plain(column: Any) -> Any:
    """A column as Python can hold it: text that was not marked as text, times to the microsecond."""
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return column.cast(pa.string())
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return column


def _mapped(rows: Iterator[dict[Any, Any]], mapping: ColumnMapping, number: int) -> Iterator[Line]:
    mapper = RowMapper(mapping)
    timed: Iterable[tuple[int, bytes]] = (message for row in rows for message in _messages(mapper, row))
    if mapping.order_by == "occurred_at":
        timed = sorted(timed, key=itemgetter(0))
    clock = EARLIEST
    for time, raw in timed:
        clock = max(clock, time)
        yield Line(clock, raw, number)


def _messages(mapper: RowMapper, row: dict[Any, Any]) -> list[tuple[int, bytes]]:
    """The messages of a row with their times; a row with cells beyond the header is refused as a whole."""
    if None in row:
        return [(EARLIEST, _encoder.encode([*list(row.values())[:-1], *row[None]]))]
    return [(_time_of_mapped(event), _encoder.encode(event)) for event in mapper.events(row)]


def _time_of_mapped(event: dict[str, Any]) -> int:
    time = event.get("occurred_at")
    return time if isinstance(time, int) and EARLIEST <= time <= LATEST else EARLIEST
