"""The load: seeded order and shipment events of many customers, as JSON lines."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from events.clock import DAY
from events.columns import Int64s
from events.event import EventType

FIRST_AT = 1_772_380_800_000  # 2026-03-02 00:00 in Shanghai, a Monday
PERIOD = 14 * DAY
ZIPF = 1.2
TYPICAL, SPREAD = 800_000, 1.2  # fen and log-normal sigma of an amount
REGIONS = ("310000", "440000", "330000", "320000", "110000", "370000", "510000", "420000", "350000", "650000")
TYPES = (EventType.ORDER_PLACED, EventType.SHIPMENT_DISPATCHED)


class Customers(StrEnum):
    """How events are spread over customers."""

    ZIPF = "zipf"  # heavy-tailed: the largest has about a fifth of all events
    UNIFORM = "uniform"


class Load(Struct, frozen=True):
    """A stream of events spread evenly over two weeks, so that windows fill and empty at any size.

    Args:
        events: how many; orders and shipments in turn.
        customers: how many there are to choose from.
        spread: how events choose among them.
        seed: of all random choices; the same load has the same bytes everywhere.
    """

    events: int
    customers: int
    spread: Customers
    seed: int = 1

    def part(self, events: int) -> "Load":
        """A smaller load with as many events for each customer, to train and to warm up with."""
        share = events / self.events
        return Load(events, max(1, round(self.customers * share)), self.spread, self.seed + 1)


def write(load: Load, path: Path) -> None:
    """Write the lines of `load` to a file."""
    with path.open("wb") as stream:
        stream.writelines(line + b"\n" for line in lines(load))


def lines(load: Load) -> Iterator[bytes]:
    """The events as JSON objects, in order of time."""
    random = np.random.default_rng(load.seed)
    n = load.events
    customers = _customers(load, random)
    amounts = np.maximum(1, random.lognormal(np.log(TYPICAL), SPREAD, n)).astype(np.int64)
    regions = random.integers(len(REGIONS), size=n)
    times = FIRST_AT + np.arange(n, dtype=np.int64) * PERIOD // n
    encode = msgspec.json.Encoder().encode
    columns = (customers, amounts, regions, times)
    for number, (customer, amount, region, time) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        yield encode(
            {
                "event_id": f"01J{load.seed:03d}{number:015d}",
                "type": TYPES[number % 2],
                "occurred_at": time,
                "subsidiary": "SH01",
                "customer": f"C{customer}",
                "order": f"SO{number}",
                "amount": amount,
                "currency": "CNY",
                "region": REGIONS[region],
                "counterparty": f"W{number // 2 % 100}",
                "schema_version": 1,
            }
        )


def _customers(load: Load, random: np.random.Generator) -> Int64s:
    if load.spread is Customers.UNIFORM:
        return random.integers(1, load.customers, load.events, endpoint=True)
    # Clipped: what falls beyond the last customer is the last one's.
    return np.minimum(random.zipf(ZIPF, load.events), load.customers)
