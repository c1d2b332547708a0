"""The reason of a hit: one sentence per language in which the observed values stand."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from events.columns import Kind
from events.event import Attribute
from rules.decision import Text

NOTHING = "—"
"""What stands for NULL."""

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_TRUTH = {"zh": ("是", "否"), "en": ("yes", "no")}
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Placeholder:
    """A place for a value.

    Args:
        name: the name whose value stands here.
        kind: money is written in yuan.
        percent: whether a share is written in percent.
    """

    name: str
    kind: Kind
    percent: bool

    def render(self, value: Attribute | None, language: str) -> str:
        """The value as a person reads it."""
        if value is None:
            return NOTHING
        if isinstance(value, bool):
            return _TRUTH[language][0 if value else 1]
        if isinstance(value, str):
            return value
        if self.kind is Kind.MONEY:
            return yuan(value)
        return compact(value * 100) + " %" if self.percent else compact(value)


@dataclass(frozen=True)
class Reason:
    """A sentence with places for values, in every language.

    Args:
        parts: by language, texts and placeholders in turn.
    """

    parts: Mapping[str, tuple[str | Placeholder, ...]]

    @classmethod
    def of(cls, texts: Text, kind_of: Callable[[str], Kind]) -> "Reason":
        """The reason of sentences by language; see `parse_reason`."""
        return cls({language: parse_reason(text, kind_of) for language, text in texts.items()})

    def render(self, value: Callable[[str], Attribute | None]) -> Text:
        """The sentences with the values that `value` gives for a name; money in fen."""
        return {
            language: "".join(
                part if isinstance(part, str) else part.render(value(part.name), language) for part in parts
            )
            for language, parts in self.parts.items()
        }


class PlaceholderError(ValueError):
    """Raised when a sentence has a brace without meaning."""


def parse_reason(text: str, kind_of: Callable[[str], Kind]) -> tuple[str | Placeholder, ...]:
    """The parts of a sentence: `{name}` is a value, `{name:%}` a share in percent, `{{` a brace.

    Raises:
        PlaceholderError: a brace is open, or the format is unknown; what `kind_of` raises for unknown names.
    """
    parts: list[str | Placeholder] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        if match[0] in ("{{", "}}"):
            parts.append(match[0][0])
        elif match[1] is None:
            raise PlaceholderError(f"`{match[0]}` stands alone; write `{match[0] * 2}` for a brace")
        else:
            name, _, style = match[1].partition(":")
            if style not in ("", "%"):
                raise PlaceholderError(
                    f"unknown format `:{style}` of `{name}`; there is only `:%`, for percent"
                )
            parts.append(Placeholder(name, kind_of(name), style == "%"))
    parts.append(text[end:])
    return tuple(part for part in parts if part != "")


def yuan(fen: float) -> str:
    """Money in yuan with thousands separators; an average is rounded half-even to the fen.

    >>> yuan(523_000_000), yuan(-5), yuan(12.5)
    ('5,230,000.00', '-0.05', '0.12')
    """
    return f"{(Decimal(fen) / 100).quantize(_CENT, ROUND_HALF_EVEN):,}"


def compact(value: float) -> str:
    """A number with thousands separators and no more than four decimals, fewer above one.

    >>> compact(1234), compact(0.99953), compact(2.5), compact(12.3456), compact(3.0)
    ('1,234', '0.9995', '2.5', '12.35', '3')
    """
    if isinstance(value, int):
        return f"{value:,}"
    text = f"{value:,.4f}" if abs(value) < 1 else f"{value:,.2f}"
    text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
