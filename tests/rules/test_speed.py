"""The cost of judging and deciding; limits are generous, as machines are shared."""

from collections.abc import Callable
from timeit import repeat

import msgspec
import numpy as np
import pytest

from events.columns import Column, EventBatch, Kind
from events.event import Attribute, EventType
from rules.decide import decide
from rules.language import Frame, Scope, compile_condition
from rules.pack import Pack, load_pack
from rules.sources import RuleColumns
from tests.rules.making import NOON, TRADE_CORE, Profiles, batch, column, event, judged

ROWS = 1_000
QUIET = {"order_cancelled_30d": 0, "order_returned_30d": 0, "consignee_shipped_24h": 0}
TYPES = (
    EventType.ORDER_PLACED,
    EventType.SHIPMENT_DISPATCHED,
    EventType.ORDER_CONFIRMED,
    EventType.INVOICE_ISSUED,
)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(TRADE_CORE)


@pytest.fixture(scope="module")
def events() -> EventBatch:
    return batch(
        *(event(i, kind=TYPES[i % 4], amount=i, attributes={"payment": "prepaid"}) for i in range(ROWS))
    )


@pytest.fixture(scope="module")
def features(pack: Pack) -> dict[str, Column]:
    rng = np.random.default_rng(1)
    everywhere = np.ones(ROWS, np.bool_)
    return {
        feature.name: Column(
            rng.random(ROWS) * 1e4 + 4
            if feature.aggregate in {"avg", "stddev", "days_since_first"}
            else np.full(ROWS, QUIET.get(feature.name, 1)),
            everywhere,
            feature.kind,
        )
        for feature in pack.features
    }


def microseconds(call: Callable[[], object]) -> float:
    """The best of some runs, in microseconds per event."""
    return min(repeat(call, number=1, repeat=15)) / ROWS * 1e6


def test_judging_and_deciding(pack: Pack, events: EventBatch, features: dict[str, Column]) -> None:
    values: dict[str, Attribute] = {"rating": "green", "credit_limit": 10**9, "home_region": "310000"}
    profile = Profiles(*[values] * ROWS)
    anomaly = column(Kind.NUMBER, *([0.5] * ROWS))
    late = np.zeros(ROWS, np.bool_)
    encoder = msgspec.json.Encoder()
    judgement = judged(pack, events, features, profile, anomaly)
    assert judgement.hit_rows.tolist() == []

    judging = microseconds(lambda: judged(pack, events, features, profile, anomaly))
    deciding = microseconds(
        lambda: [encoder.encode_lines(run) for run in decide(pack, events, judgement, None, late, NOON)]
    )
    print(f"\n{len(pack.rules)} rules: judge {judging:.2f} µs, decide and encode {deciding:.2f} µs per event")
    assert judging < 10
    assert deciding < 30


def test_thirty_rules_over_a_thousand_events(
    pack: Pack, events: EventBatch, features: dict[str, Column]
) -> None:
    scope = Scope(pack.kinds)
    texts = [
        f"ordered_72h > {i} AND orders_72h >= {i % 7} OR shipped_72h * 1.02 > {i * 1000}" for i in range(30)
    ]
    rules = [compile_condition(text, scope) for text in texts]

    def run() -> None:
        frame = Frame(RuleColumns(events, pack.local_time, features, {}, None, None))
        for rule in rules:
            rule.evaluate(frame)

    milliseconds = microseconds(run) * ROWS / 1_000
    print(f"\n30 rules over {ROWS:,} events: {milliseconds:.2f} ms")
    assert milliseconds < 10
