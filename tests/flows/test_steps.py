"""The stateless steps: dead letters counted and passed on, events split by shard, nothing lost."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from flows.steps import dead_letters, decode, shard_key, shard_of, split
from telemetry.metrics import FlowMetrics
from tests.wire.bad_messages import BAD
from tests.wire.making import LIMIT, NOON, message, raw
from wire.codec import Codec, Decoded
from wire.messages import RawBatch
from wire.tables import Tables

CODEC = Codec(Tables(), LIMIT)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> FlowMetrics:
    return FlowMetrics(registry)


def mixed() -> RawBatch:
    """Ninety good messages of nine customers with every bad one between them."""
    bad = [value for messages in BAD.values() for value in messages.values()]
    good = [message(event_id=f"e{n}", customer=f"C{n % 9}") for n in range(90)]
    values: list[bytes | None] = []
    for number in range(max(len(bad), len(good))):
        values += good[number : number + 1] + bad[number : number + 1]
    return raw(*values, batch=5)


def test_a_shard_is_the_same_for_ever() -> None:
    # Journals are found by it: these numbers may never change.
    assert shard_of("123456789", 2**32) == 0xCBF43926  # the published check value of CRC-32
    groups = ("SH01:C1", "G1", "上海", "", "x" * 129)
    assert [shard_of(group, 64) for group in groups] == [45, 7, 61, 0, 6]
    assert [shard_of(group, 7) for group in groups] == [6, 0, 5, 0, 2]
    assert [shard_key(shard) for shard in (0, 7, 63, 128)] == ["000", "007", "063", "128"]


def test_groups_spread_over_all_shards() -> None:
    counts = [0] * 64
    for number in range(64_000):
        counts[shard_of(f"SH01:K{number:06d}", 64)] += 1
    assert min(counts) > 800
    assert max(counts) < 1_200


def test_dead_letters_are_counted_by_field(registry: CollectorRegistry, metrics: FlowMetrics) -> None:
    values = (b"{", b"", message(amount=1.5), message(amount=""), message(attributes={"a": {}}), message())
    decoded = decode(CODEC, metrics)(raw(*values))
    assert len(decoded.dead) == 5

    def counted(field: str) -> float | None:
        return registry.get_sample_value("fenghuo_events_dead_lettered_total", {"field": field})

    assert [counted(name) for name in ("message", "amount", "attributes", "customer")] == [2, 2, 1, None]
    timed = registry.get_sample_value("fenghuo_step_seconds_count", {"step": "decode"})
    assert timed == 1


def test_the_event_time_of_a_source_is_its_newest(registry: CollectorRegistry, metrics: FlowMetrics) -> None:
    step = decode(CODEC, metrics)
    step(raw(message(occurred_at=NOON + 5_000), message(occurred_at=NOON), source="orders:1"))
    step(raw(b"{", source="orders:2"))

    def newest(source: str) -> float | None:
        return registry.get_sample_value("fenghuo_event_time_seconds", {"source": source})

    assert newest("orders:1") == NOON / 1000 + 5
    assert newest("orders:2") is None


def parts(decoded: Decoded, shards: int) -> Iterator[tuple[str, list[int]]]:
    """Rows of the batch by key, from both outgoing streams."""
    for key, part in split(shards)(decoded):
        assert key == shard_key(part.shard)
        assert (part.batch.batch, part.batch.size) == (decoded.batch.batch, decoded.batch.size)
        yield key, part.batch.rows.tolist()
    for key, output in dead_letters(decoded):
        assert key == shard_key(0)
        assert (output.batch, output.size) == (decoded.batch.batch, decoded.batch.size)
        assert output.accounted == len(output.dead)
        yield key, [letter.row for letter in output.dead]


@pytest.mark.parametrize("shards", [1, 2, 64])
def test_all_parts_together_are_the_batch(metrics: FlowMetrics, shards: int) -> None:
    whole = mixed()
    found = [rows for _, rows in parts(decode(CODEC, metrics)(whole), shards)]
    assert sorted(row for rows in found for row in rows) == list(range(len(whole.values)))
    assert all(rows == sorted(rows) for rows in found)


def test_a_shard_gets_its_customers_in_the_order_of_the_batch(metrics: FlowMetrics) -> None:
    decoded = decode(CODEC, metrics)(mixed())
    owners: dict[str, int] = {}
    for _, part in split(3)(decoded):
        for group, event, offset in zip(
            part.batch.groups, part.batch.events, part.batch.offsets.tolist(), strict=True
        ):
            assert owners.setdefault(group, part.shard) == part.shard == shard_of(group, 3)
            assert decoded.batch.events[decoded.batch.offsets.tolist().index(offset)] is event
    assert len(owners) == 9


def test_a_batch_of_only_good_or_only_bad_messages_goes_one_way(metrics: FlowMetrics) -> None:
    step = decode(CODEC, metrics)
    assert [key for key, _ in parts(step(raw(message())), 64)] == [shard_key(shard_of("SH01:C1", 64))]
    assert [key for key, _ in parts(step(raw(b"{")), 64)] == ["000"]
    assert list(parts(step(raw()), 64)) == []
