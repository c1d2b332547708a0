"""Random streams of thousands of events over few entities, made from a seed; nothing here shrinks."""

import random
from typing import Any

import msgspec

from tests.properties.packs import AGGREGATES, DrawnPack
from tests.properties.streams import START, Stream
from tests.windows.oracle.contract import DAY, HOUR, MINUTE, SECOND, Wanted

NUMBERS = ("amount", "attributes.weight")
FIELDS: dict[str, tuple[str | None, ...]] = {
    **dict.fromkeys(("sum", "avg", "min", "max", "stddev"), NUMBERS),
    "distinct": ("region", "attributes.weight"),
}
KINDS = ("order.placed", "shipment.dispatched", "payment.received", "customer.changed")
PROFILES = tuple({"rating": rating, "score": score} for rating in ("red", "green", "") for score in (1, -2.5))
WEIGHTS: tuple[dict[str, Any] | None, ...] = (
    None,
    *({"weight": weight} for weight in (1, 1.0, "1", True, "true", 2.5, -7, "heavy")),
)
REACHES = ((SECOND, 0), (MINUTE, 0), (HOUR, MINUTE), (DAY, 0), (7 * DAY, DAY), (30 * DAY, 0))


def crowd(seed: int, number: int) -> Stream:
    """A stream in bursts and pauses with ties, repeats, late ones and wild amounts."""
    dice = random.Random(seed)
    messages: list[dict[str, Any]] = []
    clock = START
    for place in range(number):
        clock += dice.choice((0, 0, 0, 1, 2, 500, SECOND, MINUTE, dice.randrange(HOUR)))
        back = dice.choice((*[0] * 12, 1, SECOND, dice.randrange(MINUTE), dice.randrange(3 * DAY)))
        if place and dice.random() < 0.03:
            messages.append(messages[dice.randrange(place)] | {"amount": dice.randrange(10**6)})
            continue
        kind = dice.choice(KINDS)
        subsidiary, customer = dice.choice(("SH", "GD")), dice.choice("aaab")
        message: dict[str, Any] = {
            "event_id": f"e{place}",
            "type": kind,
            "occurred_at": clock - back,
            "subsidiary": subsidiary,
            "customer": customer,
            "group": {"a": "g", "b": None}[customer],
            "order": dice.choice((None, f"{subsidiary}-{customer}-{dice.randrange(40)}")),
            "counterparty": dice.choice((None, "w1", "w1", "w2")),
            "region": dice.choice(("310000", "440000", f"r{dice.randrange(200)}")),
            "amount": dice.choice((dice.randrange(-100, 100), dice.randrange(-(10**12), 10**12))),
            "attributes": dice.choice(PROFILES if kind == "customer.changed" else WEIGHTS),
        }
        messages.append({name: cell for name, cell in message.items() if cell is not None})
    return Stream(tuple(map(msgspec.json.encode, messages)), tuple(messages))


def pack_of_all(seed: int, entities: tuple[str, ...], span: int) -> DrawnPack:
    """Every aggregate of every field that it takes, by every entity, each over a window of its own."""
    dice = random.Random(seed)
    features = []
    for by in entities:
        for aggregate in AGGREGATES:
            for field in FIELDS.get(aggregate, (None,)):
                window, delay = (None, 0) if aggregate.startswith("days_") else dice.choice(REACHES)
                name = f"{aggregate}_{(field or '').replace('.', '_')}_{by}"
                kinds = KINDS[: dice.randrange(1, 5)]
                features.append(Wanted(name, aggregate, kinds, by, field, window, delay))
    return DrawnPack(tuple(features), -(-span // SECOND) * SECOND)
