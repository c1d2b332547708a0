"""docs/rule-language.md says what is so."""

import re
from pathlib import Path

import pytest

from events.columns import EVENT_FIELDS
from rules.decision import Outcome, Tier
from rules.language import Scope, compile_condition
from rules.language.translate import FUNCTIONS
from rules.pack import load_pack
from rules.rule import Mode
from tests.rules.making import TRADE_CORE
from windows.feature import Aggregate, Entity

DOCS = Path(__file__).parents[2] / "docs" / "rule-language.md"
TEXT = DOCS.read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_example_pack_can_be_used(tmp_path: Path) -> None:
    (example,) = blocks("yaml")
    (tmp_path / "pack.yaml").write_text(example)
    pack = load_pack(tmp_path / "pack.yaml")
    assert (pack.id, len(pack.rules), len(pack.deadlines)) == ("trade-demo@1", 1, 1)


@pytest.mark.parametrize("condition", blocks("sql")[0].splitlines())
def test_the_example_conditions_can_be_used(condition: str) -> None:
    lists = {"high_risk_regions": frozenset({"650000"})}
    compile_condition(condition, Scope(load_pack(TRADE_CORE).kinds, lists))


def test_every_word_of_packs_and_language_is_in_the_docs() -> None:
    words = set(re.findall(r"\w+", TEXT))
    for choice in (Aggregate, Entity, Tier, Outcome, Mode):
        assert {one.value for one in choice} <= words
    assert words >= {*FUNCTIONS, *EVENT_FIELDS, "hour", "weekday", "anomaly"}
