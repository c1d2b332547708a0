"""Customers: few large and many small ones, some of them with accounts at several subsidiaries."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

import numpy as np

from simulation.company import FEN, SUBSIDIARIES, Subsidiary, cities
from simulation.dice import Dice

ORDERS_PER_CUSTOMER = 0.85  # on an ordinary working day, on average
_BUSIEST = 18.0  # no account orders more often a day, so that honest trade never looks frequent
_ZIPF = 0.9
_MEDIAN_ORDER = 14_000.0  # yuan
_ORDER_SPREAD = 0.8  # of the logarithm of the customers' usual order
_BUSIEST_DAILY_SALES = 550_000.0  # yuan: three such days stay far from the five million of a stop
_JOINING_DAYS = 28  # newcomers appear over four weeks
_ACCOUNTS_OF_A_GROUP = 3


class Rating(StrEnum):
    """The traffic light of a customer's credit."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"


@dataclass(slots=True)
class Customer:
    """An account of a customer at a subsidiary; what master data may change is mutable.

    Args:
        index: position among all customers.
        rate: orders on an ordinary working day.
        usual_order: median order in fen.
        home: region code that most orders ship to.
        credit_limit: of the whole group, in fen.
        terms: days to pay; 0 is payment before dispatch.
        level: value class A, B or C.
        consignees: who takes the goods at home.
        joined: day of the simulation when the account is opened, 0 for those that exist before.
        version: number of master data messages sent.
    """

    index: int
    subsidiary: Subsidiary
    code: str
    group: str
    rate: float
    usual_order: float
    home: str
    rating: Rating
    credit_limit: int
    terms: int
    level: str
    channel: str
    consignees: tuple[str, ...]
    joined: int = 0
    version: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the account: subsidiary and customer code."""
        return self.subsidiary.code, self.code


CHANNELS = ("direct", "dealer", "ecommerce", "tender")
_CHANNEL_SHARES = (0.45, 0.78, 0.95, 1.0)
_TERMS = (0, 7, 15, 30, 60)
_TERM_SHARES = (0.25, 0.55, 0.75, 0.95, 1.0)
_SUBSIDIARY_SHARES = tuple(accumulate(subsidiary.share for subsidiary in SUBSIDIARIES))


def population(seed: int, count: int, scale: float) -> list[Customer]:
    """`count` accounts; `scale` multiplies how often each of them orders."""
    dice = Dice(seed, "customers")
    rates = _order_rates(dice, count, scale)
    levels = _levels(rates)
    ratings = _ratings(dice, count)
    groups = _Groups(dice)
    people = []
    for index in range(count):
        subsidiary = dice.weighted(SUBSIDIARIES, _SUBSIDIARY_SHARES)
        home = home_of(subsidiary, dice)
        usual = min(dice.lognormal(_MEDIAN_ORDER, _ORDER_SPREAD), _BUSIEST_DAILY_SALES * scale / rates[index])
        red = ratings[index] is Rating.RED
        people.append(
            Customer(
                index=index,
                subsidiary=subsidiary,
                code=f"K{10_000 + index}",
                group=groups.join(subsidiary),
                rate=rates[index],
                usual_order=usual * FEN,
                home=home,
                rating=ratings[index],
                credit_limit=0,
                terms=0 if red else dice.weighted(_TERMS, _TERM_SHARES),
                level=levels[index],
                channel=dice.weighted(CHANNELS, _CHANNEL_SHARES),
                consignees=tuple(consignee(home, dice) for _ in range(dice.between(1, 4))),
                joined=dice.between(1, _JOINING_DAYS) if dice.chance(0.04) else 0,
            )
        )
    _set_limits(people)
    return people


def newcomer(seed: int, index: int, day: int) -> Customer:
    """The stranger who opens an account on `day` with a large limit and orders far too much at once."""
    dice = Dice(seed, "newcomer", day)
    subsidiary = dice.pick(SUBSIDIARIES)
    home = home_of(subsidiary, dice)
    return Customer(
        index=index,
        subsidiary=subsidiary,
        code=f"K{90_000 + day}",
        group=f"G{90_000 + day}",
        rate=0.0,
        usual_order=0.0,
        home=home,
        rating=Rating.GREEN,
        credit_limit=5_000_000 * FEN,
        terms=30,
        level="B",
        channel="dealer",
        consignees=(consignee(home, dice),),
        joined=day,
    )


def home_of(subsidiary: Subsidiary, dice: Dice) -> str:
    """A region of the subsidiary's territory, its first ones more often; now and then any city."""
    if dice.chance(0.1):
        return dice.pick(cities())
    return subsidiary.territory[int(dice.uniform() ** 2 * len(subsidiary.territory))]


def consignee(region: str, dice: Dice) -> str:
    """A warehouse or shop of `region`; the large ones serve many customers."""
    if dice.chance(0.4):
        return f"WH-{region}-{dice.between(1, 6):02d}"
    return f"SHOP-{region}-{dice.between(1, 400):03d}"


def _order_rates(dice: Dice, count: int, scale: float) -> list[float]:
    """Zipf by rank, the top cut off and given to the others."""
    weights = np.arange(1, count + 1) ** -_ZIPF
    total = ORDERS_PER_CUSTOMER * count
    rates = np.minimum(weights * total / weights.sum(), _BUSIEST)
    for _ in range(20):
        free = rates < _BUSIEST
        missing = total - rates.sum()
        if missing < 1 or not free.any():
            break
        rates[free] *= 1 + missing / rates[free].sum()
        rates = np.minimum(rates, _BUSIEST)
    shuffled: list[float] = (dice.numpy.permutation(rates) * scale).tolist()
    return shuffled


def _levels(rates: list[float]) -> list[str]:
    top, middle = np.quantile(rates, [0.9, 0.6]).tolist()
    return ["A" if rate >= top else "B" if rate >= middle else "C" for rate in rates]


def _ratings(dice: Dice, count: int) -> list[Rating]:
    red, yellow = max(1, count // 25), count // 6
    ratings = [Rating.RED] * red + [Rating.YELLOW] * yellow + [Rating.GREEN] * (count - red - yellow)
    return dice.shuffled(ratings)


class _Groups:
    """Gives each account its unified customer: its own, or one that other subsidiaries serve already."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._members: list[list[str]] = []

    def join(self, subsidiary: Subsidiary) -> str:
        if self._members and self._dice.chance(0.16):
            number = self._dice.between(0, len(self._members) - 1)
            members = self._members[number]
            if subsidiary.code not in members and len(members) < _ACCOUNTS_OF_A_GROUP:
                members.append(subsidiary.code)
                return f"G{10_000 + number}"
        self._members.append([subsidiary.code])
        return f"G{10_000 + len(self._members) - 1}"


def accounts_by_group(people: list[Customer]) -> dict[str, list[Customer]]:
    """The accounts of each unified customer."""
    accounts: dict[str, list[Customer]] = {}
    for customer in people:
        accounts.setdefault(customer.group, []).append(customer)
    return accounts


def _set_limits(people: list[Customer]) -> None:
    """A limit holds for the whole group: some good weeks and some unusual orders, in steps of 50,000 yuan."""
    step = 50_000 * FEN
    for accounts in accounts_by_group(people).values():
        week = sum(5 * customer.rate * customer.usual_order for customer in accounts)
        unusual = max(customer.usual_order for customer in accounts)
        limit = (int(3 * week + 12 * unusual) // step + 1) * step
        for customer in accounts:
            customer.credit_limit = limit
