"""One run: which pipeline judges which events for how long, and what came of it; passed between processes."""

from enum import StrEnum

from msgspec import Struct

from bench.load import Customers


class Pipeline(StrEnum):
    """What is measured; every one of them writes a decision for each event."""

    FILE = "file"  # the product: JSON lines to JSON lines, windows in Valkey
    KAFKA = "kafka"  # the product: topic to topic through a broker, windows in Valkey
    NAIVE = "naive"  # the obvious version, event by event: JSON lines to JSON lines, windows in Valkey


class Job(Struct, frozen=True):
    """What a run has to do.

    Args:
        pipeline: what judges.
        customers: how the events are spread.
        events: file of the events.
        size: how many there are.
        warm_up: file of events that are judged before the clock starts.
        model: directory of the anomaly model.
        folder: for everything that the run writes; exists.
        seconds: the run ends after that, however far it is.
    """

    pipeline: Pipeline
    customers: Customers
    events: str
    size: int
    warm_up: str
    model: str
    folder: str
    seconds: float


class Run(Struct, frozen=True):
    """What a run came to.

    Args:
        pipeline: what judged.
        customers: how the events were spread.
        events: how many were decided, and their decisions written.
        seconds: from the first message read to the last decision safely written.
        cpu_seconds: of the judging process in that time, all its threads.
        steps: seconds by step, for the product.
    """

    pipeline: Pipeline
    customers: Customers
    events: int
    seconds: float
    cpu_seconds: float
    steps: dict[str, float]

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds
