"""Opens journals on a Redis as a worker does."""

from prometheus_client import CollectorRegistry

from store.redis.journal import RedisJournal, RedisJournals, connect
from telemetry.metrics import FlowMetrics
from windows.journal import Append


class Worker:
    """A worker's connection to Redis with its metrics.

    Args:
        url: of the server.
        namespace: of its keys.
        patience: seconds to retry.
        timeout: seconds for one call.
        fingerprint: of the layout.
    """

    def __init__(
        self,
        url: str,
        namespace: str,
        *,
        patience: float = 5.0,
        timeout: float = 5.0,
        fingerprint: str = "layout",
    ) -> None:
        self.registry = CollectorRegistry()
        self.client = connect(url, timeout)
        self.journals = RedisJournals(
            self.client, namespace, fingerprint, patience, FlowMetrics(self.registry)
        )

    def open(self, shard: int = 0, mark: str | None = None) -> RedisJournal:
        return self.journals.open(shard, mark)

    def failures(self, cause: str) -> float:
        """Failed calls of a cause."""
        name = "fenghuo_window_store_failures_total"
        return self.registry.get_sample_value(name, {"cause": cause}) or 0.0


def put(journal: RedisJournal, name: str, known: int, data: bytes = b"") -> bytes:
    """Append to one journal; what it held beyond `known`."""
    (unread,) = journal.append([Append(name, known, data)])
    return unread
