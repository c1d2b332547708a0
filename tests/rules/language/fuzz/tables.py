"""Random columns with NULLs and extremes, as our conditions and as DuckDB read them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random

import numpy as np
import pyarrow as pa

from events.columns import Column, Kind
from rules.language import Scope
from tests.rules.making import Cell, Columns, column

ROWS = 12
ALPHABET = ("a", "b", "A", "中", "文", "é", "e\u0301", "😀", "'", "\\", " ", "ａ", "0", "\u200b")
PLACES = frozenset({"", "a", "中文", "it's", "é"})
_TEXTS = ("", "a", "ab", "aA", "中文", "文", "é", "e\u0301", "it's", "%", "_", "\\", "😀a", "ａ", "null")
_LIMITS = (
    2**63 - 1,
    -(2**63),
    2**63 - 2,
    -(2**63) + 1,
    2**62,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    0,
    1,
    -1,
    2**32,
)
_SMALL_FLOATS = (0.0, -0.0, 0.5, -1.25, 2.5, 1e6, 33.333333, 0.1, -7.0, 100.0, 1e-9)
_HUGE_FLOATS = (1.7976931348623157e308, -1.7976931348623157e308, 5e-324, -0.0, 9.2e18, 2.0**63, 0.1)
_NO_NUMBERS = (float("nan"), float("inf"), float("-inf"))
_NULLS = 0.2

KINDS = {
    "total": Kind.MONEY,
    "other": Kind.MONEY,
    "mean": Kind.MONEY,
    "limit_": Kind.MONEY,
    "amount": Kind.MONEY,
    "count": Kind.NUMBER,
    "days": Kind.NUMBER,
    "edge": Kind.NUMBER,
    "huge": Kind.NUMBER,
    "attributes.weight": Kind.NUMBER,
    "region": Kind.TEXT,
    "channel": Kind.TEXT,
    "order": Kind.TEXT,
    "attributes.urgent": Kind.BOOL,
    "attributes.vip": Kind.BOOL,
}
_FLOATS = {"mean", "days", "huge", "attributes.weight"}
_FEATURES = {
    name: KINDS[name] for name in ("total", "other", "mean", "limit_", "count", "days", "edge", "huge")
}
_LISTS = {"places": PLACES}


def scope() -> Scope:
    """What conditions drawn from the grammar may read."""
    return Scope(_FEATURES, _LISTS)


def yuan_scope() -> Scope:
    """What hostile texts may read: money is `amount` alone, which DuckDB has in yuan."""
    return Scope(
        {name: kind for name, kind in _FEATURES.items() if kind is Kind.NUMBER and name != "huge"}, _LISTS
    )


@dataclass(frozen=True)
class Table:
    """The same rows twice.

    Args:
        cells: by name, as plain values.
        ours: as columns.
        fen: for DuckDB, money in fen, names with dots as they are.
        yuan: for DuckDB, `amount` as a DECIMAL of yuan, attributes as a struct.
    """

    cells: Mapping[str, list[Cell]]
    ours: Columns
    fen: pa.Table
    yuan: pa.Table


def draw(random: Random) -> Table:
    """Random rows."""
    cells = {name: [_cell(name, random) for _ in range(ROWS)] for name in KINDS}
    theirs = {name: pa.array(_usable(cells[name]), _type(name)) for name in KINDS}
    urgent, vip, weight = (theirs[f"attributes.{key}"] for key in ("urgent", "vip", "weight"))
    in_yuan = [None if cell is None else Decimal(str(cell)).scaleb(-2) for cell in cells["amount"]]
    yuan = {name: array for name, array in theirs.items() if "." not in name and name not in _MONEY}
    yuan["amount"] = pa.array(in_yuan, pa.decimal128(18, 2))
    yuan["attributes"] = pa.StructArray.from_arrays([urgent, vip, weight], ["urgent", "vip", "weight"])
    return Table(
        cells, Columns({name: _column(name, cells[name]) for name in KINDS}), pa.table(theirs), pa.table(yuan)
    )


_MONEY = {name for name, kind in KINDS.items() if kind is Kind.MONEY}


def _column(name: str, cells: list[Cell]) -> Column:
    if name not in _FLOATS:
        return column(KINDS[name], *cells)
    values = np.array([0.0 if cell is None else cell for cell in cells], np.float64)
    return Column(values, np.array([cell is not None for cell in cells], np.bool_), KINDS[name])


def _usable(cells: list[Cell]) -> list[Cell]:
    """What is no finite number is NULL to us."""
    return [None if isinstance(cell, float) and not np.isfinite(cell) else cell for cell in cells]


def _type(name: str) -> pa.DataType:
    if name in _FLOATS:
        return pa.float64()
    return {Kind.TEXT: pa.string(), Kind.BOOL: pa.bool_()}.get(KINDS[name], pa.int64())


def _cell(name: str, random: Random) -> Cell:
    return None if random.random() < _NULLS else _DRAWN[name](random)


def _integer(small: tuple[int, int], large: tuple[int, int]) -> Callable[[Random], Cell]:
    return lambda random: random.randint(*random.choice((small, large)))


def _among(*cells: Cell) -> Callable[[Random], Cell]:
    return lambda random: random.choice(cells)


def _float(random: Random) -> Cell:
    if random.random() < 0.05:
        return random.choice(_NO_NUMBERS)
    return random.choice((*_SMALL_FLOATS, round(random.uniform(-1e4, 1e4), 2), random.uniform(-9, 9)))


_FEN = _integer((-300, 300), (-(2**40), 2**40))
_DRAWN: dict[str, Callable[[Random], Cell]] = {
    "total": _FEN,
    "amount": _FEN,
    "other": _integer((-300, 300), (-300, 300)),
    "count": _integer((-5, 5), (0, 1_000)),
    "edge": _among(*_LIMITS),
    "limit_": _among(*_LIMITS),
    "huge": _among(*_HUGE_FLOATS, *_NO_NUMBERS),
    **dict.fromkeys(("mean", "days", "attributes.weight"), _float),
    **dict.fromkeys(("attributes.urgent", "attributes.vip"), _among(True, False)),
    **dict.fromkeys(("region", "channel", "order"), _among(*_TEXTS)),
}
