"""The alert list's filter: read from query parameters, written back into links."""

from collections.abc import Mapping
from unicodedata import category
from urllib.parse import urlencode

import msgspec

from alerts.views import AlertFilter
from console.errors import FilterError
from rules.decision import Tier

PAGE = 50
MAX_PAGE = 200
MAX_TEXT = 128
NAMES = ("queue", "tier", "scenario", "text")


def read_filter(parameters: Mapping[str, str]) -> AlertFilter:
    """The filter that query `parameters` ask for; an empty value means all.

    Raises:
        FilterError: a value is unknown, too long or no text.
    """
    values = {name: _text(name, parameters.get(name)) for name in (*NAMES, "before")}
    return AlertFilter(
        queue=values["queue"],
        tier=_tier(values["tier"]),
        scenario=values["scenario"],
        text=values["text"],
        before=values["before"],
        limit=_limit(parameters.get("limit")),
    )


def link(wanted: AlertFilter, path: str = "/", **changes: str | Tier | None) -> str:
    """The address of the list filtered as `wanted`, with `changes` made; it starts at the first page.

    >>> link(AlertFilter(queue="service", text="a b"), tier=Tier.HIGH)
    '/?queue=service&tier=high&text=a+b'
    """
    values = {**{name: getattr(wanted, name) for name in NAMES}, **changes}
    query = urlencode({name: str(value) for name, value in values.items() if value is not None})
    return f"{path}?{query}" if query else path


def first_page(wanted: AlertFilter) -> AlertFilter:
    """The same filter from the top of the list."""
    return msgspec.structs.replace(wanted, before=None)


def _text(name: str, value: str | None) -> str | None:
    value = (value or "").strip()
    if len(value) > MAX_TEXT:
        raise FilterError(f"`{name}` has {len(value)} characters; give at most {MAX_TEXT}")
    if any(category(character) in {"Cc", "Cs"} for character in value):
        raise FilterError(f"`{name}` holds a control character; give plain text")
    return value or None


def _tier(value: str | None) -> Tier | None:
    try:
        return Tier(value) if value else None
    except ValueError as error:
        raise FilterError(f"`tier` is `{value}`; give one of {', '.join(Tier)}") from error


def _limit(value: str | None) -> int:
    if not value:
        return PAGE
    if not (
        value.isascii() and value.isdigit() and len(value) < len("10000") and 1 <= int(value) <= MAX_PAGE
    ):
        raise FilterError(f"`limit` is `{value[:20]}`; give 1 to {MAX_PAGE}")
    return int(value)
