"""The stream: day by day, the lines that arrive and the incidents that are decided."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from events.clock import DAY
from simulation.arrival import Arrivals, Feed
from simulation.broken import BROKEN, broken_times
from simulation.casting import LEAD, Casting
from simulation.customers import Customer, population
from simulation.dice import Dice
from simulation.director import Director, Incident, newcomers
from simulation.documents import Clerk, Numbers
from simulation.errors import SimulationError
from simulation.fulfilment import Fulfilment
from simulation.masterdata import MasterData
from simulation.rhythm import midnight
from simulation.scene import Office
from simulation.trade import Trade

_FEWEST = 10
_EARLIEST = 1992  # before, Shanghai had summer time


@dataclass(frozen=True, slots=True)
class Settings:
    """What a simulation is made from; the same settings give the same bytes.

    Args:
        start: first day, in Shanghai.
        customers: accounts of customers.
        scale: how often they order, as a multiple; far above 2 large customers look frequent to the rules.
        broken: messages that break the contract of events.

    Raises:
        SimulationError: a value makes no stream.
    """

    days: int
    start: date
    seed: int
    customers: int
    scale: float = 1.0
    broken: int = 0

    def __post_init__(self) -> None:
        _at_least("days", self.days, 1)
        _at_least("start", self.start.year, _EARLIEST)
        _at_least("seed", self.seed, 0)
        _at_least("customers", self.customers, _FEWEST)
        _at_least("broken", self.broken, 0)
        if not 0 < self.scale < float("inf"):
            raise SimulationError(f"`scale` must be positive, got {self.scale}")


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise SimulationError(f"`{name}` must be at least {least}, got {value}")


@dataclass(frozen=True, slots=True)
class Day:
    """What arrives on a day, in this order, and the incidents whose decisive event falls on it."""

    date: date
    lines: list[bytes]
    incidents: list[Incident]


class Simulation:
    """A seeded run of the group company; iterate over `days` once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._people = population(settings.seed, settings.customers, settings.scale)
        self._start = midnight(settings.start)
        self._feed = Feed(Dice(settings.seed, "arrival"), self._start, settings.days)

    @property
    def customers(self) -> list[Customer]:
        """Every account that the stream may name, for the mapping table."""
        settings = self.settings
        return self._people + newcomers(settings.seed, settings.customers, settings.days)

    @property
    def arrived(self) -> Arrivals:
        """Counts of the messages released so far."""
        return self._feed.arrived

    @property
    def pending(self) -> int:
        """Messages that are made and still to come: what the memory of a long run holds."""
        return len(self._feed)

    def days(self) -> Iterator[Day]:
        """Yield the days in order; the incidents of a day are staged a week ahead."""
        settings, seed = self.settings, self.settings.seed
        clerk = Clerk(Dice(seed, "writing"))
        fulfilment = Fulfilment(clerk, self._feed, Dice(seed, "fulfilment"))
        office = Office(clerk, self._feed, fulfilment, Numbers())
        casting = Casting(self._people, Dice(seed, "casting"))
        director = Director(seed, self._start, settings.customers, casting, office)
        master = MasterData(self._people, casting, office, self._start)
        trade = Trade(self._people, office, self._start)
        self._break()
        staged: dict[int, list[Incident]] = {}
        for day in range(settings.days):
            calendar = settings.start + timedelta(days=day)
            if day + LEAD < settings.days:
                staged[day + LEAD] = director.stage(day + LEAD)
            master.open(day)
            if day > 0:
                master.change(day, Dice(seed, "changes", day))
            trade.day(day, calendar, casting.quiet(day), Dice(seed, "trade", day))
            office.numbers.forget_before(self._start + day * DAY)
            casting.forget_before(day)
            yield Day(calendar, self._feed.release(day), staged.pop(day, []))

    def _break(self) -> None:
        settings = self.settings
        times = broken_times(
            Dice(settings.seed, "broken"), self._start, self._start + settings.days * DAY, settings.broken
        )
        for number, at in enumerate(times):
            self._feed.insert(BROKEN[number % len(BROKEN)], at)
