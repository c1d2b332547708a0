"""The two ends of `fenghuo bench latency`: who sends events and who reads decisions.

Each is a process of its own, `python -m fenghuo.commands.bench_ends send|receive FOLDER`. Both note moments
of the monotonic clock, which all processes of a machine share.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path
from threading import Event, Timer

import msgspec
import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from msgspec import Struct

from bench.latency import schedule
from bench.load import ID_DIGITS, id_prefix
from events.clock import wall_clock
from events.columns import Int64s
from fenghuo.ending import RunError, stop_on_signals
from wire.feed import Feed
from wire.input_files import InputFiles
from wire.kafka_topics import DECISIONS
from wire.tables import read_tables

SENDER = {"linger.ms": 1}
"""How the sender's client is set; what it waits for company is a part of the latency."""
READER = {"fetch.wait.max.ms": 5, "group.id": "fenghuo-bench"}
ORDER = "order.json"
LEAD = 0.3
"""Seconds between the word to begin and the first event."""
START = 60.0
"""Seconds that everything else may take before that word."""
_PARTING = 10.0
_NAP = 0.0005  # seconds; what falls due in the meantime is late by at most that, and counted
_POLL = 0.1
_DRAIN = 4_096


class End(StrEnum):
    """Which end."""

    SEND = "send"
    RECEIVE = "receive"


class Order(Struct, frozen=True):
    """What an end has to do.

    Args:
        kafka: bootstrap servers.
        events: file of the events.
        size: how many there are.
        seed: in their ids.
        rate: events per second.
        partitions: of the topic of decisions.
        seconds: the reader gives up after that.
    """

    kafka: str
    events: str
    size: int
    seed: int
    rate: float
    partitions: int
    seconds: float


@dataclass
class Ends:
    """The sender and the reader of a run.

    Args:
        order: what they do.
        sender: waits for the moment to begin.
        reader: is listening.
        folder: where they leave their moments.
    """

    order: Order
    sender: subprocess.Popen[str]
    reader: subprocess.Popen[str]
    folder: Path
    start: int = 0
    timers: list[Timer] = field(default_factory=list)

    def begin(self) -> None:
        """Let the sender begin in a moment."""
        self.start = time.monotonic_ns() + round(LEAD * 1e9)
        assert self.sender.stdin is not None
        self.sender.stdin.write(f"{self.start}\n")
        self.sender.stdin.flush()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something so many seconds after the first event."""
        timer = Timer(LEAD + seconds, action)
        timer.start()
        self.timers.append(timer)

    def moments(self) -> tuple[Int64s, Int64s, Int64s]:
        """When each event was due, was handed to the producer, and its decision could be read; 0 for never.

        Raises:
            RunError: an end failed.
        """
        for process in (self.sender, self.reader):
            try:
                process.wait(_PARTING)
            except subprocess.TimeoutExpired:
                process.terminate()
                process.wait(_PARTING)
        files = [_moments(self.folder, end) for end in End]
        for end, file in zip(End, files, strict=True):
            if not file.exists():
                log = (self.folder / f"{end}.log").read_text("utf-8").splitlines()
                raise RunError(f"the process to {end} ended without a result: {''.join(log[-1:])}")
        handed, arrived = (np.load(file) for file in files)
        return schedule(self.order.size, self.order.rate, self.start), handed, arrived

    def close(self) -> None:
        """End what still runs."""
        for timer in self.timers:
            timer.cancel()
            timer.join()
        for process in (self.sender, self.reader):
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


@contextmanager
def both_ends(order: Order, folder: Path) -> Iterator[Ends]:
    """Both processes, ready; they are ended with the block.

    Args:
        order: what they do.
        folder: for what they leave.
    """
    (folder / ORDER).write_bytes(msgspec.json.encode(order))
    sender, reader = (_start(end, folder) for end in End)
    ends = Ends(order, sender, reader, folder)
    try:
        for process in (sender, reader):
            assert process.stdout is not None
            process.stdout.readline()  # it is ready, or it has ended, which shows in its result
        yield ends
    finally:
        ends.close()


def _start(end: End, folder: Path) -> subprocess.Popen[str]:
    with (folder / f"{end}.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 -- our own module
            [sys.executable, "-m", "fenghuo.commands.bench_ends", end, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )


def send(order: Order, moments: Path, stop: Event) -> None:
    """Hand each event to a producer when it is due; the first line of stdin tells the moment to begin.

    Raises:
        WireError: the broker does not take the events.
    """
    lines = list(islice(InputFiles([Path(order.events)]).lines(timed=True), order.size))
    feed = Feed({"bootstrap.servers": order.kafka, **SENDER}, read_tables(None, None))
    _ready()
    told = sys.stdin.readline()
    if not told:
        return  # who was to tell is gone
    due = schedule(order.size, order.rate, int(told)).tolist()
    # The messages carry the moment at which they were due, so that the worker's own view counts from it too.
    offset = wall_clock() - time.monotonic_ns() // 1_000_000
    handed = np.zeros(order.size, np.int64)
    number = 0
    while number < order.size and not stop.is_set():
        now = time.monotonic_ns()
        if due[number] > now:
            time.sleep(min(_NAP, (due[number] - now) / 1e9))
            continue
        feed.send(lines[number], offset + due[number] // 1_000_000)
        handed[number] = time.monotonic_ns()
        number += 1
    feed.flush()
    np.save(moments, handed)


def receive(order: Order, moments: Path, stop: Event) -> None:
    """Note when each decision can be read, until all came, the seconds are over, or it is told to stop."""
    consumer = Consumer({"bootstrap.servers": order.kafka, **READER})
    consumer.assign(
        [TopicPartition(DECISIONS, number, OFFSET_BEGINNING) for number in range(order.partitions)]
    )
    prefix, arrived = id_prefix(order.seed).encode(), np.zeros(order.size, np.int64)
    deadline, left = time.monotonic() + order.seconds, order.size
    _ready()
    try:
        while left and not stop.is_set() and time.monotonic() < deadline:
            first = consumer.poll(_POLL)
            if first is None:
                continue
            messages = [first, *consumer.consume(_DRAIN, 0)]
            now = time.monotonic_ns()
            for message in messages:
                value = message.value()
                at = value.find(prefix) if message.error() is None and value is not None else -1
                if value is None or at < 0:
                    continue  # a decision of the warm-up
                at += len(prefix)
                number = int(value[at : at + ID_DIGITS])
                left -= not arrived[number]
                arrived[number] = arrived[number] or now
    finally:
        consumer.close()
    np.save(moments, arrived)


def _ready() -> None:
    """Tell who started this process that it can go on."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def _moments(folder: Path, end: End) -> Path:
    """The file of an end's moments: an array of nanoseconds by event, 0 where it did not come."""
    return folder / f"{end}.npy"


def main(end: str, folder: str) -> int:
    """Be one of the ends."""
    which = End(end)
    order = msgspec.json.decode((Path(folder) / ORDER).read_bytes(), type=Order)
    with stop_on_signals() as stop:
        (send if which is End.SEND else receive)(order, _moments(Path(folder), which), stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
