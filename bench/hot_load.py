"""The load of the subject `hot`: one customer with a long history among many with a short one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from bench.hot import Shape
from bench.load import FIRST_AT, REGIONS, SPREAD, SUBSIDIARY, TYPICAL, line
from events.clock import DAY, HOUR
from events.columns import Int64s
from flows.shards import shard_of

HOT = "H1"
COLD_HELD = 10
COLD = 2_000
PERIOD = 20 * DAY  # all of it and of what follows is within a window of 30 days
LATEST = 3 * DAY
SIZES = {Shape.BATCH: 2_000, Shape.SINGLE: 200}
"""Events of one turn; a cold customer has at most one of them."""

Bools = npt.NDArray[np.bool_]


class HotLoad(Struct, frozen=True):
    """A history of `held` events of one customer and of 10 of each of many, and turns of both after it.

    Args:
        held: events of the hot customer in the history.
        late: share of all events whose time is up to three days before that of the events around them; the
            last one of a turn is never late, so that its windows hold everything.
        seed: of all random choices.
        shards: in use; all customers are of one shard, so that a batch takes the same way whoever sent it.
        after: events that follow in all turns together; time goes so fast that windows keep everything.
        cold: customers with a short history, at least as many as the largest turn has events.
    """

    held: int
    late: float
    seed: int
    shards: int
    after: int
    cold: int = COLD

    @property
    def history(self) -> int:
        """Events of the history."""
        return self.held + self.cold * COLD_HELD


class HotLines:
    """Writes the files of a load, one after the other; time goes on from file to file."""

    def __init__(self, load: HotLoad) -> None:
        self._load = load
        self._random = np.random.default_rng(load.seed)
        self._cold = cold_customers(load.cold, load.shards)
        self._step = max(1, PERIOD // (load.history + load.after))
        self._number = 0

    def history(self, path: Path) -> None:
        """Both kinds of customers evenly over the period, the cold ones one after the other ten times."""
        load = self._load
        owners = np.full(load.history, -1, np.int64)
        places = np.linspace(0, load.history - 1, load.cold * COLD_HELD).astype(np.int64)
        owners[places] = np.arange(len(places)) % load.cold
        self._write(path, owners)

    def turn(self, path: Path, size: int, *, hot: bool) -> None:
        """Events of the hot customer, or one of each of `size` cold ones."""
        owners = np.full(size, -1, np.int64) if hot else np.arange(size)
        self._write(path, owners)

    def _write(self, path: Path, owners: Int64s) -> None:
        with path.open("wb") as stream:
            stream.writelines(event + b"\n" for event in self._lines(owners))

    def _lines(self, owners: Int64s) -> Iterator[bytes]:
        n, random = len(owners), self._random
        numbers = self._number + np.arange(n, dtype=np.int64)
        late: Bools = random.random(n) < self._load.late
        late[-1:] = False
        times = FIRST_AT + numbers * self._step - np.where(late, random.integers(HOUR, LATEST, n), 0)
        amounts = np.maximum(1, random.lognormal(np.log(TYPICAL), SPREAD, n)).astype(np.int64)
        regions = random.integers(len(REGIONS), size=n)
        columns = (numbers, times, owners, amounts, regions)
        for number, time, owner, amount, region in zip(*(one.tolist() for one in columns), strict=True):
            customer = self._cold[owner] if owner >= 0 else HOT
            yield line(self._load.seed, number, time, customer, amount, REGIONS[region])
        self._number += n


def cold_customers(count: int, shards: int) -> list[str]:
    """Codes of customers that share the hot one's shard."""
    wanted = shard_of(f"{SUBSIDIARY}:{HOT}", shards)
    found: list[str] = []
    number = 0
    while len(found) < count:
        code = f"C{number}"
        if shard_of(f"{SUBSIDIARY}:{code}", shards) == wanted:
            found.append(code)
        number += 1
    return found
