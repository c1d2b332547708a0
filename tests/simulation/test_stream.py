import tracemalloc
from collections import Counter
from datetime import date

import pytest

from simulation.errors import SimulationError
from simulation.stream import Settings, Simulation
from tests.simulation.run import Run, keeps_the_contract

A_FEW = Settings(days=9, start=date(2026, 3, 2), seed=3, customers=60)


def lines_of(settings: Settings) -> list[bytes]:
    return [line for day in Simulation(settings).days() for line in day.lines]


def test_the_same_settings_give_the_same_lines() -> None:
    assert lines_of(A_FEW) == lines_of(A_FEW)


def test_another_seed_gives_other_lines() -> None:
    other = Settings(days=9, start=date(2026, 3, 2), seed=4, customers=60)
    assert lines_of(other) != lines_of(A_FEW)


def test_broken_messages_shift_nothing_else() -> None:
    broken = Settings(days=9, start=date(2026, 3, 2), seed=3, customers=60, broken=20)
    lines = lines_of(broken)
    assert sum(not keeps_the_contract(line) for line in lines) == 20
    assert [line for line in lines if keeps_the_contract(line)] == lines_of(A_FEW)


def test_every_other_message_keeps_the_contract(run: Run) -> None:
    assert len(run.lines) - len(run.sound) == 10


def test_every_type_of_event_occurs(run: Run) -> None:
    types = Counter(event["type"] for event in run.events)
    assert len(types) == 13
    assert min(types.values()) >= 20


def test_systems_write_times_regions_and_groups_in_different_ways(run: Run) -> None:
    times = Counter(type(event["occurred_at"]) for event in run.events)
    placed = [event for event in run.events if event["type"] == "order.placed"]
    named = sum(not event["region"].isdecimal() for event in placed)
    assert set(times) == {int, str}
    assert min(times.values()) > 0.2 * len(run.events)
    assert all(event["occurred_at"].endswith("+08:00") for event in placed if event["subsidiary"] == "SH01")
    assert 0.2 < named / len(placed) < 0.8
    assert 0.2 < sum("group" not in event for event in run.events) / len(run.events) < 0.8


def test_the_mapping_tables_know_every_account_and_region(run: Run) -> None:
    codes = set(run.regions.values())
    for event in run.events:
        group = run.groups[event["subsidiary"], event["customer"]]
        assert event.get("group", group) == group
        if "region" in event:
            assert run.regions.get(event["region"], event["region"]) in codes


def test_some_unified_customers_have_accounts_at_several_subsidiaries(run: Run) -> None:
    accounts = Counter(run.groups.values())
    assert sum(count > 1 for count in accounts.values()) > 50
    assert max(accounts.values()) <= 3


def test_a_long_run_holds_no_more_than_its_open_orders() -> None:
    simulation = Simulation(Settings(days=200, start=date(2026, 1, 1), seed=1, customers=20))
    tracemalloc.start()
    used = [(simulation.pending, tracemalloc.get_traced_memory()[0]) for _ in simulation.days()]
    tracemalloc.stop()
    after_100 = max(pending for pending, _ in used[85:115])
    assert max(pending for pending, _ in used[115:]) < 1.3 * after_100
    assert max(memory for _, memory in used[115:]) < 1.3 * max(memory for _, memory in used[85:115])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"days": 0}, "`days` must be at least 1, got 0"),
        ({"customers": 3}, "`customers` must be at least 10, got 3"),
        ({"seed": -1}, "`seed` must be at least 0, got -1"),
        ({"broken": -2}, "`broken` must be at least 0, got -2"),
        ({"scale": 0.0}, "`scale` must be positive, got 0.0"),
        ({"scale": float("nan")}, "`scale` must be positive, got nan"),
        ({"start": date(1980, 1, 1)}, "`start` must be at least 1992, got 1980"),
    ],
)
def test_settings_that_make_no_stream_are_refused(changed: dict[str, object], message: str) -> None:
    sound: dict[str, object] = {"days": 2, "start": date(2026, 3, 2), "seed": 1, "customers": 20}
    with pytest.raises(SimulationError) as refusal:
        Settings(**{**sound, **changed})  # type: ignore[arg-type]  # wrong values are the point
    assert str(refusal.value) == message
