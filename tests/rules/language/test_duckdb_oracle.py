"""Random conditions over random columns with NULLs mean what they mean in DuckDB.

Every condition is drawn as a pair of texts: ours, with money in yuan, and DuckDB's, with money in fen.
"""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from events.columns import Kind
from rules.language import Scope, compile_condition
from tests.rules.making import Cell, Columns, cells, column

KINDS = {
    "total": Kind.MONEY,
    "other": Kind.MONEY,
    "mean": Kind.MONEY,
    "count": Kind.NUMBER,
    "days": Kind.NUMBER,
    "region": Kind.TEXT,
    "channel": Kind.TEXT,
    "attributes.urgent": Kind.BOOL,
}
TYPES = {
    "total": pa.int64(),
    "other": pa.int64(),
    "mean": pa.float64(),
    "count": pa.int64(),
    "days": pa.float64(),
    "region": pa.string(),
    "channel": pa.string(),
    "attributes.urgent": pa.bool_(),
}
LISTS = {"places": frozenset({"a", "中文", ""})}
SCOPE = Scope({n: k for n, k in KINDS.items() if k in {Kind.MONEY, Kind.NUMBER}}, LISTS)
WORDS = st.text("ab中_%'", max_size=3)
FLOATS = st.sampled_from([0.0, 0.5, -1.25, 2.5, 1e6, 33.333333]) | st.floats(-1e9, 1e9, allow_nan=False)
CELLS: dict[str, st.SearchStrategy[Cell]] = {
    "total": st.integers(-300, 300) | st.integers(-(2**40), 2**40),
    "other": st.integers(-300, 300) | st.integers(-(2**40), 2**40),
    "mean": FLOATS,
    "count": st.integers(-5, 5) | st.integers(0, 1000),
    "days": FLOATS,
    "region": WORDS,
    "channel": WORDS,
    "attributes.urgent": st.booleans(),
}


class Pair(NamedTuple):
    """One expression in our words and in DuckDB's."""

    ours: str
    theirs: str


def name(text: str) -> Pair:
    return Pair(text, f'"{text}"')


def joined(form: str, *pairs: Pair) -> Pair:
    return Pair(form.format(*(p.ours for p in pairs)), form.format(*(p.theirs for p in pairs)))


def quoted(text: str) -> Pair:
    literal = "'" + text.replace("'", "''") + "'"
    return Pair(literal, literal)


def money_literal(tenths_of_fen: int) -> Pair:
    sign, size = "-" if tenths_of_fen < 0 else "", abs(tenths_of_fen)
    return Pair(f"{sign}{size // 1000}.{size % 1000:03d}", f"{sign}{size // 10}.{size % 10}")


def number_literal(hundredths: int) -> Pair:
    sign, size = "-" if hundredths < 0 else "", abs(hundredths)
    text = f"{sign}{size // 100}" + (f".{size % 100:02d}" if size % 100 else "")
    return Pair(text, text)


MONEY_LITERALS = st.integers(-3_000, 3_000).map(money_literal)
NUMBER_LITERALS = st.integers(-300, 300).map(number_literal)
COMPARISONS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])


def choices(
    of: st.SearchStrategy[Pair], conditions: st.SearchStrategy[Pair]
) -> list[st.SearchStrategy[Pair]]:
    """What takes values of one kind and gives one of them."""
    return [
        st.builds(lambda a, b: joined("NULLIF({}, {})", a, b), of, of),
        st.builds(lambda a, b, c: joined("COALESCE({}, {}, {})", a, b, c), of, of, of),
        st.builds(lambda a, b, c: joined("(CASE WHEN {} THEN {} ELSE {} END)", a, b, c), conditions, of, of),
        st.builds(lambda a, b, c: joined("(CASE {} WHEN {} THEN {} END)", a, b, c), of, of, of),
    ]


