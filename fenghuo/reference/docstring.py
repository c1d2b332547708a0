"""Docstrings: what a type says of itself and of its fields."""

import inspect
import re
from collections.abc import Iterator

_FIELD = re.compile(r"    (\w+): (.*)")
_SECTION = re.compile(r"(?m)^(?:Args|Raises|Returns|Example):\n")


def summary(kind: object) -> str:
    """The description of a class or function, without the sections about fields and errors."""
    text = _SECTION.split(inspect.getdoc(kind) or "", maxsplit=1)[0]
    return " ".join(text.split())


def fields(kind: object) -> dict[str, str]:
    """What the section `Args` says, by name."""
    return {name: " ".join(lines) for name, lines in _fields(inspect.getdoc(kind) or "")}


def _fields(text: str) -> Iterator[tuple[str, list[str]]]:
    _, _, section = text.partition("Args:\n")
    name, lines = "", list[str]()
    for line in section.splitlines():
        if line and not line.startswith("    "):
            break
        if found := _FIELD.fullmatch(line):
            if name:
                yield name, lines
            name, lines = found[1], [found[2]]
        elif line:
            lines.append(line.strip())
    if name:
        yield name, lines
