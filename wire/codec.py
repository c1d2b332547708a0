"""The codec: bytes to event columns; every message that breaks the contract becomes a dead letter."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import ValidationError

from events.clock import EARLIEST, LATEST, milliseconds
from events.columns import Bools, EventBatch, Int64s
from events.errors import EventError
from events.event import MONEY_EVENTS, CheckedEvent, Event, EventType
from wire.messages import DeadLetter, RawBatch
from wire.tables import Tables

RUN = 1024  # messages decoded at once: their events are still in the processor's cache for each column
CNY = "CNY"
T = TypeVar("T", bound=np.generic)
_quick = msgspec.json.Decoder(Event)
_strict = msgspec.json.Decoder(CheckedEvent)
_BLANK = Event(event_id="-", type=EventType.ORDER_CONFIRMED, occurred_at=0, subsidiary="-", customer="-")
_ESCAPED_NUL = b"\\u0000"
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
    """What a batch of messages turned out to be; together exactly the messages that were read.

    Args:
        batch: the good events.
        dead: the others.
        silent: milliseconds by lane that nothing was read for.
    """

    batch: EventBatch
    dead: list[DeadLetter]
    silent: Mapping[str, int] = field(default_factory=dict)


class _Run(NamedTuple):
    """Columns of some messages of a batch, as in EventBatch."""

    events: list[Event]
    times: Int64s
    amounts: Int64s
    has_amount: Bools
    groups: list[str]
    regions: list[str | None]


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
        failures: dict[int, EventError] = {}
        runs = [self._run(raw.values[start : start + RUN], start, failures) for start in range(0, n, RUN)]
        batch = EventBatch(
            events=[event for run in runs for event in run.events],
            occurred_at=_joined([run.times for run in runs], np.int64),
            amount=_joined([run.amounts for run in runs], np.int64),
            has_amount=_joined([run.has_amount for run in runs], np.bool_),
            groups=[group for run in runs for group in run.groups],
            regions=[region for run in runs for region in run.regions],
            sources=raw.sources,
            offsets=raw.offsets,
            rows=np.arange(n),
            batch=raw.batch,
            received_at=raw.oldest_at,
            size=n,
            edition=raw.edition,
        )
        if not failures:
            return Decoded(batch, [], raw.silent)
        dead = [_dead_letter(raw, row, failures[row]) for row in sorted(failures)]
        return Decoded(batch.take(np.delete(batch.rows, list(failures))), dead, raw.silent)

    def _run(self, values: list[bytes | None], start: int, failures: dict[int, EventError]) -> "_Run":
        """The columns of some messages, with a blank event where there is none, and what failed.

        1. Decode each message, quickly; those that may break the contract once more, with every check.
        2. Make columns; what a whole column does not allow is looked at event by event.
        """
        events, suspects = self._read(values)
        foreign = [row for row, event in enumerate(events) if event.currency != CNY]
        failed = self._check(values, suspects.union(foreign), events)
        if self._tables.skus:
            self._map_skus(events)
        times = _times(events, failed)
        amounts = self._amounts(events, foreign, times, failed)
        has_amount = np.array([event.amount is not None for event in events], np.bool_)
        for row in np.flatnonzero(~has_amount).tolist():
            if (kind := events[row].type) in MONEY_EVENTS:
                failed.setdefault(row, EventError("amount", f"missing; `{kind.value}` needs one"))
        failures.update((start + row, error) for row, error in failed.items())
        return _Run(events, times, amounts, has_amount, self._groups(events), self._regions(events))

    def _read(self, values: list[bytes | None]) -> tuple[list[Event], set[int]]:
        """An event for each message, blank where it is none, and the rows that want every check."""
        decode = _quick.decode
        suspects = self._suspects(values)
        events: list[Event] = []
        for row, value in enumerate(values):
            try:
                events.append(decode(value or b""))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                events.append(_BLANK)
                suspects.add(row)
        return events, suspects

    def _check(
        self, values: list[bytes | None], rows: set[int], events: list[Event]
    ) -> dict[int, EventError]:
        """What is wrong with the messages of `rows`; those that break the contract become blank events."""
        failures: dict[int, EventError] = {}
        for row in rows:
            try:
                self._refuse(values[row], events[row])
            except EventError as error:
                events[row] = _BLANK
                failures[row] = error
        return failures

    def _suspects(self, values: list[bytes | None]) -> set[int]:
        """The messages that are absent, too long, or may hold a NUL."""
        limit, whole = self._max_bytes, b"".join(filter(None, values))
        longest = max(map(len, filter(None, values)), default=0)
        if all(values) and longest <= limit and not (b"\\" in whole and _ESCAPED_NUL in whole):
            return set()
        return {
            row
            for row, value in enumerate(values)
            if not value or len(value) > limit or _ESCAPED_NUL in value
        }

    def _refuse(self, value: bytes | None, event: Event) -> None:
        """Raise what is wrong with a message that was read as `event`, if anything is."""
        if value is None:
            raise EventError(None, "the message has no value")
        if len(value) > self._max_bytes:
            raise EventError(None, f"{len(value)} bytes are more than the limit of {self._max_bytes}")
        try:
            _strict.decode(value)
        except ValidationError as error:
            raise _explained(str(error)) from error
        except UnicodeDecodeError as error:
            field = _field_of(value, error.object)
            raise EventError(field, f"not UTF-8: byte {error.object[error.start]:#04x}") from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise EventError(None, f"not JSON: {error}") from error
        if _ESCAPED_NUL in value:
            _refuse_nul(event)

    def _map_skus(self, events: list[Event]) -> None:
        """Put the group's article into `attributes.sku`, where the table knows the subsidiary's."""
        skus = self._tables.skus
        for event in events:
            attributes = event.attributes
            if attributes and "sku" in attributes:
                known = skus.get((event.subsidiary, str(attributes["sku"])))
                if known is not None:
                    attributes["sku"] = known

    def _amounts(
        self, events: list[Event], foreign: list[int], times: Int64s, failures: dict[int, EventError]
    ) -> Int64s:
        """Amounts in fen, 0 where there is none."""
        amounts = np.array([event.amount or 0 for event in events], np.int64)
        for row in foreign:
            event = events[row]
            if row in failures or event.amount is None:
                continue
            try:
                amounts[row] = self._tables.to_cny(event.amount, event.currency, int(times[row]))
            except LookupError as error:
                failures[row] = EventError("currency", str(error.args[0]))
            except OverflowError as error:
                failures[row] = EventError("amount", str(error))
        return amounts

    def _groups(self, events: list[Event]) -> list[str]:
        group_of = self._tables.group_of
        return [event.group or group_of(event.subsidiary, event.customer) for event in events]

    def _regions(self, events: list[Event]) -> list[str | None]:
        regions, codes = [event.region for event in events], self._tables.regions
        return [region and codes.get(region, region) for region in regions] if codes else regions


def _joined(parts: list[npt.NDArray[T]], kind: type[T]) -> npt.NDArray[T]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def _times(events: list[Event], failures: dict[int, EventError]) -> Int64s:
    """Epoch milliseconds; what leaves the calendar in UTC fails."""
    moments = [event.occurred_at for event in events]
    times = np.array([at if isinstance(at, int) else milliseconds(at) for at in moments], np.int64)
    for row in np.flatnonzero((times < EARLIEST) | (times > LATEST)).tolist():
        moment = moments[row]
        assert not isinstance(moment, int)  # the decoder checks those
        error = EventError("occurred_at", f"`{moment.isoformat()}` leaves the years 1 to 9999 in UTC")
        failures.setdefault(row, error)
    return times


def _dead_letter(raw: RawBatch, row: int, error: EventError) -> DeadLetter:
    return DeadLetter(
        row=row,
        field=error.field,
        reason=_short(error.reason),
        source=raw.sources[row],
        offset=int(raw.offsets[row]),
        raw=raw.values[row] or b"",
    )


def _explained(message: str) -> EventError:
    """The decoder's message as field and reason."""
    missing = _MISSING.match(message)
    if missing:
        return EventError(missing[1], "missing")
    found = _PLACE.match(message)
    reason, path = (found[1], found[2]) if found else (message, "")
    field = path.removesuffix("[...]").rstrip(".")
    return EventError(field or None, reason[0].lower() + reason[1:])


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
