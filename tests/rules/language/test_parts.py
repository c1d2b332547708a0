"""What conditions have in common is computed once for a batch, and only then kept."""

import gc

import numpy as np
import pytest

from events.columns import Column, Kind
from rules.language import Frame, Scope, compile_condition
from rules.language.kernels.cells import Cells
from rules.language.parts import Part, total_cost
from tests.rules.making import Cell, cells, column


class Counting:
    """A source that counts how often a column is fetched."""

    def __init__(self, **columns: Column) -> None:
        self.columns = columns
        self.fetched: list[str] = []

    def __len__(self) -> int:
        return 3

    def column(self, name: str, _: Kind | None) -> Column:
        self.fetched.append(name)
        return self.columns[name]


def source() -> Counting:
    return Counting(
        amount=column(Kind.MONEY, 100, 700_00, None), region=column(Kind.TEXT, "310000", None, "650000")
    )


def part(text: str, scope: Scope) -> Part:
    found = compile_condition(text, scope).part
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("amount > 500", "amount > 500.00"),
        ("amount > 500", "500 < amount"),
        ("amount > 2 * 250", "amount > 500"),
        ("region = 'a'", "'a' = region"),
        ("NOT amount > 5", "NOT (amount > 5)"),
        ("LISTED(region, 'far')", "LISTED(region,'far')"),
    ],
)
def test_the_same_meaning_is_one_part(one: str, other: str) -> None:
    scope = Scope(lists={"far": frozenset({"650000"})})
    first = part(one, scope)
    assert part(other, scope) is first
    assert first.common


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("amount > 500", "amount >= 500"),
        ("attributes.x = 'a'", "attributes.x <> 'a'"),
        ("attributes.x > 5", "attributes.x > amount"),
        ("attributes.x > 5 AND attributes.x < 7", "attributes.x > 5 AND attributes.x < amount"),
        ("region LIKE 'a'", "region = 'a'"),
        ("region IN ('a', 'b')", "region IN ('a, b')"),
        ("ROUND(amount, 1) > 5", "ROUND(amount, 2) > 5"),
        ("CASE WHEN hour > 5 THEN TRUE END", "CASE WHEN hour > 5 THEN TRUE ELSE NULL END"),
        ("CASE hour WHEN 5 THEN TRUE END", "CASE WHEN hour = 5 THEN TRUE END"),
    ],
)
def test_another_meaning_is_another_part(one: str, other: str) -> None:
    scope = Scope()
    assert part(one, scope) is not part(other, scope)


def test_a_name_read_as_two_kinds_is_two_parts() -> None:
    scope = Scope()
    number, money = part("attributes.x > 5", scope), part("attributes.x > 5 AND attributes.x < amount", scope)
    assert number not in money.below


def test_what_two_conditions_share_is_kept_and_the_rest_is_not() -> None:
    scope = Scope()
    one = compile_condition("amount > 500 AND region = '310000'", scope)
    two = compile_condition("amount > 500 AND region = '650000'", scope)
    frame = Frame(source())
    expected: list[list[Cell]] = [[False, None, False], [False, None, None]]
    assert [cells(one.evaluate(frame)), cells(two.evaluate(frame))] == expected
    assert list(frame.common) == [part("amount > 500", scope)]


def test_a_part_that_is_in_common_runs_once() -> None:
    ran: list[int] = []

    def compute(_: Frame) -> Cells:
        ran.append(1)
        return Cells(np.array([True]))

    shared, frame = Part(compute, 1, ()), Frame(source())
    shared.common = True
    assert shared(frame) is shared(frame)
    assert len(ran) == 1


def test_conditions_of_different_scopes_share_nothing() -> None:
    near, far = (Scope(lists={"far": frozenset({place})}) for place in ("310000", "650000"))
    texts = [compile_condition("LISTED(region, 'far')", scope) for scope in (near, far)]
    frame = Frame(source())
    assert [cells(one.evaluate(frame)) for one in texts] == [[True, None, False], [False, None, True]]


def test_parts_of_conditions_that_are_gone_are_forgotten() -> None:
    scope = Scope()
    compile_condition("amount > 500", scope)
    gc.collect()
    assert not part("amount > 500", scope).common


def test_the_cost_of_conditions_counts_common_parts_once() -> None:
    scope = Scope()
    one, two = part("amount > 500 AND hour < 5", scope), part("amount > 500 AND hour < 6", scope)
    shared = part("amount > 500", scope)
    assert total_cost([one, two]) == total_cost([one]) + total_cost([two]) - shared.cost
