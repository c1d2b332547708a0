"""The stateless steps: dead letters counted and passed on, events split by shard, nothing lost."""

from collections.abc import Iterator

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from flows.counterparties import Expected, owners_of
from flows.shards import shard_key, shard_of
from flows.steps import dead_letters, decode, duplicates, split
from flows.windows import BatchNumber, ShardPart, Windowed
from telemetry.metrics import FlowMetrics
from tests.wire.bad_messages import BAD
from tests.wire.making import LIMIT, NOON, message, raw
from windows.profile import EMPTY
from windows.windowed import ProfileColumns, WindowedBatch
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


def decoded(metrics: FlowMetrics, one: RawBatch) -> Decoded:
    """What the step makes of one batch."""
    (found,) = decode(CODEC, metrics, gather=True)([one])
    return found


def mixed() -> RawBatch:
    """Ninety good messages of nine customers with every bad one between them."""
    bad = [value for messages in BAD.values() for value in messages.values()]
    good = [
        message(event_id=f"e{n}", customer=f"C{n % 9}", counterparty=f"S{n % 7}" if n % 3 else None)
        for n in range(90)
    ]
    values: list[bytes | None] = []
    for number in range(max(len(bad), len(good))):
        values += good[number : number + 1] + bad[number : number + 1]
    return raw(*values, batch=5)


def test_a_shard_is_the_same_for_ever() -> None:
    # Logs are found by it: these numbers may never change.
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
    assert len(decoded(metrics, raw(*values)).dead) == 5

    def counted(field: str) -> float | None:
        return registry.get_sample_value("fenghuo_events_dead_lettered_total", {"field": field})

    assert [counted(name) for name in ("message", "amount", "attributes", "customer")] == [2, 2, 1, None]
    timed = registry.get_sample_value("fenghuo_step_seconds_count", {"step": "decode"})
    assert timed == 1


def test_the_event_time_of_a_source_is_its_newest(registry: CollectorRegistry, metrics: FlowMetrics) -> None:
    step = decode(CODEC, metrics, gather=True)

    def newest(source: str) -> float | None:
        return registry.get_sample_value("fenghuo_event_time_seconds", {"source": source})

    one = raw(message(occurred_at=NOON + 5_000), message(occurred_at=NOON), source="orders:1")
    other = raw(message(occurred_at=NOON + 3_000), source="orders:3")
    list(step([one, other, raw(b"{", source="orders:2")]))
    list(step([raw(message(occurred_at=NOON + 1_000), source="orders:1"), one]))
    assert newest("orders:1") == NOON / 1000 + 5
    assert newest("orders:3") == NOON / 1000 + 3
    assert newest("orders:2") is None


def test_what_partitions_gave_at_a_time_is_one_batch_where_the_sink_allows(metrics: FlowMetrics) -> None:
    read = [
        raw(message(event_id="a"), b"{", source="orders:0", first=7, batch=3),
        raw(message(event_id="b"), message(event_id="c"), source="orders:1", first=90, batch=8),
    ]
    apart = list(decode(CODEC, metrics, gather=False)(read))
    assert [(one.batch.batch, one.batch.size, len(one.dead)) for one in apart] == [(3, 2, 1), (8, 2, 0)]
    (whole,) = decode(CODEC, metrics, gather=True)(read)
    assert (whole.batch.batch, whole.batch.size) == (3, 4)
    assert whole.batch.rows.tolist() == [0, 2, 3]
    assert whole.batch.sources == ["orders:0", "orders:1", "orders:1"]
    assert whole.batch.offsets.tolist() == [7, 90, 91]
    (letter,) = whole.dead
    assert (letter.row, letter.source, letter.offset) == (1, "orders:0", 8)


def parts(decoded: Decoded, shards: int) -> Iterator[tuple[str, list[int]]]:
    """Rows of the batch by key, from both outgoing streams."""
    for key, part in split(shards, second=False)(decoded):
        assert isinstance(part, ShardPart)
        assert key == shard_key(part.shard)
        assert part.batch is decoded.batch  # shared, not copied
        assert part.number is None
        yield key, part.batch.rows[part.rows].tolist()
    for key, output in dead_letters(decoded):
        assert key == shard_key(0)
        assert (output.batch, output.size) == (decoded.batch.batch, decoded.batch.size)
        assert output.accounted == len(output.dead)
        yield key, [letter.row for letter in output.dead]


@pytest.mark.parametrize("shards", [1, 2, 64])
def test_all_parts_together_are_the_batch(metrics: FlowMetrics, shards: int) -> None:
    whole = mixed()
    found = [rows for _, rows in parts(decoded(metrics, whole), shards)]
    assert sorted(row for rows in found for row in rows) == list(range(len(whole.values)))
    assert all(rows == sorted(rows) for rows in found)


def test_a_shard_gets_its_customers_in_the_order_of_the_batch(metrics: FlowMetrics) -> None:
    whole = decoded(metrics, mixed())
    owners: dict[str, int] = {}
    for _, part in split(3, second=False)(whole):
        assert isinstance(part, ShardPart)
        assert part.rows.tolist() == sorted(part.rows.tolist())
        for row in part.rows.tolist():
            group = whole.batch.groups[row]
            assert owners.setdefault(group, part.shard) == part.shard == shard_of(group, 3)
    assert len(owners) == 9


def test_a_second_stage_is_told_how_many_events_to_expect(metrics: FlowMetrics) -> None:
    step = split(4, second=True)
    whole = decoded(metrics, mixed())
    numbers = []
    for _ in range(2):
        sent = [item for _, item in step(whole)]
        told = [item for item in sent if isinstance(item, Expected)]
        assert {item.shard: item.messages for item in told} == {
            shard: count
            for shard, count in enumerate(np.bincount(owners_of(whole.batch, 4), minlength=4).tolist())
            if count
        }
        assert sum(item.messages for item in told) == len(whole.batch)
        (number,) = {item.number for item in sent}
        assert number is not None
        numbers.append(number)
    assert [number.number for number in numbers] == [0, 1]
    assert numbers[0].origin == numbers[1].origin
    other = next(item for _, item in split(4, second=True)(whole))
    assert other.number is not None
    assert other.number.origin != numbers[0].origin  # another worker's


def test_duplicates_of_a_first_stage_leave_for_the_sink(metrics: FlowMetrics) -> None:
    batch = decoded(metrics, mixed()).batch

    def windowed(dropped: list[int]) -> WindowedBatch:
        nothing = np.zeros(len(batch), np.bool_)
        profiles = ProfileColumns([EMPTY] * len(batch))
        duplicates_ = batch.take(np.array(dropped, np.int64))
        return WindowedBatch(batch, {}, profiles, nothing, nothing, duplicates_)

    number = BatchNumber("o", 0)
    step = duplicates(metrics)
    ((key, output),) = step(("002", Windowed(windowed([4, 9]), number)))
    assert (key, output.batch, output.size, output.accounted) == ("002", 5, batch.size, 2)
    assert output.duplicates.tolist() == batch.rows[[4, 9]].tolist()
    assert not list(step(("002", Windowed(windowed([]), number))))
    assert metrics.duplicate._value.get() == 2


def test_a_batch_of_only_good_or_only_bad_messages_goes_one_way(metrics: FlowMetrics) -> None:
    def keys(*values: bytes) -> list[str]:
        return [key for key, _ in parts(decoded(metrics, raw(*values)), 64)]

    assert keys(message()) == [shard_key(shard_of("SH01:C1", 64))]
    assert keys(b"{") == ["000"]
    assert keys() == []
