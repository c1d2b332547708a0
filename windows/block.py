"""Blocks: records as bytes, self-contained, so that a log is nothing but a list of them.

A few records stand as they are. Many are packed: each column becomes differences or codes of a dictionary
where that is shorter, then integers as narrow as they can be, byte by byte side by side, and all of it is
compressed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import Struct

from events.event import Attribute
from windows.errors import WindowError
from windows.plan import WindowPlan
from windows.record import Records

LAYOUT = 1  # raised when the meaning of stored bytes changes
PACKED_FROM = 512
"""Records from which on packing is worth its fixed cost."""

_codec = pa.Codec("zstd", compression_level=3)
_WIDTHS = ((1 << 8, np.uint8), (1 << 16, np.uint16), (1 << 32, np.uint32))


class Schema(Struct, frozen=True):
    """What the columns of a block mean.

    Args:
        entities: of the names.
        conditions: text of each condition.
        values: name of each value.
        layout: of the bytes.
    """

    entities: tuple[str, ...]
    conditions: tuple[str, ...]
    values: tuple[str, ...]
    layout: int = LAYOUT

    @property
    def id(self) -> str:
        """Short name, the same for the same meaning."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:12]


def schema_of(plan: WindowPlan) -> Schema:
    """The schema of the records that a plan encodes."""
    return Schema(
        tuple(entity.value for entity in plan.entities), tuple(plan.condition_texts), tuple(plan.value_names)
    )


class Change(Struct, frozen=True, array_like=True, gc=False):
    """What a `customer.changed` event said.

    Args:
        record: number of its record in the block.
        attributes: the new values.
    """

    record: int
    attributes: dict[str, Attribute]


@dataclass(frozen=True, slots=True)
class Block:
    """A run of records with the profile changes among them.

    Args:
        schema: id of the schema.
        records: the records.
        changes: in the order of the records.
        clocked: True when the shard's clocks have counted these records already, in a run that was trimmed.
    """

    schema: str
    records: Records
    changes: Sequence[Change] = ()
    clocked: bool = False


class _Column(Struct, array_like=True, gc=False):
    width: int
    base: int = 0
    differences: bool = False
    dictionary: int = 0


class _Head(Struct, array_like=True, gc=False):
    schema: str
    size: int
    words: int
    values: int
    names: int
    changes: list[Change]
    clocked: bool
    columns: list[_Column]  # empty when the records stand as they are
    length: int = 0  # of the packed columns before they were compressed


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Head)


def pack(block: Block) -> bytes:
    """The stored form of a block: length of the head in four bytes, head, columns."""
    records = block.records
    head = _Head(
        block.schema,
        len(records),
        records.conditions.shape[1],
        records.values.shape[1],
        records.names.shape[1],
        list(block.changes),
        block.clocked,
        [],
    )
    arrays = _arrays(records)
    if len(records) < PACKED_FROM:
        body = b"".join([array.tobytes() for array in arrays])
    else:
        parts: list[bytes] = []
        head.columns = [_pack_column(array, parts) for array in arrays]
        raw = b"".join(parts)
        head.length = len(raw)
        body = _codec.compress(raw, asbytes=True)
    encoded = _encoder.encode(head)
    return len(encoded).to_bytes(4, "little") + encoded + body


def size_of(raw: bytes) -> int:
    """How many records a stored block holds."""
    return _head(raw)[0].size


def kind_of(raw: bytes) -> tuple[str, bool]:
    """Schema of a stored block and whether it is clocked; blocks that differ in these are not merged."""
    head = _head(raw)[0]
    return head.schema, head.clocked


def unpack(raw: bytes) -> Block:
    """The block of a stored form.

    Raises:
        WindowError: the bytes are no block.
    """
    head, place = _head(raw)
    body: bytes | memoryview = memoryview(raw)[place:]
    try:
        if head.columns:
            body = _codec.decompress(body, head.length, asbytes=True)
        records = _read(head, body)
    except (ValueError, OSError, pa.ArrowException) as error:
        raise WindowError(
            f"the windows' store holds bytes that are no block: {error}; rebuild the windows"
        ) from error
    return Block(head.schema, records, head.changes, head.clocked)


def _head(raw: bytes) -> tuple[_Head, int]:
    place = 4 + int.from_bytes(raw[:4], "little")
    try:
        return _decoder.decode(raw[4:place]), place
    except msgspec.MsgspecError as error:
        raise WindowError(
            f"the windows' store holds bytes that are no block: {error}; rebuild the windows"
        ) from error


