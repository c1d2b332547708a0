"""Reading the docs: files, code blocks, inline code and links, as a reader of the pages sees them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parents[2]
FOLDERS = ("docs", "samples")

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(fenghuo|make) \S")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A block of code and where it stands."""

    page: Path
    language: str
    text: str


def pages() -> list[Path]:
    """Every page for readers."""
    found = [path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.md")]
    return sorted([*REPOSITORY.glob("*.md"), *found])


def name(page: Path) -> str:
    """A page as messages and test ids name it."""
    return page.relative_to(REPOSITORY).as_posix()


def blocks(page: Path) -> list[Block]:
    """The blocks of code of a page, in order."""
    return [Block(page, language, text) for language, text in _FENCE.findall(page.read_text("utf-8"))]


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", page.read_text("utf-8"))


def inline(page: Path) -> list[str]:
    """The inline code of a page."""
    return [" ".join(text.split()) for _, text in _INLINE.findall(prose(page))]


def links(page: Path) -> list[str]:
    """The targets of a page's links and images, without those to other sites."""
    text = _INLINE.sub("", prose(page))
    return [target for target in _LINK.findall(text) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The names by which headings of a page are linked to."""
    return {_slug(heading) for heading in _HEADING.findall(prose(page))}


def _slug(heading: str) -> str:
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.strip().replace(" ", "-")


def shell_lines(page: Path) -> Iterator[str]:
    """The commands in the blocks of a page, each as one line."""
    for block in blocks(page):
        if block.language in ("", "sh"):
            for line in block.text.replace("\\\n", " ").splitlines():
                if _COMMAND.match(line):  # a drawing has its names elsewhere
                    yield " ".join(line.partition(" #")[0].split())
