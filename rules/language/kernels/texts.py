"""Texts: membership and patterns."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

import numpy as np

from rules.language.kernels.cells import Cells


def among(a: Cells, members: AbstractSet[str]) -> Cells:
    """Whether the text is one of `members`."""
    return _each(a, members.__contains__)


def like(a: Cells, pattern: str) -> Cells:
    """Whether the text matches a pattern of LIKE."""
    return _each(a, matcher(pattern))


def matcher(pattern: str) -> Callable[[str], bool]:
    """A function that matches a pattern: `%` is any text, `_` one character, every other stands for itself.

    >>> matcher("31%")("310000"), matcher("_1%0")("310000"), matcher("31")("310000")
    (True, True, False)
    """
    body = pattern.strip("%")
    if "_" in pattern or "%" in body:
        return lambda text: _matches(text, pattern)
    match pattern.startswith("%"), pattern.endswith("%"):
        case False, False:
            return body.__eq__
        case False, True:
            return lambda text: text.startswith(body)
        case True, False:
            return lambda text: text.endswith(body)
        case _:
            return lambda text: body in text


def _matches(text: str, pattern: str) -> bool:
    """Two pointers and one place to go back to: at worst the product of the lengths, never exponential."""
    at = place = 0
    back, resume = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "%":
            back, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("_", text[at]):
            at += 1
            place += 1
        elif back >= 0:
            resume += 1
            at, place = resume, back + 1
        else:
            return False
    return pattern[place:].strip("%") == ""


def _each(a: Cells, test: Callable[[str], bool]) -> Cells:
    flat = np.atleast_1d(a.values)
    texts = flat if a.valid is None else np.where(a.valid, flat, "")
    found = np.fromiter(map(test, texts.tolist()), np.bool_, len(flat))
    return Cells(found.reshape(np.shape(a.values)), a.valid)
