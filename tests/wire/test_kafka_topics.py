"""Topics: made where missing, left alone where there, refused where they do not fit."""

import re
import time

import pytest
from confluent_kafka.admin import AdminClient

from fenghuo.embedded.service import free_port
from wire.errors import WireError
from wire.kafka_topics import INPUTS, OUTPUTS, ensure_topics


def config(bootstrap: str) -> dict[str, str | int | float | bool]:
    return {"bootstrap.servers": bootstrap}


def partitions(bootstrap: str, topic: str) -> int:
    return len(AdminClient(config(bootstrap)).list_topics(topic, timeout=10).topics[topic].partitions)


def test_missing_topics_are_made_and_others_stay_as_they_are(kafka: str, unique: str) -> None:
    first, second = f"{unique}-a", f"{unique}-b"
    assert ensure_topics(config(kafka), (first,), 3) == 3
    assert ensure_topics(config(kafka), (first, second), 3) == 3
    assert (partitions(kafka, first), partitions(kafka, second)) == (3, 3)
    # What is there decides, not what was asked for.
    assert ensure_topics(config(kafka), (first, second), 7) == 3
    assert partitions(kafka, first) == 3


def test_topics_of_different_sizes_are_refused_by_name(kafka: str, unique: str) -> None:
    first, second, third = f"{unique}-a", f"{unique}-b", f"{unique}-c"
    ensure_topics(config(kafka), (first,), 3)
    ensure_topics(config(kafka), (second,), 4)
    told = f"need the same number of partitions, got {first} 3, {second} 4; repartition them"
    with pytest.raises(WireError, match=re.escape(told)):
        ensure_topics(config(kafka), (first, second), 3)
    with pytest.raises(WireError, match=re.escape(f"got {first} 3, {third} 5")):
        ensure_topics(config(kafka), (first, third), 5)


def test_a_broker_that_is_not_there_is_told_in_time_and_once(capfd: pytest.CaptureFixture[str]) -> None:
    address = f"127.0.0.1:{free_port()}"
    started = time.monotonic()
    with pytest.raises(WireError) as caught:
        ensure_topics(config(address), ("orders",), 1, timeout=1.0)
    assert time.monotonic() - started < 3.0
    assert re.fullmatch(
        rf"Kafka at {address}: .*(failure|timed out).*; start it or correct FENGHUO_KAFKA", str(caught.value)
    )
    assert capfd.readouterr().err == ""


def test_the_topics_are_those_of_the_contract() -> None:
    assert set(INPUTS) == {"orders", "shipments", "payments", "customers", "service", "labels"}
    assert OUTPUTS == ("risk.decisions", "risk.alerts", "risk.withdrawals", "risk.dead_letters")
