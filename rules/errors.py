"""Errors of rules: the condition language and the packs written in it."""

from collections.abc import Iterable
from difflib import get_close_matches

from events.errors import FenghuoError


class RuleError(FenghuoError):
    """Raised when a rule, a pack or what they are given cannot be used."""


class LanguageError(RuleError):
    """Raised when a condition is not an expression of the language.

    Args:
        what: the failure and its cure, one line.
        text: the condition.
        span: start and end offset of the offending part in `text`.
    """

    def __init__(self, what: str, text: str, span: tuple[int, int]) -> None:
        self.what = what = " ".join(what.split())  # names and texts that it shows may have line breaks
        self.text = text
        self.start = min(span[0], len(text))
        self.end = max(span[1], self.start + 1)
        self.line = text.count("\n", 0, self.start) + 1
        self.column = self.start - (text.rfind("\n", 0, self.start) + 1) + 1
        super().__init__(f"{self.line}:{self.column}: {what}")

    @property
    def detail(self) -> str:
        """The offending line of the condition with carets under the place; empty where there is none."""
        line_start = self.start - (self.column - 1)
        line_end = self.text.find("\n", line_start)
        line = self.text[line_start:] if line_end < 0 else self.text[line_start:line_end]
        if not line.strip():
            return ""
        carets = max(1, min(self.end - self.start, len(line) - self.column + 1, _CONTEXT))
        shift = max(0, self.column - 1 - _CONTEXT)
        shown = line[shift : self.column - 1 + carets + _CONTEXT]
        padding = "".join("　" if ord(c) > _WIDE else " " for c in line[shift : self.column - 1])
        return f"    {shown}\n    {padding}{'^' * carets}"


_CONTEXT = 80  # characters shown on either side of the offending part
_WIDE = 0x2E80  # CJK and full-width characters fill two cells from here on


class PackError(RuleError):
    """Raised when a rule pack cannot be read or says something that has no meaning.

    Args:
        file: path of the pack as it was given.
        line: line in the file, from 1; None when the file itself cannot be read.
        what: the failure and its cure, one line.
        detail: the offending text with carets under the place, or None.
    """

    def __init__(self, file: str, line: int | None, what: str, detail: str | None = None) -> None:
        self.file = file
        self.line = line
        self.what = what
        self.detail = detail
        self.others: tuple[PackError, ...] = ()
        super().__init__(f"{file}:{line}: {what}" if line else f"{file}: {what}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?` with the nearest of the `known` names, or nothing where none is near.

    >>> did_you_mean("shiped_72h", ["shipped_72h", "orders_1h"])
    '; did you mean `shipped_72h`?'
    """
    known = sorted(known)
    near = get_close_matches(name[:100], known, n=1) or [one for one in known if one.lower() == name.lower()]
    return f"; did you mean `{near[0]}`?" if near else ""
