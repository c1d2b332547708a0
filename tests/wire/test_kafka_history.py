"""The source of a rebuild on a real broker: what a run had read, and no further."""

from collections.abc import Callable, Iterator, Mapping
from threading import Event

import pytest

from tests.wire.broker import make, put, until
from wire import kafka_history, kafka_lane
from wire.errors import WireError
from wire.history import HistoryBatch, Stretch
from wire.kafka_history import KafkaHistory, find_stretches

Read = Callable[..., list[HistoryBatch]]


class Topics:
    """Two topics of a test's own."""

    def __init__(self, bootstrap: str, unique: str) -> None:
        self.config = {"bootstrap.servers": bootstrap}
        self.orders, self.shipments = f"{unique}-orders", f"{unique}-shipments"
        make(bootstrap, (self.orders, self.shipments), 2)

    def put(self, topic: str, *stamps: int, partition: int = 0) -> None:
        """Messages that say their topic's first letter and their timestamp."""
        letter = "o" if topic == self.orders else "s"
        messages = [(1_000_000 + stamp, f"{letter}{stamp}".encode()) for stamp in stamps]
        put(self.config["bootstrap.servers"], topic, messages, partition)

    def lane(self, orders: tuple[int, int], shipments: tuple[int, int]) -> Mapping[str, Stretch]:
        return {self.orders: Stretch(*orders), self.shipments: Stretch(*shipments)}


@pytest.fixture
def topics(kafka: str, unique: str) -> Topics:
    return Topics(kafka, unique)


@pytest.fixture
def read(topics: Topics) -> Iterator[Read]:
    """All that a source gives for a lane up to its end."""
    parts = []

    def read_lane(
        lane: Mapping[str, Stretch], number: int = 0, stop: Event | None = None
    ) -> list[HistoryBatch]:
        source = KafkaHistory(topics.config, {number: lane}, stop or Event())
        (name,) = source.list_parts()
        part = source.build_part("read", name, None)
        parts.append(part)
        found: list[HistoryBatch] = []

        def ended() -> bool:
            try:
                found.extend(part.next_batch())
            except StopIteration:
                return True
            return False

        until(ended)
        return found

    yield read_lane
    for part in parts:
        part.close()


def values(batches: list[HistoryBatch]) -> str:
    return " ".join((value or b"-").decode() for batch in batches for value in batch.raw.values)


def test_stretches_are_read_in_order_of_production_and_no_further(topics: Topics, read: Read) -> None:
    topics.put(topics.orders, 1, 4, 5, 6, 9)
    topics.put(topics.shipments, 2, 3, 7, 8)
    batches = read(topics.lane((1, 4), (0, 3)))
    assert values(batches) == "s2 s3 o4 o5 o6 s7"
    assert [n - 1_000_000 for batch in batches for n in batch.produced.tolist()] == [2, 3, 4, 5, 6, 7]
    places = [
        (source, offset)
        for batch in batches
        for source, offset in zip(batch.raw.sources, batch.raw.offsets.tolist(), strict=True)
    ]
    orders, shipments = f"{topics.orders}:0", f"{topics.shipments}:0"
    assert places == [(shipments, 0), (shipments, 1), (orders, 1), (orders, 2), (orders, 3), (shipments, 2)]


def test_a_lane_reads_its_own_partition_in_batches(
    topics: Topics, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_history, "BATCH", 3)
    topics.put(topics.orders, *range(10))
    topics.put(topics.orders, *range(10, 20), partition=1)
    batches = read(topics.lane((0, 8), (0, 0)), 1)
    assert values(batches) == " ".join(f"o{n}" for n in range(10, 18))
    assert [batch.raw.batch for batch in batches] == list(range(len(batches)))
    assert all(len(batch.raw.values) <= 3 for batch in batches)


def test_where_nothing_is_to_be_read_it_ends_at_once(topics: Topics, read: Read) -> None:
    topics.put(topics.orders, 1, 2)
    assert read(topics.lane((2, 2), (0, 0))) == []


def test_a_stopped_rebuild_reads_no_more(topics: Topics, read: Read) -> None:
    topics.put(topics.orders, 1, 2)
    stop = Event()
    stop.set()
    assert read(topics.lane((0, 2), (0, 0)), stop=stop) == []


def test_a_partition_that_ends_early_is_told(
    topics: Topics, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_lane, "SILENT", 0.2)
    topics.put(topics.orders, 1, 2)
    with pytest.raises(WireError) as caught:
        read(topics.lane((0, 3), (0, 0)))
    assert str(caught.value) == (
        f"Kafka: `{topics.orders}:0` ends at offset 2, and had been read up to 3: it was emptied or made "
        "anew; delete the recovery directory to go on from what is left"
    )


def test_stretches_end_where_the_run_had_read(topics: Topics) -> None:
    topics.put(topics.orders, *range(10))
    topics.put(topics.shipments, *range(4))
    offsets = {topics.orders: 7, topics.shipments: 0}
    found = find_stretches(topics.config, {0: offsets}, None)
    assert found == {0: topics.lane((0, 7), (0, 0))}
    found = find_stretches(topics.config, {0: offsets}, 1_000_005)
    assert found == {0: topics.lane((0, 7), (0, 0))}  # few enough to be read as a whole


def test_a_broker_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_history, "_TIMEOUT", 0.3)
    with pytest.raises(WireError, match=r"^Kafka at 127\.0\.0\.1:9: .*; start it or correct FENGHUO_KAFKA$"):
        find_stretches({"bootstrap.servers": "127.0.0.1:9"}, {0: {"orders": 3}}, None)
