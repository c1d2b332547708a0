"""LIKE's patterns, against the same pattern as a regular expression."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.language.kernels.texts import matcher


@settings(derandomize=True, database=None, deadline=None)
@given(st.text("ab%_\n", max_size=8), st.text("ab%_\n", max_size=10))
def test_like(pattern: str, text: str) -> None:
    regex = "".join({"%": ".*", "_": "."}.get(one, re.escape(one)) for one in pattern)
    assert matcher(pattern)(text) is bool(re.fullmatch(regex, text, re.DOTALL))
