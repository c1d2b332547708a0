"""Labels: what is known of events, from a CSV file and from `label.reported` events of the stream."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from backtest.errors import BacktestError
from events.clock import milliseconds
from events.columns import EventBatch
from events.event import EventType
from models.labels import ALWAYS, BAD, LEGITIMATE, Knowledge

_KNOWN = "fraud, bad_debt, dispute, legitimate"


@dataclass
class Label:
    """What the file says of one event.

    Args:
        bad: False where it is legitimate.
        line: in the file.
        kind: what is wrong with it, or `legitimate`; `fraud` where the file does not say.
        known_at: when it became known, epoch milliseconds; `ALWAYS` where the file does not say.
        incidents: (group, scenario) of each incident that it belongs to; a part that is not told is empty.
    """

    bad: bool
    line: int
    kind: str = "fraud"
    known_at: int = ALWAYS
    incidents: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class LabelFile:
    """The labels of a file.

    Args:
        labels: by event id, in the order of the file.
        repeated: rows that say what another row says.
        scenarios: whether it has a column `scenario`.
        groups: whether it has a column `group`.
    """

    labels: dict[str, Label]
    repeated: int
    scenarios: bool
    groups: bool


def read_labels(path: Path) -> LabelFile:
    """Read a CSV file with the column `event_id` and perhaps `label`, `known_at`, `scenario` and `group`.

    Without a column `label` every row is bad. An event may belong to several scenarios, one in each row.

    Raises:
        BacktestError: the file can't be read, a column or cell is missing, or two rows contradict each other.
    """
    labels: dict[str, Label] = {}
    repeated = 0
    columns, rows = _rows(path)
    for line, row in rows:
        event_id = _cell(path, line, row, "event_id")
        kind = _kind(path, line, row["label"]) if "label" in columns else "fraud"
        bad = kind != LEGITIMATE
        known_at = _moment(path, line, row["known_at"]) if "known_at" in columns else ALWAYS
        incident = (row.get("group", "").strip(), row.get("scenario", "").strip())
        label = labels.setdefault(event_id, Label(bad, line, kind, known_at))
        if label.bad is not bad:
            raise BacktestError(
                f"{path}:{line}: event `{event_id}` is labelled otherwise on line {label.line}; "
                "keep the row that is right"
            )
        if incident in label.incidents:
            repeated += 1
        else:
            label.incidents.append(incident)
    return LabelFile(labels, repeated, "scenario" in columns, "group" in columns)


def _rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The header and the rows with their lines."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = next(reader, None)
            if header is None:
                raise BacktestError(f"{path}: the file is empty; it needs a header with `event_id`")
            columns = [name.strip() for name in header]
            if "event_id" not in columns:
                raise BacktestError(
                    f"{path}:1: column `event_id` is missing, got `{', '.join(columns)[:200]}`; "
                    "it names the events that are labelled"
                )
            return columns, list(_dicts(path, columns, reader))
    except UnicodeDecodeError:
        raise BacktestError(f"{path}: this is not UTF-8; save the file as UTF-8") from None
    except csv.Error as error:
        raise BacktestError(f"{path}: can't be read as CSV: {error}") from error
    except OSError as error:
        raise BacktestError(f"{path}: can't be read: {error.strerror or error}; check the path") from error


def _dicts(
    path: Path, columns: list[str], reader: Iterator[list[str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    # `line_num` counts lines of the file, so that a quoted line feed does not shift what follows.
    for cells in reader:
        line: int = reader.line_num  # type: ignore[attr-defined]  # the reader's own
        if not cells:
            continue
        if len(cells) != len(columns):
            raise BacktestError(
                f"{path}:{line}: {len(cells)} cells under {len(columns)} columns; "
                "quote texts that hold a comma"
            )
        yield line, dict(zip(columns, cells, strict=True))


def _cell(path: Path, line: int, row: dict[str, str], name: str) -> str:
    value = row[name].strip()
    if not value:
        raise BacktestError(f"{path}:{line}: `{name}` is empty; write the id of the labelled event")
    return value


def _kind(path: Path, line: int, text: str) -> str:
    label = text.strip()
    if label in BAD or label == LEGITIMATE:
        return label
    raise BacktestError(f"{path}:{line}: unknown label `{label[:80]}`; known are {_KNOWN}")


def _moment(path: Path, line: int, text: str) -> int:
    """When a label became known; an empty cell says always."""
    if not text.strip():
        return ALWAYS
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BacktestError(
            f"{path}:{line}: `known_at` `{text[:80]}` is no time with an offset;"
            " write 2026-03-10T09:30:00+08:00"
        )
    return milliseconds(moment)


class Reports:
    """Labels that `label.reported` events bring: of each target the newest by event time, ties by arrival."""

    def __init__(self) -> None:
        self._knowledge = Knowledge()

    def add(self, batch: EventBatch) -> None:
        """Take note of the labels in a batch."""
        for row in batch.is_of({EventType.LABEL_REPORTED}).nonzero()[0].tolist():
            attributes = batch.events[row].attributes or {}
            known_at = int(batch.occurred_at[row])
            self._knowledge.report(attributes.get("target"), attributes.get("label"), known_at)

    @property
    def unreadable(self) -> int:
        """Labels that name no event or nothing that is known."""
        return self._knowledge.unreadable

    @property
    def labels(self) -> dict[str, bool]:
        """Whether each target is bad, in the order in which targets were first named."""
        return {target: label != LEGITIMATE for target, label in self._knowledge.labels().items()}
