"""SQL's three-valued logic: NULL is neither true nor false until the other side decides."""

import pytest

from events.columns import Kind
from rules.language import Scope, compile_condition
from tests.rules.making import Columns, cells, column

TRUTHS = (True, True, True, False, False, False, None, None, None)
OTHERS = (True, False, None, True, False, None, True, False, None)
SOURCE = Columns({"attributes.a": column(Kind.BOOL, *TRUTHS), "attributes.b": column(Kind.BOOL, *OTHERS)})


def truth(text: str) -> list[object]:
    return list(cells(compile_condition(text, Scope()).evaluate(SOURCE)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("attributes.a AND attributes.b", [True, False, None, False, False, False, None, False, None]),
        ("attributes.a OR attributes.b", [True, True, True, True, False, None, True, None, None]),
        ("NOT attributes.a", [False, False, False, True, True, True, None, None, None]),
        ("(attributes.a = TRUE) = attributes.b", [True, False, None, False, True, None, None, None, None]),
        (
            "(attributes.a AND attributes.b) IS NULL",
            [False, False, True, False, False, False, True, False, True],
        ),
        ("NOT (attributes.a AND NOT attributes.b)", [True, False, None, True, True, True, True, None, None]),
    ],
)
def test_three_valued_logic(text: str, expected: list[bool | None]) -> None:
    assert truth(text) == expected


def test_null_alone_is_null_in_every_row() -> None:
    assert truth("NULL") == [None] * 9
    assert truth("NULL AND attributes.a") == [None, None, None, False, False, False, None, None, None]
    assert truth("TRUE OR NULL") == [True] * 9


def test_in_with_null_among_its_values_is_never_false() -> None:
    source = Columns({"attributes.t": column(Kind.TEXT, "a", "b", None)})

    def of(text: str) -> list[object]:
        return list(cells(compile_condition(text, Scope()).evaluate(source)))

    assert of("attributes.t IN ('a', NULL)") == [True, None, None]
    assert of("attributes.t NOT IN ('a', NULL)") == [False, None, None]
    assert of("attributes.t NOT IN ('a', 'c')") == [False, True, None]


def test_case_takes_no_branch_whose_condition_is_null() -> None:
    found = truth("CASE WHEN attributes.a THEN attributes.b ELSE attributes.a END")
    assert found == [True, False, None, False, False, False, None, None, None]
    assert truth("CASE attributes.a WHEN TRUE THEN FALSE END") == [False] * 3 + [None] * 6
