"""Makes messages, batches and outputs for tests of the wire: a test names only what it is about."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from events.event import EventType
from wire.codec import Codec, Decoded
from wire.messages import RawBatch
from wire.output import Lines, Output
from wire.tables import Tables

NOON = 1_735_704_000_000  # 2025-01-01 12:00 in China
LIMIT = 1 << 20
READ_AT = 1_800_000_000_000

ABSENT: Any = object()
"""Stands for a field that the message does not have."""


def fields(**changes: Any) -> dict[str, Any]:
    """A good event of one hundred yuan, with changes."""
    whole = {
        "event_id": "e1",
        "type": "order.placed",
        "occurred_at": "2025-01-01T12:00:00+08:00",
        "subsidiary": "SH01",
        "customer": "C1",
        "amount": 10_000,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not ABSENT}


def message(**changes: Any) -> bytes:
    """The same as it travels."""
    return json.dumps(fields(**changes), ensure_ascii=False).encode()


def raw(*values: bytes | None, batch: int = 0, source: str = "orders:0", first: int = 0) -> RawBatch:
    """A batch as a source reads it."""
    return RawBatch(
        batch=batch,
        values=list(values),
        sources=[source] * len(values),
        offsets=np.arange(first, first + len(values), dtype=np.int64),
        oldest_at=READ_AT - 5,
    )


def decode(*values: bytes | None, tables: Tables | None = None) -> Decoded:
    """What the codec makes of messages."""
    return Codec(tables or Tables(), LIMIT).decode(raw(*values))


def original(line: bytes) -> bytes:
    """The message that a dead letter's line was made of."""
    letter = json.loads(line)
    if "raw_base64" in letter:
        return base64.b64decode(letter["raw_base64"], validate=True)
    return str(letter["raw"]).encode()


def output(batch: int, size: int, rows: Sequence[int] = (), **more: Any) -> Output:
    """A part of a batch with decisions `{"d":batch.row}` at `rows`."""
    return Output(
        batch,
        size,
        rows=np.array(rows, np.int64),
        keys=[f"g{row}" for row in rows],
        decisions=Lines.of(b'{"d":%d.%d}' % (batch, row) for row in rows),
        **more,
    )


def good_events() -> st.SearchStrategy[dict[str, Any]]:
    """Valid events of every type, with any of the optional fields."""
    name = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5)
    amount = st.integers(-(2**53) + 1, 2**53 - 1)
    attribute = st.one_of(name, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(-1e9, 1e9))
    return st.fixed_dictionaries(
        {
            "event_id": name,
            "type": st.sampled_from([kind.value for kind in EventType]),
            "occurred_at": st.integers(0, 4_000_000_000_000),
            "subsidiary": name,
            "customer": name,
            "amount": amount,
        },
        optional={
            "group": name,
            "order": name,
            "shipment": name,
            "region": name,
            "counterparty": name,
            "channel": name,
            "attributes": st.dictionaries(name, attribute, max_size=3),
            "schema_version": st.integers(1, 9),
            "a field of tomorrow": attribute,
        },
    )
