"""Editions of the rules in the dataflow: each event is judged by one, with the windows that it asks for."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import local
from typing import Any

import pytest
import redis
from bytewax.testing import TestingSink, TestingSource, cluster_main
from prometheus_client import CollectorRegistry

from events.clock import HOUR, MINUTE, wall_clock
from flows import steps
from flows.judge import Judge
from flows.risk import risk_flow
from flows.rulings import Built, Rulings
from flows.windows import OpenWorker, WorkerWindows
from rules.pack import Pack, load_pack
from store.redis.journal import RedisJournal, connect, forget
from telemetry.metrics import FlowMetrics
from tests.rules.making import SMALL
from tests.rules.waits import DEADLINES
from tests.wire.making import LIMIT, NOON, message, raw
from windows.feature import Entity
from windows.owned import OwnedWindows
from wire.codec import Codec
from wire.messages import RawBatch
from wire.output import Output
from wire.tables import Tables

OTHER = (
    SMALL.replace("version: 3", "version: 4")
    .replace("amount >= 2000", "amount >= 50")
    .replace(
        "count, events: [order.placed], by: customer, window: 72h",
        "count, events: [order.placed], by: customer, window: 2h",
    )
    .replace(
        "  mean_72h:",
        "  crowd_1h: {aggregate: count, events: [order.placed], by: counterparty, window: 1h}\n"
        "  largest_2h:\n"
        "    {aggregate: max, field: attributes.weight, events: [order.placed], by: group, window: 2h}\n"
        "  mean_72h:",
    )
)

Run = Callable[[Mapping[int, Pack], list[RawBatch]], list[Output]]


@pytest.fixture
def packs(tmp_path: Path) -> tuple[Pack, Pack]:
    found = []
    for number, text in enumerate((SMALL, OTHER)):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text + DEADLINES.replace("within: 10m", f"within: {10 - 5 * number}m"), "utf-8")
        found.append(load_pack(path))
    return found[0], found[1]


@pytest.fixture(params=[1, 2])
def run(request: pytest.FixtureRequest, valkey_url: str, unique: str) -> Iterator[Run]:
    """Judges batches by the packs of their editions, with one worker and with two."""
    journals: list[RedisJournal] = []
    runs = iter(range(1000))

    def judged(packs: Mapping[int, Pack], batches: list[RawBatch]) -> list[Output]:
        metrics, own, namespace = FlowMetrics(CollectorRegistry()), {}, f"{unique}-{next(runs)}"
        rulings = Rulings(
            lambda edition: Built(packs[edition], Judge(packs[edition], None, wall_clock, metrics))
        )
        rulings.of(min(packs))

        def opening(scope: Entity) -> OpenWorker:
            held = own[scope] = local()

            def open_worker() -> WorkerWindows:
                if not hasattr(held, "windows"):
                    journal = RedisJournal(connect(valkey_url, 5), f"{namespace}-{scope}", 5, 600, metrics)
                    journals.append(journal)
                    ground = rulings.ground(scope)
                    windows = OwnedWindows(ground.plan, journal, ground.lateness)
                    held.windows = WorkerWindows(windows, metrics, True, rulings, scope)
                found: WorkerWindows = held.windows
                return found

            return open_worker

        out: list[tuple[str, Output]] = []
        flow = risk_flow(
            TestingSource(batches),
            TestingSink(out),
            codec=Codec(Tables(), LIMIT),
            gather=False,
            shards=4,
            open_worker=opening(Entity.GROUP),
            open_second=opening(Entity.COUNTERPARTY),
            judge=lambda windowed: rulings.of(windowed.batch.edition)(windowed),
            tell=steps.tell(wall_clock, metrics),
            clock=None,
            metrics=metrics,
        )
        cluster_main(flow, [], 0, epoch_interval=timedelta(0), worker_count_per_proc=request.param)
        return [output for _, output in out]

    yield judged
    for journal in journals:
        journal.close()
    with redis.Redis.from_url(valkey_url) as client:
        for key in client.scan_iter(match=f"*{unique}*"):
            client.unlink(key)
        forget(client, unique)


def order(number: int) -> bytes:
    return message(
        event_id=f"e{number}",
        occurred_at=NOON + number * 10 * MINUTE,
        customer=f"C{number % 3}",
        order=f"SO-{number}",
        amount=3_000 * (number % 5 + 1),
        counterparty=f"W{number % 2}",
        attributes={"weight": number},
    )


def stream(*editions: int) -> list[RawBatch]:
    """One batch of ten orders for each edition."""
    batches = []
    for place, edition in enumerate(editions):
        values = [order(number) for number in range(10 * place, 10 * place + 10)]
        batches.append(replace(raw(*values, batch=place, first=10 * place), edition=edition))
    return batches


def decisions(outputs: list[Output]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for output in outputs:
        for line in output.decisions:
            decision = json.loads(line)
            del decision["decided_at"]
            assert decision["event_id"] not in found
            found[decision["event_id"]] = decision
    return found


def overdue(outputs: list[Output]) -> dict[str, str]:
    """Due moment of what was missed, by order."""
    hits = [json.loads(hit) for output in outputs for _, hit in output.overdue]
    return {hit["order"]: hit["occurred_at"] for hit in hits}


def test_each_event_is_decided_as_if_its_edition_had_always_been_in_force(
    run: Run, packs: tuple[Pack, Pack]
) -> None:
    editions = (1, 1, 2, 1, 2, 2)
    alone = {number: decisions(run({number: packs[number - 1]}, stream(*[number] * 6))) for number in (1, 2)}
    found = decisions(run({1: packs[0], 2: packs[1]}, stream(*editions)))
    assert len(found) == 60
    for number in range(60):
        edition = editions[number // 10]
        wanted, decision = alone[edition][f"e{number}"], found[f"e{number}"]
        assert decision["pack"] == f"small@{2 + edition}"
        cold = {"crowd_1h", "largest_2h"} if number < 36 else set()  # what the first edition did not keep
        for name, value in wanted["features"].items():
            if name not in cold or decision["features"][name] is not None:
                assert decision["features"][name] == value, (number, name)
        if not cold:
            assert decision == wanted


def test_a_wait_keeps_the_due_moment_under_which_it_began(run: Run, packs: tuple[Pack, Pack]) -> None:
    missed = overdue(run({1: packs[0], 2: packs[1]}, stream(1, 2, 2)))
    assert missed["SO-0"] == "2025-01-01T04:10:00.000Z"
    assert missed["SO-10"] == "2025-01-01T05:45:00.000Z"


def test_features_of_one_name_and_two_meanings_live_side_by_side(packs: tuple[Pack, Pack]) -> None:
    rulings = Rulings()
    first, second = (
        rulings.add(number, pack, lambda windowed: Output(0, len(windowed.batch)))
        for number, pack in enumerate(packs)
    )
    assert first.names == {"ordered_72h": "ordered_72h", "orders_72h": "orders_72h"}
    assert second.names == {
        "ordered_72h": "ordered_72h",
        "orders_72h": "orders_72h~2",
        "crowd_1h": "crowd_1h",
        "largest_2h": "largest_2h",
    }
    plan, lateness = rulings.ground(Entity.GROUP)
    assert [one.name for one in plan.features] == ["ordered_72h", "orders_72h", "orders_72h~2", "largest_2h"]
    assert [one.name for one in rulings.ground(Entity.COUNTERPARTY).plan.features] == ["crowd_1h"]
    assert lateness == 7 * 24 * HOUR
    rulings.add(2, packs[0], first.judge)
    assert rulings.ground(Entity.GROUP).plan is plan
