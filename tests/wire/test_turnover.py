"""The turnover of a lane: every message is judged by one edition, the same one whenever it is read."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.errors import FenghuoError
from rules.edition import Boundary
from wire.turnover import Turnover


class Placed:
    """A message of which only the place counts."""

    def __init__(self, topic: str, offset: int) -> None:
        self._place = topic, offset

    def topic(self) -> str:
        return self._place[0]

    def offset(self) -> int:
        return self._place[1]


class Written:
    """Editions whose boundaries outlive the lane, as in a database."""

    def __init__(self, newest: int = 1) -> None:
        self.newest = newest
        self.away = False
        self.held: dict[str, list[Boundary]] = {}

    def boundaries(self, lane: str) -> Sequence[Boundary]:
        return self.held.get(lane, [])

    def settle(self, lane: str, boundary: Boundary) -> Boundary:
        if self.away:
            raise FenghuoError
        held = self.held.setdefault(lane, [])
        for one in held:
            if one.edition == boundary.edition:
                return one
        held.append(boundary)
        return boundary


class Reader:
    """Reads the messages of a lane in a given order, as many at a time as it is told."""

    def __init__(self, editions: Written, order: list[Placed], begin: int = 0) -> None:
        self.order, self.place = order, begin
        self.turnover = Turnover(editions, "lane-000", self.offsets())

    def offsets(self) -> Mapping[str, int]:
        return {
            topic: sum(one.topic() == topic for one in self.order[: self.place])
            for topic in ("orders", "payments")
        }

    def read(self, count: int) -> Iterator[tuple[tuple[str, int], int]]:
        self.turnover.advance(self.offsets())
        part = self.order[self.place : self.place + count]
        self.place += len(part)
        for edition, messages in self.turnover.judged(part, self.offsets()):  # type: ignore[arg-type]
            for one in messages:
                yield (one.topic() or "", one.offset() or 0), edition


def test_nothing_is_ready_before_the_first_edition() -> None:
    editions = Written(0)
    turnover = Turnover(editions, "lane-000", {"orders": 0})
    ready = []
    for newest in (0, 1):
        editions.newest = newest
        turnover.advance({"orders": 0})
        ready.append(turnover.ready)
    assert ready == [False, True]
    assert turnover.edition == 1


def test_a_place_is_written_down_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    editions = Written()
    reader = Reader(editions, [Placed("orders", number) for number in range(10)])
    assert dict(reader.read(4)) == {("orders", number): 1 for number in range(4)}
    editions.newest, editions.away = 2, True
    assert dict(reader.read(2)) == {("orders", number): 1 for number in (4, 5)}
    editions.away = False
    monkeypatch.setattr("wire.turnover.PATIENCE", 0.0)
    reader.turnover._retry_at = 0.0
    assert dict(reader.read(4)) == {("orders", number): 2 for number in (6, 7, 8, 9)}
    assert editions.held["lane-000"][-1] == Boundary(edition=2, offsets={"orders": 6, "payments": 0})


def test_the_place_that_another_run_wrote_down_holds() -> None:
    editions = Written(2)
    editions.held["lane-000"] = [
        Boundary(edition=1, offsets={"orders": 0, "payments": 0}),
        Boundary(edition=2, offsets={"orders": 3, "payments": 1}),
    ]
    order = [
        Placed("orders", 0),
        Placed("payments", 0),
        *(Placed("orders", number) for number in range(1, 6)),
    ]
    reader = Reader(editions, order)
    assert [edition for _, edition in reader.read(9)] == [1, 1, 1, 1, 2, 2, 2]


@given(st.lists(st.sampled_from(["orders", "payments"]), max_size=30), st.data())
def test_what_is_read_again_in_another_order_is_judged_by_the_same_editions(
    topics: list[str], data: st.DataObject
) -> None:
    editions = Written()
    counts = {"orders": 0, "payments": 0}
    order = []
    for topic in topics:
        order.append(Placed(topic, counts[topic]))
        counts[topic] += 1
    reader, begins = Reader(editions, order), [0]
    judged: dict[tuple[str, int], int] = {}
    while reader.place < len(order):
        editions.newest += data.draw(st.integers(0, 2))
        judged |= dict(reader.read(data.draw(st.integers(1, 8))))
        begins.append(reader.place)
    begin = data.draw(st.sampled_from(begins))
    tail, offsets = order[begin:], Reader(Written(), order, begin).offsets()
    places = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(len(tail)).tolist()
    mixed: list[Placed] = []
    waiting = {topic: [one for one in tail if one.topic() == topic] for topic in counts}
    for place in places:  # each topic's own messages stay in their order
        topic = tail[place].topic()
        mixed.append(waiting[topic].pop(0))
    again = Reader(editions, [*order[:begin], *mixed], begin)
    assert again.offsets() == offsets
    found: dict[tuple[str, int], int] = {}
    while again.place < len(order):
        found |= dict(again.read(data.draw(st.integers(1, 8))))
    assert found == {place: edition for place, edition in judged.items() if place in found}
    assert len(found) == len(tail)
