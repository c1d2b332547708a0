"""Counterfactuals: with the other threshold the condition is not true, and a step less would not do."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.columns import Column, Kind
from rules.language import Compiled, Frame, Scope, compile_condition
from rules.language.turning import Turn, decimal
from tests.rules.making import Cell, Columns, column

KINDS = {
    "paid": Kind.MONEY,
    "mean": Kind.MONEY,
    "orders": Kind.NUMBER,
    "share": Kind.NUMBER,
    "region": Kind.TEXT,
    "big": Kind.BOOL,
}
ROWS = 6
SCOPE = Scope(KINDS, {"places": frozenset({"a"})}, profile=False, anomaly=False, place="a test")


def compiled(text: str) -> Compiled:
    return compile_condition(text, SCOPE)


def frame(**cells: list[Cell]) -> Frame:
    return Frame(Columns({name: column(KINDS[name], *values) for name, values in cells.items()}))


def one(text: str, **cells: Cell) -> list[tuple[str, str]]:
    """Comparison and value of each turn, of a condition on one event."""
    nothing: dict[str, Cell] = dict.fromkeys(KINDS)
    values = {name: [value] for name, value in (nothing | cells).items()}
    condition = compiled(text)
    (turns,) = condition.turning.nearest(frame(**values), [0])
    return [(text[slice(*turn.comparison.span)], decimal(turn.value)) for turn in turns]


CASES = [
    ("paid >= 2000", {"paid": 235_000}, [("paid >= 2000", "2350.01")]),
    ("paid > 2000", {"paid": 235_000}, [("paid > 2000", "2350")]),
    ("2000 < paid", {"paid": 235_000}, [("2000 < paid", "2350")]),
    ("orders > 15", {"orders": 18}, [("orders > 15", "18")]),
    ("orders >= 15", {"orders": 18}, [("orders >= 15", "19")]),
    ("orders < 5", {"orders": 3}, [("orders < 5", "3")]),
    ("share > 0.5", {"share": 2 / 3}, [("share > 0.5", "0.67")]),
    ("paid > mean * 1.5", {"paid": 200, "mean": 100.0}, [("paid > mean * 1.5", "2")]),
    ("paid > 1.02 * paid - 5", {"paid": 100}, [("paid > 1.02 * paid - 5", "0.02")]),
    ("orders + 3 > 10", {"orders": 9}, [("orders + 3 > 10", "12")]),
    ("orders BETWEEN 3 AND 9", {"orders": 8}, [("orders BETWEEN 3 AND 9", "7")]),
    ("orders > 15 AND paid > 10", {"orders": 90, "paid": 1_100}, [("paid > 10", "11")]),
    (
        "orders > 15 OR paid > 10",
        {"orders": 16, "paid": 1_100},
        [("orders > 15", "16"), ("paid > 10", "11")],
    ),
    ("orders > 15 OR paid > 10", {"orders": 16, "paid": 900}, [("orders > 15", "16")]),
    ("orders > 15 OR paid > 10", {"orders": 16}, [("orders > 15", "16")]),
    ("NOT (orders <= 15)", {"orders": 16}, [("orders <= 15", "16")]),
    ("NOT (orders <= 15 OR paid < 10)", {"orders": 16, "paid": 1_500}, [("orders <= 15", "16")]),
    ("region = 'a' AND orders > 15", {"region": "a", "orders": 30}, [("orders > 15", "30")]),
    ("region = 'a'", {"region": "a"}, []),
    ("region = 'a' OR orders > 15", {"region": "a", "orders": 30}, []),
    ("orders = 0", {"orders": 0}, []),
    ("big", {"big": True}, []),
    ("NULLIF(3, orders) < share", {"orders": 4, "share": 5.0}, []),
    (
        "share > NULLIF(3, orders) * 1.5",
        {"orders": 4, "share": 6.0},
        [("share > NULLIF(3, orders) * 1.5", "2")],
    ),
    (
        "LISTED(NULLIF('a', region), 'places') AND orders > 3",
        {"region": "b", "orders": 4},
        [("orders > 3", "4")],
    ),
    ("CASE WHEN big THEN orders > 3 ELSE FALSE END", {"big": True, "orders": 5}, []),
]


@pytest.mark.parametrize(("text", "cells", "turns"), CASES, ids=[case[0] for case in CASES])
def test_the_nearest_threshold(text: str, cells: dict[str, Cell], turns: list[tuple[str, str]]) -> None:
    assert one(text, **cells) == turns


NUMBERS = st.one_of(
    st.integers(-50, 50).map(str),
    st.decimals(-20, 20, places=2).map(lambda value: format(value, "f")),
    st.sampled_from(["0", "0.5", "1.02", "100", "0.001"]),
)
OPERATORS = st.sampled_from(["<", "<=", ">", ">="])


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    """A comparison of numbers or of money with a literal, alone or beside another operand."""
    names = draw(st.sampled_from([("orders", "share"), ("paid", "mean")]))
    left, right = draw(st.permutations(names))
    number = draw(NUMBERS)
    money = "paid" in names
    sides = [number, f"{right} * {number}", f"{number} * {right}", f"{right} / {number}"]
    sides += [f"{right} + {number}", f"{right} - {number}", f"{number} - {right}", f"{number} + {right}"]
    if not money:
        sides += [f"{number} / {right}"]
    side, operator = draw(st.sampled_from(sides)), draw(OPERATORS)
    match draw(st.integers(0, 5)):
        case 0:
            return f"{side} {operator} {left}"
        case 1:
            return f"{left} BETWEEN {number} AND {draw(NUMBERS)}"
        case 2:
            return draw(st.sampled_from(["region = 'a'", "big", "region IS NULL", "orders = 3"]))
        case _:
            return f"{left} {operator} {side}"


CONDITIONS = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"),
        inner.map(lambda part: f"NOT ({part})"),
    ),
    max_leaves=5,
)
MONEY = st.one_of(st.none(), st.integers(-5_000, 5_000))
COUNTS = st.one_of(st.none(), st.integers(-60, 60))
FLOATS = st.one_of(st.none(), st.floats(-60, 60), st.sampled_from([0.0, 0.5, 1 / 3, 2.0]))
CELLS = {
    "paid": MONEY,
    "mean": st.one_of(st.none(), st.floats(-5_000, 5_000)),
    "orders": COUNTS,
    "share": FLOATS,
    "region": st.sampled_from([None, "a", "b"]),
    "big": st.sampled_from([None, True, False]),
}
TABLES = st.fixed_dictionaries(
    {name: st.lists(cells, min_size=ROWS, max_size=ROWS) for name, cells in CELLS.items()}
)


def replaced(text: str, turns: tuple[Turn, ...], back: bool) -> str:
    """The condition with the other thresholds, or with them moved a step back."""
    for turn in sorted(turns, key=lambda turn: turn.literal.span, reverse=True):
        value = Decimal(decimal(turn.value))
        if back:
            step = Decimal(1).scaleb(int(value.as_tuple().exponent))
            value += step if turn.literal.value > turn.value else -step
        start, end = turn.literal.span
        start -= turn.literal.value < 0  # the sign stands before the number
        text = f"{text[:start]}{value:f}{text[end:]}"
    return text


def truths(text: str, table: Frame) -> Column:
    return compiled(text).evaluate(table)


@settings(max_examples=400, deadline=None)
@given(text=CONDITIONS, table=TABLES)
def test_with_other_thresholds_it_is_not_true_and_with_a_step_less_it_is(
    text: str, table: dict[str, list[Cell]]
) -> None:
    batch = frame(**table)
    condition = compiled(text)
    result = condition.evaluate(batch)
    rows = np.flatnonzero(result.values & result.valid).tolist()
    for row, turns in zip(rows, condition.turning.nearest(batch, rows), strict=True):
        if not turns:
            continue
        other = truths(replaced(text, turns, back=False), batch)
        assert not (other.valid[row] and other.values[row]), (row, turns)
        if len(turns) == 1:
            back = truths(replaced(text, turns, back=True), batch)
            assert back.valid[row], (row, turns)
            assert back.values[row], (row, turns)
