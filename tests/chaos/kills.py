"""Kills: what is killed, at which moment, and how a command lives through a series of them."""

import os
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.chaos.store import Flush, Store
from tests.chaos.warm import Warm
from tests.properties.examples import CHAOS

SEED = "FENGHUO_CHAOS_SEED"
"""Variable that repeats the kills of a failed run."""
_PATIENCE = 1.0  # seconds of work after which a moment that does not come is now
_LONGEST = 8.0  # seconds for which a start may take before that


class Victim(Enum):
    """Who is killed."""

    WORKER = "worker"
    STORE = "store"
    BOTH = "both"


VICTIMS = {
    Flush.ALWAYS: (Victim.WORKER, Victim.STORE, Victim.BOTH),
    # What the store loses, the living worker writes again. Killed together they go in here.
    Flush.EACH_SECOND: (Victim.STORE,),
}


class Sign(Enum):
    """What can be seen from outside of how far a command is."""

    SAVED = "saved"  # its recovery state changed; the first time when it is opened
    WROTE = "wrote"  # its store wrote to its file; the first time when a shard is claimed


@dataclass(frozen=True)
class Kill:
    """One kill.

    Args:
        victim: who.
        sign: what is waited for, counted from the last kill.
        times: how often; 0 for at once.
        delay: seconds after that.
        away: seconds for which the store stays away while the worker lives.
        apart: seconds between the two of `BOTH`; below zero the store is killed first.
    """

    victim: Victim
    sign: Sign
    times: int
    delay: float
    away: float
    apart: float

    def __str__(self) -> str:
        pauses = f"away {self.away:.3f} s, apart {self.apart:.3f} s"
        return f"{self.victim.value} {self.delay:.4f} s after `{self.sign.value}` {self.times}, {pauses}"


@cache
def seed() -> int:
    """The seed of this run: of the variable, else a new one, or a fixed one in the short run."""
    named = os.environ.get(SEED)
    if named:
        return int(named)
    return random.SystemRandom().randrange(10**6) if CHAOS else 4


def draw(dice: random.Random, victims: Sequence[Victim]) -> Kill:
    """A kill at a random moment: while a worker starts, loads its windows, works, or saves its place."""
    moments = (
        (Sign.SAVED, 0, 0.8),
        (Sign.SAVED, 1, 0.3),
        (Sign.SAVED, dice.randint(2, 9), 0.004),
        (Sign.WROTE, 1, 0.1),
        (Sign.WROTE, dice.randint(2, 20), 0.004),
        (Sign.WROTE, dice.randint(2, 20), 1.0),
    )
    sign, times, longest = dice.choice(moments)
    return Kill(
        dice.choice(victims),
        sign,
        times,
        dice.uniform(0, longest),
        dice.choice((0.0, dice.uniform(0, 0.8))),
        dice.choice((0.0, dice.uniform(-0.1, 0.1))),
    )


def rounds(kills: int, name: str, home: Path, once: Callable[[int, Path, random.Random], int]) -> None:
    """Rounds with dice of their own, until there were so many kills.

    Args:
        kills: how many.
        name: of the test; tells its dice from those of others.
        home: for a folder for each round.
        once: does a round: its number, folder and dice; returns its number of kills.
    """
    print(f"{SEED}={seed()}")
    done = 0
    for number in count():
        if done >= kills:
            break
        here = home / f"{name}-{number}"
        here.mkdir()
        done += once(number, here, random.Random(f"{seed()} {name} {number}"))
    print(f"{done} kills")


@dataclass
class Ordeal:
    """A command that is killed again and again.

    Args:
        start: starts it, or goes on with what is left of it.
        recovery: folder of its recovery state.
        log: folder of the file of its store.
        store: its store, where that does not live and die with it.
        note: is told of each kill.
    """

    start: Callable[[], Warm]
    recovery: Path
    log: Path
    store: Store | None
    note: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    _started: list[Warm] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._started:
            worker.kill()

    @property
    def age(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    def begin(self) -> Warm:
        """Start the command, which lives no longer than the ordeal."""
        self._started.append(self.start())
        return self._started[-1]

    def suffer(self, kills: Sequence[Kill]) -> tuple[Warm, int]:
        """The command after the kills, and how many there were before it ended by itself."""
        worker, done = self.begin(), 0
        for kill in kills:
            if worker.code == 0:
                break
            worker = self.revive(worker)
            if self._await(kill, worker):
                worker = self._strike(kill, worker)
                done += 1
        return worker, done

    def revive(self, worker: Warm) -> Warm:
        """The command, started again where it found no store at its start, as whoever looks after it does."""
        if worker.code in {None, 0}:
            return worker
        assert "no Redis answers" in worker.told, f"it ended with {worker.code}: {worker.told}"
        return self.begin()

    def _await(self, kill: Kill, worker: Warm) -> bool:
        """Wait for the moment; False when the command has ended before."""
        files = {Sign.SAVED: (self.recovery, "part-*"), Sign.WROTE: (self.log, "*.incr.aof")}
        seen, before = dict.fromkeys(Sign, 0), {sign: _state(*place) for sign, place in files.items()}
        working = time.monotonic() + _LONGEST

        def reached() -> bool:
            nonlocal working
            for sign, place in files.items():
                now = _state(*place)
                seen[sign] += now != before[sign]
                before[sign] = now
            if seen[Sign.WROTE]:
                working = min(working, time.monotonic())
            return seen[kill.sign] >= kill.times or time.monotonic() > working + _PATIENCE

        worker.until(reached, 2 * _LONGEST)
        moment = time.monotonic() + kill.delay
        worker.until(lambda: time.monotonic() >= moment, _LONGEST)
        return worker.code is None

    def _strike(self, kill: Kill, worker: Warm) -> Warm:
        """Kill, and start again what was killed."""
        self.note(f"{self.age:7.2f} s: {kill}")
        if kill.victim is Victim.WORKER or self.store is None:
            worker.kill()
            return self.begin()
        if kill.victim is Victim.STORE:
            self.store.kill()
            time.sleep(kill.away)
            self.store.start()
            return worker
        both = [worker.kill, self.store.kill]
        for blow in both if kill.apart >= 0 else reversed(both):
            blow()
            time.sleep(abs(kill.apart))
        self.store.start()
        return self.begin()


def _state(folder: Path, pattern: str) -> dict[str, tuple[int, int]]:
    """Size and time of each file in a folder, by name."""
    found = {}
    with suppress(FileNotFoundError):  # a replay that is done takes its state away, file by file
        for path in folder.glob(pattern):
            told = path.stat()
            found[path.name] = told.st_size, told.st_mtime_ns
    return found
