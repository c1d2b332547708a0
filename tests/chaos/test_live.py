"""kill -9 of the live pipeline and of its store: every event is decided, however often always alike."""

import random
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from confluent_kafka import Message

from fenghuo.embedded import start_broker
from tests.chaos.kills import VICTIMS, Ordeal, draw, rounds, seed
from tests.chaos.results import check_decisions
from tests.chaos.sender import LANES, PARTITIONS, Sender, lane_of
from tests.chaos.store import Flush, Store
from tests.chaos.streams import OWN, Line, decided, pack_of_everything, stream
from tests.chaos.warm import SMALL, Warm
from tests.flows.processes import REPOSITORY, Topic, environment, raw_decisions, undated
from tests.properties.examples import CHAOS
from tests.wire.broker import taken
from wire.kafka_topics import ALERTS, DEAD_LETTERS, DECISIONS

EVENTS = 8_000 if CHAOS else 3_000
KILLS = 100 if CHAOS else 5
ROUND = 10 if CHAOS else 5  # kills of one run, before it is let go to its end
SLOWNESS = 1.0  # seconds of sending for each kill
PATIENCE = 60.0  # longer than the store ever stays away


@dataclass(frozen=True)
class Told:
    """What a run wrote, repeats removed.

    Args:
        decisions: by id, without the moments of deciding.
        hits: all of them, likewise.
        dead: source, offset and bytes of each dead letter.
    """

    decisions: dict[str, bytes]
    hits: set[bytes]
    dead: set[tuple[object, object, bytes]]


@dataclass(frozen=True)
class Job:
    """A stream and pack with what they must come to.

    Args:
        lines: of the stream.
        pack: file of the pack.
        whole: what an uninterrupted run told.
    """

    lines: list[Line]
    pack: Path
    whole: Told


def run(lines: list[Line], pack: Path, home: Path, dice: random.Random, kills: int) -> tuple[Told, int]:
    """What a live run tells of a stream that is sent while it is killed so many times; and how many kills."""
    small = SMALL if kills and dice.random() < 0.7 else {}
    settings: dict[str, object] = {
        "shards": dice.choice((1, 8)),
        "workers": dice.choice((1, 2)),
        "snapshot_interval": dice.choice((0.05, 0.2, 1.0, 30.0)),
        "degrade_after": PATIENCE,
        "kafka_partitions": PARTITIONS,
        "data_dir": home / "data",
        "pack": pack,
    }
    print(f"{home.name}: {settings}, {small}")
    numbers = count()
    with ExitStack() as stack:
        broker = stack.enter_context(start_broker(home / "broker"))
        store = stack.enter_context(Store(home / "valkey", Flush.ALWAYS, dice))
        env = environment(**settings, kafka=broker.url, redis_url=store.url)
        sender = stack.enter_context(Sender(broker.url, lines, ROUND * SLOWNESS if kills else 0.0))
        ordeal = stack.enter_context(
            Ordeal(
                lambda: Warm(home / f"log.{next(numbers)}", "run", env=env, sizes=small),
                home / "data" / "recovery",
                store.log,
                store,
                print,
            )
        )
        worker, done = ordeal.suffer([draw(dice, VICTIMS[Flush.ALWAYS]) for _ in range(kills)])
        sender.finish()
        check_order(broker.url, lines)
        worker = ordeal.revive(worker)
        wanted = decided(lines)
        decisions = Topic(broker.url, DECISIONS, PARTITIONS)
        stack.callback(decisions.close)
        decisions.until(
            lambda found: len({(message.value() or b"")[:60] for message in found}) >= wanted, 60, worker
        )
        assert worker.stop() == 0, worker.told
        print(f"{ordeal.age:7.2f} s: ended")
        found, hits, dead = (
            taken(broker.url, topic, PARTITIONS) for topic in (DECISIONS, ALERTS, DEAD_LETTERS)
        )
        told = Told(
            raw_decisions(found),
            {undated(message.value() or b"") for message in hits},
            {dead_letter(message) for message in dead},
        )
        print(f"{len(found)} messages for {len(told.decisions)} decisions")
        return told, done


def check_order(bootstrap: str, lines: list[Line]) -> None:
    """Fail unless the broker holds what was sent in the order in which it was."""
    for topic in {topic for topic, _ in LANES}:
        found = taken(bootstrap, topic, PARTITIONS)
        for partition in range(PARTITIONS):
            held = [message.value() for message in found if message.partition() == partition]
            assert held == [line.raw for line in lines if lane_of(line) == (topic, partition)], topic


def dead_letter(message: Message) -> tuple[object, object, bytes]:
    headers = dict(message.headers() or [])
    return headers["source"], headers["offset"], message.value() or b""


def within_groups(pack: str) -> str:
    """A pack without windows by counterparty: over partitions they follow an order that no run repeats."""
    before, _, rest = pack.partition("  shared-consignee:\n")
    lines = (before + rest.partition("\n\n")[2]).splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("  counterparty_"))


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> list[Job]:
    """A wild stream under a pack of all aggregates, in the long run under the shipped pack too."""
    lines = stream(seed(), EVENTS)
    found = []
    for name in ("everything", "trade") if CHAOS else ("everything",):
        home = tmp_path_factory.mktemp(name)
        pack = home / "pack.yaml"
        pack.write_text(
            pack_of_everything(seed(), OWN)
            if name == "everything"
            else within_groups((REPOSITORY / "rules/packs/trade-core.yaml").read_text("utf-8")),
            "utf-8",
        )
        found.append(Job(lines, pack, run(lines, pack, home, random.Random(name), 0)[0]))
    return found


@pytest.mark.slow
@pytest.mark.timeout(900 if CHAOS else 120)
def test_a_live_run_decides_each_event_once_and_as_if_never_killed(jobs: list[Job], tmp_path: Path) -> None:
    def once(number: int, home: Path, dice: random.Random) -> int:
        job = jobs[number % len(jobs)]
        told, kills = run(job.lines, job.pack, home, dice, ROUND)
        check_decisions(told.decisions, job.whole.decisions)
        assert not any(b'"degraded":true' in decision for decision in told.decisions.values())
        assert told.hits == job.whole.hits
        assert told.dead == job.whole.dead
        return kills

    assert len(jobs[0].whole.decisions) == decided(jobs[0].lines)
    rounds(KILLS, "live", tmp_path, once)
