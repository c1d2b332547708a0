"""Feeding files into Kafka: topic by type, key by customer, and when each line is due."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from events.clock import EARLIEST
from fenghuo.embedded import start_broker
from tests.wire.broker import make, taken
from tests.wire.making import NOON, message
from wire.errors import WireError
from wire.feed import Feed, Pace
from wire.input_files import Line
from wire.kafka_topics import INPUTS
from wire.tables import Tables

TABLES = Tables(groups={("SH01", "C1"): "G1"})


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker with the input topics, whose names are fixed."""
    with start_broker(tmp_path_factory.mktemp("broker")) as running:
        make(running.url, INPUTS)
        yield running.url


def test_messages_go_to_the_topic_of_their_type_keyed_by_the_group(broker: str) -> None:
    sent = {
        "orders": [message(), message(group="G9"), message(customer="C2"), message(type="order.exploded")],
        "shipments": [message(type="shipment.returned")],
        "payments": [message(type="invoice.issued"), message(type="payment.received")],
        "customers": [message(type="customer.changed")],
        "service": [message(type="complaint.opened")],
        "labels": [message(type="label.reported")],
    }
    broken = [b"", b"{", b"\xff\0", message(type="nothing.known"), message(customer=7), b"[" * 100_000]
    feed = Feed({"bootstrap.servers": broker}, TABLES)
    for number, line in enumerate([*(value for lines in sent.values() for value in lines), *broken]):
        feed.send(Line(NOON, line, 0), NOON + number)
    feed.flush()

    found = {topic: taken(broker, topic) for topic in INPUTS}
    assert {topic: [m.value() or b"" for m in messages] for topic, messages in found.items()} == {
        **sent,
        "orders": [*sent["orders"], *broken],
    }
    keys = [message.key() for message in found["orders"]]
    assert keys == [b"G1", b"G9", b"SH01:C2", b"G1", None, None, None, b"G1", None, None]
    assert [message.timestamp()[1] for message in found["shipments"]] == [NOON + 4]


def test_a_broker_that_does_not_take_a_message_is_told(tmp_path: Path) -> None:
    with start_broker(tmp_path) as running:
        make(running.url, INPUTS)
        config = {"bootstrap.servers": running.url, "message.timeout.ms": 1_500}
        feed = Feed(config, TABLES)
        feed.send(Line(NOON, message(), 0), NOON)
        feed.flush()
    feed.send(Line(NOON, message(), 0), NOON)
    with pytest.raises(WireError, match=r"Kafka did not take everything: `orders`: .*timed out"):
        feed.flush()


def line(arrived: int) -> Line:
    return Line(arrived, b"", 0)


def test_at_full_speed_a_line_keeps_its_own_time() -> None:
    pace = Pace(None, lambda: NOON)
    assert pace.due(line(NOON - 1000)) == NOON - 1000
    assert pace.due(line(NOON + 1000)) == NOON  # nothing is produced in the future
    # Kafka would take 0 for the present, which is later than everything that follows.
    assert pace.due(line(EARLIEST)) == 1
    assert pace.due(line(-5)) == 1


def test_at_a_speed_lines_follow_the_first_in_their_distance() -> None:
    now = 50_000_000
    pace = Pace(60.0, lambda: now)
    assert pace.due(line(NOON)) == now
    assert pace.due(line(NOON + 60_000)) == now + 1_000
    now += 7_777
    assert pace.due(line(NOON + 120_000)) == 50_000_000 + 2_000


def test_lines_before_the_first_readable_time_are_due_at_once() -> None:
    pace = Pace(1.0, lambda: 50_000_000)
    assert [pace.due(line(at)) for at in (EARLIEST, EARLIEST, NOON, NOON + 10)] == [
        50_000_000,
        50_000_000,
        50_000_000,
        50_000_010,
    ]