def _arrays(records: Records) -> list[npt.NDArray[Any]]:
    """The columns of records, one dimension each, in the stored order."""
    return [
        records.keys[:, 0],
        records.keys[:, 1].astype(np.uint32),
        records.sources,
        records.offsets,
        records.times,
        records.types,
        *records.names.T,
        *records.conditions.T,
        records.has,
        *records.values.T,
    ]


def _dtypes(head: _Head) -> list[npt.DTypeLike]:
    fixed: list[npt.DTypeLike] = [np.uint64, np.uint32, np.uint64, np.int64, np.int64, np.uint8]
    return [
        *fixed,
        *[np.uint64] * head.names,
        *[np.uint64] * head.words,
        np.uint32,
        *[np.int64] * head.values,
    ]


def _pack_column(array: npt.NDArray[Any], parts: list[bytes]) -> _Column:
    place = len(parts)
    integers = array.astype(np.int64) if array.dtype != np.uint64 else array.view(np.int64)
    if array.dtype == np.uint64:  # hashes: a dictionary where they repeat
        known, codes = np.unique(array, return_inverse=True)
        if 2 * len(known) <= len(array):
            parts.append(known.tobytes())
            return _Column(_narrow(codes.astype(np.uint64), parts), dictionary=len(known))
    # Offsets and times mostly grow by little; which columns those are does not matter to the reader.
    steps = np.diff(integers, prepend=integers[:1])
    if int(np.ptp(steps.astype(np.float64))) < int(np.ptp(integers.astype(np.float64))):
        first, least = int(integers[0]), int(steps.min())
        width = _narrow((steps - least).view(np.uint64), parts)
        parts.insert(place, first.to_bytes(8, "little", signed=True))
        return _Column(width, least, differences=True)
    least = int(integers.min())
    return _Column(_narrow((integers - least).view(np.uint64), parts), least)


def _narrow(integers: npt.NDArray[np.uint64], parts: list[bytes]) -> int:
    """Append integers as narrow as they fit, lowest bytes first; returns the bytes of each."""
    top = int(integers.max(initial=0))
    if top == 0:
        return 0
    for limit, dtype in _WIDTHS:
        if top < limit:
            integers = integers.astype(dtype)
            break
    width = integers.dtype.itemsize
    parts.append(np.ascontiguousarray(integers.view(np.uint8).reshape(-1, width).T).tobytes())
    return width


def _read(head: _Head, body: bytes | memoryview) -> Records:
    columns: list[npt.NDArray[Any]] = []
    place = 0
    for number, dtype in enumerate(_dtypes(head)):
        if head.columns:
            column, place = _unpack_column(head.columns[number], head.size, body, place)
            columns.append(column.view(dtype) if np.dtype(dtype).itemsize == 8 else column.astype(dtype))  # noqa: PLR2004
        else:
            column = np.frombuffer(body, dtype, head.size, place)
            place += column.nbytes
            columns.append(column)
    names, words = 6 + head.names, 6 + head.names + head.words
    return Records(
        keys=np.stack([columns[0], columns[1].astype(np.uint64)], axis=1),
        sources=columns[2],
        offsets=columns[3],
        times=columns[4],
        types=columns[5],
        names=_side_by_side(columns[6:names], np.uint64, head.size),
        conditions=_side_by_side(columns[names:words], np.uint64, head.size),
        has=columns[words],
        values=_side_by_side(columns[words + 1 :], np.int64, head.size),
    )


def _side_by_side(columns: list[npt.NDArray[Any]], dtype: npt.DTypeLike, size: int) -> npt.NDArray[Any]:
    whole = np.zeros((size, len(columns)), dtype)
    for number, column in enumerate(columns):
        whole[:, number] = column
    return whole


def _unpack_column(
    column: _Column, size: int, body: bytes | memoryview, place: int
) -> tuple[npt.NDArray[np.int64], int]:
    known, first = None, 0
    if column.dictionary:
        known = np.frombuffer(body, np.uint64, column.dictionary, place)
        place += known.nbytes
    elif column.differences:
        first = int.from_bytes(body[place : place + 8], "little", signed=True)
        place += 8
    integers = np.zeros(size, np.int64)
    if column.width:
        planes = np.frombuffer(body, np.uint8, size * column.width, place).reshape(column.width, size)
        place += planes.nbytes
        narrow = np.ascontiguousarray(planes.T).view(np.dtype(f"<u{column.width}")).reshape(size)
        integers = narrow.astype(np.uint64).view(np.int64)
    if known is not None:
        return known[integers].view(np.int64), place
    integers = integers + np.int64(column.base)
    if column.differences:
        integers[0] = first
        return np.cumsum(integers), place
    return integers, place
