"""Oracle A: windows in plain Python, by looking at every earlier event, with exact fractions."""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

from tests.windows.oracle.contract import DAY, Accepted, Cell, Wanted

Value = int | float | None


def entity(by: str, event: Accepted) -> tuple[str, ...] | None:
    """Whose windows the event belongs to; None where it names nobody."""
    match by:
        case "customer":
            return event.subsidiary, event.customer
        case "group":
            return (event.group,)
        case "order":
            return None if event.order is None else (event.subsidiary, event.order)
        case "consignee":
            named = event.counterparty is not None
            return (event.subsidiary, event.customer, event.counterparty or "") if named else None
        case "counterparty":
            return None if event.counterparty is None else (event.counterparty,)
    raise ValueError(by)


def value_of(wanted: Wanted, event: Accepted) -> Cell | None:
    """The value that the feature aggregates; where it computes, only numbers count."""
    if wanted.field is None:
        return None
    name = wanted.field.removeprefix("attributes.")
    cell: Cell | None = event.attributes.get(name) if name != wanted.field else getattr(event, name)
    if wanted.aggregate != "distinct" and isinstance(cell, str | bool):
        return None
    return cell


def matches(wanted: Wanted, event: Accepted) -> bool:
    """Whether the feature's windows hold the event; NULL counts as no."""
    return event.type in wanted.events and (wanted.where is None or wanted.where.holds(event) is True)


def expected(wanted: Wanted, accepted: Sequence[Accepted], seq: int) -> Value:
    """The feature's value for the accepted event number `seq`, of events accepted before it and itself."""
    event = accepted[seq]
    mine = entity(wanted.by, event)
    if mine is None:
        return None
    end = event.t - wanted.delay
    start = end - wanted.window if wanted.window is not None else -math.inf
    held = [
        other
        for other in accepted[: seq + 1]
        if start < other.t <= end and entity(wanted.by, other) == mine and matches(wanted, other)
    ]
    match wanted.aggregate:
        case "count":
            return len(held)
        case "days_since_first":
            return _days(event.t, min, [other.t for other in held])
        case "days_since_last":
            return _days(event.t, max, [other.t for other in held if other is not event])
        case "distinct":
            cells = [value_of(wanted, other) for other in held]
            return len({_identity(cell) for cell in cells if cell is not None})
    numbers = [_exact(cell) for other in held if (cell := value_of(wanted, other)) is not None]
    return _reduced(wanted.aggregate, numbers)


def _days(now: int, pick: Callable[[list[int]], int], times: list[int]) -> Value:
    return float(Fraction(now - pick(times), DAY)) if times else None


def _identity(cell: Cell) -> tuple[str, Cell]:
    # In Python True == 1 and 1 == 1.0; in JSON a truth value is no number, and 1 and 1.0 are one number.
    return (
        "number" if isinstance(cell, int | float) and not isinstance(cell, bool) else str(type(cell)),
        cell,
    )


def _exact(cell: Cell) -> Fraction:
    # What the sender wrote is the decimal text, not the binary fraction next to it.
    return Fraction(Decimal(repr(cell)))


def _reduced(aggregate: str, numbers: list[Fraction]) -> Value:
    total, n = sum(numbers, Fraction()), len(numbers)
    if aggregate == "sum":
        return _plain(total)
    if aggregate == "stddev":
        distance = sum(((x - total / n) ** 2 for x in numbers), Fraction())
        return math.sqrt(distance / (n - 1)) if n > 1 else None  # the fraction is rounded once
    if not numbers:
        return None
    if aggregate == "avg":
        return float(total / n)
    return _plain(min(numbers) if aggregate == "min" else max(numbers))


def _plain(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)
