"""Column mappings: how the rows of an ERP export become events, declared in YAML.

A mapping file names, for each event that a row gives rise to, where every field comes from; docs/inputs.md
explains it by example, and samples/column-mappings/ has real ones. A cell that does not fit is passed on as
it is, so that the event contract refuses it by name; a blank cell is a field that is not there.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml
from msgspec import Struct

from events.clock import milliseconds
from events.event import Event
from wire.errors import TableError

Row = Mapping[str, Any]


class Cell(Struct, frozen=True, forbid_unknown_fields=True):
    """Where one value comes from: a column, a template over columns, or a constant.

    Args:
        column: name of the column.
        template: text with `{column}` places; blank when any of them is blank.
        const: the same value for every row.
        type: how a cell's text is read.
        digits: for decimal: digits after the point of the currency's minor unit.
        format: for times: a strptime format; ISO 8601 where absent.
    """

    column: str | None = None
    template: str | None = None
    const: str | int | float | bool | None = None
    type: Literal["text", "integer", "decimal", "number", "bool"] = "text"
    digits: int = 2
    format: str | None = None


class When(Struct, frozen=True, forbid_unknown_fields=True, rename={"among": "in"}):
    """Rows that give rise to an event: those whose cell is one of the listed texts."""

    column: str
    among: list[str]


class EventMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """One event of a row."""

    fields: dict[str, Cell]
    attributes: dict[str, Cell] = {}
    when: When | None = None


class ColumnMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """All events of a row."""

    events: list[EventMapping]
    timezone: str = "UTC"
    order_by: Literal["occurred_at"] | None = None

    def columns(self) -> set[str]:
        """Names of all columns that the mapping reads outside of templates."""
        cells = [
            cell for event in self.events for cell in (*event.fields.values(), *event.attributes.values())
        ]
        named = {cell.column for cell in cells if cell.column is not None}
        return named | {event.when.column for event in self.events if event.when is not None}


_PLACE = re.compile(r"\{(\w+)\}")
_REQUIRED = ("event_id", "type", "occurred_at", "subsidiary", "customer")


def read_mapping(path: Path) -> ColumnMapping:
    """Read and check a mapping file.

    Raises:
        TableError: with file and line of what is wrong.
    """
    try:
        text = path.read_text("utf-8")
        root = yaml.compose(text, yaml.SafeLoader)
        mapping = msgspec.convert(yaml.safe_load(text), ColumnMapping)
        ZoneInfo(mapping.timezone)
    except OSError as error:
        raise TableError(f"{path}: can't be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TableError(f"{path}:{line}: not YAML: {error.problem}") from error
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        raise TableError(f"{path}:{_line(root, place.rstrip('`'))}: {reason}") from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise TableError(f"{path}: unknown timezone `{mapping.timezone}`") from error
    known = set(Event.__struct_fields__) - {"attributes"}
    for number, event in enumerate(mapping.events):
        line = _line(root, f".events[{number}].fields")
        for name in event.fields.keys() - known:
            raise TableError(
                f"{path}:{line}: unknown event field `{name}`; anything else belongs under attributes"
            )
        for name in _REQUIRED:
            if name not in event.fields:
                raise TableError(f"{path}:{line}: field `{name}` is missing")
    return mapping


def _line(node: yaml.Node | None, place: str) -> int:
    """Line of the deepest node on a path like `.events[0].fields.amount`."""
    line = node.start_mark.line + 1 if node is not None else 1
    for step in place.replace("[", ".[").split("."):
        if isinstance(node, yaml.SequenceNode) and step.startswith("["):
            index = step.strip("[]")
            node = node.value[int(index)] if index.isdigit() else None
        elif isinstance(node, yaml.MappingNode) and step:
            node = next((value for key, value in node.value if key.value == step), None)
        if node is None:
            break
        line = node.start_mark.line + 1
    return line


class RowMapper:
    """Applies a column mapping to rows."""

    def __init__(self, mapping: ColumnMapping) -> None:
        self._mapping = mapping
        self._zone = ZoneInfo(mapping.timezone)

    def events(self, row: Row) -> list[dict[str, Any]]:
        """The events of a row as JSON-ready objects; `occurred_at` in epoch milliseconds where readable."""
        return [
            self._event(mapping, row)
            for mapping in self._mapping.events
            if mapping.when is None or str(row.get(mapping.when.column, "")).strip() in mapping.when.among
        ]

    def _event(self, mapping: EventMapping, row: Row) -> dict[str, Any]:
        event: dict[str, Any] = {}
        for name, cell in mapping.fields.items():
            value = _value(cell, row)
            if value is None:
                continue
            event[name] = self._time(cell, value) if name == "occurred_at" else value
        attributes = {name: _value(cell, row) for name, cell in mapping.attributes.items()}
        kept = {name: value for name, value in attributes.items() if value is not None}
        if kept:
            event["attributes"] = kept
        return event

    def _time(self, cell: Cell, value: Any) -> Any:
        if isinstance(value, int):
            return value
        try:
            moment = (
                value
                if isinstance(value, datetime)
                else datetime.strptime(value, cell.format)  # noqa: DTZ007 -- the mapping's zone follows
                if cell.format
                else datetime.fromisoformat(value)
            )
        except (ValueError, TypeError):
            return str(value)
        return milliseconds((moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).astimezone(UTC))


def _value(cell: Cell, row: Row) -> Any:
    if cell.const is not None:
        return cell.const
    if cell.template is not None:
        blanks = [name for name in _PLACE.findall(cell.template) if not str(row.get(name) or "").strip()]
        return None if blanks else _PLACE.sub(lambda place: str(row[place[1]]).strip(), cell.template)
    raw = row.get(cell.column or "")
    if isinstance(raw, str):
        raw = raw.strip()
    if raw is None or raw == "":
        return None
    return _typed(cell, raw)


def _typed(cell: Cell, raw: Any) -> Any:
    if isinstance(raw, datetime):
        return raw
    try:
        return _READERS[cell.type](raw, cell.digits)
    except (ValueError, InvalidOperation, OverflowError):
        return str(raw)


def _minor_units(raw: Any, digits: int) -> int:
    minor = Decimal(str(raw)).scaleb(digits)
    if minor != minor.to_integral_value():
        raise ValueError(raw)
    return int(minor)


_READERS: dict[str, Callable[[Any, int], Any]] = {
    "text": lambda raw, _: str(raw),
    "integer": lambda raw, _: int(raw),
    "decimal": _minor_units,
    "number": lambda raw, _: float(raw),
    "bool": lambda raw, _: str(raw).lower() in {"1", "true", "yes", "y"},
}
