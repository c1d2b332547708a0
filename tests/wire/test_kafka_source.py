"""The Kafka source on a real broker: order of production, places, and what goes wrong."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.inputs import StatefulSourcePartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, cluster_main
from prometheus_client import CollectorRegistry

from fenghuo.embedded import start_broker
from telemetry.metrics import FlowMetrics
from tests.wire.broker import make, put, until
from wire import kafka_lane, kafka_source
from wire.errors import WireError
from wire.kafka_source import KafkaSource, LanePlace
from wire.messages import RawBatch

Lane = StatefulSourcePartition[RawBatch, LanePlace]
Open = Callable[..., Lane]


class Topics:
    """Two topics of a test's own."""

    def __init__(self, bootstrap: str, unique: str) -> None:
        self.bootstrap = bootstrap
        self.orders, self.shipments = f"{unique}-orders", f"{unique}-shipments"
        self.names = (self.orders, self.shipments)
        self.registry = CollectorRegistry()
        self.metrics = FlowMetrics(self.registry)

    def source(self, partitions: int = 1, *, stop: Event | None = None, end: bool = True) -> KafkaSource:
        config = {"bootstrap.servers": self.bootstrap}
        return KafkaSource(config, self.names, partitions, self.metrics, stop, stop_at_end=end)

    def put(self, topic: str, *stamped: int, partition: int = 0) -> None:
        """Messages that say their topic's first letter and their timestamp."""
        letter = "o" if topic == self.orders else "s"
        messages = [(1_000_000 + stamp, f"{letter}{stamp}".encode()) for stamp in stamped]
        put(self.bootstrap, topic, messages, partition)

    def metric(self, name: str, topic: str) -> float | None:
        return self.registry.get_sample_value(name, {"source": f"{topic}:0"})


