"""Who plays in which incident; actors rest afterwards, as an account does that is being looked into."""

from collections import defaultdict, deque
from collections.abc import Iterable

import numpy as np

from simulation.customers import Customer, Rating, accounts_by_group
from simulation.dice import Dice
from simulation.scene import Cast, Scenario

LEAD = 7  # days from casting an incident to its decisive day; no scenario reaches further back
_REST = 7
_MIDDLING = (0.10, 0.85)  # quantiles of the order rate between which an account is ordinary
_CREDITWORTHY = frozenset({Rating.GREEN, Rating.YELLOW})
_RATED = {Cast.RED: frozenset({Rating.RED}), Cast.YELLOW: frozenset({Rating.YELLOW})}
_CROWD = 8
_LARGEST_LIMIT = 250_000_000  # fen: a multiple of it stays far from other rules' amounts


class Casting:
    """Finds actors for incidents and remembers which accounts are taken.

    Args:
        people: all customers but the newcomers of incidents.
        dice: shuffle the candidates once; they then take turns.
    """

    def __init__(self, people: list[Customer], dice: Dice) -> None:
        low, high = np.quantile([customer.rate for customer in people], _MIDDLING).tolist()
        ordinary = [customer for customer in people if customer.joined == 0 and low <= customer.rate <= high]
        fitting = {customer.index for customer in ordinary}
        groups = accounts_by_group(people)
        shared = [
            tuple(accounts)
            for accounts in groups.values()
            if len(accounts) > 1
            and accounts[0].credit_limit <= _LARGEST_LIMIT
            and all(account.index in fitting for account in accounts)
        ]
        alone = [customer for customer in ordinary if len(groups[customer.group]) == 1]
        usual = float(np.median([customer.usual_order for customer in people]))
        seldom = float(np.median([customer.rate for customer in people]))
        self._waiting: dict[Cast, deque[tuple[Customer, ...]]] = {
            Cast.ORDINARY: _queue(alone, dice),
            Cast.SMALL: _queue((customer for customer in alone if customer.usual_order <= usual), dice),
            Cast.STEADY: _queue((c for c in alone if c.usual_order <= usual and c.rate > seldom), dice),
            Cast.RED: _queue((customer for customer in people if customer.joined == 0), dice),
            Cast.GROUP: deque(dice.shuffled(shared)),
            Cast.YELLOW: _queue((c for c in alone if c.credit_limit <= _LARGEST_LIMIT), dice),
            Cast.PREPAID: _queue((c for c in alone if c.terms == 0), dice),
            Cast.RARE: _queue((c for c in alone if c.rate <= seldom), dice),
            Cast.CROWD: _crowds([c for c in alone if c.usual_order <= usual], dice),
        }
        self._taken_until: dict[int, int] = {}
        self._quiet: defaultdict[int, set[int]] = defaultdict(set)

    def cast(self, scenario: Scenario, day: int) -> tuple[Customer, ...] | None:
        """The accounts that act in `scenario` on `day`, or None where nobody is free."""
        waiting = self._waiting[scenario.cast]
        for _ in range(len(waiting)):
            accounts = waiting.popleft()
            waiting.append(accounts)
            if self._free(accounts, scenario, day - LEAD):
                for account in accounts:
                    self._take(account, scenario, day)
                return accounts
        return None

    def quiet(self, day: int) -> set[int]:
        """Accounts that trade on `day` only as their incident says."""
        return self._quiet[day]

    def taken(self, customer: Customer, day: int) -> bool:
        """Whether the account belongs to an incident on `day`, so that its master data must stay as it is."""
        return self._taken_until.get(customer.index, -1) >= day

    def forget_before(self, day: int) -> None:
        """Drop what concerns days that have passed."""
        for past in [past for past in self._quiet if past < day]:
            del self._quiet[past]
        for index in [index for index, until in self._taken_until.items() if until < day]:
            del self._taken_until[index]

    def _free(self, accounts: tuple[Customer, ...], scenario: Scenario, today: int) -> bool:
        wanted = _RATED.get(scenario.cast, _CREDITWORTHY)
        return all(account.rating in wanted and not self.taken(account, today) for account in accounts)

    def _take(self, account: Customer, scenario: Scenario, day: int) -> None:
        self._taken_until[account.index] = day + _REST
        for quiet in range(day - scenario.quiet_days, day + _REST + 1):
            self._quiet[quiet].add(account.index)


def _queue(customers: Iterable[Customer], dice: Dice) -> deque[tuple[Customer, ...]]:
    return deque((customer,) for customer in dice.shuffled(list(customers)))


def _crowds(customers: list[Customer], dice: Dice) -> deque[tuple[Customer, ...]]:
    strangers = dice.shuffled(customers)
    return deque(tuple(strangers[i : i + _CROWD]) for i in range(0, len(strangers) - _CROWD + 1, _CROWD))
