"""IN with many literals: what a look-up finds is what comparing with each finds."""

from fractions import Fraction

import numpy as np
import pytest

from events.columns import Kind
from rules.language import Frame, Scope, compile_condition
from rules.language.kernels.cells import Cells, number
from rules.language.kernels.sets import Lookup
from tests.rules.making import Columns, cells, column

NUMBERS = [Fraction(one) for one in ("0", "-1", "2.5", "0.1", "9007199254740993", "9223372036854775807")]


@pytest.mark.parametrize("scale", [1, 10, 100])
def test_scaled_integers_are_found_exactly(scale: int) -> None:
    values = np.array([0, -scale, 25 * scale // 10, 1, 9_007_199_254_740_992, 2**63 - 1], np.int64)
    found = Lookup(map(number, NUMBERS)).among(Cells(values, None, scale))
    assert found.values.tolist() == [Fraction(one, scale) in NUMBERS for one in values.tolist()]


def test_floats_are_found_as_floats() -> None:
    values = np.array([-0.0, 2.5, 0.1, 0.30000000000000004, 9007199254740992.0])
    found = Lookup(map(number, NUMBERS)).among(Cells(values))
    assert found.values.tolist() == [float(one) in set(map(float, NUMBERS)) for one in values.tolist()]


def test_nulls_among_literals_and_values() -> None:
    source = Columns({"orders": column(Kind.NUMBER, 1, 9, None)})
    scope = Scope({"orders": Kind.NUMBER})
    for text, expected in (
        ("orders IN (1, 2, 3, 4)", [True, False, None]),
        ("orders IN (1, 2, 3, 4, NULL)", [True, None, None]),
        ("orders NOT IN (1, 2, 3, 4, orders)", [False, False, None]),
    ):
        assert cells(compile_condition(text, scope).evaluate(Frame(source))) == expected
