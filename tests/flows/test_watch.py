"""The watch: the champion is counted, shadows score the same events, decisions stay as they are."""

from dataclasses import replace

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from events.columns import Column, Kind
from flows.judge import Judge
from flows.watch import BLOCK, WINDOW, _Window, watch
from models.comparison import DayOf, ModelTally, Pair
from models.model import Model
from models.reference import MOST_BINS
from rules.pack import Pack, read_pack
from telemetry.metrics import FlowMetrics, ModelMetrics
from tests.models.keeping import KINDS, tiny_model
from tests.rules.making import NOON, SMALL, batch, event
from windows.windowed import ProfileColumns, WindowedBatch
from wire.output import Output

ROWS, REPEATED = 1200, 100


@pytest.fixture(scope="module")
def pack() -> Pack:
    return read_pack(SMALL, "small.yaml")


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model]:
    return tiny_model(1), tiny_model(2)


@pytest.fixture(scope="module")
def windowed(pack: Pack) -> WindowedBatch:
    """Orders, which these models score; the first hundred came before."""
    rng = np.random.default_rng(4)
    events = batch(*(event(number, occurred_at=NOON + number, amount=1000) for number in range(ROWS)))
    known = np.ones(ROWS, np.bool_)
    features = {
        feature.name: Column(rng.lognormal(10, 1, ROWS).astype(np.int64), known, feature.kind)
        for feature in pack.features
    }
    return WindowedBatch(
        events,
        features,
        ProfileColumns([{}] * ROWS),
        late=~known,
        repeated=np.arange(ROWS) < REPEATED,
        dropped=events.take(np.zeros(0, np.int64)),
    )


def judged(
    pack: Pack,
    windowed: WindowedBatch,
    champion: Model | None,
    shadows: list[Model],
    tally: ModelTally | None,
) -> tuple[Output, CollectorRegistry]:
    registry = CollectorRegistry()
    metrics, observed = FlowMetrics(registry), ModelMetrics(registry)
    observers = () if tally is None else watch(pack, champion, shadows, observed, tally)
    return Judge(pack, champion, lambda: NOON, metrics, observers=observers)(windowed), registry


def scored(registry: CollectorRegistry, model: Model) -> float:
    return sum(
        sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "fenghuo_model_scored_total" and sample.labels["model"] == model.id
    )


def test_what_is_scored_for_the_first_time_is_counted(
    pack: Pack, windowed: WindowedBatch, models: tuple[Model, Model]
) -> None:
    champion, shadow = models
    _, registry = judged(pack, windowed, champion, [shadow], tally := ModelTally())
    count = registry.get_sample_value
    assert count("fenghuo_observer_failures_total") == 0
    days, pairs = tally.take()
    local = (NOON + 8 * 3_600_000) // 86_400_000
    for model in models:
        assert scored(registry, model) == ROWS - REPEATED
        assert days[DayOf(model.id, local)].sum(axis=1).tolist() == [ROWS - REPEATED] * (len(KINDS) + 1)
        assert count("fenghuo_model_psi", {"model": model.id, "feature": "score"}) is not None
        assert count("fenghuo_model_missing_ratio", {"model": model.id, "feature": "score"}) == 0.0
        age = count("fenghuo_model_age_seconds", {"model": model.id})
        assert age is not None
        assert age > 0
    said = pairs[Pair(champion.id, shadow.id)]
    assert said.events == ROWS - REPEATED
    raised = count("fenghuo_model_above_limit_total", {"model": champion.id})
    assert said.both + said.champion == raised


def test_the_decisions_are_the_same_bytes_with_and_without(
    pack: Pack, windowed: WindowedBatch, models: tuple[Model, Model]
) -> None:
    watched, _ = judged(pack, windowed, models[0], [models[1]], ModelTally())
    alone, _ = judged(pack, windowed, models[0], [], None)
    assert b"".join(watched.decisions.runs) == b"".join(alone.decisions.runs)
    assert watched.hits == alone.hits


def test_a_shadow_that_fails_stops_neither_decisions_nor_the_others(
    pack: Pack, windowed: WindowedBatch, models: tuple[Model, Model]
) -> None:
    foreign = tiny_model(5, {"nowhere": Kind.NUMBER})
    output, registry = judged(pack, windowed, models[0], [foreign, models[1]], tally := ModelTally())
    assert len(output.keys) == ROWS
    assert registry.get_sample_value("fenghuo_observer_failures_total") == 1
    assert Pair(models[0].id, models[1].id) in tally.take()[1]


def test_a_shadow_scores_without_a_champion(
    pack: Pack, windowed: WindowedBatch, models: tuple[Model, Model]
) -> None:
    _, registry = judged(pack, windowed, None, [models[1]], tally := ModelTally())
    assert scored(registry, models[1]) == ROWS - REPEATED
    assert tally.take()[1] == {}


def test_without_windows_nothing_is_scored(
    pack: Pack, windowed: WindowedBatch, models: tuple[Model, Model]
) -> None:
    degraded = replace(windowed, features={}, degraded=True)
    _, registry = judged(pack, degraded, models[0], [models[1]], tally := ModelTally())
    assert registry.get_sample_value("fenghuo_observer_failures_total") == 0
    assert tally.take() == ({}, {})


def test_metrics_of_models_that_are_gone_are_told_no_more(
    pack: Pack, windowed: WindowedBatch, models: tuple[Model, Model]
) -> None:
    registry = CollectorRegistry()
    metrics = ModelMetrics(registry)
    for model in models:
        watch(pack, model, [], metrics, ModelTally())
    assert registry.get_sample_value("fenghuo_model_age_seconds", {"model": models[0].id}) is None
    assert registry.get_sample_value("fenghuo_model_age_seconds", {"model": models[1].id}) is not None
    assert len(windowed.batch) == ROWS


def test_the_window_looks_back_on_so_many_events() -> None:
    window, one = _Window(1), np.zeros((1, MOST_BINS), np.int64)
    one[0, 1] = BLOCK
    told = [window.add(BLOCK, one) for _ in range(2 * WINDOW // BLOCK)]
    assert all(told)
    assert window.counts.sum() == WINDOW
    one = one // BLOCK
    assert [window.add(1, one) for _ in range(BLOCK)] == [False] * (BLOCK - 1) + [True]
    assert window.counts.sum() == WINDOW
