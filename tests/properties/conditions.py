"""Conditions on one event, each for the pack, for DuckDB and in Python."""

from tests.windows.oracle.contract import HOUR, Accepted, Condition, Truth

FAR = ("440000", "中文")
_SHANGHAI = 8  # hours ahead of UTC


def _not(a: Truth) -> Truth:
    return None if a is None else not a


def _and(a: Truth, b: Truth) -> Truth:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def _or(a: Truth, b: Truth) -> Truth:
    return _not(_and(_not(a), _not(b)))


def _is(cell: object, other: object) -> Truth:
    return None if cell is None else cell == other


def _over(number: object, limit: float) -> Truth:
    # A text or a truth value is no number: read as one it is NULL.
    return number > limit if isinstance(number, int | float) and not isinstance(number, bool) else None


def _like(text: object, start: str) -> Truth:
    return text.startswith(start) if isinstance(text, str) else None


def _text(event: Accepted, name: str) -> str | None:
    cell = event.attributes.get(name)
    return cell if isinstance(cell, str) else None


def _truth(event: Accepted, name: str) -> Truth:
    cell = event.attributes.get(name)
    return cell if isinstance(cell, bool) else None


CONDITIONS = (
    Condition("region <> '310000'", "region <> '310000'", lambda e: _not(_is(e.region, "310000"))),
    Condition(
        "region IS NULL OR channel = 'web'",
        "region IS NULL OR channel = 'web'",
        lambda e: _or(e.region is None, _is(e.channel, "web")),
    ),
    Condition("amount > 9.995", "amount > 999.5", lambda e: _over(e.amount, 999.5)),
    Condition("amount <= 0", "amount <= 0", lambda e: _not(_over(e.amount, 0))),
    Condition(
        "NOT (channel = 'web' AND amount > 0.5)",
        "NOT (channel = 'web' AND amount > 50)",
        lambda e: _not(_and(_is(e.channel, "web"), _over(e.amount, 50))),
    ),
    Condition(
        "hour < 12",
        f"((t // {HOUR}) + {_SHANGHAI}) % 24 < 12",
        lambda e: (e.t // HOUR + _SHANGHAI) % 24 < 12,
    ),
    Condition("attributes.weight > 1", "weight_number > 1", lambda e: _over(e.attributes.get("weight"), 1)),
    Condition(
        "attributes.weight = 'heavy'",
        "weight_text = 'heavy'",
        lambda e: _is(_text(e, "weight"), "heavy"),
    ),
    Condition("NOT attributes.urgent", "NOT urgent_bool", lambda e: _not(_truth(e, "urgent"))),
    Condition(
        "LISTED(region, 'far')",
        f"region IN {FAR}",
        lambda e: None if e.region is None else e.region in FAR,
    ),
    Condition(
        "counterparty IS NULL OR customer LIKE 'a%'",
        "counterparty IS NULL OR customer LIKE 'a%'",
        lambda e: _or(e.counterparty is None, _like(e.customer, "a")),
    ),
)
