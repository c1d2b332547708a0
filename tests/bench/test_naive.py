"""The naive version: the same words on every event as the product, told one event at a time."""

from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import numpy as np
import pytest
from rich.console import Console

from bench.hot import HotPack
from bench.hot_load import HotLines, HotLoad
from bench.load import TYPES, Customers, Load, lines
from bench.naive import Naive
from bench.naive_features import HOT
from bench.naive_rules import RULES
from bench.pipeline import Pipeline, PipelineJob
from events.columns import Column, Kind
from fenghuo.commands.bench_pipeline import from_file, naively
from fenghuo.commands.bench_track import PACK, PACKS, bench_settings
from fenghuo.commands.replay import replay
from models.manifest import Pack as PackOrigin
from models.registry import save
from models.training import Origin, train
from rules.pack import Pack, load_pack
from store.redis.journal import connect
from wire.replay_sink import DECISIONS

EVENTS = 400


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(PACK)


@pytest.fixture(scope="module")
def model(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small forest over random features, far from those of the stream."""
    random = np.random.default_rng(3)
    columns = {
        name: Column(random.lognormal(16 if kind is Kind.MONEY else 1, 2, 500), np.ones(500, np.bool_), kind)
        for name, kind in pack.kinds.items()
    }
    origin = Origin(pack=PackOrigin(pack.id, pack.content_hash), event_types=TYPES, first_at=0, last_at=1)
    folder = tmp_path_factory.mktemp("model") / "model"
    save(train(columns, origin, trees=10), folder)
    return folder


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Few customers with large amounts, so that windows fill and empty and rules are hit."""
    path = tmp_path_factory.mktemp("stream") / "events.jsonl"
    random = np.random.default_rng(5)
    with path.open("wb") as out:
        for line in lines(Load(EVENTS, 12, Customers.ZIPF)):
            event = msgspec.json.decode(line)
            event["amount"] = int(event["amount"] * random.lognormal(2, 2))
            event["region"] = str(random.choice(["310000", "650000"]))
            event["counterparty"] = f"W{random.integers(5, 9)}"
            out.write(msgspec.json.encode(event) + b"\n")
    return path


@pytest.fixture(scope="module")
def decided(
    stream: Path, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[Pipeline, dict[str, Any]]:
    """Decisions by event id, of both."""
    found: dict[Pipeline, dict[str, Any]] = {}
    for pipeline, run, place in ((Pipeline.FILE, from_file, "timed"), (Pipeline.NAIVE, naively, ".")):
        folder = tmp_path_factory.mktemp(pipeline)
        nothing = folder / "nothing.jsonl"
        nothing.touch()
        job = PipelineJob(
            pipeline=pipeline,
            customers=Customers.ZIPF,
            events=str(stream),
            size=EVENTS,
            warm_up=str(nothing),
            model=str(model),
            folder=str(folder),
            seconds=60.0,
        )
        result = run(job, bench_settings(model=model), Event())
        assert result.events == EVENTS
        decisions = map(msgspec.json.decode, (folder / place / DECISIONS).read_bytes().splitlines())
        found[pipeline] = {decision["event_id"]: decision for decision in decisions}
    return found


def test_the_rules_are_those_of_the_pack(pack: Pack) -> None:
    assert [(rule.name, frozenset(rule.on), rule.outcome, rule.tier) for rule in RULES] == [
        (rule.name, frozenset(map(str, rule.on)), rule.outcome.value, rule.tier.value)
        for rule in pack.evaluated
    ]


def test_both_decide_every_event(decided: dict[Pipeline, dict[str, Any]]) -> None:
    assert len(decided[Pipeline.FILE]) == EVENTS
    assert decided[Pipeline.FILE].keys() == decided[Pipeline.NAIVE].keys()


def test_both_compute_the_same_features(decided: dict[Pipeline, dict[str, Any]]) -> None:
    for event_id, decision in decided[Pipeline.FILE].items():
        assert decision["features"] == decided[Pipeline.NAIVE][event_id]["features"]


def test_windows_lose_what_is_over(decided: dict[Pipeline, dict[str, Any]]) -> None:
    last = list(decided[Pipeline.NAIVE].values())[-50:]
    counts = np.array([[d["features"][f"orders_{window}"] for window in ("1h", "24h", "7d")] for d in last])
    assert (counts[:, 0] < counts[:, 1]).any()
    assert (counts[:, 1] < counts[:, 2]).any()


def test_both_score_alike(decided: dict[Pipeline, dict[str, Any]]) -> None:
    for event_id, decision in decided[Pipeline.FILE].items():
        other = decided[Pipeline.NAIVE][event_id]
        assert decision["model"]["score"] == pytest.approx(other["model"]["score"], abs=1e-7)
        assert decision["anomaly"] == pytest.approx(other["anomaly"], abs=1e-3)


def test_both_decide_alike_and_many_rules_are_hit(decided: dict[Pipeline, dict[str, Any]]) -> None:
    hit: set[str] = set()
    for event_id, decision in decided[Pipeline.FILE].items():
        other = decided[Pipeline.NAIVE][event_id]
        hits = [rule["rule"] for rule in decision["rules"] if rule["result"] == "hit"]
        assert hits == [rule["rule"] for rule in other["rules"]]
        assert (decision["outcome"], decision["tier"]) == (other["outcome"], other["tier"])
        hit |= set(hits)
    assert len(hit) >= 12


@pytest.mark.parametrize("pack", HotPack)
def test_the_packs_of_hot_customers_are_told_alike(
    pack: HotPack, valkey_url: str, unique: str, tmp_path: Path
) -> None:
    lines = HotLines(HotLoad(held=150, late=0.0, seed=3, shards=8, after=40, cold=8))
    lines.history(tmp_path / "history.jsonl")
    lines.turn(tmp_path / "turn.jsonl", 40, hot=True)
    files = (tmp_path / "history.jsonl", tmp_path / "turn.jsonl")
    settings = bench_settings(PACKS / f"hot-{pack}.yaml", model="none", events=files)
    replay(settings, tmp_path / "out", Console(quiet=True))
    decisions = map(msgspec.json.decode, (tmp_path / "out" / DECISIONS).read_bytes().splitlines())
    features = {decision["event_id"]: decision["features"] for decision in decisions}
    with connect(valkey_url, 10) as client:
        naive = Naive(client, unique, "hot", None, HOT[pack], rules=())
        with files[0].open("rb") as history:
            assert naive.remember(history) == 230
        for event in files[1].read_bytes().splitlines():
            decision = msgspec.json.decode(naive.judge(event))
            assert decision["features"] == pytest.approx(features[decision["event_id"]], rel=1e-12)
            assert decision["features"]["events_30d"] > 150
