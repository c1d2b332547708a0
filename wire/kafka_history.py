"""The Kafka source of a rebuild: what a run had read, from some time on, and no further."""

from collections.abc import Mapping
from threading import Event
from typing import Any

import numpy as np
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from confluent_kafka import Consumer, KafkaException, TopicPartition

from events.clock import wall_clock
from wire.errors import WireError
from wire.history import HistoryBatch, Stretch, stretch
from wire.kafka_lane import Lane, Offsets, produced_at, raw_batch
from wire.kafka_source import BATCH, lane_name, lane_number

_TIMEOUT = 30.0


def find_stretches(
    config: dict[str, Any], read: Mapping[int, Offsets], since: int | None
) -> dict[int, dict[str, Stretch]]:
    """Where to read of each partition.

    Args:
        config: librdkafka configuration.
        read: how far the run had read, by partition number and topic.
        since: epoch milliseconds; None for all that there is.

    Raises:
        WireError: Kafka does not answer, or messages are gone that the run still has to read.
    """
    places = [
        TopicPartition(topic, number) for number, offsets in read.items() for topic, offset in offsets.items()
    ]
    consumer = Consumer({"group.id": "fenghuo-run", "log_level": 0, **config})
    try:
        low = {}
        for place in places:
            low[place.topic, place.partition] = consumer.get_watermark_offsets(place, _TIMEOUT, cached=False)[
                0
            ]
        wanted: dict[tuple[str, int], int | None] = {}
        if since is not None and places:
            asked = [TopicPartition(place.topic, place.partition, since) for place in places]
            for place in consumer.offsets_for_times(asked, _TIMEOUT):
                # A negative offset says that nothing was produced since.
                after = place.offset if place.offset >= 0 else read[place.partition][place.topic]
                wanted[place.topic, place.partition] = after
    except KafkaException as error:
        raise WireError(
            f"Kafka at {config.get('bootstrap.servers')}: {error.args[0].str()}; start it or correct "
            "FENGHUO_KAFKA"
        ) from error
    finally:
        consumer.close()
    return {
        number: {
            topic: stretch(f"{topic}:{number}", low[topic, number], wanted.get((topic, number)), offset)
            for topic, offset in offsets.items()
        }
        for number, offsets in read.items()
    }


class KafkaHistory(FixedPartitionedSource[HistoryBatch, None]):
    """Reads stretches of co-partitioned topics lane by lane, merged as the run merges them.

    Args:
        config: librdkafka configuration with `bootstrap.servers` and security.
        lanes: what to read, by partition number and topic.
        stop: when set, reading ends early.
    """

    def __init__(
        self, config: dict[str, Any], lanes: Mapping[int, Mapping[str, Stretch]], stop: Event
    ) -> None:
        self._config = config
        self._lanes = lanes
        self._stop = stop

    def list_parts(self) -> list[str]:
        """One lane per partition number."""
        return [lane_name(number) for number in self._lanes]

    def build_part(
        self,
        step_id: str,  # noqa: ARG002
        for_part: str,
        resume_state: None,  # noqa: ARG002
    ) -> "_Part":
        """Start reading a lane."""
        number = lane_number(for_part)
        stretches = self._lanes[number]
        begins = {topic: one.begin for topic, one in stretches.items()}
        ends = {topic: one.end for topic, one in stretches.items()}
        return _Part(Lane(self._config, number, begins, ends, limit=BATCH), self._stop)


class _Part(StatefulSourcePartition[HistoryBatch, None]):
    def __init__(self, lane: Lane, stop: Event) -> None:
        self._lane = lane
        self._stop = stop
        self._batches = 0

    def next_batch(self) -> list[HistoryBatch]:
        if self._stop.is_set() or self._lane.closed:
            raise StopIteration
        messages = self._lane.take()
        if not messages:
            return []
        produced = produced_at(messages)
        raw = raw_batch(messages, produced, self._batches, self._lane.sources, wall_clock())
        self._batches += 1
        return [HistoryBatch(raw, np.array(produced, np.int64))]

    def snapshot(self) -> None:
        return None

    def close(self) -> None:
        self._lane.close()
