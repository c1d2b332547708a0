"""Ordinary trade of a day: who orders what, when and whereto."""

from datetime import date

import numpy as np

from events.clock import DAY
from simulation.company import FEN, cities, goods_for
from simulation.customers import CHANNELS, Customer, consignee
from simulation.dice import Dice
from simulation.documents import Sale
from simulation.rhythm import day_factor, order_times
from simulation.scene import Office

_ORDER_SPREAD = 0.7  # of the logarithm of a customer's orders
_LARGEST = 1_450_000.0 * FEN  # honest orders stay below what the pack looks at
_ELSEWHERE = 0.07  # share of orders that do not go to the customer's home region
_NEARBY = 0.7  # of those: to a city of the same subsidiary's territory
_UNUSUAL_CHANNEL = 0.1
_PREPAID_ANYWAY = 0.1


class Trade:
    """Sends a day's ordinary orders with all that follows them."""

    def __init__(self, people: list[Customer], office: Office, start: int) -> None:
        self._people = people
        self._office = office
        self._start = start
        self._rates = np.array([customer.rate for customer in people])
        self._joined = np.array([customer.joined for customer in people])

    def day(self, day: int, calendar: date, quiet: set[int], dice: Dice) -> None:
        """Send the orders of `day`; accounts in `quiet` order nothing."""
        rates = self._rates * day_factor(calendar)
        rates[(self._joined >= day) & (self._joined > 0)] = 0.0
        rates[list(quiet)] = 0.0
        who = np.repeat(np.arange(len(rates)), dice.numpy.poisson(rates))
        times = order_times(dice, self._start + day * DAY, len(who))
        order = np.argsort(times, kind="stable")
        for index, at in zip(who[order].tolist(), times[order].tolist(), strict=True):
            self._office.fulfilment.trade(self._sale(self._people[index], at, dice))

    def _sale(self, customer: Customer, at: int, dice: Dice) -> Sale:
        target = dice.lognormal(customer.usual_order, _ORDER_SPREAD)
        if target > _LARGEST:
            target = _LARGEST * dice.uniform(0.5, 1.0)
        item, quantity = goods_for(target, dice)
        region, taker = customer.home, dice.pick(customer.consignees)
        if dice.chance(_ELSEWHERE):
            region = dice.pick(customer.subsidiary.territory if dice.chance(_NEARBY) else cities())
            taker = consignee(region, dice)
        return Sale(
            customer=customer,
            number=self._office.numbers.order(customer.subsidiary.code, at),
            placed_at=at,
            item=item,
            quantity=quantity,
            amount=quantity * item.price,
            region=region,
            counterparty=taker,
            channel=dice.pick(CHANNELS) if dice.chance(_UNUSUAL_CHANNEL) else customer.channel,
            on_credit=customer.terms > 0 and not dice.chance(_PREPAID_ANYWAY),
        )
