"""Blocks: records come back from their bytes as they were."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.windows.streams import batch_of, features, streams
from windows.block import PACKED_FROM, Block, Change, Schema, pack, schema_of, size_of, unpack
from windows.errors import WindowError
from windows.plan import WindowPlan
from windows.record import Records, encode

PLAN = WindowPlan(features())


def same(found: Block, wanted: Block) -> bool:
    columns = [(getattr(found.records, name), getattr(wanted.records, name)) for name in Records.__slots__]
    return all(a.dtype == b.dtype and a.shape == b.shape and (a == b).all() for a, b in columns) and (
        found.schema,
        list(found.changes),
        found.clocked,
    ) == (wanted.schema, list(wanted.changes), wanted.clocked)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    """Blocks of any columns, shorter and longer than what is packed."""
    n = draw(st.sampled_from([0, 1, 3, PACKED_FROM - 1, PACKED_FROM, PACKED_FROM + 7]))
    kinds, words, values = draw(st.integers(1, 4)), draw(st.integers(1, 2)), draw(st.integers(0, 3))

    def column(kind: type[np.integer[Any]], *shape: int) -> Any:
        info = np.iinfo(kind)
        element = st.one_of(
            st.integers(int(info.min), int(info.max)),
            st.integers(0, 200),
            st.sampled_from([int(info.min), int(info.max)]),
        )
        return draw(arrays.arrays(kind, (n, *shape), elements=element, fill=st.integers(0, 3)))

    keys = column(np.uint64, 2)
    keys[:, 1] &= np.uint64(0xFFFFFFFF)
    records = Records(
        keys=keys,
        sources=column(np.uint64),
        offsets=column(np.int64),
        times=column(np.int64),
        types=column(np.uint8),
        names=column(np.uint64, kinds),
        conditions=column(np.uint64, words),
        has=column(np.uint32),
        values=column(np.int64, values),
    )
    changes = [Change(0, {"rating": "甲", "limit": 5, "x": 1.5, "ok": True})] if n else []
    return Block("schema", records, changes, draw(st.booleans()))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(blocks())
def test_any_block_comes_back(block: Block) -> None:
    raw = pack(block)
    assert same(unpack(raw), block)
    assert size_of(raw) == len(block.records)


@settings(max_examples=20, deadline=None)
@given(streams())
def test_records_of_events_come_back(stream: list[object]) -> None:
    records = encode(PLAN, batch_of(stream))  # type: ignore[arg-type]  # a list of events
    assert same(unpack(pack(Block("s", records))), Block("s", records))


def test_a_block_of_a_day_takes_few_bytes_for_each_record() -> None:
    dice = random.Random(5)
    n, customers = 20_000, [dice.getrandbits(64) for _ in range(500)]
    names = np.array([dice.choice(customers) for _ in range(n)], np.uint64)
    records = Records(
        keys=np.array([(dice.getrandbits(64), dice.getrandbits(32)) for _ in range(n)], np.uint64),
        sources=np.full(n, 77, np.uint64),
        offsets=np.cumsum([dice.randrange(1, 9) for _ in range(n)]),
        times=np.cumsum([dice.randrange(5_000) for _ in range(n)]) + 1_700_000_000_000,
        types=np.array([dice.randrange(3) for _ in range(n)], np.uint8),
        names=np.stack([names, names * np.uint64(3)], axis=1),
        conditions=np.array([[dice.randrange(4)] for _ in range(n)], np.uint64),
        has=np.ones(n, np.uint32),
        values=np.array([[dice.randrange(10**8)] for _ in range(n)], np.int64),
    )
    raw = pack(Block("s", records))
    assert same(unpack(raw), Block("s", records))
    assert len(raw) / n < 28  # 12 of them are the hash of the event id, which nothing shortens


@pytest.mark.parametrize("raw", [b"", b"\0\0\0\0", b"\x05\0\0\0abcde", b"\xff\xff\xff\xff"])
def test_other_bytes_are_no_block(raw: bytes) -> None:
    for read in (unpack, size_of):
        with pytest.raises(WindowError, match=r"holds bytes that are no block: .*; rebuild the windows"):
            read(raw)


@pytest.mark.parametrize("size", [3, PACKED_FROM])
def test_a_block_that_was_cut_is_noticed(size: int) -> None:
    zeros = np.zeros(size, np.uint64)
    times = np.random.default_rng(1).integers(0, 2**60, size)
    keys = np.stack([times.view(np.uint64), zeros], axis=1)
    records = Records(
        keys,
        zeros,
        times,
        times,
        zeros.astype(np.uint8),
        keys,
        keys,
        zeros.astype(np.uint32),
        keys.view(np.int64),
    )
    raw = pack(Block("s", records))
    for end in (len(raw) - 1, len(raw) // 2):
        with pytest.raises(WindowError, match="no block"):
            unpack(raw[:end])


def test_a_schema_is_named_by_what_it_means() -> None:
    one = Schema(("group", "customer"), ("region <> '310000'",), ("amount",))
    assert one.id == Schema(("group", "customer"), ("region <> '310000'",), ("amount",)).id
    others = [
        Schema(("customer", "group"), one.conditions, one.values),
        Schema(one.entities, (), one.values),
        Schema(one.entities, one.conditions, ("amount", "amount")),
        Schema(one.entities, one.conditions, one.values, layout=99),
    ]
    assert len({one.id, *(other.id for other in others)}) == 5
    assert schema_of(PLAN).id == schema_of(WindowPlan(features())).id
