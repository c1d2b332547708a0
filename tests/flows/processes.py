"""Fenghuo's own processes as children of a test, and what they wrote to Kafka."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

REPOSITORY = Path(__file__).parents[2]
SAMPLE = REPOSITORY / "samples" / "trade-two-weeks.jsonl.gz"
MAPPINGS = REPOSITORY / "samples" / "mappings"
LABELS = REPOSITORY / "samples" / "trade-two-weeks.labels.csv"
_DECIDED_AT = re.compile(rb'"decided_at":"[^"]*"')


def environment(**settings: object) -> dict[str, str]:
    """This environment without Fenghuo's own variables, and with `settings`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FENGHUO_")}
    return {**kept, **{f"FENGHUO_{name.upper()}": str(value) for name, value in settings.items()}}


def command(*arguments: object, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a command of Fenghuo to its end."""
    return subprocess.run(
        [sys.executable, "-m", "fenghuo", *map(str, arguments)],
        env=environment(**settings),
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


class Checked(Protocol):
    """A process that can be asked whether it still runs."""

    def check(self) -> None:
        """Fail with the end of its log when it has ended by itself."""


class Running:
    """A command of Fenghuo that runs until it is stopped or killed."""

    def __init__(self, log: Path, *arguments: object, env: Mapping[str, str]) -> None:
        self.log = log
        with log.open("ab") as output:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "fenghuo", *map(str, arguments)],
                env=dict(env),
                cwd=REPOSITORY,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it and its process group as kill -9 does."""
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        return self.child.wait(30)

    def check(self) -> None:
        """Fail with the end of its log when it has ended by itself."""
        assert self.child.poll() is None, self.log.read_text()[-2000:]


@contextmanager
def running(log: Path, *arguments: object, **settings: object) -> Iterator[Running]:
    """A running command that is killed at the end of the block if it still runs."""
    process = Running(log, *arguments, env=environment(**settings))
    try:
        yield process
    finally:
        if process.child.poll() is None:
            process.kill()


class Topic:
    """Everything that a topic holds, read from its beginning without a group."""

    def __init__(self, bootstrap: str, name: str, partitions: int) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": "test", "enable.partition.eof": True}
        )
        places = [TopicPartition(name, number, OFFSET_BEGINNING) for number in range(partitions)]
        self._consumer.assign(places)
        self.messages: list[Message] = []

    def read(self, seconds: float = 0.2) -> list[Message]:
        """All messages so far."""
        for message in self._consumer.consume(10_000, seconds):
            error = message.error()
            if error is None:
                self.messages.append(message)
            else:
                assert error.code() == KafkaError._PARTITION_EOF, error
        return self.messages

    def until(self, done: Callable[[list[Message]], bool], timeout: float, process: Checked) -> list[Message]:
        """Read until `done`, while the process lives."""
        deadline = time.monotonic() + timeout
        while not done(self.read()):
            process.check()
            assert time.monotonic() < deadline, f"{len(self.messages)} messages after {timeout} s"
        return self.messages

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def undated(raw: bytes) -> bytes:
    """Decisions as they were written, without the moments of deciding."""
    return _DECIDED_AT.sub(b'"decided_at":""', raw)


def raw_decisions(messages: list[Message]) -> dict[str, bytes]:
    """Decisions as bytes, without the moment of deciding, by id; a repeated one must be the same again."""
    found: dict[str, bytes] = {}
    for message in messages:
        raw = undated(message.value() or b"")
        name = msgspec.json.decode(raw, type=_Named).decision_id
        if found.setdefault(name, raw) != raw:
            again, before = (msgspec.json.decode(one) for one in (raw, found[name]))
            raise AssertionError(f"{name} decided again: {_differences(before, again)}")
    return found


def _differences(before: dict[str, Any], after: dict[str, Any], place: str = "") -> list[str]:
    """The fields that differ, each with both values."""
    found = []
    for name in before.keys() | after.keys():
        one, other = before.get(name), after.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            found += _differences(one, other, f"{place}{name}.")
        elif one != other:
            found.append(f"{place}{name}: {one} -> {other}")
    return sorted(found)


class _Named(msgspec.Struct):
    decision_id: str


def decisions_by_id(messages: list[Message]) -> dict[str, dict[str, Any]]:
    """Decisions without the moment of deciding, by decision id; a repeated one must be the same again."""
    found: dict[str, dict[str, Any]] = {}
    for message in messages:
        decision = msgspec.json.decode(message.value() or b"")
        del decision["decided_at"]
        assert found.setdefault(decision["decision_id"], decision) == decision
    return found
