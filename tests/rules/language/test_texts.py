"""LIKE's patterns, against the same pattern as a regular expression."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from events.columns import Kind
from rules.language import Scope, compile_condition
from rules.language.kernels.texts import matcher
from tests.rules.making import Columns, cells, column


@settings(derandomize=True, database=None, deadline=None)
@given(st.text("ab%_\n", max_size=8), st.text("ab%_\n", max_size=10))
def test_like(pattern: str, text: str) -> None:
    regex = "".join({"%": ".*", "_": "."}.get(one, re.escape(one)) for one in pattern)
    assert matcher(pattern)(text) is bool(re.fullmatch(regex, text, re.DOTALL))


def test_a_constant_that_is_null_in_some_rows_is_tested_as_itself() -> None:
    """The first row must not decide for the others: there NULLIF is NULL."""
    source = Columns({"region": column(Kind.TEXT, "x", "y", None)})
    scope = Scope({"region": Kind.TEXT}, {"places": frozenset({"", "z"})})
    for text, expected in (
        ("LISTED(NULLIF('x', region), 'places')", [None, False, False]),
        ("NULLIF('x', region) LIKE ''", [None, False, False]),
        ("NULLIF('x', region) IN ('', 'z')", [None, False, False]),
        ("LISTED(NULLIF('z', region), 'places')", [True, True, True]),
    ):
        assert cells(compile_condition(text, scope).evaluate(source)) == expected
