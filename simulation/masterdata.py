"""Master data of customers: the full profile when an account begins, single changes later."""

from events.clock import DAY, HOUR, MINUTE
from events.event import Attribute, Event
from simulation.casting import Casting
from simulation.company import FEN
from simulation.customers import Customer, Rating, accounts_by_group, consignee, home_of
from simulation.dice import Dice
from simulation.documents import Clerk
from simulation.scene import Office

_CHANGES = 0.004  # share of the accounts that change on a day
_RUN = 5 * HOUR + 30 * MINUTE  # the nightly run that sends changes
_FIRST_PROFILES = 10 * MINUTE  # within which all profiles are sent when the stream begins
_STEP = 50_000 * FEN
_RATINGS, _LIMITS = 0.45, 0.85  # cumulative shares of changes; the rest are moves


def profile(customer: Customer, at: int, clerk: Clerk) -> Event:
    """All master data of an account."""
    attributes: dict[str, Attribute] = {
        "rating": customer.rating.value,
        "credit_limit": customer.credit_limit,
        "home_region": customer.home,
        "payment_terms": customer.terms,
        "level": customer.level,
    }
    return clerk.changed(customer, at, attributes)


class MasterData:
    """Sends profiles and changes, and keeps the customers as changed."""

    def __init__(self, people: list[Customer], casting: Casting, office: Office, start: int) -> None:
        self._people = people
        self._accounts = accounts_by_group(people)
        self._casting = casting
        self._office = office
        self._start = start

    def open(self, day: int) -> None:
        """Send the profiles of accounts that begin on `day`."""
        opening = [customer for customer in self._people if customer.joined == day]
        begin, span = (0, _FIRST_PROFILES) if day == 0 else (7 * HOUR, HOUR)
        for place, customer in enumerate(opening):
            at = self._start + day * DAY + begin + span * place // len(opening)
            self._office.feed.send(profile(customer, at, self._office.clerk), at, prompt=True)

    def change(self, day: int, dice: Dice) -> None:
        """Change some accounts in the morning run of `day`."""
        at = self._start + day * DAY + _RUN
        for _ in range(int(dice.numpy.poisson(_CHANGES * len(self._people)))):
            customer = dice.pick(self._people)
            group = self._accounts[customer.group]
            if any(account.joined >= day or self._casting.taken(account, day) for account in group):
                continue
            at += int(dice.uniform(1, 20) * 1_000)
            kind = dice.uniform()
            if kind < _RATINGS:
                self._rate(customer, at, dice)
            elif kind < _LIMITS:
                self._raise_limit(group, at, dice)
            else:
                self._move(customer, at, dice)

    def _rate(self, customer: Customer, at: int, dice: Dice) -> None:
        """The rating goes a step up or down; red means payment before dispatch."""
        if customer.rating is Rating.YELLOW:
            customer.rating = Rating.RED if dice.chance(0.25) else Rating.GREEN
        else:
            customer.rating = Rating.YELLOW
        changed: dict[str, Attribute] = {"rating": customer.rating.value}
        if customer.rating is Rating.RED and customer.terms:
            customer.terms = 0
            changed["payment_terms"] = 0
        self._send(customer, at, changed)

    def _raise_limit(self, group: list[Customer], at: int, dice: Dice) -> None:
        """The limit of the whole group grows, and every subsidiary hears of it."""
        limit = (
            group[0].credit_limit
            + max(1, round(dice.uniform(0.1, 0.4) * group[0].credit_limit / _STEP)) * _STEP
        )
        for account in group:
            account.credit_limit = limit
            self._send(account, at, {"credit_limit": limit})

    def _move(self, customer: Customer, at: int, dice: Dice) -> None:
        """The customer moves, and its goods go elsewhere from now on."""
        customer.home = home_of(customer.subsidiary, dice)
        customer.consignees = (consignee(customer.home, dice),)
        self._send(customer, at, {"home_region": customer.home})

    def _send(self, customer: Customer, at: int, attributes: dict[str, Attribute]) -> None:
        self._office.feed.send(self._office.clerk.changed(customer, at, attributes), at, prompt=True)
