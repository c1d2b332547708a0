"""What the desk reports of itself; the metrics behind it are declared in telemetry."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from alerts.alert import Raised
from alerts.views import QueueCount
from rules.decision import Tier


class Service(StrEnum):
    """A server that the desk depends on."""

    KAFKA = "kafka"
    POSTGRES = "postgres"


class DeskMetrics(Protocol):
    """Counters and gauges of one desk."""

    def consumed(self, messages: int) -> None:
        """Count messages read from Kafka; each ends as applied, repeated or rejected."""
        ...

    def applied(self, hits: int, repeated: int, seconds: float) -> None:
        """Count the hits of a transaction that were new and that were not, and set how long it took."""
        ...

    def withdrawn(self, hits: int) -> None:
        """Count hits taken back."""
        ...

    def rejected(self, messages: int) -> None:
        """Count messages put aside as no hits."""
        ...

    def raised(self, tier: Tier, why: Raised) -> None:
        """Count an alert raised in its tier."""
        ...

    def failed(self, service: Service) -> None:
        """Count an error of a server; the desk goes on."""
        ...

    def open_cases(self, counts: Sequence[QueueCount]) -> None:
        """Set the open cases by queue and tier; what is not among `counts` is zero."""
        ...

    def lag(self, partition: int, messages: int) -> None:
        """Set the messages of a partition that the desk has not read yet."""
        ...
