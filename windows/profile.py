"""Profiles: what `customer.changed` events said of the customers of a shard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from events.event import Attribute

Values = Mapping[str, Attribute]

EMPTY: Values = {}


@dataclass(slots=True)
class Profile:
    """The profile of one customer: of each name the newest value by event time, ties by acceptance.

    Args:
        values: value of each name; replaced by every change, so that a copy handed out stays as it was.
        times: event time of each value.
    """

    values: dict[str, Attribute] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)

    def accept(self, time: int, attributes: Values) -> None:
        """Take in a change."""
        values = dict(self.values)
        for name, value in attributes.items():
            if time >= self.times.get(name, time):
                values[name] = value
                self.times[name] = time
        self.values = values


class Profiles:
    """The profiles of all customers of a shard, by hash of the customer."""

    def __init__(self) -> None:
        self._profiles: dict[int, Profile] = {}

    def __len__(self) -> int:
        return len(self._profiles)

    def items(self) -> Sequence[tuple[int, Profile]]:
        """Customers with their profiles."""
        return list(self._profiles.items())

    def put(self, customer: int, profile: Profile) -> None:
        """Set the profile of a customer."""
        self._profiles[customer] = profile

    def accept(self, customer: int, time: int, attributes: Values) -> None:
        """Take in a change of a customer."""
        self._profiles.setdefault(customer, Profile()).accept(time, attributes)

    def of(self, customers: Sequence[int]) -> list[Values]:
        """The profile of each customer as it is now; EMPTY where nothing is known."""
        known = self._profiles
        if not known:
            return [EMPTY] * len(customers)
        return [known[customer].values if customer in known else EMPTY for customer in customers]
