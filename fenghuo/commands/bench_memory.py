"""`fenghuo bench memory`: what an event takes in the store and in the worker while windows keep it."""

import os
from pathlib import Path
from threading import Event

import redis

from bench.load import Customers, Load
from bench.lockstep import Block, Lockstep, Timing
from bench.memory import Arrival, MemoryJob, MemoryRun, figures
from bench.naive import Naive
from bench.report import Section
from bench.subject import Subject
from events.clock import DAY
from fenghuo.commands.bench_stage import Stage
from fenghuo.commands.bench_track import PACK, bench_settings, new_folder, run_lockstep, total
from fenghuo.embedded import start_valkey
from fenghuo.wiring import REPLAY_PATIENCE, build_risk
from rules.pack import load_pack
from store.redis.journal import connect

PERIOD = 3 * DAY  # shorter than the longest window of the pack: nothing leaves it again
TRICKLE_PART = 2  # small batches take long: half the events, of half the customers
BATCHES = {Arrival.LARGE: 8_192, Arrival.TRICKLE: 20}
SHORTEST = 30.0
"""Seconds that a run may take at least; it can't be cut short without losing its figure."""
_STATM = Path("/proc/self/statm")


def measure(stage: Stage, loads: list[Load]) -> Section:
    """Let product and naive version take in each load; once, as memory is the same in every round.

    Raises:
        FenghuoError: a server can't be started, or a run failed.
    """
    jobs = [
        MemoryJob(
            arrival=arrival,
            customers=load.spread,
            events=str(stage.load(part)),
            size=part.events,
            warm_up=str(stage.warm_up(load)),
            folder=stage.job_folder(f"{load.spread}-{arrival}"),
            seconds=max(SHORTEST, stage.left / (len(loads) * len(Arrival))),
        )
        for load in loads
        for arrival in Arrival
        for part in [load.part(load.events // TRICKLE_PART) if arrival is Arrival.TRICKLE else load]
    ]
    runs = []
    for job in jobs:
        stage.tell(job.what)
        runs.append(stage.run(job, MemoryRun))
    setup: dict[str, int | float | str] = {
        "pack": load_pack(PACK).id,
        "events": loads[0].events,
        "customers": loads[0].customers,
        **{f"events of a batch, {arrival}": size for arrival, size in BATCHES.items()},
    }
    return Section(Subject.MEMORY, setup, figures(runs), [], list(runs))


def load_of(events: int, customers: int, spread: Customers, seed: int) -> Load:
    """A load of which windows keep every event."""
    return Load(events, customers, spread, seed, PERIOD)


def run(job: MemoryJob, stop: Event) -> MemoryRun:
    """Do a job in this process.

    Raises:
        RunError: not every event was taken in.
    """
    # Without the append-only file: its buffers are not what windows take.
    with (
        start_valkey(Path(job.folder) / "valkey", aof=False) as server,
        connect(server.url, REPLAY_PATIENCE) as client,
    ):
        if job.arrival is Arrival.NAIVE:
            return _naively(job, client)
        return _judged(job, client, server.url, stop)


def _judged(job: MemoryJob, client: redis.Redis, url: str, stop: Event) -> MemoryRun:
    folder, batch = Path(job.folder), BATCHES[job.arrival]
    risk = build_risk(bench_settings(model="none"))
    # The warm-up loads kernels and script, and then leaves nothing behind.
    warming = Lockstep([Block(Path(job.warm_up), batch)])
    run_lockstep(warming, risk, new_folder(folder, "warm-up"), url, SHORTEST)
    client.flushall()
    before, worker = used(client), resident()
    after: list[tuple[int, int]] = []

    def weigh(_: Timing) -> None:  # while the windows are still open
        after.append((resident(), round(total(risk, "fenghuo_windows_loaded_bytes"))))

    lockstep = Lockstep([Block(Path(job.events), batch)], stop, ended=weigh)
    run_lockstep(lockstep, risk, new_folder(folder, "timed"), url, job.seconds)
    ((weight, loaded),) = after
    events = lockstep.timings[0].events
    return MemoryRun(job.arrival, job.customers, events, used(client) - before, weight - worker, loaded)


def _naively(job: MemoryJob, client: redis.Redis) -> MemoryRun:
    before = used(client)
    naive = Naive(client, "timed", load_pack(PACK).id, None)
    with Path(job.events).open("rb") as lines:
        events = naive.remember(lines)
    return MemoryRun(job.arrival, job.customers, events, used(client) - before, 0, 0)


def used(client: redis.Redis) -> int:
    """Bytes that the store uses, as it says itself, without the buffers of its clients."""
    memory = client.info("memory")
    return int(memory["used_memory"]) - int(memory["mem_clients_normal"])


def resident() -> int:
    """Bytes of this process that are in memory now."""
    return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
