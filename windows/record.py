"""Records: what is remembered of an event, as columns of integers."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from events.columns import EVENT_FIELDS, Bools, EventBatch, Int64s, Kind
from windows.feature import Entity
from windows.plan import MICRO, Value, WindowPlan, Words

NOBODY = 0
"""Hash that stands for an entity which the event does not name, and for a value that is not there."""

_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Records:
    """Records in the order of acceptance, n of them.

    Args:
        keys: 96-bit hash of the event id within its owner, shape (n, 2).
        sources: hash of the source partition, shape (n,).
        offsets: position in the source, shape (n,).
        times: event time in epoch milliseconds, shape (n,).
        types: place of the event type in `EventType`, shape (n,).
        names: hash of each entity of the plan, NOBODY where none is named, shape (n, K).
        conditions: bit set of the plan's conditions that hold, shape (n, words).
        has: bit set of the plan's values that are there, shape (n,).
        values: shape (n, V).
    """

    keys: Words
    sources: Words
    offsets: Int64s
    times: Int64s
    types: npt.NDArray[np.uint8]
    names: Words
    conditions: Words
    has: npt.NDArray[np.uint32]
    values: Int64s

    def __len__(self) -> int:
        return len(self.times)

    def take(self, rows: Int64s | Bools | slice) -> "Records":
        """The records of `rows`, in their order."""
        return Records(
            self.keys[rows],
            self.sources[rows],
            self.offsets[rows],
            self.times[rows],
            self.types[rows],
            self.names[rows],
            self.conditions[rows],
            self.has[rows],
            self.values[rows],
        )

    @property
    def places(self) -> Words:
        """Source and offset as one hash: equal for one delivery only, shape (n,)."""
        return self.sources * _ODD ^ (self.offsets.view(np.uint64) + np.uint64(1)) * _ODD * _ODD


def join(parts: Sequence[Records]) -> Records:
    """The records of all parts (at least one) behind one another."""
    if len(parts) == 1:
        return parts[0]
    return Records(*(np.concatenate([getattr(part, name) for part in parts]) for name in Records.__slots__))


@lru_cache(maxsize=1 << 20)
def name_hash(text: str) -> int:
    """A 64-bit hash of a name, never NOBODY; equal on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") or 1


def encode(plan: WindowPlan, batch: EventBatch) -> Records:
    """The records of a batch, in its order."""
    n = len(batch)
    groups = _hashes_of(batch.groups)
    names = np.zeros((n, len(plan.entities)), np.uint64)
    for place, entity in enumerate(plan.entities):
        names[:, place] = _entity(entity, batch, groups)
    conditions = np.zeros((n, plan.words), np.uint64)
    for number, condition in enumerate(plan.conditions):
        word, bit = divmod(number, 64)
        conditions[:, word] |= condition.mask(batch).astype(np.uint64) << np.uint64(bit)
    has = np.zeros(n, np.uint32)
    values = np.zeros((n, len(plan.values)), np.int64)
    for number, value in enumerate(plan.values):
        integers, valid = _integers(value, batch)
        values[:, number] = np.where(valid, integers, 0)
        has |= valid.astype(np.uint32) << np.uint32(number)
    return Records(
        keys=_keys(batch, groups),
        sources=_hashes_of(batch.sources),
        offsets=batch.offsets,
        times=batch.occurred_at,
        types=batch.type_codes.astype(np.uint8),
        names=names,
        conditions=conditions,
        has=has,
        values=values,
    )


def _hashes_of(names: Sequence[str]) -> Words:
    return np.fromiter(map(name_hash, names), np.uint64, len(names))


def _entity(entity: Entity, batch: EventBatch, groups: Words) -> Words:
    """Hash of the entity of each event, NOBODY where none is named, shape (n,).

    Customers, orders and consignees are told apart by group too: which shard a group lives in must make no
    difference.
    """
    if entity is Entity.GROUP:
        return groups
    if entity is Entity.COUNTERPARTY:
        return _named([event.counterparty for event in batch.events], np.zeros(len(batch), np.uint64))
    owners = (groups * _ODD ^ _hashes_of([event.subsidiary for event in batch.events])) * _ODD
    if entity is Entity.ORDER:
        return _named([event.order for event in batch.events], owners)
    hashes = _hashes_of([event.customer for event in batch.events]) ^ owners
    if entity is Entity.CONSIGNEE:
        return _named([event.counterparty for event in batch.events], hashes * _ODD)
    hashes[hashes == NOBODY] = 1
    return hashes


def _named(codes: Sequence[str | None], owners: Words) -> Words:
    """Hashes of codes, NOBODY where there is none."""
    hashes = _hashes_of([code or "" for code in codes]) ^ owners
    hashes[hashes == NOBODY] = 1
    if None in codes:
        hashes[[code is None for code in codes]] = NOBODY
    return hashes


def _keys(batch: EventBatch, groups: Words) -> Words:
    """Hashes of the event ids; an id is known within its group only, for another's may live elsewhere."""
    digest = hashlib.blake2b
    raw = b"".join([digest(event.event_id.encode(), digest_size=12).digest() for event in batch.events])
    words = np.frombuffer(raw, np.uint32).reshape(-1, 3)
    keys = np.empty((len(batch), 2), np.uint64)
    keys[:, 0] = (words[:, 0].astype(np.uint64) << np.uint64(32) | words[:, 1]) ^ groups
    keys[:, 1] = words[:, 2]
    keys[keys[:, 0] == 0, 0] = 1  # 0 marks a free slot
    return keys


def _integers(value: Value, batch: EventBatch) -> tuple[Int64s, Bools]:
    if value.field == "amount":
        return batch.amount, batch.has_amount
    if value.hashed:
        return _hashes(value.field, batch)
    column = batch.attribute(value.field.removeprefix("attributes."), Kind.NUMBER)
    scaled = np.rint(column.values.astype(np.float64) * MICRO)
    fits = np.isfinite(scaled) & (np.abs(scaled) < 2.0**62)
    return np.where(fits, scaled, 0).astype(np.int64), column.valid & fits


def _hashes(field: str, batch: EventBatch) -> tuple[Int64s, Bools]:
    cells: list[object]
    if field in EVENT_FIELDS:
        column = batch.column(field)
        cells = [cell if ok else None for cell, ok in zip(column.values, column.valid, strict=True)]
    else:
        key = field.removeprefix("attributes.")
        cells = [event.attributes.get(key) if event.attributes else None for event in batch.events]
    valid = np.fromiter((cell is not None for cell in cells), np.bool_, len(cells))
    hashes = np.fromiter((name_hash(_canonical(cell)) for cell in cells), np.uint64, len(cells))
    return hashes.view(np.int64), valid


def _canonical(cell: object) -> str:
    # 1 and 1.0 are the same number; true and 'true' are not the same value.
    match cell:
        case str():
            return f"t{cell}"
        case bool():
            return f"b{cell}"
        case int():
            return f"n{cell}"
        case float():
            return f"n{int(cell)}" if cell.is_integer() else f"n{cell!r}"
        case _:
            return ""
