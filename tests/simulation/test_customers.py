from collections import Counter, defaultdict

import pytest

from simulation.customers import Rating, population
from tests.simulation.run import Run


def test_sizes_have_a_heavy_tail(run: Run) -> None:
    bought: defaultdict[tuple[str, str], int] = defaultdict(int)
    orders: Counter[tuple[str, str]] = Counter()
    for event in run.events:
        if event["type"] == "order.placed":
            bought[event["subsidiary"], event["customer"]] += event["amount"]
            orders[event["subsidiary"], event["customer"]] += 1
    sums = sorted(bought.values(), reverse=True)
    counts = sorted(orders.values(), reverse=True)
    assert sum(sums[: len(sums) // 10]) > 0.5 * sum(sums)
    assert counts[0] > 25 * counts[len(counts) // 2]


def test_most_orders_go_home(run: Run) -> None:
    homes: dict[tuple[str, str], str] = {}
    home, elsewhere = 0, 0
    for event in run.events:
        account = event["subsidiary"], event["customer"]
        if event["type"] == "customer.changed":
            homes[account] = event["attributes"].get("home_region", homes.get(account))
        elif event["type"] == "order.placed":
            if run.regions.get(event["region"], event["region"]) == homes[account]:
                home += 1
            else:
                elsewhere += 1
    assert 0.03 < elsewhere / (home + elsewhere) < 0.1


@pytest.mark.parametrize("count", [10, 100, 3_000])
def test_a_population_of_any_size_orders_as_much_as_asked(count: int) -> None:
    people = population(1, count, 2.0)
    assert sum(customer.rate for customer in people) == pytest.approx(2.0 * 0.85 * count, rel=0.01)


def test_accounts_of_a_group_share_one_limit_and_no_subsidiary() -> None:
    accounts = defaultdict(list)
    for customer in population(5, 1_000, 1.0):
        accounts[customer.group].append(customer)
    shared = [members for members in accounts.values() if len(members) > 1]
    assert len(shared) > 60
    for members in shared:
        assert len({member.credit_limit for member in members}) == 1
        assert len({member.subsidiary.code for member in members}) == len(members)


def test_red_customers_pay_before_dispatch() -> None:
    red = [customer for customer in population(5, 1_000, 1.0) if customer.rating is Rating.RED]
    assert len(red) == 40
    assert {customer.terms for customer in red} == {0}
