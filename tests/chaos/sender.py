"""A producer of a test that goes on while the pipeline is killed."""

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self
from zlib import crc32

from confluent_kafka import Producer

from tests.chaos.streams import Line
from wire.kafka_topics import INPUTS, OUTPUTS, ensure_topics

PARTITIONS = 2
LANES = [(topic, partition) for topic in ("orders", "shipments") for partition in range(PARTITIONS)]


def lane_of(line: Line) -> tuple[str, int]:
    """Topic and partition that a line is sent to."""
    return LANES[crc32(line.group.encode()) % len(LANES)]


class Sender:
    """Sends lines in their order, at an even pace.

    All of a group's events go to one partition of one topic: what comes through two topics at the same moment
    has no order that two runs would have to agree on.

    Args:
        bootstrap: of the broker.
        lines: what to send.
        seconds: that it takes.
    """

    def __init__(self, bootstrap: str, lines: Sequence[Line], seconds: float) -> None:
        config = {"bootstrap.servers": bootstrap}
        ensure_topics(config, INPUTS, PARTITIONS)
        ensure_topics(config, OUTPUTS, PARTITIONS)
        self._producer = Producer({**config, "enable.idempotence": True, "linger.ms": 1})
        self._lines = lines
        self._pause = seconds / len(lines)
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Send the rest at once."""
        self._hurry.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert self._producer.flush(60) == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish()

    def _run(self) -> None:
        started = time.monotonic()
        for number, line in enumerate(self._lines):
            self._hurry.wait(max(0.0, started + number * self._pause - time.monotonic()))
            topic, partition = lane_of(line)
            self._producer.produce(topic, line.raw, partition=partition)
            self._producer.poll(0)
