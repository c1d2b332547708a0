"""The scope of a condition: the names that it may read, with their kinds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from events.columns import EVENT_FIELDS, Kind
from rules.errors import did_you_mean
from rules.language.parts import Parts

CALENDAR = {"hour": Kind.NUMBER, "weekday": Kind.NUMBER, "workday": Kind.BOOL}
"""Parts of the event's local time: 0–23, 0 (Monday) – 6 (Sunday), and whether people work on that day."""

_SHOWN = 64  # characters of a name; a feature's name has no more
ANOMALY = "anomaly"
ANOMALY_LIMIT = "anomaly_limit"
MODEL = frozenset({ANOMALY, ANOMALY_LIMIT})
"""What the anomaly model says."""

ATTRIBUTES = "attributes."
PROFILE = "profile."

PROFILE_MONEY = frozenset({"profile.credit_limit", "profile.exposure"})
"""Profile values that are money wherever they stand."""

RESERVED = frozenset({*EVENT_FIELDS, *CALENDAR, *MODEL, "attributes", "profile"})
"""Names that a feature cannot take."""


class UnknownNameError(LookupError):
    """Raised when a condition names something that is not there, or not to be read from where it stands."""


@dataclass(frozen=True)
class Scope:
    """What a condition may read; event fields, `attributes.x`, `hour` and `weekday` always.

    Args:
        features: features by name.
        lists: named lists for LISTED.
        profile: whether `profile.x` may be read.
        anomaly: whether `anomaly` and `anomaly_limit` may be read.
        hidden: names that exist but cannot be read here.
        place: what the condition is, for messages: "a feature's `where`".
        parts: what the conditions of this scope have in common, and what they cost together.
    """

    features: Mapping[str, Kind] = field(default_factory=dict)
    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    profile: bool = True
    anomaly: bool = True
    hidden: frozenset[str] = frozenset()
    place: str = "a condition"
    parts: Parts = field(default_factory=Parts, compare=False, repr=False)

    def kind_of(self, name: str) -> Kind | None:
        """Kind of a name; None where the use decides it.

        Raises:
            UnknownNameError: the name means nothing here.
        """
        if name.startswith(ATTRIBUTES):
            return None
        if name.startswith(PROFILE):
            if not self.profile:
                raise UnknownNameError(f"`{name}` cannot be read in {self.place}")
            return Kind.MONEY if name in PROFILE_MONEY else None
        if name in MODEL:
            if not self.anomaly:
                raise UnknownNameError(f"`{name}` cannot be read in {self.place}")
            return Kind.NUMBER
        kind = self.features.get(name) or EVENT_FIELDS.get(name) or CALENDAR.get(name)
        if kind is None:
            if name in self.hidden:
                raise UnknownNameError(f"feature `{name}` cannot be read in {self.place}")
            raise UnknownNameError(f"unknown name `{name[:_SHOWN]}`{did_you_mean(name, self._known())}")
        return kind

    def _known(self) -> set[str]:
        names = {*self.features, *EVENT_FIELDS, *CALENDAR}
        return names | MODEL if self.anomaly else names