@pytest.fixture
def topics(kafka: str, unique: str) -> Topics:
    found = Topics(kafka, unique)
    make(kafka, found.names)
    return found


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens a lane of a source, which is closed after the test."""
    lanes: list[Lane] = []

    def open_lane(source: KafkaSource, lane: int = 0, state: LanePlace | None = None) -> Lane:
        lanes.append(source.build_part("read", f"lane-{lane:03d}", state))
        return lanes[-1]

    yield open_lane
    for lane in lanes:
        lane.close()


def rest(lane: Lane) -> list[RawBatch]:
    """All batches up to the end."""
    found: list[RawBatch] = []

    def ended() -> bool:
        try:
            found.extend(lane.next_batch())
        except StopIteration:
            return True
        return False

    until(ended)
    return found


def next_batch(lane: Lane) -> RawBatch:
    found: list[RawBatch] = []

    def came() -> bool:
        found.extend(lane.next_batch())
        return bool(found)

    until(came)
    return found[0]


def values(batches: list[RawBatch]) -> str:
    return " ".join((value or b"-").decode() for batch in batches for value in batch.values)


def test_topics_are_merged_in_order_of_production(topics: Topics, opened: Open) -> None:
    topics.put(topics.shipments, 2, 3, 7, 8)
    topics.put(topics.orders, 1, 4, 5, 6, 9)
    assert values(rest(opened(topics.source()))) == "o1 s2 s3 o4 o5 o6 s7 s8 o9"


def test_ties_go_by_the_order_of_topics_and_a_topic_keeps_its_own(topics: Topics, opened: Open) -> None:
    topics.put(topics.shipments, 1, 5, 5)
    topics.put(topics.orders, 5, 2, 1, 6)
    assert values(rest(opened(topics.source()))) == "s1 o5 o2 o1 s5 s5 o6"


def test_a_lane_reads_one_partition_of_every_topic(kafka: str, unique: str, opened: Open) -> None:
    topics = Topics(kafka, unique)
    make(kafka, topics.names, partitions=3)
    for partition in range(3):
        topics.put(topics.orders, 10 * partition, partition=partition)
        topics.put(topics.shipments, 10 * partition + 1, partition=partition)
    source = topics.source(3)
    assert source.list_parts() == ["lane-000", "lane-001", "lane-002"]
    assert [values(rest(opened(source, lane))) for lane in range(3)] == ["o0 s1", "o10 s11", "o20 s21"]


def test_a_batch_names_the_place_of_each_message(topics: Topics, opened: Open) -> None:
    topics.put(topics.orders, 3, 4)
    put(topics.bootstrap, topics.shipments, [(1_000_001, None), (1_000_005, bytes(range(256)))])
    batches = rest(opened(topics.source()))
    orders, shipments = f"{topics.orders}:0", f"{topics.shipments}:0"
    places = [
        place
        for batch in batches
        for place in zip(batch.sources, batch.offsets.tolist(), batch.values, strict=True)
    ]
    assert places == [
        (shipments, 0, None),
        (orders, 0, b"o3"),
        (orders, 1, b"o4"),
        (shipments, 1, bytes(range(256))),
    ]
    assert batches[0].oldest_at == 1_000_001
    assert topics.metric("fenghuo_events_in_total", topics.orders) == 2
    assert topics.metric("fenghuo_events_in_total", topics.shipments) == 2
    assert topics.metric("fenghuo_lag_messages", topics.orders) == 0


def test_reading_goes_on_at_the_saved_offsets(
    topics: Topics, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_source, "BATCH", 4)
    topics.put(topics.orders, *range(0, 20, 2))
    topics.put(topics.shipments, *range(1, 20, 2))
    first = opened(topics.source())
    read = [next_batch(first), next_batch(first)]
    offsets, batches, _ = place = first.snapshot()
    whole = " ".join(f"{'os'[n % 2]}{n}" for n in range(20))
    assert whole.startswith(values(read))
    assert [offsets[topic] for topic in topics.names] == [values(read).count(letter) for letter in "os"]
    assert batches == 2
    assert topics.metric("fenghuo_lag_messages", topics.orders) == 10 - offsets[topics.orders]

    again = rest(opened(topics.source(), 0, place))
    assert f"{values(read)} {values(again)}" == whole
    assert [batch.batch for batch in again] == list(range(2, 2 + len(again)))
    # What is new after the end of the last place is read, too.
    topics.put(topics.orders, 30)
    place = opened(topics.source(), 0, LanePlace({topics.orders: 10, topics.shipments: 10}, 5, 0)).snapshot()
    assert values(rest(opened(topics.source(), 0, place))) == "o30"


def test_at_the_end_it_waits_for_more_until_it_is_stopped(topics: Topics, opened: Open) -> None:
    stop = Event()
    lane = opened(topics.source(stop=stop, end=False))
    topics.put(topics.orders, 1)
    assert values([next_batch(lane)]) == "o1"
    assert all(lane.next_batch() == [] for _ in range(20))
    topics.put(topics.shipments, 2)
    assert values([next_batch(lane)]) == "s2"
    stop.set()
    with pytest.raises(StopIteration):
        lane.next_batch()
    assert lane.snapshot()[:2] == ({topics.orders: 1, topics.shipments: 1}, 2)


def test_five_megabytes_pass(topics: Topics, opened: Open) -> None:
    long = bytes(range(256)) * 20_000
    put(topics.bootstrap, topics.orders, [(1, long), (2, b"x")])
    assert [value for batch in rest(opened(topics.source())) for value in batch.values] == [long, b"x"]


def test_a_place_beyond_the_end_is_told(topics: Topics, opened: Open) -> None:
    topics.put(topics.orders, 1, 2)
    lane = opened(topics.source(end=False), 0, LanePlace({topics.orders: 3}, 9, 0))
    with pytest.raises(WireError) as caught:
        rest(lane)
    assert str(caught.value) == (
        f"Kafka: `{topics.orders}:0` ends at offset 2, and reading was to go on at 3: it was emptied or made "
        "anew; delete the recovery directory to go on from what is left"
    )


def test_a_pause_of_the_dataflow_does_not_change_the_order(
    topics: Topics, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More than is kept at hand lies in one topic before the other is heard of, and silence counts little.
    monkeypatch.setattr(kafka_source, "BATCH", 2)
    monkeypatch.setattr(kafka_lane, "SILENT", 0.25)
    topics.put(topics.orders, *range(0, 60, 2))
    topics.put(topics.shipments, *range(1, 60, 2))
    lane = opened(topics.source())
    time.sleep(0.3)  # the pause itself
    first = next_batch(lane)
    time.sleep(0.3)
    assert values([first, *rest(lane)]) == " ".join(f"{'os'[n % 2]}{n}" for n in range(60))


def test_a_broker_that_goes_away_is_waited_for(tmp_path: Path, opened: Open) -> None:
    with start_broker(tmp_path) as broker:
        topics = Topics(broker.url, "t")
        make(broker.url, topics.names)
        topics.put(topics.orders, 1)
        lane = opened(topics.source(end=False))
        assert values([next_batch(lane)]) == "o1"
    for _ in range(100):
        assert lane.next_batch() == []
    assert lane.snapshot()[0] == {topics.orders: 1, topics.shipments: 0}


def flow_of(source: KafkaSource, out: list[RawBatch], crash_at: int | None = None) -> Dataflow:
    def check(batch: RawBatch) -> RawBatch:
        if batch.batch == crash_at:
            raise RuntimeError
        return batch

    flow = Dataflow("test")
    op.output("write", op.map("check", op.input("read", flow, source), check), TestingSink(out))
    return flow


@pytest.mark.parametrize("workers", [1, 2])
def test_after_a_crash_a_flow_reads_on_where_it_was(
    kafka: str, unique: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(kafka_source, "BATCH", 5)
    topics = Topics(kafka, unique)
    make(kafka, topics.names, partitions=2)
    for partition in range(2):
        topics.put(topics.orders, *range(0, 40, 2), partition=partition)
        topics.put(topics.shipments, *range(1, 40, 2), partition=partition)
    init_db_dir(tmp_path, 1)
    config = RecoveryConfig(str(tmp_path))

    def run(crash_at: int | None) -> list[RawBatch]:
        out: list[RawBatch] = []
        flow = flow_of(topics.source(2), out, crash_at)
        try:
            cluster_main(
                flow,
                [],
                0,
                epoch_interval=timedelta(0),
                recovery_config=config,
                worker_count_per_proc=workers,
            )
        except BytewaxRuntimeError:
            assert crash_at is not None
        return out

    before, after = run(4), run(None)
    first = [min(b.batch for b in after if b.sources[0].endswith(f":{lane}")) for lane in range(2)]
    assert 0 < max(first) <= 4  # what was saved is not read again
    for lane in range(2):
        mine = {b.batch: values([b]) for b in (*before, *after) if b.sources[0].endswith(f":{lane}")}
        wanted = " ".join(f"{'os'[n % 2]}{n}" for n in range(40))
        assert " ".join(mine[number] for number in sorted(mine)) == wanted
    again = {(b.sources[0][-1], b.batch): b.values for b in before}
    for batch in after:
        assert again.get((batch.sources[0][-1], batch.batch), batch.values) == batch.values
    assert run(None) == []
