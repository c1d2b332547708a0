"""`fenghuo rules diff`: every change of meaning is told, and no change of layout."""

from pathlib import Path

import pytest

from fenghuo.commands.rules_diff import Change, as_json, diff
from rules.pack import Pack, read_pack
from tests.rules.making import SMALL
from tests.rules.waits import DEADLINES

TEXT = SMALL + DEADLINES


def packs(good: str, bad: str) -> tuple[Pack, Pack]:
    assert good in TEXT
    return read_pack(TEXT, "before"), read_pack(TEXT.replace(good, bad, 1), "after")


CASES = {
    "a threshold": ("amount >= 2000", "amount >= 3000", [Change("rule", "large", "changed", ("when",))]),
    "a tier": ("tier: medium", "tier: low", [Change("rule", "large", "changed", ("tier",))]),
    "a timezone": ("Asia/Shanghai", "UTC", [Change("pack", "timezone", "changed")]),
    "a deadline": ("within: 10m", "within: 20m", [Change("deadline", "confirm", "changed", ("within",))]),
    "another deadline": (
        "  confirm:\n",
        "  confirmed:\n",
        [Change("deadline", "confirm", "removed"), Change("deadline", "confirmed", "added")],
    ),
    "layout": ("amount >= 2000", "2000   <=   amount   # a comment", []),
    "a version": ("version: 3", "version: 4", []),
}


@pytest.mark.parametrize(("good", "bad", "expected"), CASES.values(), ids=CASES)
def test_what_is_told(good: str, bad: str, expected: list[Change]) -> None:
    found = diff(*packs(good, bad))
    assert [(one.what, one.name, one.change) for one in found] == [
        (one.what, one.name, one.change) for one in expected
    ]
    for one, wanted in zip(found, expected, strict=True):
        assert set(one.keys) >= set(wanted.keys)


def test_a_window_changes_the_feature_and_the_rules_that_read_it() -> None:
    found = diff(*packs("by: customer, window: 72h", "by: customer, window: 48h"))
    assert Change("feature", "ordered_72h", "changed") in found
    assert Change("feature", "mean_72h", "changed") in found
    assert any(one.what == "rule" and "features" in one.keys for one in found)
    assert '"change": "changed"' in as_json(found)


def test_the_file_of_a_pack_is_found_the_same(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text(TEXT, "utf-8")
    assert diff(read_pack(TEXT, "a"), read_pack(path.read_text("utf-8"), "b")) == []
