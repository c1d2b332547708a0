"""The replay's sink: files in the order of the input, cut at the saved place, each line once."""

import itertools
import json
import random
from pathlib import Path

import pytest
from bytewax.outputs import StatefulSinkPartition

from tests.wire.making import original, output
from wire.errors import WireError
from wire.messages import DeadLetter
from wire.output import Output
from wire.replay_sink import (
    DEAD_LETTERS,
    DECISIONS,
    HITS,
    OVERDUE,
    WITHDRAWN,
    ReplayPlace,
    ReplaySink,
    Totals,
)

Part = StatefulSinkPartition[Output, ReplayPlace]


class Replay:
    """A replay's files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / ".state"
        self.state.mkdir(parents=True, exist_ok=True)
        self.totals = Totals()
        self.sink = ReplaySink(folder, self.state, self.totals)

    def open(self, place: ReplayPlace | None = None) -> Part:
        return self.sink.build_part("write", "replay", place)

    def lines(self, name: str) -> list[bytes]:
        return ((self.state if name == HITS else self.folder) / name).read_bytes().splitlines()


@pytest.fixture
def replay(tmp_path: Path) -> Replay:
    return Replay(tmp_path / "out")


def letter(row: int, raw: bytes = b"{") -> DeadLetter:
    return DeadLetter(row=row, field=None, reason="not JSON", source="a.jsonl", offset=row, raw=raw)


def parts_of(batch: int) -> list[Output]:
    """A batch of ten messages as it comes back from three shards and the dead letters."""
    return [
        output(batch, 10, [0, 4, 9], hits=[(0, b'{"h":"0a"}'), (0, b'{"h":"0b"}'), (2, b'{"h":"9"}')]),
        output(batch, 10, [1, 7], hits=[(1, b'{"h":"7"}')], late=1, outcomes={"hold": 2}, rules={"r hit": 2}),
        output(batch, 10, [2], duplicates=[3], degraded=1, outcomes={"approve": 1}),
        output(batch, 10, dead=[letter(8), letter(5), letter(6, b"\xff\0")]),
    ]


def wanted(batches: int) -> dict[str, list[bytes]]:
    rows = [0, 1, 2, 4, 7, 9]
    return {
        DECISIONS: [b'{"d":%d.%d}' % (batch, row) for batch in range(batches) for row in rows],
        HITS: [b'{"h":"0a"}', b'{"h":"0b"}', b'{"h":"7"}', b'{"h":"9"}'] * batches,
    }


def test_parts_and_batches_may_come_in_any_order(replay: Replay) -> None:
    seed = 20250101
    parts = [part for batch in range(4) for part in parts_of(batch)]
    random.Random(seed).shuffle(parts)
    sink = replay.open()
    for part in parts:
        sink.write_batch([part])
    sink.snapshot()
    sink.close()
    for name, lines in wanted(4).items():
        assert replay.lines(name) == lines
    dead = replay.lines(DEAD_LETTERS)
    assert [json.loads(line)["offset"] for line in dead] == [5, 6, 8] * 4
    assert original(dead[1]) == b"\xff\0"


def test_every_order_of_the_parts_of_a_batch_gives_the_same_bytes(tmp_path: Path) -> None:
    found = set()
    for number, parts in enumerate(itertools.permutations(parts_of(0))):
        replay = Replay(tmp_path / str(number))
        sink = replay.open()
        sink.write_batch(list(parts))
        sink.snapshot()
        sink.close()
        found.add(tuple(tuple(replay.lines(name)) for name in (DECISIONS, HITS, DEAD_LETTERS)))
    assert len(found) == 1


def test_a_batch_that_comes_in_one_part_is_written_as_it_stands(replay: Replay) -> None:
    sink = replay.open()
    sink.write_batch([output(0, 4, [0, 2, 3], duplicates=[1]), output(1, 2, [1, 0])])
    sink.close()
    assert replay.lines(DECISIONS) == [b'{"d":0.0}', b'{"d":0.2}', b'{"d":0.3}', b'{"d":1.0}', b'{"d":1.1}']


def test_nothing_of_a_batch_is_written_before_the_whole(replay: Replay) -> None:
    sink = replay.open()
    first, *others = parts_of(0)
    sink.write_batch([*others, *parts_of(1)])
    with pytest.raises(WireError, match="a batch is incomplete"):
        sink.snapshot()
    sink.write_batch([first])
    place = sink.snapshot()
    sink.close()
    assert replay.lines(DECISIONS) == wanted(2)[DECISIONS]
    assert place.batch == 2


def test_counts_balance_with_the_input(replay: Replay) -> None:
    sink = replay.open()
    sink.write_batch([*parts_of(0), *parts_of(1)])
    place = sink.snapshot()
    sink.close()
    counts = replay.totals.counts
    assert counts["input"] == counts["decided"] + counts["duplicate"] + counts["dead_lettered"] == 20
    assert dict(counts) == place.counts
    assert (counts["late"], counts["degraded"]) == (2, 2)
    assert (counts["outcome hold"], counts["outcome approve"], counts["rule r hit"]) == (4, 2, 4)


def test_what_was_written_after_the_saved_place_is_cut_off_and_written_again(replay: Replay) -> None:
    sink = replay.open()
    sink.write_batch([part for batch in range(3) for part in parts_of(batch)])
    place = sink.snapshot()
    sink.write_batch([part for batch in range(3, 6) for part in parts_of(batch)])
    sink.close()  # what a kill would leave, at most

    other = Replay(replay.folder)
    again = other.open(place)
    assert other.totals.counts["input"] == 30
    assert other.lines(DECISIONS) == wanted(3)[DECISIONS]
    again.write_batch([part for batch in range(3, 7) for part in parts_of(batch)])
    again.snapshot()
    again.close()
    for name, lines in wanted(7).items():
        assert other.lines(name) == lines
    assert other.totals.counts["input"] == 70


def test_a_replay_that_starts_anew_cuts_what_an_unsaved_one_wrote(replay: Replay) -> None:
    sink = replay.open()
    sink.write_batch(parts_of(0))
    sink.close()
    again = replay.open()
    again.write_batch(parts_of(0))
    again.snapshot()
    again.close()
    assert replay.lines(DECISIONS) == wanted(1)[DECISIONS]
    assert replay.totals.counts["input"] == 10


@pytest.mark.parametrize("name", [DECISIONS, DEAD_LETTERS, HITS])
def test_a_file_shorter_than_what_was_saved_is_refused(replay: Replay, name: str) -> None:
    sink = replay.open()
    sink.write_batch(parts_of(0))
    place = sink.snapshot()
    sink.close()
    path = (replay.state if name == HITS else replay.folder) / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WireError) as caught:
        replay.open(place)
    assert str(caught.value) == f"{path}: shorter than what was written; delete the folder and replay again"


def test_a_saved_place_is_on_the_disk(replay: Replay) -> None:
    sink = replay.open()
    sink.write_batch(parts_of(0))
    place = sink.snapshot()
    for name, length in place.lengths.items():
        path = (replay.folder if name in (DECISIONS, DEAD_LETTERS) else replay.state) / name
        assert path.stat().st_size == length
        assert length > 0 or name in (OVERDUE, WITHDRAWN)
    sink.close()


def test_there_is_one_part_for_all_shards(replay: Replay) -> None:
    assert replay.sink.list_parts() == ["replay"]


def test_what_deadlines_tell_belongs_to_no_message(replay: Replay) -> None:
    sink = replay.open()
    told = Output(
        7, 0, overdue=[("G1", b"hit")], withdrawn=[("G1", b"back")], deadlines={"confirm missed": 1}
    )
    sink.write_batch([told, *parts_of(0)])
    place = sink.snapshot()
    sink.write_batch([told])
    sink.close()
    again = replay.open(place)
    assert again.snapshot() == place
    again.close()
    assert (replay.state / OVERDUE).read_bytes() == b"hit\n"
    assert (replay.state / WITHDRAWN).read_bytes() == b"back\n"
    assert replay.totals.counts["deadline confirm missed"] == 1
