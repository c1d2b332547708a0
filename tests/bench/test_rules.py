"""The subject `rules`: its rules, its interpreter, and the figures that runs come to."""

from pathlib import Path
from random import Random

import pytest

from bench.naive_conditions import NaiveCondition
from bench.rule_texts import condition, pack
from bench.rules import Engine, RulesRun, figures
from events.columns import Kind
from fenghuo.commands.bench_track import PACK
from rules.language import Scope
from rules.pack import load_pack

SCOPE = Scope({"orders": Kind.NUMBER, "total": Kind.MONEY}, {"far": frozenset({"650000"})})
FACTS = {"orders": 3, "total": 500_00, "amount": None, "region": "650000", "hour": 4, "channel": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("total >= 500 AND orders = 3", True),
        ("total > 500 OR amount > 1", None),
        ("total > 500 AND amount > 1", False),
        ("NOT amount > 1", None),
        ("amount IS NULL AND region IS NOT NULL", True),
        ("orders BETWEEN 1 AND 3 AND total NOT BETWEEN 1 AND 499.99", True),
        ("orders IN (1, 2)", False),
        ("orders IN (1, NULL)", None),
        ("region LIKE '65%' AND LISTED(region, 'far')", True),
        ("LISTED(channel, 'far')", None),
        ("total / NULLIF(orders - 3, 0) > 1", None),
        ("total / 0 > 1", None),
        ("ABS(-orders) = 3 AND ROUND(total / 3, 1) = 166.7", True),
        ("COALESCE(amount, total) = 500 AND LEAST(amount, total, 1) = 1", True),
        ("CASE WHEN hour < 5 THEN 600 ELSE 400 END > total", True),
        ("CASE region WHEN '310000' THEN TRUE END", None),
    ],
)
def test_the_interpreter_means_what_the_language_means(text: str, expected: bool | None) -> None:
    assert NaiveCondition(text, SCOPE).holds(FACTS) is expected


def test_a_thousand_rules_are_of_many_kinds_and_make_a_pack(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text(pack(PACK.read_text("utf-8"), 1_000, seed=3), "utf-8")
    rules = load_pack(path).evaluated
    assert len(rules) == 1_000
    assert len({rule.when.text for rule in rules}) > 900
    assert {len(rule.on) for rule in rules} == {1, 2}
    assert len({condition(Random(seed)).split()[0] for seed in range(300)}) > 15


def test_thirty_rules_are_those_of_the_bench_pack() -> None:
    text = PACK.read_text("utf-8")
    assert pack(text, 30, seed=3) == text


def run(engine: Engine, event: float) -> RulesRun:
    steps = {"columns": 0.1, "conditions": 0.3} if engine is Engine.PRODUCT else {}
    return RulesRun(engine, 30, 1_000, event, steps, 0.2, 500)


def test_figures_stand_beside_the_interpreter() -> None:
    runs = [
        run(Engine.PRODUCT, 0.4),
        run(Engine.NAIVE, 40.0),
        run(Engine.PRODUCT, 0.8),
        run(Engine.NAIVE, 40.0),
    ]
    found = {one.name.removeprefix("rules.30."): one for one in figures(runs)}
    assert found["product.event"].values == [0.4, 0.8]
    assert (found["product.event"].target, found["product.event"].met) == (0.5, False)
    assert found["product.times_naive"].values == [100.0, 50.0]
    assert found["product.us.conditions"].median == 0.3
    assert found["naive.event"].target is None
    assert "naive.times_naive" not in found
