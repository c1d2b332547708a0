"""kill -9 of a replay at random moments: the decisions are those of a run that nobody touched."""

import json
import random
import time
from itertools import product
from pathlib import Path

import pytest

from tests.flows.processes import command, running
from tests.properties.crowds import crowd, pack_of_all
from tests.properties.examples import CHAOS, PATIENCE
from tests.properties.replays import DECIDED_AT

EVENTS = 20_000 if CHAOS else 8_000
KILLS = 25 if CHAOS else 2
RUNS = list(product(("embedded", "named"), (1, 2))) if CHAOS else [("embedded", 1), ("named", 2)]
ENTITIES = ("customer", "group", "order", "counterparty")
FILES = ("decisions.jsonl", "alerts.jsonl", "dead_letters.jsonl")


def results(out: Path) -> list[bytes]:
    """What a replay wrote, without the moments of deciding."""
    return [DECIDED_AT.sub(b"", (out / name).read_bytes()) for name in FILES]


def counts(out: Path) -> dict[str, object]:
    """The counts of a replay's summary."""
    summary = json.loads((out / "summary.json").read_bytes())
    return {name: summary[name] for name in ("input", "decided", "duplicate", "dead_lettered", "late")}


@pytest.mark.slow
@PATIENCE
@pytest.mark.parametrize(("server", "workers"), RUNS)
def test_kills_at_any_moment_change_no_byte(
    tmp_path: Path, valkey_url: str, server: str, workers: int
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    stream = crowd(seed, EVENTS)
    events, pack = tmp_path / "events.jsonl", tmp_path / "pack.yaml"
    events.write_bytes(b"".join(line + b"\n" for line in stream.lines))
    pack.write_text(pack_of_all(seed, ENTITIES, stream.span).yaml, "utf-8")
    arguments = ("replay", events, "--pack", pack, "--model", "none", "--workers", workers, "--out")
    settings = {"redis_url": valkey_url} if server == "named" else {}
    started = time.monotonic()
    whole = command(*arguments, tmp_path / "whole", **settings)
    took = time.monotonic() - started
    assert whole.returncode == 0, whole.stderr
    for _ in range(KILLS):
        with running(tmp_path / "log", *arguments, tmp_path / "cut", **settings) as process:
            # The first half of a run goes into loading the program.
            moment = time.monotonic() + dice.uniform(took / 3, took)
            while process.child.poll() is None and time.monotonic() < moment:
                time.sleep(0.005)
            process.kill()
    done = command(*arguments, tmp_path / "cut", **settings)
    assert done.returncode == 0, done.stderr
    assert results(tmp_path / "cut") == results(tmp_path / "whole")
    assert counts(tmp_path / "cut") == counts(tmp_path / "whole")
