"""Messages that break the contract of events, as real feeds carry now and then."""

from msgspec import json

from simulation.dice import Dice

_SOUND = {
    "event_id": "SH01.SO0000000000-00.placed",
    "type": "order.placed",
    "occurred_at": "2026-03-02T09:30:00+08:00",
    "subsidiary": "SH01",
    "customer": "K10000",
    "order": "SO0000000000-00",
    "amount": 1_250_000,
    "region": "上海",
}


def _with(**changed: object) -> bytes:
    return json.encode({**_SOUND, **changed})


def _without(field: str) -> bytes:
    return json.encode({name: value for name, value in _SOUND.items() if name != field})


BROKEN = (
    json.encode(_SOUND)[:90],  # cut off
    _without("event_id"),
    _with(amount=12500.5),
    _with(amount=2**53),
    _with(occurred_at="2026-03-02T09:30:00"),  # of no time zone
    _with(type="order.teleported"),
    json.encode(_SOUND).decode().encode("gbk"),
    bytes(64),
    _without("amount"),
    _with(customer=10000),
    _with(occurred_at="02.03.2026 09:30"),
    _with(currency="yuan"),
    b'["order.placed", "SH01"]',
    b"event_id;type;amount",
    _with(attributes={"lines": [1, 2]}),
)
"""One message of each kind of fault; none contains a line end."""


def broken_times(dice: Dice, start: int, end: int, count: int) -> list[int]:
    """When the broken messages arrive, sorted."""
    return sorted(int(dice.uniform(start, end)) for _ in range(count))
