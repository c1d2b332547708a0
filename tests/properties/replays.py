"""Replays inside the test process: the flow of `fenghuo replay`, with batches and cuts as a test wants."""

import gc
import itertools
import re
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
import redis
from bytewax.errors import BytewaxRuntimeError
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from fenghuo.settings import load_settings
from fenghuo.wiring import build_flow, build_risk
from store.redis.journal import forget
from wire.file_source import FileSource
from wire.input_files import InputFiles
from wire.replay_sink import DECISIONS, ReplaySink, Totals

DECIDED_AT = re.compile(rb'"decided_at":"[^"]*"')
PATIENCE = 20.0
LEFT_OPEN = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""For tests with replays: a run that is cut leaves its connections to the garbage collector."""


class CutError(Exception):
    """Raised where a test cuts a replay as a crash would."""


@dataclass(frozen=True)
class Cut:
    """A place where a run ends before its end.

    Args:
        messages: after so many messages of the stream.
        clean: True for a stop that keeps the place, False for a crash that loses what was not yet saved.
    """

    messages: int
    clean: bool = True


@dataclass(frozen=True)
class Way:
    """How a stream is replayed; no way may change what is decided.

    Args:
        batch: most messages in one batch.
        workers: of the dataflow.
        shards: that customers are spread over.
        cuts: where runs end before the end of the stream.
        interval: seconds between two saved places.
        degrade: whether to judge without windows while their store is away.
        on_read: called with the number of messages read so far, before a batch is judged.
    """

    batch: int = 8192
    workers: int = 1
    shards: int = 4
    cuts: tuple[Cut, ...] = ()
    interval: float = 10.0
    degrade: bool = False
    on_read: Callable[[int], None] = lambda _: None


@dataclass(frozen=True)
class Replayed:
    """What a replay decided.

    Args:
        raw: decisions.jsonl without the moments of deciding.
        counts: of messages, as the summary has them.
        decisions: parsed.
    """

    raw: bytes
    counts: Counter[str]
    decisions: list[dict[str, Any]] = field(repr=False)


@dataclass(frozen=True)
class Place:
    """Where replays of one test work.

    Args:
        folder: for files.
        redis_url: of a real Valkey.
        numbers: makes a fresh folder and namespace for each replay.
    """

    folder: Path
    redis_url: str
    name: str
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def _fresh_recovery(self) -> Path:
        """A recovery directory that no run has touched; made once, as that is slow."""
        directory = self.folder / "recovery"
        if not directory.exists():
            directory.mkdir()
            init_db_dir(directory, 1)
        return directory

    def replay(self, lines: Sequence[bytes], pack: str, way: Way | None = None) -> Replayed:
        """Replay the lines under a pack given as YAML."""
        way = way or Way()
        number = next(self.numbers)
        folder = self.folder / str(number)
        folder.mkdir(parents=True)
        (folder / "pack.yaml").write_text(pack, "utf-8")
        (folder / "events.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        shutil.copytree(self._fresh_recovery(), folder / "recovery")
        namespace = f"{self.name}-{number}"
        totals = Totals()
        for cut in (*way.cuts, None):
            self._run(folder, namespace, way, cut, totals)
        with redis.Redis.from_url(self.redis_url) as client:
            forget(client, namespace)
        raw = (folder / DECISIONS).read_bytes()
        decisions = [msgspec.json.decode(line) for line in raw.splitlines()]
        return Replayed(DECIDED_AT.sub(b"", raw), totals.counts, decisions)

    def _run(self, folder: Path, namespace: str, way: Way, cut: Cut | None, totals: Totals) -> None:
        risk = build_risk(load_settings(pack=folder / "pack.yaml", shards=way.shards, workers=way.workers))
        stop, crash = Event(), Event()

        def on_read(read: int) -> None:
            way.on_read(read)
            if cut is None or read < cut.messages:
                return
            if cut.clean:
                stop.set()
            else:
                crash.set()
                raise CutError

        flow = build_flow(
            risk,
            FileSource(InputFiles([folder / "events.jsonl"]), batch=way.batch, on_read=on_read, stop=stop),
            ReplaySink(folder, folder, totals),
            redis_url=self.redis_url,
            namespace=namespace,
            patience=0.0 if way.degrade else PATIENCE,
            degrade=way.degrade,
        )
        # As `run_flow` does, without what a process does once: it would take most of a small example's time.
        try:
            cli_main(
                flow,
                workers_per_process=way.workers,
                epoch_interval=timedelta(seconds=way.interval),
                recovery_config=RecoveryConfig(str(folder / "recovery")),
            )
        except BytewaxRuntimeError:
            if not crash.is_set():
                raise


@contextmanager
def place_of(folder: Path, redis_url: str, name: str) -> Iterator[Place]:
    """A place; at its end the connections that cut runs left open are closed."""
    yield Place(folder, redis_url, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
