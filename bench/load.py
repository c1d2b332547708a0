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
SUBSIDIARY = "SH01"
ID_DIGITS = 15
PART_SEED = 500  # a part's events are others than its load's
TYPES = (EventType.ORDER_PLACED, EventType.SHIPMENT_DISPATCHED)

_encode = msgspec.json.Encoder().encode


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
        period: milliseconds of event time that they are spread over.
    """

    events: int
    customers: int
    spread: Customers
    seed: int = 1
    period: int = PERIOD

    def part(self, events: int) -> "Load":
        """A smaller load with as many events for each customer, to train and to warm up with."""
        share = events / self.events
        customers = max(1, round(self.customers * share))
        return Load(events, customers, self.spread, self.seed + PART_SEED, self.period)


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
    times = FIRST_AT + np.arange(n, dtype=np.int64) * load.period // n
    columns = (customers, amounts, regions, times)
    for number, (customer, amount, region, time) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        yield line(load.seed, number, time, f"C{customer}", amount, REGIONS[region])


def line(seed: int, number: int, time: int, customer: str, amount: int, region: str) -> bytes:
    """One event as a JSON object; orders and shipments in turn, among a hundred counterparties."""
    return _encode(
        {
            "event_id": f"{id_prefix(seed)}{number:0{ID_DIGITS}d}",
            "type": TYPES[number % 2],
            "occurred_at": time,
            "subsidiary": SUBSIDIARY,
            "customer": customer,
            "order": f"SO{number}",
            "amount": amount,
            "currency": "CNY",
            "region": region,
            "counterparty": f"W{number // 2 % 100}",
            "schema_version": 1,
        }
    )


def id_prefix(seed: int) -> str:
    """What the ids of all events of a load begin with; their number in the load follows in 15 digits."""
    return f"01J{seed:03d}"


def _customers(load: Load, random: np.random.Generator) -> Int64s:
    if load.spread is Customers.UNIFORM:
        return random.integers(1, load.customers, load.events, endpoint=True)
    # Clipped: what falls beyond the last customer is the last one's.
    return np.minimum(random.zipf(ZIPF, load.events), load.customers)
