"""From text to sqlglot's tree: limits first, so that no text costs more than a glance, then the parser."""

import re

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from rules.errors import LanguageError

MAX_CHARACTERS = 4_000
MAX_TOKENS = 1_000
MAX_NESTING = 20

_DUCKDB = Dialect.get_or_raise("duckdb")
_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_PREFIXES = {TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def parse(text: str) -> exp.Expr:
    """The sqlglot tree of one expression in DuckDB's dialect.

    Raises:
        LanguageError: the text is too long, too deep or no expression.
    """
    if len(text) > MAX_CHARACTERS:
        what = f"the condition has {len(text):,} characters, the limit is {MAX_CHARACTERS:,}; use features"
        raise LanguageError(what, text[:MAX_CHARACTERS], (0, 1))
    if control := _CONTROL.search(text):
        raise LanguageError(
            f"control character {control[0]!r} in the condition; remove it", text, control.span()
        )
    tokens = _tokens(text)
    if not tokens:
        raise LanguageError(
            "the condition is empty; write an expression such as `amount >= 2000000`", text, (0, 1)
        )
    _limit(tokens, text)
    try:
        parsed = _DUCKDB.parser().parse_into(exp.Condition, tokens, text)
    except ParseError as error:
        raise _syntax_error(error, text) from None
    except RecursionError:
        raise LanguageError(
            "the condition is nested too deeply; use features to flatten it", text, (0, 1)
        ) from None
    if len(parsed) != 1 or parsed[0] is None:
        raise LanguageError("one expression was expected", text, (0, len(text)))
    return parsed[0]


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


def _syntax_error(error: ParseError, text: str) -> LanguageError:
    if not error.errors:
        return LanguageError("this is not an expression", text, (0, len(text)))
    first = error.errors[0]
    said, word = str(first.get("description", "")), str(first.get("highlight", ""))
    end = _offset(text, int(first.get("line") or 1), int(first.get("col") or 1))
    span = (max(0, end - len(word)), end)
    if said.startswith("Required keyword"):
        return LanguageError(f"something is missing beside `{word}`", text, span)
    if said.startswith("Expecting )"):
        return LanguageError("a `)` is missing", text, span)
    if said.startswith("Expected END"):
        return LanguageError("CASE lacks its END", text, span)
    if said.startswith("The number of provided arguments"):
        return LanguageError("the function got too many arguments", text, span)
    return LanguageError(f"unexpected `{word}`", text, span)


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(one) + 1 for one in lines[: line - 1]) + column
