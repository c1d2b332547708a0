"""The baseline: medians of customers and peers, the same for any order of the rows, and safe to read."""

import io
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from events.columns import Column, Float64s, Kind
from models.baseline import FEWEST, Baseline, group_hash, shown
from models.errors import ModelError
from tests.models.making import column

NAMES = ("shipped_72h", "orders_1h")


def drawn(seed: int, rows: int, customers: int) -> tuple[dict[str, Column], list[str]]:
    """Two columns with NULLs, NaN and infinities, and the customer of each row."""
    rng = np.random.default_rng(seed)
    money = rng.integers(-5, 1000, rows)
    number = rng.choice([np.nan, np.inf, 0.0, 1.5, 2.0, 7.0], rows)
    columns = {
        "shipped_72h": Column(money, rng.random(rows) < 0.8, Kind.MONEY),
        "orders_1h": Column(number, rng.random(rows) < 0.9, Kind.NUMBER),
    }
    return columns, [f"G-{customer}" for customer in rng.integers(0, customers, rows)]


def median(values: Float64s) -> float:
    known = values[np.isfinite(values)]
    return float(np.float32(np.median(known))) if len(known) >= FEWEST else np.nan


def plain(one: Column) -> Float64s:
    return np.where(one.valid, one.values.astype(np.float64), np.nan)


@settings(derandomize=True, deadline=None, database=None, max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(0, 300),
    customers=st.integers(1, 40),
    segments=st.integers(1, 4),
)
def test_medians_are_those_of_numpy(seed: int, rows: int, customers: int, segments: int) -> None:
    columns, groups = drawn(seed, rows, customers)
    codes = np.random.default_rng(seed).integers(0, segments, rows)
    baseline = Baseline.of(columns, groups, codes, segments)
    named = np.array(groups, object)
    wanted = [
        [
            median(plain(columns[name])[named == group]) if (named == group).sum() >= FEWEST else np.nan
            for name in NAMES
        ]
        for group in (*sorted(set(groups)), "nobody")
    ]
    found = baseline.customer([*sorted(set(groups)), "nobody"])
    assert np.array_equal(found, np.array(wanted), equal_nan=True)
    every = [median(plain(columns[name])) for name in NAMES]
    assert np.array_equal(baseline.peers_of(None, 1)[0], every, equal_nan=True)
    for code in range(segments):
        own = [median(plain(columns[name])[codes == code]) for name in NAMES]
        expected = np.where(np.isnan(own), every, own)
        assert np.array_equal(baseline.peers_of(np.array([code]), 1)[0], expected, equal_nan=True)


def test_the_order_of_the_rows_changes_no_byte() -> None:
    columns, groups = drawn(1, 500, 30)
    order = np.random.default_rng(2).permutation(500)
    shuffled = {name: one.take(order) for name, one in columns.items()}
    again = Baseline.of(shuffled, [groups[row] for row in order])
    assert again.to_bytes() == Baseline.of(columns, groups).to_bytes()


def test_a_file_holds_no_names_and_comes_back() -> None:
    columns, groups = drawn(3, 500, 30)
    baseline = Baseline.of(columns, groups, np.zeros(500, np.int64), 2)
    content = baseline.to_bytes()
    assert b"G-1" not in content
    again = Baseline.of_bytes(content, 2, 2)
    assert again.to_bytes() == content
    assert np.array_equal(again.customer(groups), baseline.customer(groups), equal_nan=True)


def test_a_customer_of_few_events_is_not_known() -> None:
    columns = {"orders_1h": column([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, None, 8.0, 9.0])}
    baseline = Baseline.of(columns, ["a"] * 4 + ["b"] * 5)
    assert np.isnan(baseline.customer(["a"])).all()
    assert np.isnan(baseline.customer(["b"])).all()  # of its five events one has no value
    assert baseline.peers_of(None, 1).tolist() == [[4.5]]


def test_medians_are_told_as_values_are() -> None:
    assert shown(310_000.5, Kind.MONEY) == 310_000
    assert shown(2.5, Kind.NUMBER) == 2.5
    assert shown(float("nan"), Kind.MONEY) is None
    assert shown(float("inf"), Kind.NUMBER) is None


def packed(compression: int = ZIP_STORED, **arrays: object) -> bytes:
    """A file of arrays, by default those of a baseline of two customers and two features."""
    rows: dict[str, object] = {
        "groups": np.array([1, 2], np.uint64),
        "medians": np.zeros((2, 2), np.float32),
        "peers": np.zeros((1, 2), np.float32),
        **arrays,
    }
    target = io.BytesIO()
    with ZipFile(target, "w", compression) as archive:
        for name, array in rows.items():
            raw = io.BytesIO()
            if isinstance(array, bytes):
                raw.write(array)
            else:
                np.save(raw, np.asarray(array))
            archive.writestr(f"{name}.npy", raw.getvalue())
    return target.getvalue()


def claiming(shape: tuple[int, ...]) -> bytes:
    """An array whose header promises more than there is."""
    raw = io.BytesIO()
    np.lib.format.write_array_header_1_0(raw, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return raw.getvalue()


HOSTILE = {
    "nothing": b"",
    "no archive": b"PK but no archive",
    "cut short": packed()[:200],
    "compressed": packed(ZIP_DEFLATED),
    "pickled": packed(groups=np.array([{}, {}], object)),
    "another layout": packed(medians=np.zeros((2, 2), np.float64)),
    "another order": packed(medians=np.asfortranarray(np.zeros((2, 2), np.float32))),
    "another number of dimensions": packed(groups=np.zeros((2, 1), np.uint64)),
    "another width": packed(medians=np.zeros((2, 3), np.float32)),
    "other customers": packed(groups=np.array([1, 2, 3], np.uint64)),
    "other segments": packed(peers=np.zeros((2, 2), np.float32)),
    "out of order": packed(groups=np.array([2, 1], np.uint64)),
    "twice": packed(groups=np.array([1, 1], np.uint64)),
    "a promise of terabytes": packed(medians=claiming((2**40, 2))),
    "no array": packed(medians=b"\x93NUMPY\x01\x00\xff\xff{"),
    "code for a header": packed(medians=b"\x93NUMPY\x01\x00\x10\x00__import__('os')"),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_anything_else_is_refused(content: bytes) -> None:
    Baseline.of_bytes(packed(), 2, 0)
    with pytest.raises(ModelError, match="train the model again"):
        Baseline.of_bytes(content, 2, 0)


@settings(derandomize=True, deadline=None, database=None, max_examples=200)
@given(at=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_an_altered_byte_is_refused_or_gives_medians(at: int, byte: int) -> None:
    content = bytearray(packed())
    content[at % len(content)] = byte
    try:
        Baseline.of_bytes(bytes(content), 2, 0)
    except ModelError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_hashes_are_fixed() -> None:
    assert group_hash("华东贸易:C-1") == group_hash("华东贸易:C-1") != group_hash("华东贸易:C-2")
    assert group_hash("\ud800") >= 0  # half a character harms nobody
