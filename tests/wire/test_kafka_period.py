"""Reading a period on a real broker: from a moment on, every message of every partition, once."""

from collections.abc import Sequence

import pytest

from tests.wire.broker import make, put
from wire import kafka_period
from wire.errors import WireError
from wire.kafka_period import messages_since


def read(kafka: str, topics: Sequence[str], since: int) -> list[tuple[str | None, bytes | None]]:
    config = {"bootstrap.servers": kafka}
    return [(one.topic(), one.value()) for one in messages_since(config, topics, since)]


def test_messages_of_a_moment_and_later_are_read_from_all_partitions(kafka: str, unique: str) -> None:
    one, other = f"{unique}-one", f"{unique}-other"
    make(kafka, (one, other), 2)
    put(kafka, one, [(999_999, b"before"), (1_000_000, b"at"), (1_000_005, b"after")], 0)
    put(kafka, one, [(1_000_007, b"ahead"), (999_000, b"late"), (1_000_008, b"again")], 1)
    put(kafka, other, [(1_000_001, b"there")], 1)
    found = [(one, b"at"), (one, b"after"), (one, b"ahead"), (one, b"again"), (other, b"there")]
    assert read(kafka, (one, other), 1_000_000) == found
    assert read(kafka, (other, one), 1_000_000) == found[4:] + found[:4]
    assert len(read(kafka, (one, other), -5)) == 7


def test_a_topic_that_is_not_there_or_empty_holds_nothing(kafka: str, unique: str) -> None:
    make(kafka, (unique,))
    assert read(kafka, (unique, f"{unique}-none"), 1) == []


def test_more_than_a_batch_is_read_whole_and_in_order(kafka: str, unique: str) -> None:
    make(kafka, (unique,))
    put(kafka, unique, [(1_000_000, f"{number}".encode()) for number in range(5_000)])
    assert [value for _, value in read(kafka, (unique,), 1_000_000)] == [
        f"{number}".encode() for number in range(5_000)
    ]


def test_a_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_period, "_TIMEOUT", 0.5)
    with pytest.raises(WireError, match=r"^Kafka at 127\.0\.0\.1:9: .*; start it or correct FENGHUO_KAFKA"):
        read("127.0.0.1:9", ("orders",), 0)
