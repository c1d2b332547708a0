"""Limits of cost: what would be dear is refused before it runs, and what is not refused is not dear."""

import json
import time
from pathlib import Path
from random import Random

import pytest

from events.columns import Kind
from rules.errors import PackError
from rules.language import LanguageError, Scope, compile_condition
from rules.language.cost import MAX_COST, MAX_PACK_COST
from rules.language.parts import total_cost
from rules.pack import load_pack
from tests.rules.making import SMALL, Columns, cells, column

DEAR = {
    "patterns": " OR ".join(f"region LIKE '%{number}%'" for number in range(60)),
    "one pattern": f"region LIKE '{'%a_' * 400}'",
    "texts": " OR ".join(f"region < '{number}'" for number in range(80)),
    "cases": "CASE " + " ".join(f"WHEN hour = {number} THEN {number}" for number in range(140)) + " END > 1",
    "choices": f"COALESCE({', '.join(['amount'] * 200)}) > 1",
    "names in IN": f"region IN ({', '.join(['channel', 'counterparty'] * 30)})",
}


@pytest.mark.parametrize("name", DEAR)
def test_dear_conditions_are_refused_at_their_dearest_part(name: str) -> None:
    with pytest.raises(
        LanguageError, match=r"costs about [\d,]+ steps for each event, the limit is 1,000; use"
    ):
        compile_condition(DEAR[name], Scope())


def test_many_literals_in_one_list_are_cheap() -> None:
    texts = compile_condition(f"region IN ({', '.join(repr(str(n)) for n in range(450))})", Scope())
    numbers = compile_condition(f"amount IN ({', '.join(str(n) for n in range(450))})", Scope())
    assert texts.part is not None
    assert numbers.part is not None
    assert max(texts.part.cost, numbers.part.cost) < MAX_COST / 20


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", ["%a" * 100 + "%b", "%" + "a_" * 150 + "b%", "_" * 200 + "%b", "%a%_b"])
def test_patterns_over_long_texts_are_bounded(pattern: str) -> None:
    source = Columns({"region": column(Kind.TEXT, "a" * 1_000_000)})
    condition = compile_condition(f"region LIKE '{pattern}'", Scope())
    started = time.thread_time()
    assert cells(condition.evaluate(source)) == [False]
    assert time.thread_time() - started < 5


def _pack(path: Path, conditions: list[str]) -> Path:
    head = SMALL.partition("rules:\n")[0]
    rule = {
        "title": {"zh": "一", "en": "One"},
        "scenario": "s",
        "on": ["order.placed"],
        "tier": "low",
        "outcome": "review",
        "queue": "desk",
        "reason": {"zh": "一", "en": "one"},
    }
    rules = {f"r-{number}": rule | {"when": when} for number, when in enumerate(conditions)}
    path = path / "pack.yaml"
    path.write_text(f"{head}rules: {json.dumps(rules, ensure_ascii=False)}\n", "utf-8")
    return path


def test_a_pack_that_is_dear_as_a_whole_is_refused(tmp_path: Path) -> None:
    dear = [" OR ".join(f"region < '{a}-{b}'" for b in range(40)) for a in range(70)]
    with pytest.raises(PackError, match=r"all conditions together cost about 6\d,\d+ steps .* 50,000; use"):
        load_pack(_pack(tmp_path, dear))


def test_a_pack_of_a_thousand_rules_that_repeat_themselves_is_not(tmp_path: Path) -> None:
    random = Random(5)
    marks = [" OR ".join(f"region < '{random.randint(0, 30)}'" for _ in range(20)) for _ in range(1_000)]
    pack = load_pack(_pack(tmp_path, marks))
    parts = [rule.when.part for rule in pack.rules if rule.when.part is not None]
    assert total_cost(parts) < MAX_PACK_COST < sum(total_cost([part]) for part in parts)
