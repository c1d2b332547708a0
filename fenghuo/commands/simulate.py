"""`fenghuo simulate`: write a simulated stream, the list of its incidents and the mapping tables to files."""

import csv
import gzip
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from simulation.stream import Settings, Simulation
from simulation.tables import LABEL_COLUMNS, label_rows, mapping_tables


def simulate(
    settings: Settings,
    out: Path,
    labels: Path,
    mappings: Path | None = None,
    console: Console | None = None,
) -> int:
    """Write the stream day by day; 1 if a file can't be written, else 0.

    A file appears under its name when it is complete. The same settings give the same bytes.

    Args:
        settings: what is simulated.
        out: one message per line, in the order of arrival; gzip where the name ends in `.gz`.
        labels: CSV of the injected incidents.
        mappings: directory for `customers.csv`, `regions.csv` and `skus.csv`; none is written without it.
        console: where progress is shown; stderr by default.
    """
    console = console or Console(stderr=True)
    simulation = Simulation(settings)
    try:
        incidents = _write_stream(simulation, out, labels, console)
        if mappings is not None:
            for name, rows in mapping_tables(simulation.customers).items():
                with _completed(mappings / name) as stream:
                    _write_rows(stream, rows)
    except OSError as error:
        reason = error.strerror or str(error)
        console.print(
            f"simulate: `{error.filename or out}` can't be written: {reason}",
            style="red",
            soft_wrap=True,
            markup=False,
        )
        return 1
    arrived = simulation.arrived
    console.print(
        f"`{out}`: {arrived.messages:,} messages ({arrived.late:,} late, {arrived.duplicates:,} repeated,"
        f" {settings.broken:,} broken), {incidents:,} incidents in `{labels}`; all of it is simulated",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    return 0


def _write_stream(simulation: Simulation, out: Path, labels: Path, console: Console) -> int:
    """Write both files; returns the number of incidents."""
    incidents = 0
    with ExitStack() as stack:
        progress = stack.enter_context(_progress(console))
        task = progress.add_task("模拟 simulating", total=simulation.settings.days)
        write = stack.enter_context(_lines(out))
        listing = stack.enter_context(_completed(labels))
        _write_rows(listing, [LABEL_COLUMNS])
        for day in simulation.days():
            for line in day.lines:
                write(line + b"\n")
            _write_rows(listing, label_rows(day.incidents))
            incidents += len(day.incidents)
            progress.advance(task)
    return incidents


@contextmanager
def _lines(path: Path) -> Iterator[Callable[[bytes], int]]:
    """What writes to the stream's file; without a name or a time in gzip's header, which would differ."""
    with _completed(path) as stream:
        if path.suffix != ".gz":
            yield stream.write
            return
        with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=stream, mtime=0) as packed:
            yield packed.write


@contextmanager
def _completed(path: Path) -> Iterator[BinaryIO]:
    """A file under a name of its own, which takes the place of `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    try:
        with unfinished.open("wb") as stream:
            yield stream
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_rows(stream: BinaryIO, rows: Iterable[tuple[str, ...]]) -> None:
    text = TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    csv.writer(text, lineterminator="\n").writerows(rows)
    text.detach()


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
