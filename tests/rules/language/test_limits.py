"""Results at the edge of 64 bits: what fits is exact, what does not is NULL."""

import pytest

from events.columns import Kind
from rules.language import Scope, compile_condition
from tests.rules.making import Cell, Columns, cells, column

LARGEST, LEAST = 2**63 - 1, -(2**63)
SCOPE = Scope({"a": Kind.NUMBER, "b": Kind.NUMBER})


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (LARGEST, 1),
        (LARGEST, -1),
        (LEAST, 1),
        (LEAST, -1),
        (2**62, -2),
        (2**62, 2),
        (3037000500, 3037000500),
        (3037000499, 3037000499),
        (LARGEST, LARGEST),
        (LEAST, LEAST),
        (LEAST, 0),
        (-(2**31), 2**32),
        (-(2**32), -(2**31)),
        (7, 1317624576693539401),
        (7, 1317624576693539402),
    ],
)
def test_products(a: int, b: int) -> None:
    source = Columns({"a": column(Kind.NUMBER, a, b), "b": column(Kind.NUMBER, b, a)})
    fits = LEAST <= a * b <= LARGEST
    expected: list[Cell] = [a * b if fits else None] * 2
    assert cells(compile_condition("a * b", SCOPE, Kind.NUMBER).evaluate(source)) == expected
