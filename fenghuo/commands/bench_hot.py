"""`fenghuo bench hot`: what an event of a customer with a long history costs against one with a short one."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Event

import msgspec
from msgspec import Struct

from bench.hot import HotJob, HotPack, HotRun, Shape, Turn, figures
from bench.hot_load import COLD, COLD_HELD, SIZES, HotLines, HotLoad
from bench.lockstep import Block, Lockstep, Timing
from bench.naive import Naive
from bench.naive_features import HOT as NAIVE_FEATURES
from bench.report import Section
from bench.subject import Subject
from fenghuo.commands.bench_stage import Stage
from fenghuo.commands.bench_track import PACKS, bench_settings, new_folder, run_lockstep, step_seconds
from fenghuo.embedded import start_services
from fenghuo.ending import RunError
from fenghuo.settings import Settings
from fenghuo.wiring import REPLAY_PATIENCE, build_risk
from rules.union import load_packs
from store.redis.journal import connect

NAIVE_HELD, NAIVE_COLD, NAIVE_TURN = 10_000, 50, 10
BATCHES = {Shape.BATCH: 500, Shape.SINGLE: 1}
HISTORY_BATCH = 8_192
_WARM_UP_SECONDS = 60.0
WARM_UP = HotLoad(held=200, late=0.01, seed=999, shards=1, after=0, cold=20)


def measure(
    stage: Stage, packs: Iterable[HotPack], *, held: int, rounds: int, late: float, seed: int
) -> Section:
    """Measure each pack and, once, the naive version with a smaller history.

    Raises:
        FenghuoError: a server can't be started, or a run failed, or filling the windows took too long.
    """
    wanted = [(pack, False) for pack in packs]
    runs = []
    for number, (pack, naive) in enumerate([*wanted, (HotPack.PLAIN, True)]):
        job = HotJob(
            pack=pack,
            naive=naive,
            held=min(held, NAIVE_HELD) if naive else held,
            rounds=rounds,
            late=late,
            seed=seed,
            folder=stage.job_folder("hot"),
            seconds=max(30.0, stage.left / (len(wanted) + 1 - number)),
        )
        stage.tell(job.what)
        runs.append(stage.run(job, HotRun))
    setup: dict[str, int | float | str] = {
        "held": held,
        "cold held": COLD_HELD,
        "cold customers": COLD,
        "rounds": rounds,
        "late": late,
        **{f"events of a turn, {shape}": size for shape, size in SIZES.items()},
        **{f"events of a batch, {shape}": size for shape, size in BATCHES.items()},
    }
    notes = [
        f"{'naive' if run.naive else run.pack}: {run.held:,} events in the window of the hot customer at the "
        f"end, {run.cold:,} in a cold one's"
        for run in runs
    ]
    return Section(Subject.HOT, setup, figures(runs), notes, list(runs))


def run(job: HotJob, stop: Event) -> HotRun:
    """Do a job in this process.

    Raises:
        RunError: the windows do not hold what they were given.
    """
    settings = bench_settings(PACKS / f"hot-{job.pack}.yaml", model="none")
    return _naively(job, settings) if job.naive else _judged(job, settings, stop)


def _judged(job: HotJob, settings: Settings, stop: Event) -> HotRun:
    after = job.rounds * 2 * sum(SIZES.values())
    folder = Path(job.folder)
    lines = HotLines(HotLoad(job.held, job.late, job.seed, settings.shards, after))
    history = Block(folder / "history.jsonl", HISTORY_BATCH)
    lines.history(history.path)
    blocks, kinds = [history], []
    for number, (shape, hot) in enumerate(_turns(job.rounds, Shape)):
        block = Block(folder / f"turn-{number}.jsonl", BATCHES[shape], keep=True)
        lines.turn(block.path, SIZES[shape], hot=hot)
        blocks.append(block)
        kinds.append((shape, hot))
    with start_services(settings, folder, need={"redis"}) as services:
        risk = build_risk(settings)
        warm_up = new_folder(folder, "warm-up")
        HotLines(WARM_UP).history(warm_up / "history.jsonl")
        warming = Lockstep([Block(warm_up / "history.jsonl", 50)])
        run_lockstep(warming, risk, warm_up, services.redis_url, _WARM_UP_SECONDS)
        lockstep = Lockstep(blocks, stop, meter=lambda: step_seconds(risk).get("windows", 0.0))
        run_lockstep(lockstep, risk, new_folder(folder, "timed"), services.redis_url, job.seconds)
    filled, *measured = lockstep.timings
    held, cold = (
        max(_in_window(one) for one, (_, of_hot) in zip(measured, kinds, strict=True) if of_hot is hot)
        for hot in (True, False)
    )
    _check(held, job.held + job.rounds * sum(SIZES.values()))
    turns = [
        Turn(shape, hot, one.events, one.seconds, one.metered)
        for one, (shape, hot) in zip(measured, kinds, strict=True)
    ]
    return HotRun(
        job.pack,
        naive=False,
        late=job.late,
        held=held,
        cold=cold,
        filled=filled.events,
        filling=filled.seconds,
        turns=turns,
    )


def _naively(job: HotJob, settings: Settings) -> HotRun:
    after = job.rounds * 2 * NAIVE_TURN
    folder, turns, most = Path(job.folder), [], {True: 0, False: 0}
    lines = HotLines(HotLoad(job.held, job.late, job.seed, settings.shards, after, NAIVE_COLD))
    history, turn = folder / "history.jsonl", folder / "turn.jsonl"
    lines.history(history)
    with (
        start_services(settings, folder, need={"redis"}) as services,
        connect(services.redis_url, REPLAY_PATIENCE) as client,
    ):
        pack = load_packs(settings.pack).id
        naive = Naive(client, "timed", pack, None, NAIVE_FEATURES[job.pack], rules=())
        started = time.perf_counter()
        with history.open("rb") as stream:
            filled = naive.remember(stream)
        filling = time.perf_counter() - started
        for shape, hot in _turns(job.rounds, [Shape.SINGLE]):
            lines.turn(turn, NAIVE_TURN, hot=hot)
            events = turn.read_bytes().splitlines()
            started = time.perf_counter()
            decisions = [naive.judge(event) for event in events]
            turns.append(Turn(shape, hot, len(events), time.perf_counter() - started, 0.0))
            most[hot] = max(most[hot], *map(_count, decisions))
    _check(most[True], job.held + job.rounds * NAIVE_TURN)
    return HotRun(
        job.pack,
        naive=True,
        late=job.late,
        held=most[True],
        cold=most[False],
        filled=filled,
        filling=filling,
        turns=turns,
    )


def _turns(rounds: int, shapes: Iterable[Shape]) -> Iterator[tuple[Shape, bool]]:
    """Hot and cold take turns, and so does who begins."""
    for number in range(rounds):
        for shape in shapes:
            for hot in (number % 2 == 0, number % 2 == 1):
                yield shape, hot


class _Features(Struct):
    events_30d: int


class _Decision(Struct):
    features: _Features


_decoder = msgspec.json.Decoder(_Decision)


def _count(decision: bytes) -> int:
    return _decoder.decode(decision).features.events_30d


def _in_window(timing: Timing) -> int:
    return max(map(_count, timing.decisions))


def _check(held: int, given: int) -> None:
    """Refuse a figure of windows that lost something.

    Raises:
        RunError: they hold another number of events than they were given.
    """
    if held != given:
        raise RunError(f"the hot customer's window holds {held:,} events, it was given {given:,}")
