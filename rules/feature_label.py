"""How people read a feature: its title in every language, and what its numbers are."""

from dataclasses import dataclass
from enum import StrEnum

from rules.decision import Text


class FeatureUnit(StrEnum):
    """What the numbers of a feature are, where they are neither money nor plain counts."""

    PERCENT = "percent"  # a share, shown times 100
    DAYS = "days"  # a length of time
    HOUR = "hour"  # an hour of the day, which isn't twice another


LABELS = ("title", "unit")
"""Keys of a feature in a pack that change nothing but how it is read."""


@dataclass(frozen=True)
class FeatureLabel:
    """How one feature is read.

    Args:
        title: its name for people, by language; None where its own name must do.
        unit: what its numbers are; None for money and plain numbers.
    """

    title: Text | None = None
    unit: FeatureUnit | None = None
