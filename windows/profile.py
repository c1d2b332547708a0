"""Profiles: what `customer.changed` events said of a customer, as any later event sees it."""

from bisect import bisect_left

import msgspec
from msgspec import Struct

from events.event import Attribute


class ProfileChange(Struct, frozen=True, array_like=True, gc=False):
    """One `customer.changed` event as it is stored.

    Args:
        key: the 16 bytes of the event id.
        customer: hash of the pair (subsidiary, customer).
        occurred_at: epoch milliseconds.
        attributes: what changed.
    """

    key: bytes
    customer: int
    occurred_at: int
    attributes: dict[str, Attribute]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ProfileChange)


def pack(change: ProfileChange) -> bytes:
    """The stored form: length in four bytes, then the change."""
    body = _encoder.encode(change)
    return len(body).to_bytes(4, "little") + body


def unpack(raw: bytes) -> list[ProfileChange]:
    """All whole changes of a stored run."""
    changes = []
    place = 0
    while place + 4 <= len(raw):
        end = place + 4 + int.from_bytes(raw[place : place + 4], "little")
        if end > len(raw):
            break
        changes.append(_decoder.decode(raw[place + 4 : end]))
        place = end
    return changes


class Profile:
    """The profile of one customer over its accepted changes.

    A name's value is that of the newest change (by event time, ties by acceptance) which gave it.
    """

    def __init__(self) -> None:
        self._accepted: list[int] = []
        self._states: list[dict[str, Attribute]] = []
        self._ages: dict[str, int] = {}

    def accept(self, record: int, change: ProfileChange) -> None:
        """Take a change whose event was accepted as number `record` of its group; again is ignored."""
        if record in self._accepted:
            return
        state = dict(self._states[-1]) if self._states else {}
        for name, value in change.attributes.items():
            if change.occurred_at >= self._ages.get(name, change.occurred_at):
                state[name] = value
                self._ages[name] = change.occurred_at
        self._accepted.append(record)
        self._states.append(state)

    def before(self, record: int) -> dict[str, Attribute]:
        """The profile as the event accepted as number `record` sees it: of changes accepted before it."""
        place = bisect_left(self._accepted, record)
        return self._states[place - 1] if place else {}
