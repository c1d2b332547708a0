"""The codec: bytes to event columns; every message that breaks the contract becomes a dead letter."""

import re
from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec import ValidationError, structs

from events.clock import EARLIEST, LATEST, milliseconds
from events.columns import EventBatch
from events.errors import EventError
from events.event import MONEY_EVENTS, Event
from wire.messages import DeadLetter, RawBatch
from wire.tables import Tables

_decoder = msgspec.json.Decoder(Event)
_PLACE = re.compile(r"(.*) - at `(?:key in )?\$\.?([^`]*)`$", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_KEY = re.compile(rb'"(\w{1,64})"\s{0,64}:\s{0,64}$')
_KEY_BYTES = 256  # more than _KEY can match
_PLACES = 64  # at most so many occurrences of a broken text are looked at
_LONGEST_REASON = 200
_FIELDS = frozenset(Event.__struct_fields__)
_NUL = "\0"
_NAMES = (
    "event_id",
    "subsidiary",
    "customer",
    "group",
    "order",
    "shipment",
    "region",
    "counterparty",
    "channel",
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a batch of messages turned out to be; together exactly the messages that were read."""

    batch: EventBatch
    dead: list[DeadLetter]


class Codec:
    """Decodes batches of messages.

    Args:
        tables: mapping tables of the group.
        max_bytes: a longer message is a dead letter.
    """

    def __init__(self, tables: Tables, max_bytes: int) -> None:
        self._tables = tables
        self._max_bytes = max_bytes

    def decode(self, raw: RawBatch) -> Decoded:
        """Columns of the good events, and a dead letter with field and reason for each other message."""
        n = len(raw.values)
        events: list[Event] = []
        rows: list[int] = []
        times = np.zeros(n, np.int64)
        amounts = np.zeros(n, np.int64)
        has_amount = np.zeros(n, np.bool_)
        groups: list[str] = []
        regions: list[str | None] = []
        dead: list[DeadLetter] = []
        for row, value in enumerate(raw.values):
            try:
                event = self._with_group_sku(self._event(value))
                time = _time(event)
                amount = self._amount(event, time)
            except EventError as error:
                dead.append(
                    DeadLetter(
                        row=row,
                        field=error.field,
                        reason=_short(error.reason),
                        source=raw.sources[row],
                        offset=int(raw.offsets[row]),
                        raw=value or b"",
                    )
                )
                continue
            place = len(events)
            times[place] = time
            if amount is not None:
                amounts[place] = amount
                has_amount[place] = True
            events.append(event)
            rows.append(row)
            groups.append(event.group or self._tables.group_of(event.subsidiary, event.customer))
            region = event.region
            regions.append(region if region is None else self._tables.regions.get(region, region))
        kept = len(events)
        where = np.array(rows, np.int64)
        batch = EventBatch(
            events=events,
            occurred_at=times[:kept],
            amount=amounts[:kept],
            has_amount=has_amount[:kept],
            groups=groups,
            regions=regions,
            sources=[raw.sources[row] for row in rows],
            offsets=raw.offsets[where],
            rows=where,
            batch=raw.batch,
            received_at=raw.oldest_at,
            size=n,
        )
        return Decoded(batch, dead)

    def _event(self, value: bytes | None) -> Event:
        if value is None:
            raise EventError(None, "the message has no value")
        if len(value) > self._max_bytes:
            raise EventError(None, f"{len(value)} bytes are more than the limit of {self._max_bytes}")
        try:
            event = _decoder.decode(value)
        except ValidationError as error:
            raise _explained(str(error)) from error
        except UnicodeDecodeError as error:
            field = _field_of(value, error.object)
            raise EventError(field, f"not UTF-8: byte {error.object[error.start]:#04x}") from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise EventError(None, f"not JSON: {error}") from error
        if b"\\u0000" in value:
            _refuse_nul(event)
        return event

    def _with_group_sku(self, event: Event) -> Event:
        """The event with the group's article in `attributes.sku`, where the table knows the subsidiary's."""
        sku = event.attributes.get("sku") if self._tables.skus and event.attributes else None
        known = self._tables.skus.get((event.subsidiary, str(sku))) if sku is not None else None
        if known is None or event.attributes is None:
            return event
        return structs.replace(event, attributes={**event.attributes, "sku": known})

    def _amount(self, event: Event, time: int) -> int | None:
        if event.amount is None:
            if event.type in MONEY_EVENTS:
                raise EventError("amount", f"missing; `{event.type.value}` needs one")
            return None
        if event.currency == "CNY":
            return event.amount
        try:
            return self._tables.to_cny(event.amount, event.currency, time)
        except LookupError as error:
            raise EventError("currency", str(error.args[0])) from error
        except OverflowError as error:
            raise EventError("amount", str(error)) from error


def _explained(message: str) -> EventError:
    """The decoder's message as field and reason."""
    missing = _MISSING.match(message)
    if missing:
        return EventError(missing[1], "missing")
    found = _PLACE.match(message)
    reason, path = (found[1], found[2]) if found else (message, "")
    field = path.removesuffix("[...]").rstrip(".")
    return EventError(field or None, reason[0].lower() + reason[1:])


def _time(event: Event) -> int:
    occurred_at = event.occurred_at
    if isinstance(occurred_at, int):
        return occurred_at
    time = milliseconds(occurred_at)
    if not EARLIEST <= time <= LATEST:
        raise EventError("occurred_at", f"`{occurred_at.isoformat()}` leaves the years 1 to 9999 in UTC")
    return time


def _short(reason: str) -> str:
    """A reason that quotes the message is cut: it travels in a header of a message."""
    return reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1] + "…"


def _field_of(message: bytes, text: bytes) -> str | None:
    """The field that holds `text`, as far as the raw bytes tell; always one of the contract's names."""
    start = message.find(b'"attributes"')
    end = message.find(b"}", start)
    quoted = b'"' + text + b'"'
    place = message.find(quoted)
    for _ in range(_PLACES):
        if place < 0:
            return None
        if 0 <= start < place < end:
            return "attributes"
        found = _KEY.search(message, max(0, place - _KEY_BYTES), place)
        if found and found[1].decode("ascii") in _FIELDS:
            return found[1].decode("ascii")
        place = message.find(quoted, place + 1)
    return None


def _refuse_nul(event: Event) -> None:
    # PostgreSQL and many other readers of what we write can't hold a NUL in a text.
    for name in _NAMES:
        if _NUL in (getattr(event, name) or ""):
            raise EventError(name, "contains a NUL character")
    for key, cell in (event.attributes or {}).items():
        if _NUL in key or (isinstance(cell, str) and _NUL in cell):
            raise EventError("attributes", "contains a NUL character")
