"""The load: seeded, valid by the event contract, spread over customers and time as it says."""

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bench.load import FIRST_AT, PERIOD, TYPES, Customers, Load, lines, write
from events.event import Event
from wire.codec import Codec
from wire.messages import RawBatch
from wire.tables import read_tables

EVENTS = 20_000


def events(load: Load) -> list[Event]:
    """The load, decoded as the product does."""
    values: list[bytes | None] = list(lines(load))
    n = len(values)
    raw = RawBatch(0, values, ["load"] * n, np.arange(n, dtype=np.int64), 0)
    decoded = Codec(read_tables(None, None), 1 << 20).decode(raw)
    assert decoded.dead == []
    return decoded.batch.events


@pytest.mark.parametrize("spread", Customers)
def test_every_event_is_valid_and_of_a_realistic_size(spread: Customers) -> None:
    load = Load(EVENTS, 5_000, spread)
    decoded = events(load)
    assert len({event.event_id for event in decoded}) == EVENTS
    assert Counter(event.type for event in decoded) == dict.fromkeys(TYPES, EVENTS // 2)
    sizes = [len(line) for line in lines(load)]
    assert 200 < np.mean(sizes) < 300


def test_the_same_load_is_the_same_bytes_and_another_seed_is_not() -> None:
    load = Load(200, 50, Customers.ZIPF)
    assert list(lines(load)) == list(lines(load))
    assert list(lines(load)) != list(lines(msgspec.structs.replace(load, seed=2)))


def test_time_goes_forward_over_two_weeks_at_any_size() -> None:
    for size in (1_000, 7_777):
        times = [int(event.occurred_at) for event in events(Load(size, 100, Customers.UNIFORM))]  # type: ignore[arg-type]  # integers here
        assert times == sorted(times)
        assert (times[0], times[-1]) == (FIRST_AT, FIRST_AT + (size - 1) * PERIOD // size)


def test_heavy_tailed_customers_have_one_that_is_large_and_many_that_are_small() -> None:
    counts = Counter(event.customer for event in events(Load(EVENTS, 5_000, Customers.ZIPF)))
    assert 0.15 < counts["C1"] / EVENTS < 0.21  # 1 / ζ(1.2)
    assert sum(count == 1 for count in counts.values()) > 500


def test_uniform_customers_are_alike() -> None:
    counts = Counter(event.customer for event in events(Load(EVENTS, 5_000, Customers.UNIFORM)))
    assert len(counts) > 4_800
    assert max(counts.values()) < 20


def test_a_part_has_as_many_events_for_each_customer_and_events_of_its_own() -> None:
    load = Load(EVENTS, 5_000, Customers.UNIFORM)
    part = load.part(2_000)
    assert (part.events, part.customers) == (2_000, 500)
    ids = {event.event_id for event in events(load)}
    assert ids.isdisjoint(event.event_id for event in events(part))


def test_a_file_has_a_line_for_each_event(tmp_path: Path) -> None:
    load = Load(300, 50, Customers.ZIPF)
    write(load, tmp_path / "load.jsonl")
    assert (tmp_path / "load.jsonl").read_bytes().splitlines() == list(lines(load))
