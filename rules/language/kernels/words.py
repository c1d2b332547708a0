"""The distinct texts of a column: a test in Python runs once for each of them, not for each row."""

from collections.abc import Callable

import numpy as np

from events.columns import Bools, Objects

_Codes = np.ndarray[tuple[int, ...], np.dtype[np.intp]]


class Words:
    """The distinct texts of a column, found when they are first worth it.

    Args:
        values: texts, shape (n,); anything where NULL.
        valid: shape (n,); None where nothing is NULL.
    """

    def __init__(self, values: Objects, valid: Bools | None) -> None:
        self._values = values
        self._valid = valid
        self._asked = False
        self._places: dict[str, int] = {}
        self._codes: _Codes | None = None

    def test(self, holds: Callable[[str], bool]) -> Bools:
        """Where a test holds, shape (n,); anything where NULL."""
        codes = self._found()
        if codes is None:
            return np.fromiter(map(holds, self._texts()), np.bool_, len(self._values))
        told = np.fromiter(map(holds, self._places), np.bool_, len(self._places))
        return told[codes]

    def equal(self, text: str) -> Bools:
        """Where the text is this one, shape (n,); anything where NULL."""
        codes = self._found()
        if codes is None:
            same: Bools = np.equal(self._values, text).astype(np.bool_)
            return same
        return np.equal(codes, self._places.get(text, -1))

    def _found(self) -> _Codes | None:
        """Place of each row's text among the distinct ones; None where the question is the first one."""
        if self._codes is None and self._asked:
            texts = self._texts()
            self._places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
            self._codes = np.fromiter(map(self._places.__getitem__, texts), np.intp, len(texts))
        self._asked = True
        return self._codes

    def _texts(self) -> list[str]:
        filled = self._values if self._valid is None else np.where(self._valid, self._values, "")
        texts: list[str] = filled.tolist()
        return texts