@cache
def numeric(kind: Kind, depth: int) -> st.SearchStrategy[Pair]:
    """Money or a number, with at least one column in it."""
    leaf = st.sampled_from(["total", "other", "mean"] if kind is Kind.MONEY else ["count", "days"]).map(name)
    if depth == 0:
        return leaf
    same, literal = numeric(kind, depth - 1), MONEY_LITERALS if kind is Kind.MONEY else NUMBER_LITERALS
    number, money = numeric(Kind.NUMBER, depth - 1), numeric(Kind.MONEY, depth - 1)
    forms = [
        leaf,
        st.builds(
            lambda a, o, b: joined(f"({{}} {o} {{}})", a, b), same, st.sampled_from("+-"), same | literal
        ),
        st.builds(lambda a, b: joined("({} * {})", a, b), same, NUMBER_LITERALS),
        st.builds(
            lambda a, b: joined("({} / {})", a, b), same, NUMBER_LITERALS.filter(lambda p: p.ours != "0")
        ),
        st.builds(lambda a, b: joined("({} / {})", a, b), same, number),
        st.builds(lambda a: joined("(-{})", a), same),
        st.builds(lambda a: joined("ABS({})", a), same),
        st.builds(lambda a, b: joined("LEAST({}, {})", a, b), same, same | literal),
        st.builds(lambda a, b: joined("GREATEST({}, {})", a, b), same, same | literal),
        *choices(same, condition(depth - 1)),
    ]
    if kind is Kind.NUMBER:
        forms.append(st.builds(lambda a, b: joined("({} / {})", a, b), money, money))
    else:
        forms.append(st.builds(lambda a, b: joined("({} * {})", a, b), same, number))
    return st.one_of(forms)


@cache
def texts(depth: int) -> st.SearchStrategy[Pair]:
    """A text."""
    leaf = st.sampled_from(["region", "channel"]).map(name)
    if depth == 0:
        return leaf
    return st.one_of(leaf, WORDS.map(quoted), *choices(texts(depth - 1), condition(depth - 1)))


@cache
def predicates(kind: Kind, depth: int) -> st.SearchStrategy[Pair]:
    """A condition on values of one kind."""
    value = texts(depth) if kind is Kind.TEXT else numeric(kind, depth)
    literal = {Kind.MONEY: MONEY_LITERALS, Kind.NUMBER: NUMBER_LITERALS, Kind.TEXT: WORDS.map(quoted)}[kind]
    forms = [
        st.builds(lambda a, o, b: joined(f"({{}} {o} {{}})", a, b), value, COMPARISONS, value | literal),
        st.builds(lambda a, b, c: joined("({} BETWEEN {} AND {})", a, b, c), value, value | literal, literal),
        st.builds(lambda a, b, c: joined("({} IN ({}, {}))", a, b, c), value, literal, value | literal),
        st.builds(lambda a, b: joined("({} NOT IN ({}, NULL))", a, b), value, literal),
        value.map(lambda a: joined("({} IS NULL)", a)),
        value.map(lambda a: joined("({} IS NOT NULL)", a)),
    ]
    if kind is Kind.TEXT:
        forms += [
            st.builds(lambda a, b: joined("({} LIKE {})", a, b), value, literal),
            st.builds(lambda a, b: joined("({} NOT LIKE {})", a, b), value, literal),
            value.map(lambda a: Pair(f"LISTED({a.ours}, 'places')", f"({a.theirs} IN ('a', '中文', ''))")),
        ]
    return st.one_of(forms)


@cache
def condition(depth: int) -> st.SearchStrategy[Pair]:
    """A condition."""
    leaf = st.sampled_from([name("attributes.urgent"), *(Pair(w, w) for w in ("TRUE", "FALSE", "NULL"))])
    forms = [predicates(kind, max(0, depth - 1)) for kind in (Kind.MONEY, Kind.NUMBER, Kind.TEXT)]
    if depth == 0:
        return st.one_of(leaf, *forms)
    both = condition(depth - 1)
    junction = st.sampled_from(["AND", "OR"])
    return st.one_of(
        *forms,
        st.builds(lambda a, o, b: joined(f"({{}} {o} {{}})", a, b), both, junction, both),
        st.builds(lambda a, b: joined("({} = {})", a, b), both, both),
        both.map(lambda a: joined("(NOT {})", a)),
    )


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[Cell]]:
    rows = draw(st.integers(1, 6))
    return {n: draw(st.lists(st.none() | cell, min_size=rows, max_size=rows)) for n, cell in CELLS.items()}


OPEN: list[duckdb.DuckDBPyConnection] = []
"""The database of the module; a list that is emptied at its end, as Hypothesis would keep a fixture alive."""


@pytest.fixture(scope="module", autouse=True)
def _database() -> Iterator[None]:
    with duckdb.connect(config={"threads": 1}) as database:
        database.execute("SET ieee_floating_point_ops = false; SET error_on_division_by_zero = false")
        OPEN.append(database)
        yield
        OPEN.clear()


def ours(text: str, table: dict[str, list[Cell]], expect: Kind | None = Kind.BOOL) -> list[Cell]:
    source = Columns(
        {
            n: column(kind, *[float(c) if isinstance(c, float) else c for c in table[n]])
            for n, kind in KINDS.items()
        }
    )
    return cells(compile_condition(text, SCOPE, expect).evaluate(source))


