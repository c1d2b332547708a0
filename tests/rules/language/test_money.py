"""Money: literals in yuan, columns in fen, integers exact however large."""

from operator import eq, ge, gt, le, lt, ne

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.columns import Kind
from rules.language import LanguageError, Scope, compile_condition
from tests.rules.making import Cell, Columns, cells, column

SCOPE = Scope({"total": Kind.MONEY, "other": Kind.MONEY, "count": Kind.NUMBER})
OPERATORS = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
HUGE = st.integers(2**53 - 2, 2**62) | st.integers(-(2**62), -(2**53) + 2)


def of(text: str, expect: Kind | None = Kind.BOOL, **columns: Cell) -> Cell:
    kinds = {"total": Kind.MONEY, "other": Kind.MONEY, "count": Kind.NUMBER}
    source = Columns({name: column(kinds[name], cell) for name, cell in columns.items()})
    return cells(compile_condition(text, SCOPE, expect).evaluate(source))[0]


@pytest.mark.parametrize(
    ("text", "fen", "expected"),
    [
        ("total >= 2000000", 200_000_000, True),
        ("total >= 2000000", 199_999_999, False),
        ("total > 0.01", 1, False),
        ("total > 0.01", 2, True),
        ("total > 0.005", 1, True),  # half a fen is no money, but a fine threshold
        ("total > 0.005", 0, False),
        ("total = 0.005", 1, False),
        ("total - 100 = 0.5", 10_050, True),
        ("100 + total = 200", 10_000, True),
        ("-total < -100", 10_001, True),
        ("total BETWEEN 1 AND 2", 200, True),
        ("total BETWEEN 1 AND 2", 201, False),
        ("total IN (1, 2.5)", 250, True),
        ("COALESCE(total, 3) = 3", None, True),
        ("LEAST(total, 3) = 3", 301, True),
        ("GREATEST(total, 3) = 3", 299, True),
        ("CASE WHEN total > 1 THEN 5 ELSE 6 END < total", 600, True),
        ("total > 2 * 500000", 100_000_001, True),
        ("total > 2 * 500000", 100_000_000, False),
        ("NULLIF(total, 1) IS NULL", 100, True),
        ("ABS(total) = 1", -100, True),
        ("ROUND(total) = 3", 250, True),
        ("ROUND(total) = -3", -250, True),
        ("ROUND(total, 1) = 2.5", 245, True),
        ("ROUND(total, -2) = 200", 15_000, True),
        ("ROUND(total / 3, 2) = 0.33", 100, True),
    ],
)
def test_a_bare_number_is_yuan_where_it_meets_money(text: str, fen: int | None, expected: bool) -> None:
    assert of(text, total=fen) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("total * 2", 600),
        ("2 * total", 600),
        ("total * count", 1_200),
        ("total / 2", 150.0),
        ("total / count", 75.0),
        ("total / other", 1.5),
        ("total / 0", None),
        ("total / (other - 2)", None),
    ],
)
def test_products_and_quotients(text: str, expected: float | None) -> None:
    assert of(text, None, total=300, other=200, count=4) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("total * 2", Kind.MONEY),
        ("total / count", Kind.MONEY),
        ("total / other", Kind.NUMBER),
        ("count / 3 + 1", Kind.NUMBER),
        ("ROUND(total / NULLIF(count, 0), 2)", Kind.MONEY),
    ],
)
def test_kind_of_an_expression(text: str, kind: Kind) -> None:
    assert compile_condition(text, SCOPE, None).kind is kind


def test_decimal_factors_are_exact() -> None:
    """In float64 110 × 1.1 is 121.00000000000001, and what was shipped would seem less than allowed."""
    assert of("total = other * 1.1", total=121, other=110) is True
    assert of("total > other * 1.02", total=102, other=100) is False
    wrong = [
        fen
        for fen in range(100, 200_000, 50)
        if of("total = other * 1.02", total=fen * 51 // 50, other=fen) is not True
    ]
    assert wrong == []


@settings(derandomize=True, database=None, deadline=None)
@given(HUGE, st.integers(-1, 1), st.sampled_from(sorted(OPERATORS)))
def test_large_money_is_compared_exactly(fen: int, step: int, operator: str) -> None:
    assert of(f"total {operator} other", total=fen, other=fen + step) is OPERATORS[operator](fen, fen + step)


@settings(derandomize=True, database=None, deadline=None)
@given(st.integers(2**53 - 2, 10**17 - 2), st.integers(-1, 1), st.sampled_from(sorted(OPERATORS)))
def test_large_money_is_compared_exactly_with_a_literal(fen: int, step: int, operator: str) -> None:
    yuan = f"{(fen + step) // 100}.{(fen + step) % 100:02d}"
    assert of(f"total {operator} {yuan}", total=fen) is OPERATORS[operator](fen, fen + step)


@settings(derandomize=True, database=None, deadline=None)
@given(HUGE, st.integers(-3, 3), st.sampled_from(sorted(OPERATORS)))
def test_decimals_do_not_blur_large_money(fen: int, tenths: int, operator: str) -> None:
    """`total` against `other` plus tenths of a fen; in float64 both would be the same."""
    large = 2**58 + fen % 1000
    found = of(f"total {operator} other + {tenths * 0.001:.3f}", total=large, other=large)
    assert found is OPERATORS[operator](0, tenths)


def test_what_does_not_fit_64_bits_is_null_and_touches_no_neighbour() -> None:
    source = Columns(
        {"total": column(Kind.MONEY, 2**62, 5, -(2**62)), "other": column(Kind.MONEY, 2**62, 5, -(2**62))}
    )
    for text, middle in (
        ("total + other", 10),
        ("total - -other", 10),
        ("total * 4", 20),
        ("total * 1.5", 7.5),
    ):
        found = cells(compile_condition(text, SCOPE, None).evaluate(source))
        assert found[1] == middle
        assert found[0] is None, text
    assert cells(compile_condition("total - -other", SCOPE, None).evaluate(source))[2] == -(2**63)


@pytest.mark.parametrize(
    "text", ["total > count", "count + total > 1", "count IN (total)", "LEAST(count, total) > 1"]
)
def test_money_and_a_number_column_do_not_mix(text: str) -> None:
    with pytest.raises(LanguageError, match="money"):
        compile_condition(text, SCOPE)
