"""Markdown: the few forms that the generated pages use."""

from collections.abc import Iterable, Sequence

NOTICE = "<!-- Written by `fenghuo docs` from the code. Change the code, then run `make docs`. -->"


def page(title: str, *blocks: str) -> str:
    """A whole page that says where it comes from."""
    return "\n\n".join((NOTICE, f"# {title}", *blocks)) + "\n"


def code(text: object) -> str:
    """Text as inline code; nothing where there is none.

    >>> code("60x"), code("")
    ('`60x`', '')
    """
    return f"`{text}`" if str(text) else ""


def codes(texts: Iterable[object]) -> str:
    """Several texts as inline code.

    >>> codes(["low", "high"])
    '`low`, `high`'
    """
    return ", ".join(map(code, texts))


def block(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text}\n```"


def sentence(text: str) -> str:
    """Text that begins with a capital.

    >>> sentence("event time.")
    'Event time.'
    """
    return text[:1].upper() + text[1:]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar or line feed in a cell would break it, so they are written otherwise."""
    lines = [_row(head), _row(["---"] * len(head))]
    return "\n".join([*lines, *map(_row, rows)])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
