"""The Kafka sink on a real broker: what goes where, and that nothing is saved before it is there."""

from pathlib import Path

import pytest
from confluent_kafka import Message
from prometheus_client import CollectorRegistry

from fenghuo.embedded import start_broker
from telemetry.metrics import FlowMetrics
from tests.wire.bad_messages import BAD
from tests.wire.broker import make, taken
from tests.wire.making import decode, output
from wire.errors import WireError
from wire.kafka_sink import KafkaSink
from wire.messages import DeadLetter

LAZY = {"linger.ms": 60_000}  # nothing leaves by itself


class Sink:
    """A sink on topics of its own."""

    def __init__(self, bootstrap: str, unique: str, **config: object) -> None:
        self.bootstrap = bootstrap
        self.decisions, self.alerts, self.withdrawals, self.dead = self.topics = (
            f"{unique}-decisions",
            f"{unique}-alerts",
            f"{unique}-withdrawals",
            f"{unique}-dead",
        )
        make(bootstrap, self.topics)
        self.registry = CollectorRegistry()
        self.sink = KafkaSink(
            {"bootstrap.servers": bootstrap, **config}, 4, FlowMetrics(self.registry), self.topics
        )
        self.part = self.sink.build_part("write", "000", None)

    def taken(self, topic: str) -> list[Message]:
        return taken(self.bootstrap, topic)


def letter(raw: bytes, field: str | None = "amount", reason: str = "missing") -> DeadLetter:
    return DeadLetter(row=0, field=field, reason=reason, source="orders:3", offset=17, raw=raw)


def test_decisions_hits_and_dead_letters_go_to_their_topics_in_order(kafka: str, unique: str) -> None:
    sink = Sink(kafka, unique)
    sink.part.write_batch(
        [
            output(0, 9, [2, 5], hits=[(1, b'{"h":1}'), (1, b'{"h":2}')]),
            output(0, 9, dead=[letter(b"{")]),
            output(1, 9, [0]),
        ]
    )
    sink.part.snapshot()
    assert [(m.key(), m.value()) for m in sink.taken(sink.decisions)] == [
        (b"g2", b'{"d":0.2}'),
        (b"g5", b'{"d":0.5}'),
        (b"g0", b'{"d":1.0}'),
    ]
    assert [(m.key(), m.value()) for m in sink.taken(sink.alerts)] == [
        (b"g5", b'{"h":1}'),
        (b"g5", b'{"h":2}'),
    ]
    (dead,) = sink.taken(sink.dead)
    assert (dead.key(), dead.value()) == (None, b"{")
    assert dead.headers() == [
        ("reason", b"missing"),
        ("field", b"amount"),
        ("source", b"orders:3"),
        ("offset", b"17"),
    ]


def test_dead_letters_keep_their_bytes(kafka: str, unique: str) -> None:
    sink = Sink(kafka, unique)
    bad = [value for messages in BAD.values() for value in messages.values()]
    letters = [*decode(*bad).dead, letter(bytes(range(256)) * 20_000, field=None, reason="太长")]
    sink.part.write_batch([output(0, len(letters), dead=letters)])
    sink.part.snapshot()
    messages = sink.taken(sink.dead)
    assert [message.value() or b"" for message in messages] == [letter.raw for letter in letters]
    told = [dict(message.headers() or []) for message in messages]
    assert [headers["field"] for headers in told] == [(letter.field or "").encode() for letter in letters]
    assert [headers["reason"] for headers in told] == [letter.reason.encode() for letter in letters]


def test_a_place_is_saved_only_when_the_broker_has_everything(kafka: str, unique: str) -> None:
    sink = Sink(kafka, unique, **LAZY)
    sink.part.write_batch([output(0, 2, [0, 1])])
    assert sink.taken(sink.decisions) == []
    sink.part.snapshot()
    assert len(sink.taken(sink.decisions)) == 2


def test_the_end_of_the_input_leaves_nothing_behind(kafka: str, unique: str) -> None:
    sink = Sink(kafka, unique, **LAZY)
    sink.part.write_batch([output(0, 2, [0, 1])])
    sink.part.close()
    assert len(sink.taken(sink.decisions)) == 2


def test_parts_are_shards_and_share_a_producer(kafka: str, unique: str) -> None:
    sink = Sink(kafka, unique, **LAZY)
    assert sink.sink.list_parts() == ["000", "001", "002", "003"]
    assert [sink.sink.part_fn(key) for key in ("000", "003", "017")] == [0, 3, 17]
    other = sink.sink.build_part("write", "001", None)
    sink.part.write_batch([output(0, 1, [0])])
    other.snapshot()
    assert len(sink.taken(sink.decisions)) == 1


def test_a_full_queue_waits_instead_of_losing(kafka: str, unique: str) -> None:
    sink = Sink(kafka, unique, **{"queue.buffering.max.messages": 10})
    sink.part.write_batch([output(0, 500, range(500))])
    sink.part.snapshot()
    assert [message.key() for message in sink.taken(sink.decisions)] == [b"g%d" % n for n in range(500)]


def test_a_message_that_the_broker_does_not_take_ends_the_run(tmp_path: Path) -> None:
    with start_broker(tmp_path) as broker:
        sink = Sink(broker.url, "t", **{"message.timeout.ms": 1_500})
        sink.part.write_batch([output(0, 1, [0])])
        sink.part.snapshot()
    sink.part.write_batch([output(1, 1, [0])])
    with pytest.raises(WireError, match=r"Kafka refused a message for `t-decisions`: .*; mend the topic and"):
        sink.part.snapshot()
    found = sink.registry.get_sample_value("fenghuo_undelivered_messages_total", {"topic": "t-decisions"})
    assert found == 1
    with pytest.raises(WireError):
        sink.part.write_batch([])
