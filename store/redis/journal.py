"""The journals of one shard in Redis."""

import re
import secrets
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.retry import Retry

from telemetry.metrics import FlowMetrics
from windows.journal import Append, Journal, StoreUnavailableError, WindowsLostError

_SCRIPT = files("store.redis").joinpath("append.lua").read_text("utf-8")
_PASSING = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5


def connect(url: str, timeout: float) -> redis.Redis:
    """A client that answers or fails within `timeout` seconds; retries are the journal's business.

    Args:
        url: `redis://host:port/db`, `rediss://…` or `unix://…`.
        timeout: seconds for one call.
    """
    client: redis.Redis = redis.Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
    )
    return client


class RedisJournals:
    """Opens the journals of shards under one namespace.

    Args:
        client: connection of this worker.
        namespace: distinguishes live windows from replays, and installations from one another.
        fingerprint: hash of the record layout; journals of another layout are other keys.
        patience: seconds to retry a failing call before StoreUnavailableError.
        metrics: where round trips and failures are counted.
    """

    def __init__(
        self, client: redis.Redis, namespace: str, fingerprint: str, patience: float, metrics: FlowMetrics
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._fingerprint = fingerprint
        self._patience = patience
        self._metrics = metrics
        self._append = client.register_script(_SCRIPT)

    def claim_shards(self, shards: int) -> None:
        """Note the number of shards with the first use of a namespace, and refuse another one later.

        Raises:
            WindowsLostError: the windows were written with another number; customers would start anew.
        """
        key = f"{{s00}}:{self._namespace}:shards"
        self.call(lambda: self._client.set(key, str(shards), nx=True))
        held = int(self.call(lambda: self._client.get(key)) or shards)
        if held != shards:
            raise WindowsLostError(
                f"the windows in Redis were written with {held} shards, got {shards}; "
                f"set FENGHUO_SHARDS={held} again"
            )

    def open(self, shard: int, mark: str | None) -> "RedisJournal":
        """The journals of one shard.

        Args:
            shard: number of the shard.
            mark: what the shard's mark was when its offsets were last saved; None for a first start.
        """
        prefix = f"{{s{shard:02d}}}:{self._namespace}:{self._fingerprint}:"
        return RedisJournal(self, shard, prefix, mark)

    def call(self, action: Callable[[], Any], *, patience: float | None = None) -> Any:
        """Run `action`, retrying with growing pauses while Redis is away.

        Raises:
            StoreUnavailableError: it still fails after `patience` seconds (default: the journals' own).
            WindowsLostError: the store answered that data is gone.
        """
        limit = self._patience if patience is None else patience
        started = time.monotonic()
        pause = _FIRST_PAUSE
        while True:
            try:
                with self._metrics.store_seconds.time():
                    return action()
            except _PASSING as error:
                self._metrics.store_failures.labels(type(error).__name__).inc()
                if time.monotonic() - started + pause > limit:
                    raise StoreUnavailableError(
                        f"Redis does not answer: {_first_line(error)}; start it or set FENGHUO_REDIS_URL"
                    ) from error
            except ResponseError as error:
                self._metrics.store_failures.labels(type(error).__name__).inc()
                if str(error).startswith("LOST"):
                    raise WindowsLostError(str(error)) from error
                raise StoreUnavailableError(f"Redis refused the call: {_first_line(error)}") from error
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def append(self, keys: list[str], args: list[bytes | str | int]) -> list[bytes]:
        """Run the script that appends."""
        unread: list[bytes] = self._append(keys=keys, args=args)
        return unread

    def claim(self, key: str) -> str:
        """The mark under `key`, made now where there is none."""
        self._client.set(key, secrets.token_hex(8), nx=True)
        held = self._client.get(key)
        return held.decode() if isinstance(held, bytes) else ""


class RedisJournal(Journal):
    """The journals of one shard; made by RedisJournals.open."""

    def __init__(self, journals: RedisJournals, shard: int, prefix: str, mark: str | None) -> None:
        self._journals = journals
        self._shard = shard
        self._prefix = prefix
        self._saved_mark = mark
        self._mark: str | None = None
        self._away = False

    @property
    def mark(self) -> str | None:
        """Name of this stock of windows; it changes only when the store was emptied."""
        return self._mark or self._saved_mark

    def append(self, appends: Sequence[Append]) -> list[bytes]:
        """See `windows.journal.Journal.append`; while Redis stays away, later calls fail at once."""
        try:
            unread: list[bytes] = self._journals.call(
                lambda: self._attempt(appends), patience=0.0 if self._away else None
            )
        except StoreUnavailableError:
            self._away = True
            raise
        except WindowsLostError as error:
            raise WindowsLostError(
                f"the window store lost shard {self._shard} ({error}); restore Redis from its "
                "append-only file, or delete the recovery directory to start with empty windows"
            ) from error
        self._away = False
        return unread

    def _attempt(self, appends: Sequence[Append]) -> list[bytes]:
        if self._mark is None:
            held = self._journals.claim(f"{self._prefix}mark")
            if self._saved_mark is not None and held != self._saved_mark:
                raise ResponseError("LOST the mark of the shard changed")
            self._mark = held
        keys = [f"{self._prefix}mark", *(f"{self._prefix}{append.name}" for append in appends)]
        args: list[bytes | str | int] = [self._mark]
        for append in appends:
            args += (append.known, append.data)
        return self._journals.append(keys, args)


def _first_line(error: RedisError) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def forget(client: redis.Redis, namespace: str) -> None:
    """Delete all journals of a namespace; for replays that are done."""
    literal = re.sub(r"([\\*?\[\]^-])", r"\\\1", namespace)
    ours = re.compile(rb"\{s\d+\}:" + re.escape(namespace.encode()) + b":")
    for key in client.scan_iter(match=f"{{s*}}:{literal}:*", count=1000):
        if ours.match(key):  # the pattern also finds a group of another namespace that is named like a key
            client.unlink(key)
