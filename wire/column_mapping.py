"""Column mappings: how the rows of an ERP export become events, declared in YAML.

A mapping file names, for each event that a row gives rise to, where every field comes from; docs/inputs.md
explains it by example, and samples/column-mappings/ has real ones.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml
from msgspec import Meta, Struct

from events.event import Event, EventType
from wire.errors import TableError

PLACE = re.compile(r"\{([^{}]+)\}")
"""A `{column}` in a template."""

ColumnName = Annotated[str, Meta(min_length=1)]


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

    column: ColumnName | None = None
    template: str | None = None
    const: str | int | float | bool | None = None
    type: Literal["text", "integer", "decimal", "number", "bool"] = "text"
    digits: Annotated[int, Meta(ge=0, le=6)] = 2
    format: str | None = None

    @property
    def columns(self) -> list[str]:
        """Names of the columns that are read."""
        return [self.column] if self.column is not None else PLACE.findall(self.template or "")


class When(Struct, frozen=True, forbid_unknown_fields=True, rename={"among": "in"}):
    """Rows that give rise to an event: those whose cell is one of the listed texts."""

    column: ColumnName
    among: Annotated[list[str], Meta(min_length=1)]


class EventMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """One event of a row."""

    fields: dict[str, Cell]
    attributes: dict[str, Cell] = {}
    when: When | None = None


class ColumnMapping(Struct, frozen=True, forbid_unknown_fields=True):
    """All events of a row."""

    events: Annotated[list[EventMapping], Meta(min_length=1)]
    timezone: str = "UTC"
    order_by: Literal["occurred_at"] | None = None

    def columns(self) -> set[str]:
        """Names of all columns that the mapping reads."""
        cells = [
            cell for event in self.events for cell in (*event.fields.values(), *event.attributes.values())
        ]
        named = {name for cell in cells for name in cell.columns}
        return named | {event.when.column for event in self.events if event.when is not None}


Keys = tuple[str | int, ...]

_FIELDS = frozenset(Event.__struct_fields__) - {"attributes"}
_REQUIRED = ("event_id", "type", "occurred_at", "subsidiary", "customer")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]|(\[\.\.\.\])")
_UNKNOWN = re.compile(r"unknown field `(.*)`", re.DOTALL)
_PROBE = datetime(2001, 2, 3, 16, 5, 6, tzinfo=UTC)


def read_mapping(path: Path) -> ColumnMapping:
    """Read and check a mapping file.

    Raises:
        TableError: with file and line of what is wrong.
    """
    root, data = _load(path)
    try:
        mapping = msgspec.convert(data, ColumnMapping)
        msgspec.json.encode(mapping)
    except UnicodeEncodeError as error:
        raise TableError(
            f"{path}: holds half a character, `\\u{ord(error.object[error.start]):x}`"
        ) from error
    except msgspec.ValidationError as error:
        keys, reason = _explained(data, str(error))
        raise _error(path, root, keys, reason) from error
    try:
        ZoneInfo(mapping.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        reason = f"unknown timezone `{mapping.timezone}`; use a name such as Asia/Shanghai"
        raise _error(path, root, ("timezone",), reason) from error
    for keys, reason in _problems(mapping):
        raise _error(path, root, keys, reason)
    return mapping


def _load(path: Path) -> tuple[yaml.Node | None, Any]:
    """The file as nodes, which know their lines, and as plain values."""
    try:
        text = path.read_text("utf-8-sig")
        root = yaml.compose(text, yaml.SafeLoader)
        twice = _twice(root)
        if twice is not None:
            line = twice.start_mark.line + 1
            raise TableError(f"{path}:{line}: `{twice.value}` stands twice in one mapping; keep one")
        return root, yaml.safe_load(text)
    except OSError as error:
        raise TableError(f"{path}: can't be read: {error.strerror}; correct --mapping") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise TableError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TableError(f"{path}:{line}: not YAML: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise TableError(f"{path}:{line}: not YAML: control characters; the file is damaged") from error
    except RecursionError as error:
        raise TableError(f"{path}: nested too deeply to be a column mapping") from error
    except ValueError as error:
        raise TableError(f"{path}: not YAML: {error}") from error


def _twice(root: yaml.Node | None) -> yaml.Node | None:
    """A key that stands twice in its mapping; YAML would silently take the last."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            names = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in names:
                    return key
                names.add(str(key.value))
                waiting.append(value)
    return None


def _explained(data: Any, message: str) -> tuple[Keys, str]:
    """Keys that lead to what the decoder refused, and why; it does not tell the keys of open mappings."""
    reason, _, place = message.partition(" - at ")
    keys: list[str | int] = []
    for name, index, hidden in _STEP.findall(place.partition("$")[2]):
        if hidden:
            cells = _at(data, keys)
            keys += [name for name, cell in cells.items() if not _is_cell(cell)][:1]
        else:
            keys.append(name or int(index))
    unknown = _UNKNOWN.search(reason)
    if unknown:
        return (*keys, unknown[1]), "unknown key"
    return tuple(keys), reason[0].lower() + reason[1:]


def _at(data: Any, keys: list[str | int]) -> Any:
    for key in keys:
        data = data[key]
    return data


def _is_cell(data: Any) -> bool:
    try:
        msgspec.convert(data, Cell)
    except msgspec.ValidationError:
        return False
    return True


def _problems(mapping: ColumnMapping) -> Iterator[tuple[Keys, str]]:
    """What the types can't say: keys that lead to it, and what is wrong."""
    for number, event in enumerate(mapping.events):
        place: Keys = ("events", number)
        for name in _REQUIRED:
            if name not in event.fields:
                yield (*place, "fields"), f"field `{name}` is missing"
        for name, cell in event.fields.items():
            problem = _source_problem(cell) or _field_problem(name, cell)
            if problem:
                yield (*place, "fields", name), problem
        for name, cell in event.attributes.items():
            problem = _source_problem(cell)
            if problem:
                yield (*place, "attributes", name), problem


def _source_problem(cell: Cell) -> str | None:
    if sum(source is not None for source in (cell.column, cell.template, cell.const)) != 1:
        return "name exactly one of column, template and const"
    if cell.template is not None and not cell.columns:
        return "the template names no `{column}`; use const for a fixed text"
    if {"{", "}"} & set(PLACE.sub("", cell.template or "")):
        return f"the template `{cell.template}` has a brace that belongs to no `{{column}}`"
    return None


def _field_problem(name: str, cell: Cell) -> str | None:
    if name not in _FIELDS:
        return "no field of an event; what is not one belongs under attributes"
    if name == "type" and cell.const is not None and cell.const not in set(EventType):
        return f"unknown event type `{cell.const}`; known are {', '.join(EventType)}"
    if cell.format is not None and not _is_time_format(cell.format):
        return f"`{cell.format}` is no strptime format"
    return None


def _is_time_format(text: str) -> bool:
    try:
        datetime.strptime(_PROBE.strftime(text), text)  # noqa: DTZ007 -- only whether it can be read
    except (ValueError, re.error):
        return False
    return True


def _error(path: Path, root: yaml.Node | None, keys: Keys, reason: str) -> TableError:
    shown = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")
    return TableError(f"{path}:{_line(root, keys)}: {f'`{shown}`: ' if shown else ''}{reason}")


def _line(node: yaml.Node | None, keys: Keys) -> int:
    """Line of the last key that the file has on the way along `keys`."""
    line = node.start_mark.line if node is not None else 0
    for key in keys:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == str(key)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
    return line + 1
