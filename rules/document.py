"""A YAML document whose every part knows its line, so that each error can name it."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import yaml

from events.clock import DAY, HOUR, MINUTE, SECOND
from rules.decision import Text
from rules.errors import LanguageError, PackError, did_you_mean

MAX_BYTES = 1 << 20
MAX_DURATION = 3_660 * DAY
LANGUAGES = ("zh", "en")

_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_DURATION = re.compile(r"(\d{1,9})([smhd])")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_CORE_TAGS = "tag:yaml.org,2002:"
_NULL = f"{_CORE_TAGS}null"

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True)
class Entry:
    """One node of a document.

    Args:
        file: path of the document as it was given.
        source: the whole document.
        node: the node.
        where: what the entry belongs to, for messages: "rule `large-amount`".
        key: dotted keys that lead to it from there.
        key_line: line of its key, from 0.
    """

    file: str
    source: str
    node: yaml.Node
    where: str = ""
    key: str = ""
    key_line: int | None = None

    @property
    def line(self) -> int:
        """Line of the entry in the file, from 1; of its key where it is a block below it."""
        if self.key_line is not None and isinstance(self.node, yaml.CollectionNode):
            return self.key_line + 1
        return int(self.node.start_mark.line) + 1

    def error(self, what: str) -> PackError:
        """An error at this entry."""
        return PackError(self.file, self.line, self._placed(what))

    def language_error(self, error: LanguageError) -> PackError:
        """An error inside the condition that this entry holds, at the line where it stands in the file."""
        line = self.line + self._lines_before(error.start)
        return PackError(self.file, line, self._placed(error.what), error.detail)

    def within(self, where: str) -> "Entry":
        """The same entry as a part of something with a name."""
        return replace(self, where=where, key="")

    def mapping(self) -> "dict[str, Entry]":
        """The entries of a mapping by key, in order."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error(f"a mapping of keys to values was expected, got {self._shown()}")
        entries: dict[str, Entry] = {}
        for key, value in self.node.value:
            entry = replace(self, node=key, key_line=None)
            name = entry.text()
            if name in entries:
                raise entry.error(f"`{name}` stands here twice; the first is on line {entries[name].line}")
            dotted = f"{self.key}.{name}" if self.key else name
            entries[name] = replace(self, node=value, key=dotted, key_line=key.start_mark.line)
        return entries

    def fields(self, required: Iterable[str], optional: Iterable[str] = ()) -> "dict[str, Entry]":
        """The entries of a mapping that may have these keys and no others."""
        required, optional = tuple(required), tuple(optional)
        entries = self.mapping()
        for key, entry in entries.items():
            if key not in required and key not in optional:
                near = did_you_mean(key, {*required, *optional} - entries.keys())
                known = near or f"; known are {', '.join((*required, *optional))}"
                what = self._placed(f"unknown key `{key}`{known}")
                raise PackError(self.file, (entry.key_line or 0) + 1, what)
        if missing := [key for key in required if key not in entries]:
            raise self.error(f"`{missing[0]}` is missing")
        return entries

    def items(self) -> "list[Entry]":
        """The entries of a list that is not empty."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.error(f"a list such as [a, b] was expected, got {self._shown()}")
        if not self.node.value:
            raise self.error("the list is empty; name at least one")
        return [replace(self, node=node, key_line=None) for node in self.node.value]

    def one_or_more(self) -> "list[Entry]":
        """The entries of a list, or the entry itself where it is a scalar."""
        return self.items() if isinstance(self.node, yaml.SequenceNode) else [self]

    def text(self) -> str:
        """A scalar as it is written; never empty."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.error(f"a text was expected, got {self._shown()}")
        if self.node.tag == _NULL or not self.node.value.strip():
            raise self.error("a text was expected, got nothing")
        return str(self.node.value)

    def slug(self) -> str:
        """A short name of lower-case letters, digits and hyphens."""
        text = self.text()
        if not _SLUG.fullmatch(text):
            raise self.error(f"`{text[:80]}` is not a name; use lower-case letters, digits and hyphens")
        return text

    def integer(self, least: int = 1) -> int:
        """A whole number."""
        text = self.text()
        if not re.fullmatch(r"\d{1,9}", text) or int(text) < least:
            raise self.error(f"`{text[:80]}` is not a whole number from {least} on")
        return int(text)

    def duration(self, least: int = 1) -> int:
        """A length of time in milliseconds, written with a unit: 30s, 10m, 72h or 7d."""
        text = self.text()
        match = _DURATION.fullmatch(text)
        if match is None:
            raise self.error(
                f"`{text[:80]}` is not a duration; write a number and s, m, h or d, such as `72h`"
            )
        length = int(match[1]) * _UNITS[match[2]]
        if not least <= length <= MAX_DURATION:
            raise self.error(
                f"the duration `{text}` is out of range; it lies between 1s and {MAX_DURATION // DAY}d"
            )
        return length

    def choice(self, choices: type[Choice], what: str) -> Choice:
        """One of the values of an enumeration."""
        text = self.text()
        try:
            return choices(text)
        except ValueError:
            near = did_you_mean(text, choices) or f"; known are {', '.join(choices)}"
            raise self.error(f"unknown {what} `{text[:80]}`{near}") from None

    def texts(self) -> Text:
        """One sentence in every language."""
        return {language: entry.text() for language, entry in self.fields(LANGUAGES).items()}

    def canonical(self) -> str:
        """The content without layout and comments, as JSON; equal where the meaning is."""
        return json.dumps(_plain(self.node), ensure_ascii=False, separators=(",", ":"))

    def _placed(self, what: str) -> str:
        place = ", ".join(filter(None, (self.where, self.key and f"`{self.key}`")))
        return f"{place}: {what}" if place else what

    def _shown(self) -> str:
        if isinstance(self.node, yaml.ScalarNode):
            return f"`{self.node.value[:80]}`" if self.node.value else "nothing"
        return "a list" if isinstance(self.node, yaml.SequenceNode) else "a mapping"

    def _lines_before(self, offset: int) -> int:
        """Lines of the file between the scalar's first and the one that holds the offset of its text.

        Folding changes nothing but white space, so the visible characters are counted.
        """
        node = self.node
        assert isinstance(node, yaml.ScalarNode)
        raw = self.source[node.start_mark.index : node.end_mark.index]
        place = 0
        if node.style in ("|", ">"):
            place = raw.find("\n") + 1
        elif node.style == '"' and "\\" in raw:
            return 0
        elif node.style in ("'", '"'):
            raw = raw.replace("''", "'") if node.style == "'" else raw
            place = 1
        wanted = sum(not character.isspace() for character in node.value[:offset])
        while place < len(raw) and (wanted or raw[place].isspace()):
            wanted -= not raw[place].isspace()
            place += 1
        return raw.count("\n", 0, place)


