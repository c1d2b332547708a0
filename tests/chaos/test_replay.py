"""kill -9 of a replay and of its store: it writes what an uninterrupted one writes, byte for byte."""

import gzip
import random
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from tests.chaos.kills import VICTIMS, Ordeal, Victim, draw, rounds, seed
from tests.chaos.results import check_files
from tests.chaos.store import Flush, Store, log_of
from tests.chaos.streams import ALL, pack_of_everything, span, stream
from tests.chaos.warm import SMALL, Warm
from tests.flows.processes import MAPPINGS, SAMPLE, environment
from tests.properties.examples import CHAOS

EVENTS = 16_000 if CHAOS else 6_000
KILLS = 100 if CHAOS else 3
ROUND = 10 if CHAOS else 5  # kills of one replay, before it is let go to its end
SLOWNESS = 0.5  # seconds of playing for each kill
NAMES = ("orders.jsonl", "shipments.jsonl", "payments.jsonl")


@dataclass(frozen=True)
class Job:
    """A replay with what it must come to.

    Args:
        arguments: of the command, all but --out and --speed.
        seconds: between its first and last event.
        whole: folder of an uninterrupted run.
    """

    arguments: tuple[object, ...]
    seconds: float
    whole: Path


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A wild stream in three files under a pack of all aggregates."""
    home = tmp_path_factory.mktemp("everything")
    lines = stream(seed(), EVENTS)
    dice = random.Random(seed())
    paths = [home / name for name in NAMES]
    parts: list[list[bytes]] = [[] for _ in paths]
    for line in lines:
        parts[dice.randrange(len(parts))].append(line.raw)
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(b"".join(raw + b"\n" for raw in part))
    pack = home / "pack.yaml"
    pack.write_text(pack_of_everything(seed(), ALL), "utf-8")
    return _whole(home, (*paths, "--pack", pack, "--model", "none"), span(lines))


@pytest.fixture(scope="module")
def trade(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The head of the shipped sample under the shipped pack."""
    home = tmp_path_factory.mktemp("trade")
    events = home / "events.jsonl"
    with gzip.open(SAMPLE) as source:
        events.write_bytes(b"".join(next(source) for _ in range(EVENTS)))
    return _whole(home, (events, "--mappings", MAPPINGS, "--model", "none"), EVENTS * 26.0)


def _whole(home: Path, arguments: tuple[object, ...], seconds: float) -> Job:
    words = ("replay", *arguments, "--out", home / "whole")
    done = Warm(home / "log", *words, env=environment(), sizes={})
    assert done.wait(90) == 0, done.told
    return Job(arguments, seconds, home / "whole")


def torment(
    job: Job, home: Path, dice: random.Random, store: Store | None, victims: tuple[Victim, ...]
) -> int:
    """Replay through kills to the end and compare; how many kills there were."""
    out = home / "out"
    small = SMALL if dice.random() < 0.7 else {}
    sizes = {**small, "fenghuo.commands.replay:SNAPSHOT_SECONDS": dice.choice((0.02, 0.2, 1.0, 60.0))}
    settings: dict[str, object] = {"shards": dice.choice((1, 8)), "workers": dice.choice((1, 2))}
    if store is not None:
        settings["redis_url"] = store.url
    numbers = count()
    print(f"{home.name}: {settings}, {sizes}")

    def start(speed: str) -> Warm:
        arguments = ("replay", *job.arguments, "--speed", speed, "--out", out)
        return Warm(home / f"log.{next(numbers)}", *arguments, env=environment(**settings), sizes=sizes)

    slow = f"{job.seconds / (ROUND * SLOWNESS):.0f}x"
    state = out / ".state"
    log = log_of(state / "valkey" if store is None else store.home)
    with Ordeal(partial(start, slow), state / "recovery", log, store, print) as ordeal:
        worker, kills = ordeal.suffer([draw(dice, victims) for _ in range(ROUND)])
        ordeal.start = partial(start, "max")
        if Victim.WORKER in victims and worker.code is None:
            worker.kill()
            worker = ordeal.begin()
        worker = ordeal.revive(worker)
        assert worker.wait(90) == 0, worker.told
        print(f"{ordeal.age:7.2f} s: ended")
    check_files(out, job.whole)
    return kills


@pytest.mark.slow
@pytest.mark.timeout(900 if CHAOS else 120)
def test_a_replay_killed_with_its_own_store(everything: Job, trade: Job, tmp_path: Path) -> None:
    jobs = (trade, everything) if CHAOS else (trade,)

    def once(number: int, home: Path, dice: random.Random) -> int:
        return torment(jobs[number % len(jobs)], home, dice, None, (Victim.WORKER,))

    rounds(KILLS, "embedded", tmp_path, once)


@pytest.mark.slow
@pytest.mark.timeout(900 if CHAOS else 120)
@pytest.mark.parametrize("flush", Flush)
def test_a_replay_and_a_named_store_killed_alone_and_together(
    everything: Job, trade: Job, tmp_path: Path, flush: Flush
) -> None:
    jobs = (everything, trade) if CHAOS else (everything,)

    def once(number: int, home: Path, dice: random.Random) -> int:
        with Store(home / "valkey", flush, dice) as store:
            kills = torment(jobs[number % len(jobs)], home, dice, store, VICTIMS[flush])
            print(f"{store.lost} bytes lost")
            return kills

    rounds(KILLS, flush.value, tmp_path, once)
