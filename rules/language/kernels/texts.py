"""Texts: membership and patterns."""

import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet

import numpy as np

from rules.language.kernels.cells import Cells


def among(a: Cells, members: AbstractSet[str]) -> Cells:
    """Whether the text is one of `members`."""
    return satisfying(a, members.__contains__)


def satisfying(a: Cells, test: Callable[[str], bool]) -> Cells:
    """Whether the text passes a test; a column's test runs once for each distinct text."""
    if a.words is not None:
        return Cells(a.words.test(test), a.valid)
    if a.values.ndim == 0:  # one text, which may be NULL in some rows
        constant = a.values.item()
        return Cells(np.array(isinstance(constant, str) and test(constant)), a.valid)
    texts = a.values if a.valid is None else np.where(a.valid, a.values, "")
    return Cells(np.fromiter(map(test, texts.tolist()), np.bool_, len(texts)), a.valid)


def matcher(pattern: str) -> Callable[[str], bool]:
    """A function that matches a pattern: `%` is any text, `_` one character, every other stands for itself.

    Its cost is at worst the length of the text times that of the pattern, in C, never exponential.

    >>> matcher("31%")("310000"), matcher("_1%0")("310000"), matcher("31")("310000")
    (True, True, False)
    """
    first, *others = pattern.split("%")
    if not others:
        return _whole(first)
    *inner, last = others
    if "_" not in pattern and not any(inner):
        if not last:
            return lambda text: text.startswith(first)
        if not first:
            return lambda text: text.endswith(last)
    if "_" not in pattern and not first and not last and len(inner) == 1:
        return lambda text: inner[0] in text
    return _Pieces(first, [piece for piece in inner if piece], last).match


def _whole(piece: str) -> Callable[[str], bool]:
    if "_" not in piece:
        return piece.__eq__
    fullmatch = _compiled(piece).fullmatch
    return lambda text: fullmatch(text) is not None


class _Pieces:
    """A pattern between `%`: each piece is sought behind the one before, as far to the left as it goes."""

    def __init__(self, first: str, inner: list[str], last: str) -> None:
        self._first = _compiled(first)
        self._inner = [_compiled(piece) for piece in inner]
        self._last = _compiled(last)
        self._tail = len(last)

    def match(self, text: str) -> bool:
        found = self._first.match(text)
        for piece in self._inner:
            if found is None:
                return False
            found = piece.search(text, found.end())
        if found is None or len(text) - self._tail < found.end():
            return False
        return self._last.match(text, len(text) - self._tail) is not None


def _compiled(piece: str) -> re.Pattern[str]:
    """A piece of a pattern; it has a fixed length, so that nothing in it can be tried in two ways."""
    return re.compile("".join("." if one == "_" else re.escape(one) for one in piece), re.DOTALL)
