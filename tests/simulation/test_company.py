import re

import pytest

from simulation.company import SUBSIDIARIES, catalogue, cities, goods_for, region_text, regions
from simulation.dice import Dice


def test_regions_have_codes_of_the_standard_and_names_that_mean_one_place() -> None:
    names = [n for region in regions().values() for n in {region.full, region.short, region.english}]
    assert all(re.fullmatch(r"\d{4}00", code) for code in regions())
    assert len(names) == len(set(names))
    assert {code[:2] + "0000" for code in regions()} <= set(regions())


def test_every_territory_consists_of_cities_and_the_shares_sum_to_one() -> None:
    for subsidiary in SUBSIDIARIES:
        assert set(subsidiary.territory) <= set(cities())
    assert sum(subsidiary.share for subsidiary in SUBSIDIARIES) == pytest.approx(1)


def test_a_subsidiary_writes_regions_in_its_own_way() -> None:
    dice = Dice(1, "test")
    written = {s.code: {region_text("420100", s, dice) for _ in range(300)} for s in SUBSIDIARIES}
    assert written["HB05"] == {"420100", "Wuhan"}
    assert written["GD02"] == {"420100", "武汉", "武汉市"}
    assert written["BJ04"] == {"420100"}


@pytest.mark.parametrize("target", [1_000, 50_000, 3_000_000, 45_000_000, 250_000_000])
def test_goods_cost_what_was_asked_for_but_less_than_one_unit(target: int) -> None:
    dice = Dice(1, "test")
    for _ in range(100):
        item, quantity = goods_for(target, dice)
        assert quantity >= 1
        assert quantity * item.price <= max(target, catalogue()[0].price)
        assert quantity * item.price > target - item.price
