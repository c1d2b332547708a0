"""From text to sqlglot's tree: limits first, so that no text costs more than a glance, then the parser."""

import re
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from rules.errors import LanguageError
from rules.language.tree import Span

MAX_CHARACTERS = 4_000
MAX_TOKENS = 1_000
MAX_NESTING = 20

_DUCKDB = Dialect.get_or_raise("duckdb")
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_PREFIXES = {TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_COMMENT = re.compile(r"--[^\n\r]*")
_SHOWN = 40
_SPACE = " \t\r\n"
_TRIPS = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What sqlglot's parser raises where it trips over a text."""
_BEFORE_NOT = {
    *(TokenType.L_PAREN, TokenType.COMMA, TokenType.AND, TokenType.OR, TokenType.NOT, TokenType.IS),
    *(TokenType.CASE, TokenType.WHEN, TokenType.THEN, TokenType.ELSE, TokenType.BETWEEN),
    *(TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE),
}
"""What a NOT may follow that is no part of `x NOT IN` or `x IS NOT NULL`."""
_OPEN_ENDED = {TokenType.COMMA, TokenType.L_PAREN}
_MARKS = re.compile(r"[(),.]|::|==?|<>|!=|<=?|>=?|[-+*/]|[\w\"].*", re.DOTALL)
"""Marks of the language, and what may be a name or a number."""
_FOREIGN = {"!", "@", ";", "`", "{", "}", "[", "]", "ALL", "AS", "IF", "ISNULL", "NOTNULL"}


class Parsed(NamedTuple):
    """What the parser made of a text.

    Args:
        tree: sqlglot's tree.
        calls: words that stand before a parenthesis, with their places.
    """

    tree: exp.Expr
    calls: list[tuple[str, Span]]


def parse(text: str) -> Parsed:
    """The sqlglot tree of one expression in DuckDB's dialect.

    Raises:
        LanguageError: the text is too long, too deep or no expression.
    """
    if len(text) > MAX_CHARACTERS:
        what = f"the condition has {len(text):,} characters, the limit is {MAX_CHARACTERS:,}; use features"
        raise LanguageError(what, text[:MAX_CHARACTERS], (0, 1))
    if control := _CONTROL.search(text):
        what = f"control character {control[0]!a} in the condition; remove it"
        raise LanguageError(what, text, control.span())
    tokens = _tokens(text)
    if not tokens:
        raise LanguageError(
            "the condition is empty; write an expression such as `amount >= 2000000`", text, (0, 1)
        )
    _limit(tokens, text)
    _plain(tokens, text)
    try:
        parsed = _DUCKDB.parser().parse_into(exp.Condition, tokens, text)
    except ParseError as error:
        raise _syntax_error(error, tokens, text) from None
    except RecursionError:
        raise LanguageError(
            "the condition is nested too deeply; use features to flatten it", text, (0, 1)
        ) from None
    except _TRIPS:
        raise LanguageError("this is not an expression", text, (0, len(text))) from None
    if len(parsed) != 1 or parsed[0] is None:
        raise LanguageError("one expression was expected", text, (0, len(text)))
    calls = [
        (one.text, (one.start, one.end + 1))
        for one, behind in pairwise(tokens)
        if one.token_type is TokenType.VAR and behind.token_type is TokenType.L_PAREN
    ]
    _account(parsed[0], tokens, len(calls), text)
    return Parsed(parsed[0], calls)


def _tokens(text: str) -> list[Token]:
    try:
        return _DUCKDB.tokenize(text)
    except TokenError:
        opened = _unclosed(text)
        raise LanguageError("a quote or comment is not closed", text, (opened, opened + 1)) from None


def _unclosed(text: str) -> int:
    """Offset of the quote that has no end."""
    opened, quote = 0, ""
    for offset, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            opened, quote = offset, character
    return opened


def _limit(tokens: list[Token], text: str) -> None:
    if len(tokens) > MAX_TOKENS:
        span = (tokens[MAX_TOKENS].start, tokens[MAX_TOKENS].end + 1)
        raise LanguageError(
            f"the condition has more than {MAX_TOKENS:,} words; use a list or features", text, span
        )
    depth = prefixes = 0
    for token in tokens:
        kind = token.token_type
        depth += (kind in _OPENING) - (kind in _CLOSING)
        prefixes = prefixes + 1 if kind in _PREFIXES else 0
        if depth > MAX_NESTING or prefixes > MAX_NESTING:
            what = f"the condition is nested deeper than {MAX_NESTING} levels; use features to flatten it"
            raise LanguageError(what, text, (token.start, token.end + 1))


def _plain(tokens: list[Token], text: str) -> None:
    """Refuse what the parser would pass over in silence: odd spaces, blocks of comment, a value left out."""
    end, earlier, before = 0, TokenType.L_PAREN, TokenType.L_PAREN
    for token in tokens:
        _gap(text, end, token.start)
        kind, span = token.token_type, (token.start, token.end + 1)
        if before is TokenType.DOT and kind is TokenType.NUMBER:
            raise LanguageError("a number begins with a digit: `0.5`", text, span)
        if before is TokenType.COMMA and kind is TokenType.R_PAREN:
            raise LanguageError("a value is missing behind the last comma", text, span)
        if kind is TokenType.COMMA and before in _OPEN_ENDED:
            raise LanguageError(f"a value is missing before `{token.text}`", text, span)
        if before is TokenType.NOT and kind is TokenType.IS:
            raise LanguageError("NOT stands behind IS: `x IS NOT NULL`", text, span)
        if before is TokenType.NOT and kind is TokenType.NULL and earlier not in _BEFORE_NOT:
            raise LanguageError("IS is missing before NOT: `x IS NOT NULL`", text, span)
        if kind is TokenType.LIKE and (earlier if before is TokenType.NOT else before) in _BEFORE_NOT:
            raise LanguageError("LIKE stands between a text and its pattern: `x LIKE '31%'`", text, span)
        written = text[slice(*span)]
        if kind is not TokenType.STRING and (written.upper() in _FOREIGN or not _MARKS.fullmatch(written)):
            raise LanguageError(f"`{written[:_SHOWN]}` is not part of the condition language", text, span)
        end, earlier, before = token.end + 1, before, kind
    _gap(text, end, len(text))


def _gap(text: str, start: int, end: int) -> None:
    gap = _COMMENT.sub(lambda comment: " " * len(comment[0]), text[start:end])
    if odd := gap.strip(_SPACE):
        place = start + gap.index(odd)
        shown = "/* */" if odd.startswith("/*") else ascii(odd[0])
        what = f"{shown} stands between two words; write spaces, or -- before a comment"
        raise LanguageError(what, text, (place, place + 1))


def _account(tree: exp.Expr, tokens: list[Token], calls: int, text: str) -> None:
    """Refuse a text of which the parser left a word out, or added one: the tree must have a place for each.

    Raises:
        LanguageError: BETWEEN lacks its AND, WHEN its THEN, `+` is a sign, or parentheses were thought of.
    """
    words = Counter(token.token_type for token in tokens)
    nodes = list(tree.walk())
    found = Counter(type(node) for node in nodes)
    lists = sum(isinstance(node, exp.In) and bool(node.expressions) for node in nodes)
    nulls = sum(isinstance(node, exp.Is) and isinstance(node.this, exp.Paren) for node in nodes)
    added = max(0, found[exp.Paren] - nulls + calls + lists - words[TokenType.L_PAREN])
    for told, needed, keyword, what in (
        (TokenType.AND, found[exp.And] + found[exp.Between], TokenType.BETWEEN, "a BETWEEN lacks its AND"),
        (TokenType.THEN, found[exp.If], TokenType.WHEN, "a WHEN lacks its THEN"),
        (TokenType.PLUS, found[exp.Add], TokenType.PLUS, "`+` stands before a value; remove it"),
        (TokenType.NOT, words[TokenType.NOT] + added, TokenType.NOT, "put this comparison in parentheses"),
    ):
        if words[told] != needed:
            token = next((one for one in tokens if one.token_type is keyword), tokens[0])
            raise LanguageError(what, text, (token.start, token.end + 1))


def _syntax_error(error: ParseError, tokens: list[Token], text: str) -> LanguageError:
    first = error.errors[0] if error.errors else {}
    place = (first.get("line"), first.get("col"))
    token = next((one for one in tokens if (one.line, one.col) == place), None)
    if token is None:
        return LanguageError("this is not an expression", text, (0, len(text)))
    said, span = str(first.get("description", "")), (token.start, token.end + 1)
    word = text[slice(*span)][:_SHOWN]
    if said.startswith("Required keyword"):
        return LanguageError(f"something is missing beside `{word}`", text, span)
    if said.startswith("Expecting )"):
        return LanguageError("a `)` is missing", text, span)
    if said.startswith("Expected END"):
        return LanguageError("CASE lacks its END", text, span)
    if said.startswith("The number of provided arguments"):
        return LanguageError("the function got too many arguments", text, span)
    return LanguageError(f"unexpected `{word}`", text, span)
