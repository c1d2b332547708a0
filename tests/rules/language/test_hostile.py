"""Texts that want to cost much: each is refused at once, with an error of one line."""

import time

import pytest

from events.columns import Kind
from rules.language import LanguageError, Scope, compile_condition
from tests.rules.making import Columns, cells, column

SECONDS = 0.5  # generous: all of these take a few milliseconds on an idle machine

HOSTILE = {
    "parentheses": "(" * 10_000 + "amount" + ")" * 10_000,
    "short parentheses": "(" * 1_900 + "amount" + ")" * 1_900,
    "not": "NOT " * 990 + "TRUE",
    "minus": "- " * 990 + "amount > 1",
    "functions": "ABS(" * 500 + "amount" + ")" * 500,
    "case": "CASE WHEN TRUE THEN " * 160 + "1" + " END" * 160 + " > 1",
    "brackets": "[" * 1_000,
    "braces": "{'a':" * 400,
    "not and parentheses": "NOT (" * 300 + "TRUE" + ")" * 300,
    "megabyte": "amount > 1 AND " * 70_000 + "amount > 1",
    "megabyte of one word": "a" * 2**20,
    "sum": " + ".join(["amount"] * 400) + " > 1",
    "words": " AND ".join(["TRUE"] * 600),
    "nul": "amount > 1\0",
    "bell": "\aamount > 1",
    "import": "__import__('os').system('true')",
    "class": "amount.__class__.__mro__ = 1",
    "subquery": "amount > (SELECT MAX(amount) FROM orders)",
    "file": "read_text('/etc/passwd') = 'x'",
    "number": "orders > 1e999999999",
    "digits": f"amount > {'9' * 3_000}",
    "lone surrogate": "region = \ud800",
    "line separators": "amount\u2028>\u20291 1",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_refused_fast(name: str) -> None:
    started = time.thread_time()
    with pytest.raises(LanguageError) as caught:
        compile_condition(HOSTILE[name], Scope())
    assert time.thread_time() - started < SECONDS
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert len(caught.value.detail) < 500


def test_long_but_honest_conditions_pass() -> None:
    source = Columns({"region": column(Kind.TEXT, "r399", "x"), "amount": column(Kind.MONEY, 50_000, 1)})
    listed = compile_condition(f"region IN ({', '.join(repr(f'r{i}') for i in range(400))})", Scope())
    assert cells(listed.evaluate(source)) == [True, False]
    chained = compile_condition(
        " OR ".join(f"amount = {i}" for i in range(240)) + " OR amount = 500", Scope()
    )
    assert cells(chained.evaluate(source)) == [True, False]


@pytest.mark.timeout(10)
def test_patterns_cannot_explode() -> None:
    source = Columns({"region": column(Kind.TEXT, "a" * 5_000)})
    pattern = "%a" * 40 + "%_b"
    assert cells(compile_condition(f"region LIKE '{pattern}'", Scope()).evaluate(source)) == [False]


@pytest.mark.parametrize(
    "text",
    [
        "a NOT NULL",
        "(a IS NULL)??",
        '(NOT TRUE) = "attributes.vip"',
        "（" * 500 + "a",
        "LIKE('b', '31%')",
        "NOT LIKE('b', '31%')",
    ],
)
def test_what_the_parser_passes_over_in_silence_is_refused(text: str) -> None:
    with pytest.raises(LanguageError) as caught:
        compile_condition(text, Scope({"a": Kind.NUMBER}, {}))
    assert len(str(caught.value)) < 200
