"""Records: what is remembered of an event, as fixed-size binary rows."""

import hashlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from events.columns import EVENT_FIELDS, EventBatch, Kind
from windows.plan import MICRO, Value, WindowPlan

Records = npt.NDArray[np.void]
"""A structured array of `WindowPlan.record`, shape (n,)."""

NOBODY = 0
"""Hash that stands for an entity which the event does not name."""


def event_key(event_id: str) -> bytes:
    """16 bytes that stand for an event id; collisions can't be made on purpose."""
    return hashlib.blake2b(event_id.encode(), digest_size=16).digest()


@lru_cache(maxsize=1 << 18)
def name_hash(text: str) -> int:
    """A 64-bit hash of a name, never `NOBODY`; equal on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") or 1


def source_key(source: str) -> int:
    """A 32-bit name of a source partition."""
    return name_hash(source) & 0xFFFF_FFFF


def encode(plan: WindowPlan, batch: EventBatch) -> Records:
    """The records of a batch, in its order.

    Returns:
        structured array, shape (n,).
    """
    n = len(batch)
    records = np.zeros(n, dtype=plan.record)
    keys = b"".join([event_key(event.event_id) for event in batch.events])
    records["id"] = np.frombuffer(keys, dtype="V16")
    records["offset"] = batch.offsets
    records["source"] = np.fromiter(map(source_key, batch.sources), np.uint32, n)
    records["occurred_at"] = batch.occurred_at
    records["customer"] = np.fromiter(
        (name_hash(f"{event.subsidiary}\0{event.customer}") for event in batch.events), np.uint64, n
    )
    records["order"] = np.fromiter(
        (
            NOBODY if event.order is None else name_hash(f"{event.subsidiary}\0{event.order}")
            for event in batch.events
        ),
        np.uint64,
        n,
    )
    for number, match in enumerate(plan.matches):
        word, bit = divmod(number, 64)
        records["match"][:, word] |= match.mask(batch).astype(np.uint64) << np.uint64(bit)
    for number, value in enumerate(plan.values):
        integers, valid = _integers(value, batch)
        records["values"][:, number] = np.where(valid, integers, 0)
        records["has"] |= valid.astype(np.uint32) << np.uint32(number)
    return records


def _integers(value: Value, batch: EventBatch) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    if value.field == "amount":
        return batch.amount, batch.has_amount
    if value.hashed:
        return _hashes(value.field, batch)
    column = batch.attribute(value.field.removeprefix("attributes."), Kind.NUMBER)
    scaled = np.rint(column.values.astype(np.float64) * MICRO)
    fits = np.isfinite(scaled) & (np.abs(scaled) < 2.0**62)
    return np.where(fits, scaled, 0).astype(np.int64), column.valid & fits


def _hashes(field: str, batch: EventBatch) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
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


def decode(plan: WindowPlan, raw: bytes) -> Records:
    """The records of a stored log; a torn last record (never acknowledged) is left out."""
    whole = len(raw) - len(raw) % plan.record.itemsize
    return np.frombuffer(raw[:whole], dtype=plan.record)
