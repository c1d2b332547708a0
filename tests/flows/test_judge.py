"""The judge: a decision is the same bytes wherever its batch is cut, and all counts agree with it."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec import UNSET
from prometheus_client import CollectorRegistry

from alerts.explanation import explain
from alerts.hit import Hit
from events.columns import Column, Kind
from events.event import Attribute, EventType
from flows.judge import Judge
from models.manifest import BASELINE
from models.model import Model
from models.registry import load as load_model
from rules.decide import RUN
from rules.decision import Decision, Outcome
from rules.evaluate import Judgement
from rules.pack import Pack, load_pack
from rules.score import Score
from telemetry.metrics import FlowMetrics
from tests.rules.making import NOON, TRADE_CORE, batch, event
from windows.windowed import ProfileColumns, WindowedBatch, without_windows
from wire.output import Output

SAMPLE_MODEL = Path(__file__).parents[2] / "samples" / "model"
ROWS = 2 * RUN + 100
SEED = 20250101


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(TRADE_CORE)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(SAMPLE_MODEL)


@pytest.fixture(scope="module")
def windowed(pack: Pack) -> WindowedBatch:
    """Orders, shipments and others, of which many are hit by some rule and many have something unknown."""
    dice = np.random.default_rng(SEED)
    kinds = [EventType.ORDER_PLACED, EventType.SHIPMENT_DISPATCHED, EventType.COMPLAINT_OPENED]
    events = batch(
        *(
            event(
                number,
                kind=kinds[number % 3],
                occurred_at=NOON + number,
                amount=int(dice.integers(1, 4_000_000_00)),
                attributes={"payment": "credit"},
            )
            for number in range(ROWS)
        )
    )
    features = {
        feature.name: Column(
            dice.integers(0, 20, ROWS) * (1_000_000_00 if feature.kind is Kind.MONEY else 1),
            dice.random(ROWS) < 0.9,
            feature.kind,
        )
        for feature in pack.features
    }
    profile: dict[str, Attribute] = {"rating": "red", "credit_limit": 10**7, "home_region": "110000"}
    nothing = np.zeros(ROWS, np.bool_)
    return WindowedBatch(
        events,
        features,
        ProfileColumns([profile if number % 4 else {} for number in range(ROWS)]),
        late=dice.random(ROWS) < 0.1,
        repeated=nothing,
        dropped=events.take(np.zeros(0, np.int64)),
    )


class Run:
    """A judge with its own metrics, and what it gave."""

    def __init__(self, pack: Pack, model: Model | None, *batches: WindowedBatch) -> None:
        self.registry = CollectorRegistry()
        judge = Judge(pack, model, lambda: NOON, FlowMetrics(self.registry))
        self.outputs = [judge(one) for one in batches]
        self.decisions = [line for output in self.outputs for line in output.decisions]

    def hits(self) -> list[tuple[str, bytes]]:
        return [(output.keys[place], hit) for output in self.outputs for place, hit in output.hits]

    def counted(self, name: str) -> dict[tuple[str, ...], float]:
        """The samples of a counter that are not zero, by the values of their labels."""
        return {
            tuple(sample.labels.values()): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == f"fenghuo_{name}_total" and sample.value
        }


@pytest.mark.parametrize("with_model", [True, False])
@pytest.mark.parametrize("cuts", [[1, 2], [RUN], [RUN - 1, RUN + 1], [17, 400, 401, 1000]])
def test_a_decision_is_the_same_bytes_wherever_the_batch_is_cut(
    pack: Pack, model: Model, windowed: WindowedBatch, cuts: list[int], with_model: bool
) -> None:
    scorer = model if with_model else None
    whole = Run(pack, scorer, windowed)
    pieces = Run(pack, scorer, *(windowed.take(rows) for rows in np.split(np.arange(ROWS), cuts)))
    assert len(whole.decisions) == ROWS
    assert pieces.decisions == whole.decisions
    assert pieces.hits() == whole.hits()
    for name in ("events_decided", "rule_results", "alert_hits", "events_late"):
        assert pieces.counted(name) == whole.counted(name)
    assert total(pieces.outputs, "rules") == total(whole.outputs, "rules")
    assert total(pieces.outputs, "outcomes") == total(whole.outputs, "outcomes")


def total(outputs: list[Output], name: str) -> Counter[str]:
    return sum((Counter(getattr(output, name)) for output in outputs), Counter())


def test_counts_are_those_of_the_decisions(pack: Pack, model: Model, windowed: WindowedBatch) -> None:
    run = Run(pack, model, windowed)
    (output,) = run.outputs
    decisions = [msgspec.json.decode(line, type=Decision) for line in run.decisions]
    assert [decision.event_id for decision in decisions] == [one.event_id for one in windowed.batch.events]
    outcomes = Counter(decision.outcome.value for decision in decisions)
    assert min(outcomes[kind] for kind in (Outcome.APPROVE, Outcome.REVIEW, Outcome.HOLD)) > 0
    assert output.outcomes == outcomes
    assert run.counted("events_decided") == {(outcome,): count for outcome, count in outcomes.items()}
    results = Counter(
        (result.rule, result.result.value) for decision in decisions for result in decision.rules
    )
    told = {labels: n for labels, n in run.counted("rule_results").items() if labels[1] != "no_hit"}
    assert told == results
    hits = [msgspec.json.decode(hit, type=Hit) for _, hit in output.hits]
    assert run.counted("alert_hits") == Counter((hit.tier.value, hit.scenario) for hit in hits)
    assert {hit.decision_id for hit in hits} == {one.decision_id for one in decisions if one.tier is not None}
    assert output.late == sum(decision.late for decision in decisions) > 0


def test_only_what_was_hit_is_explained(pack: Pack, model: Model, windowed: WindowedBatch) -> None:
    decisions = [msgspec.json.decode(line, type=Decision) for line in Run(pack, model, windowed).decisions]
    scored = [decision for decision in decisions if decision.model is not None]
    assert len(scored) == sum(one.type.value in model.event_types for one in windowed.batch.events) > 0
    for decision in scored:
        assert decision.model is not None
        assert bool(decision.model.top) is (decision.tier is not None)


def test_explanations_tell_medians_and_are_kept_in_words(
    pack: Pack, model: Model, windowed: WindowedBatch
) -> None:
    run = Run(pack, model, windowed)
    decisions = [msgspec.json.decode(line, type=Decision) for line in run.decisions]
    told = [top for decision in decisions if decision.model is not None for top in decision.model.top]
    assert told
    assert all(isinstance(top.peers_median, int | float) for top in told)
    assert all(top.customer_median is not UNSET for top in told)
    hits = [msgspec.json.decode(hit, type=Hit) for _, hit in run.hits()]
    scored = [hit for hit in hits if hit.model is not None]
    assert scored
    for hit in scored:
        assert hit.model is not None
        assert hit.explanation == explain(hit.model.top, pack.readable, pack.labels)
    assert all(hit.explanation is UNSET for hit in hits if hit.model is None)
    bare = replace(model, parts={name: part for name, part in model.parts.items() if name != BASELINE})
    assert all(b"_median" not in line for line in Run(pack, bare, windowed).decisions)


def test_without_windows_everything_is_at_least_reviewed(
    pack: Pack, model: Model, windowed: WindowedBatch
) -> None:
    run = Run(pack, model, without_windows(windowed.batch))
    decisions = [msgspec.json.decode(line, type=Decision) for line in run.decisions]
    assert {decision.outcome for decision in decisions} == {Outcome.REVIEW}
    assert all(decision.degraded and decision.model is None for decision in decisions)
    assert run.outputs[0].degraded == ROWS == run.counted("events_degraded")[()]


def test_a_batch_without_events_gives_nothing(pack: Pack, model: Model, windowed: WindowedBatch) -> None:
    run = Run(pack, model, windowed.take(np.zeros(0, np.int64)))
    assert (run.decisions, run.hits(), run.counted("events_decided")) == ([], [], {})


def test_an_observer_sees_every_batch_and_its_failure_changes_nothing(
    pack: Pack, windowed: WindowedBatch
) -> None:
    registry, seen = CollectorRegistry(), list[int]()

    def watching(windowed: WindowedBatch, judgement: Judgement, said: Score | None) -> None:
        assert {"ordered_24h", "amount_to_average"} <= judgement.derived.features.keys()
        seen.append(len(windowed.batch))
        assert said is None

    def failing(windowed: WindowedBatch, judgement: Judgement, said: Score | None) -> None:
        raise ValueError("no matter")

    judge = Judge(pack, None, lambda: NOON, FlowMetrics(registry), observers=(failing, watching))
    outputs = [judge(windowed), judge(windowed)]
    assert [line for one in outputs[:1] for line in one.decisions] == Run(pack, None, windowed).decisions
    assert seen == [ROWS, ROWS]
    assert registry.get_sample_value("fenghuo_observer_failures_total") == 2
