"""Calls to Redis: one round trip for many, tried again for a while where a server fails.

A try that fails is made again after a pause, until the patience is over. Then the server is away: calls fail
at once, but for one try now and then, until one succeeds.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import redis
import structlog
from redis.exceptions import AskError, RedisError

from store.redis.faults import (
    ANY_REDIS_ERROR,
    AnyRedisError,
    Fault,
    StoreRefusedError,
    fault_of,
    passes,
    told,
)
from store.redis.link import Client, Link
from telemetry.metrics import FlowMetrics
from windows.errors import WindowError
from windows.journal import StoreUnavailableError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_NO_PLACE = ""  # where calls go while no node of a cluster knows it
_QUICK = 0.05  # seconds of a try that holds nobody up
_REST = 4  # of the time a server that is away may take a fifth by hanging

_log = structlog.get_logger(__name__)


class Command(NamedTuple):
    """One call.

    Args:
        key: that it is about; says which server of a cluster it goes to.
        words: the command with its arguments.
    """

    key: str
    words: Sequence[Any]


@dataclass(slots=True)
class Trouble:
    """A server that fails.

    Args:
        since: when it began.
        error: of the last try.
        took: seconds of the last try.
        ended: when that was.
        away: True once it was waited for in vain.
    """

    since: float
    error: StoreUnavailableError
    took: float
    ended: float
    away: bool = False

    def rests(self) -> bool:
        """Whether it is too early for another try, because the last one was a long wait."""
        waited = self.took if self.took > _QUICK else 0.0
        return self.away and time.monotonic() < self.ended + _REST * waited


class Calls:
    """Calls to the servers behind one link.

    Args:
        client: leads to them.
        patience: seconds to try a failing call again.
        metrics: where round trips and failures are counted.
    """

    def __init__(self, client: Client, patience: float, metrics: FlowMetrics) -> None:
        self._link = Link(client)
        self._patience = patience
        self._metrics = metrics
        self._troubles: dict[str, Trouble] = {}
        for fault in Fault:
            metrics.store_failures.labels(fault.value)  # a rise from nothing is a rise, too

    @property
    def place(self) -> str:
        """Where calls go."""
        return self._link.place

    def close(self) -> None:
        """Close the connections."""
        self._link.close()

    def count(self, fault: Fault) -> None:
        """Count a failure that only the caller can tell from an answer."""
        self._metrics.store_failures.labels(fault.value).inc()

    def one(self, command: Command) -> Any:
        """Do one call.

        Raises:
            StoreUnavailableError: no good answer within the patience.
            StoreRefusedError: the server won't ever do it.
        """
        (answer,) = self.all([command])
        if isinstance(answer, WindowError):
            raise answer
        return answer

    def all(self, commands: Sequence[Command]) -> list[Any]:
        """Do calls; gives each one's answer, or in its place the error that `one` would raise."""
        answers: list[Any] = [None] * len(commands)
        waiting = list(range(len(commands)))
        started, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            failing: dict[str, list[int]] = {}
            for place, number, answer in self._try(commands, waiting):
                answers[number] = answer
                if isinstance(answer, StoreUnavailableError):
                    failing.setdefault(place, []).append(number)
            patient = {place: numbers for place, numbers in failing.items() if not self._troubles[place].away}
            if not patient:
                return answers
            if time.monotonic() - started + pause > self._patience:
                for place in patient:
                    self._troubles[place].away = True
                return answers
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            waiting = sorted(number for numbers in patient.values() for number in numbers)

    def _try(self, commands: Sequence[Command], numbers: Sequence[int]) -> Iterator[tuple[str, int, Any]]:
        """Try each call once; gives where it went, its number and the answer or error."""
        started = time.monotonic()
        try:
            routes = self._link.routes([commands[number].key for number in numbers])
        except ANY_REDIS_ERROR as error:
            yield from self._judged(_NO_PLACE, numbers, [error] * len(numbers), started)
            return
        self._troubles.pop(_NO_PLACE, None)
        for route in routes:
            of_route = [numbers[place] for place in route.numbers]
            trouble = self._troubles.get(route.place)
            if trouble is not None and trouble.rests():
                yield from [(route.place, number, trouble.error) for number in of_route]
            else:
                started = time.monotonic()
                answers = self._send(route.client, [commands[number] for number in of_route])
                yield from self._judged(route.place, of_route, answers, started)

    def _send(self, client: redis.Redis, commands: Sequence[Command]) -> list[Any]:
        """The answer to each call, or the client's error in its place; one round trip for all."""
        try:
            with self._metrics.store_seconds.time():
                pipeline: Any = client.pipeline(transaction=False)
                for command in commands:
                    pipeline.execute_command(*command.words)
                answers: list[Any] = pipeline.execute(raise_on_error=False)
        except RedisError as error:
            return [error] * len(commands)
        for number, answer in enumerate(answers):
            if isinstance(answer, AskError):  # or its kind MovedError: the slot is on another node
                self.count(Fault.CLUSTER)
                answers[number] = self._followed(commands[number])
        return answers

    def _followed(self, command: Command) -> Any:
        try:
            return self._link.follow(command.words)
        except ANY_REDIS_ERROR as error:
            return error

    def _judged(
        self, place: str, numbers: Sequence[int], answers: Sequence[Any], started: float
    ) -> list[tuple[str, int, Any]]:
        """Answers with errors in the words of the operator; counts them, and keeps track of the server."""
        faults: dict[Fault, AnyRedisError] = {}
        found: list[tuple[str, int, Any]] = []
        for number, answer in zip(numbers, answers, strict=True):
            judged = answer
            if isinstance(answer, ANY_REDIS_ERROR):
                fault = fault_of(answer)
                faults.setdefault(fault, answer)
                error = StoreUnavailableError if passes(fault) else StoreRefusedError
                judged = error(told(fault, place or self._link.place, answer))
            found.append((place, number, judged))
        for fault in faults:
            self.count(fault)
            self._link.failed(place, fault)
        passing = next((answer for _, _, answer in found if isinstance(answer, StoreUnavailableError)), None)
        if passing is not None:
            self._note(place, passing, started)
        elif not faults and (trouble := self._troubles.pop(place, None)) is not None:
            _log.info("window_store_back", place=place, seconds=round(time.monotonic() - trouble.since, 1))
        return found

    def _note(self, place: str, error: StoreUnavailableError, started: float) -> None:
        now = time.monotonic()
        before = self._troubles.get(place)
        if before is None:
            _log.warning("window_store_failing", error=str(error))
            self._troubles[place] = Trouble(started, error, now - started, now)
        else:
            before.error, before.took, before.ended = error, now - started, now
