"""A Redis that fails is not an empty one: nothing is decided from windows that nobody read."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fenghuo.embedded import Service, start_valkey
from tests.properties.replays import LEFT_OPEN, Place, Way
from tests.traps.making import NOON, feature, order, pack

pytestmark = LEFT_OPEN

TOTAL = 60
BATCH = 5
PACK = pack(
    {
        "n": feature("count"),
        "s": feature("sum"),
        "d": feature("distinct"),
        "first": feature("days_since_first", window=None),
    },
    when="n = 0 OR s <= 0 OR d = 0 OR first = 0",
)


class Store:
    """A Valkey of the test's own that goes and comes back with all that it had."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._service: Service = start_valkey(home)
        self.url = self._service.url

    def away(self) -> None:
        """End it as a crash does."""
        os.kill(self._service.pid, signal.SIGKILL)
        self._service.stop()

    def back(self) -> None:
        """Start it again in the same place."""
        self._service = start_valkey(self._home, port=self._service.port)

    def stop(self) -> None:
        """End it for good."""
        self._service.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    server = Store(tmp_path / "valkey")
    yield server
    server.stop()


def decided(store: Store, tmp_path: Path, unique: str, moments: dict[int, str]) -> list[dict[str, Any]]:
    """Replay with the store going and coming: after so many messages `away` or `back`."""

    def on_read(read: int) -> None:
        if read in moments:
            getattr(store, moments.pop(read))()

    way = Way(batch=BATCH, degrade=True, on_read=on_read, shards=2)
    lines = [order(n, NOON + n, region="310000").line for n in range(TOTAL)]
    decisions = Place(tmp_path, store.url, unique).replay(lines, PACK, way).decisions
    assert not moments
    assert [decision["event_id"] for decision in decisions] == [f"e{n}" for n in range(TOTAL)]
    return decisions


def test_a_redis_error_is_not_zero(store: Store, tmp_path: Path, unique: str) -> None:
    decisions = decided(store, tmp_path, unique, {20: "away", 40: "back"})
    degraded = [number for number, decision in enumerate(decisions) if decision["degraded"]]
    assert degraded, "the store was away"
    for number, decision in enumerate(decisions):
        if number in degraded:
            assert set(decision["features"].values()) == {None}
            assert decision["outcome"] == "review"
            assert [result["result"] for result in decision["rules"]] == ["not_evaluable"]
        else:
            assert decision["features"]["n"] == number + 1
            assert decision["features"]["s"] == 100 * (number + 1)
            assert (decision["features"]["d"], decision["outcome"]) == (1, "approve")


def test_what_was_decided_without_windows_is_in_them_later(store: Store, tmp_path: Path, unique: str) -> None:
    decisions = decided(store, tmp_path, unique, {20: "away", 40: "back"})
    last = decisions[-1]
    assert (last["degraded"], last["features"]["n"], last["features"]["s"]) == (False, TOTAL, 100 * TOTAL)
