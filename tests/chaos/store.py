"""A Valkey of a test's own that is killed and started again on what it has left on the disk."""

import os
import random
import signal
import threading
import time
from collections import deque
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from fenghuo.embedded import Service
from fenghuo.embedded.valkey import Valkey

WINDOW = 1.0
"""Seconds of writes that a loss of power takes along when the file is flushed each second."""


class Flush(Enum):
    """When Valkey has the disk keep what it wrote."""

    ALWAYS = "always"
    EACH_SECOND = "everysec"


@dataclass(frozen=True)
class _Flushing(Valkey):
    """Valkey with a policy; where nothing may be lost, its file is rewritten so often that kills meet it."""

    flush: Flush = Flush.ALWAYS

    def command(self, directory: Path, port: int, token: str) -> list[str]:
        words = [*super().command(directory, port, token), "--appendfsync", self.flush.value]
        if self.flush is Flush.ALWAYS:
            words += ["--auto-aof-rewrite-percentage", "50", "--auto-aof-rewrite-min-size", "256kb"]
        return words


class _Length(NamedTuple):
    at: float
    path: Path
    size: int


def log_of(home: Path) -> Path:
    """Where a Valkey with its data in `home` keeps its append-only file."""
    return home / "data" / "appendonlydir"


class Store:
    """A Valkey with an append-only file.

    A kill leaves all of the file that the system holds. With a flush each second a loss of power would not:
    so the file is cut off somewhere in what was written within the last second.

    Args:
        home: for its data.
        flush: when it flushes.
        dice: choose what is lost.
    """

    def __init__(self, home: Path, flush: Flush, dice: random.Random) -> None:
        self.home = home
        self._server = _Flushing(aof=True, flush=flush)
        self._dice = dice
        self._service = Service(self._server, home)
        self._port = self._service.port
        self._lengths: deque[_Length] = deque(maxlen=200)
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        self.lost = 0

    @property
    def log(self) -> Path:
        """The folder of its append-only file."""
        return log_of(self.home)

    @property
    def url(self) -> str:
        """Its URL, which stays."""
        return self._service.url

    def kill(self) -> None:
        """End it as kill -9 does, or with a flush each second as a loss of power does."""
        os.kill(self._service.pid, signal.SIGKILL)
        self._service.stop()
        if self._server.flush is Flush.EACH_SECOND:
            self._lose()

    def start(self) -> None:
        """Start it again."""
        self._service = Service(self._server, self.home, self._port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._watch.join()
        self._service.stop()

    def _file(self) -> Path | None:
        """The file that is written to now."""
        found = self.log.glob("*.incr.aof")
        return max(found, key=lambda path: int(path.name.split(".")[-3]), default=None)

    def _look(self) -> None:
        while not self._done.wait(0.02):
            path = self._file()
            if path is not None:
                self._lengths.append(_Length(time.monotonic(), path, path.stat().st_size))

    def _lose(self) -> None:
        path, now = self._file(), time.monotonic()
        if path is None:
            return
        whole = path.stat().st_size
        safe = [one.size for one in self._lengths if one.path == path and one.at > now - WINDOW]
        left = _complete(path.read_bytes(), self._dice.randint(min(safe, default=whole), whole))
        os.truncate(path, left)
        self.lost += whole - left


def _complete(raw: bytes, limit: int) -> int:
    """End of the last command or transaction of an append-only file that ends at or below `limit`.

    Valkey 8.1 mends a file wrongly that is torn within a transaction (valkey-io/valkey#4342).
    """
    place = end = 0
    inside = False
    while place < limit:
        words, place = _number(raw, place)
        name = b""
        for _ in range(words):
            size, place = _number(raw, place)
            name = name or raw[place : place + size]
            place += size + 2
        inside = name == b"MULTI" or (inside and name != b"EXEC")
        if not inside and place <= limit:
            end = place
    return end


def _number(raw: bytes, place: int) -> tuple[int, int]:
    """The number of a line such as `*3` or `$12`, and where the next line begins."""
    end = raw.index(b"\r\n", place)
    return int(raw[place + 1 : end]), end + 2