def check_name(name: str, entry: Entry) -> None:
    """Refuse a name of a rule or deadline that is not of lower-case letters, digits and hyphens.

    Raises:
        PackError: it is not.
    """
    if name != name.lower() or not all(part.isalnum() and part.isascii() for part in name.split("-")):
        raise entry.error("the name is not usable; write lower-case letters, digits and hyphens")


class Problems:
    """Errors that are gathered, so that a person sees all of a pack's at once."""

    def __init__(self) -> None:
        self._errors: list[PackError] = []

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep an error of the block for later."""
        try:
            yield
        except PackError as error:
            self._errors.append(error)

    def settle(self) -> None:
        """Raise the first error in the file with the others beside it; nothing where there is none."""
        if self._errors:
            first, *others = sorted(self._errors, key=lambda error: error.line or 0)
            first.others = tuple(others)
            raise first


def read_document(path: Path | str) -> Entry:
    """Read a YAML file.

    Raises:
        PackError: it cannot be read, is no YAML, or uses aliases or tags of its own.
    """
    file = str(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise PackError(file, None, f"cannot be read: {error.strerror or error}; check the path") from None
    if len(data) > MAX_BYTES:
        raise PackError(file, None, f"the file has {len(data):,} bytes, the limit is {MAX_BYTES:,}")
    try:
        source = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PackError(file, line, "this is not UTF-8; save the file as UTF-8") from None
    return compose(file, source)


def compose(file: str, source: str) -> Entry:
    """Read a YAML text.

    Args:
        file: its name, for messages.
        source: the text.

    Raises:
        PackError: it is no YAML, is too long, or uses aliases or tags of its own.
    """
    if len(source) > MAX_BYTES:
        raise PackError(file, None, f"the text has {len(source):,} characters, the limit is {MAX_BYTES:,}")
    try:
        for event in yaml.parse(source, yaml.SafeLoader):
            _refuse(file, event)
        node = yaml.compose(source, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"this is not YAML: {error.problem or error.context}"
        raise PackError(file, mark.line + 1 if mark else None, what) from None
    except yaml.reader.ReaderError as error:
        line = source.count("\n", 0, error.position) + 1
        raise PackError(
            file, line, f"the character {chr(error.character)!r} is not allowed; remove it"
        ) from None
    except RecursionError:
        raise PackError(file, None, "the file is nested too deeply") from None
    if node is None:
        raise PackError(file, None, "the file is empty; docs/rule-language.md shows a pack")
    return Entry(file, source, node)


def _refuse(file: str, event: yaml.Event) -> None:
    line = event.start_mark.line + 1 if event.start_mark else None
    if isinstance(event, yaml.AliasEvent):
        raise PackError(file, line, f"the alias `*{event.anchor}` is not supported; write the value out")
    tag = getattr(event, "tag", None)
    if isinstance(tag, str) and tag != "!":
        raise PackError(file, line, f"the tag `{tag[:80]}` is not supported; remove it")


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one) for one in node.value]
    return node.value
