"""The features of the packs in bench/packs as anybody would first write them: a loop over the window."""

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.hot import HotPack
from events.clock import DAY, HOUR


class Held(NamedTuple):
    """An event in a window."""

    type: str
    amount: int
    counterparty: str


Value = Callable[[Sequence[Held]], float | int | None]


class NaiveFeature(NamedTuple):
    """A feature.

    Args:
        name: as in the pack.
        window: length in milliseconds.
        value: from the events in the window.
    """

    name: str
    window: int
    value: Value


def orders(held: Sequence[Held]) -> int:
    """Number of orders."""
    return sum(event.type == "order.placed" for event in held)


def shipped(held: Sequence[Held]) -> int:
    """Sum of shipped amounts, in fen."""
    return sum(event.amount for event in held if event.type == "shipment.dispatched")


def average(held: Sequence[Held]) -> float | None:
    """Mean amount, in fen."""
    return sum(event.amount for event in held) / len(held) if held else None


def deviation(held: Sequence[Held]) -> float | None:
    """Sample standard deviation of the amount, in fen."""
    return statistics.stdev(event.amount for event in held) if len(held) > 1 else None


def least(held: Sequence[Held]) -> int | None:
    """Smallest amount, in fen."""
    return min((event.amount for event in held), default=None)


def most(held: Sequence[Held]) -> int | None:
    """Largest amount, in fen."""
    return max((event.amount for event in held), default=None)


def partners(held: Sequence[Held]) -> int:
    """Number of different counterparties."""
    return len({event.counterparty for event in held})


def _over(windows: dict[str, int], values: dict[str, Value]) -> tuple[NaiveFeature, ...]:
    return tuple(
        NaiveFeature(f"{name}_{window}", length, value)
        for name, value in values.items()
        for window, length in windows.items()
    )


_THREE: dict[str, Value] = {"shipped": shipped, "average": average}
BENCH = _over({"1h": HOUR, "24h": DAY, "72h": 3 * DAY, "7d": 7 * DAY}, {"orders": orders, **_THREE})
_PLAIN = _over({"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}, {"events": len, **_THREE})
_EXTRA: dict[str, Value] = {"least": least, "most": most, "deviation": deviation, "partners": partners}
HOT = {HotPack.PLAIN: _PLAIN, HotPack.WIDE: _PLAIN + _over({"24h": DAY, "30d": 30 * DAY}, _EXTRA)}