def theirs(sql: str, table: dict[str, list[Cell]]) -> list[Any]:
    (database,) = OPEN
    database.register("events", pa.table({n: pa.array(table[n], TYPES[n]) for n in KINDS}))
    try:
        return [row[0] for row in database.execute(f"SELECT {sql} FROM events").fetchall()]
    except (duckdb.OutOfRangeException, duckdb.ConversionException, duckdb.BinderException) as error:
        assume("ange" not in str(error) and "DECIMAL" not in str(error))  # wider than DuckDB's own numbers
        raise


@settings(
    derandomize=True,
    database=None,
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(condition(2), tables())
def test_conditions_agree_with_duckdb(drawn: Pair, table: dict[str, list[Cell]]) -> None:
    assert ours(drawn.ours, table) == theirs(drawn.theirs, table), drawn


@settings(
    derandomize=True,
    database=None,
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(numeric(Kind.MONEY, 2) | numeric(Kind.NUMBER, 2), tables())
def test_expressions_agree_with_duckdb(drawn: Pair, table: dict[str, list[Cell]]) -> None:
    for mine, other in zip(ours(drawn.ours, table, None), theirs(drawn.theirs, table), strict=True):
        if mine is None or other is None:
            assert mine is other, drawn
        else:
            assert isinstance(mine, int | float)
            assert math.isclose(mine, float(other), rel_tol=1e-12, abs_tol=1e-9), drawn


@settings(derandomize=True, database=None, max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62)), min_size=1, max_size=5),
    COMPARISONS,
)
def test_large_integers_agree_with_duckdb(drawn: list[tuple[int, int]], operator: str) -> None:
    table: dict[str, list[Cell]] = {n: [None] * len(drawn) for n in KINDS}
    table["total"], table["other"] = [a for a, _ in drawn], [b for _, b in drawn]
    sql = f"total {operator} other"
    assert ours(sql, table) == theirs(sql, table)


@settings(derandomize=True, database=None, max_examples=100, deadline=None)
@given(tables(), st.integers(-4, 4))
def test_rounding_agrees_with_duckdb(table: dict[str, list[Cell]], digits: int) -> None:
    for text in (f"ROUND(days, {digits})", f"ROUND(count, {digits})", f"ROUND(count * 1.25, {digits})"):
        mine, other = ours(text, table, None), theirs(text, table)
        assert mine == [None if cell is None else pytest.approx(float(cell)) for cell in other], text
    for text in ("total", "mean"):
        mine = ours(f"ROUND({text}, {digits})", table, None)
        other = theirs(f"ROUND({text}, {digits - 2})", table)
        assert mine == [None if cell is None else pytest.approx(float(cell)) for cell in other], text


@pytest.mark.parametrize(
    "text",
    [
        "count > 1 AND days > 1 OR count < 0",
        "count > 1 OR days > 1 AND count < 0",
        "NOT count > 1 AND days > 1",
        "NOT count > 1 OR days > 1",
        "NOT count = 1 IS NULL",
        "NOT count BETWEEN 1 AND 3 AND days > 1",
        "count + 2 * days - 1 > 4",
        "count - 2 - 1 = 0",
        "count / 2 / 2 > 0.5",
        "-count * 2 < -3",
        "-count + 3 > - 1",
        "count BETWEEN 1 + 1 AND 2 * 2 OR days < 0",
        "region NOT LIKE 'a%' AND channel IS NOT NULL",
        "(count > 1) = (days > 1)",
        "CASE WHEN count > 1 THEN days ELSE count END + 1 > 2",
        "region = 'a' OR region <> 'a' AND region IS NULL",
        "region < channel",
        "count = 1 IS NOT NULL",
    ],
)
def test_precedence_is_duckdbs(text: str) -> None:
    values: list[Cell] = [None, -1, 0, 1, 2, 3, 4]
    rows = [(a, b) for a in values for b in values]
    table: dict[str, list[Cell]] = {n: [None] * len(rows) for n in KINDS}
    table["count"], table["days"] = [a for a, _ in rows], [None if b is None else float(b) for _, b in rows]
    words = [None, "", "a", "ab", "b", "中", "a中"]
    table["region"] = [words[values.index(a)] for a, _ in rows]
    table["channel"] = [words[values.index(b)] for _, b in rows]
    assert ours(text, table) == theirs(text, table)
