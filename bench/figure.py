"""A figure: one measured number with a name, from every round of a bench; pure."""

from collections.abc import Sequence
from enum import StrEnum
from statistics import median

from msgspec import Struct

TIMES = "×"
"""Unit of ratios; they are what to compare between machines."""


class Better(StrEnum):
    """Which way is good."""

    HIGHER = "higher"
    LOWER = "lower"


class Figure(Struct, frozen=True):
    """One number, measured once in each round.

    Args:
        name: words with dots between them, the first one the subject: `hot.plain.batch.ratio`.
        unit: of the values; TIMES for ratios.
        better: which way is good.
        values: of each round, in their order.
        median: of the values; what targets and gates look at.
        least: of the values.
        most: of the values.
        target: what the design asks for; None where it asks for nothing.
    """

    name: str
    unit: str
    better: Better
    values: list[float]
    median: float
    least: float
    most: float
    target: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target."""
        if self.target is None:
            return None
        return self.median >= self.target if self.better is Better.HIGHER else self.median <= self.target


def figure(
    name: str, unit: str, better: Better, values: Sequence[float], target: float | None = None
) -> Figure:
    """A figure from the values of its rounds, of which there is at least one."""
    kept = [round(value, 3) for value in values]
    return Figure(name, unit, better, kept, round(median(kept), 3), min(kept), max(kept), target)


def ratios(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """`over` by `under` round by round: what else the machine does in a minute slows both alike."""
    return [one / other for one, other in zip(over, under, strict=False) if other > 0]
