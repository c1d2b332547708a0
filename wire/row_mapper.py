"""Rows of a table to events, as a column mapping says.

A cell that does not fit is passed on as it is, so that the event contract refuses it by name and the dead
letter shows it; a blank cell is a field that is not there.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from events.clock import milliseconds
from wire.column_mapping import PLACE, Cell, ColumnMapping, EventMapping

Row = Mapping[Any, Any]

_EXACT = Context(prec=80)  # more digits than _DECIMAL lets through
_DECIMAL = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})")
_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "y", "是"), True),
    **dict.fromkeys(("0", "false", "no", "n", "否"), False),
}


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
            if mapping.when is None or _text(row.get(mapping.when.column)) in mapping.when.among
        ]

    def _event(self, mapping: EventMapping, row: Row) -> dict[str, Any]:
        event: dict[str, Any] = {}
        for name, cell in mapping.fields.items():
            value = _value(cell, row)
            if value is not None:
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
            moment = value if isinstance(value, datetime) else _read_time(str(value), cell.format)
            zoned = moment if moment.tzinfo else moment.replace(tzinfo=self._zone)
            return milliseconds(zoned.astimezone(UTC))
        except (ValueError, OverflowError):
            return str(value)


def _read_time(text: str, form: str | None) -> datetime:
    if form is None:
        return datetime.fromisoformat(text)
    return datetime.strptime(text, form)  # noqa: DTZ007 -- the mapping's zone follows


def _text(raw: Any) -> str:
    """A cell as text; empty for a blank one, which in Parquet may be null or NaN."""
    if raw is None or (isinstance(raw, float) and math.isnan(raw)):
        return ""
    return str(raw).strip()


def _value(cell: Cell, row: Row) -> Any:
    if cell.const is not None:
        return cell.const
    if cell.template is not None:
        cells = {name: _text(row.get(name)) for name in cell.columns}
        return PLACE.sub(lambda place: cells[place[1]], cell.template) if all(cells.values()) else None
    raw = row.get(cell.column)
    text = _text(raw)
    if not text:
        return None
    if isinstance(raw, datetime):
        return raw
    try:
        return _READERS[cell.type](text, cell.digits)
    except ValueError:
        return text


def _integer(text: str, _: int) -> int:
    # A whole number may come as `120.0` out of a column of floats.
    return _minor_units(text, 0)


def _minor_units(text: str, digits: int) -> int:
    """The exact number of minor units; no exponents, separators or fractions of a unit."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(text)
    minor = _EXACT.scaleb(Decimal(text), digits)
    if minor != minor.to_integral_value():
        raise ValueError(text)
    return int(minor)


def _number(text: str, _: int) -> float:
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError(text)
    return number


def _bool(text: str, _: int) -> bool:
    word = text.lower()
    if word not in _WORDS:
        raise ValueError(text)
    return _WORDS[word]


_READERS: dict[str, Callable[[str, int], Any]] = {
    "text": lambda text, _: text,
    "integer": _integer,
    "decimal": _minor_units,
    "number": _number,
    "bool": _bool,
}
