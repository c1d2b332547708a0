"""The stage of one incident: who acts, when it is decided, and the moves that scenarios are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum

from events.clock import DAY, HOUR, MINUTE
from events.event import Attribute, Event, EventType
from simulation.arrival import Feed
from simulation.company import FEN, cities, goods_for
from simulation.customers import Customer
from simulation.dice import Dice
from simulation.documents import Clerk, Numbers, Parcel, Sale
from simulation.fulfilment import Fulfilment


class Tier(StrEnum):
    """How urgent the alert is that the rule pack must raise."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Cast(Enum):
    """Who can play a part."""

    ORDINARY = "a customer of middling size with one account"
    SMALL = "an ordinary customer whose usual orders are small"
    STEADY = "one of them that orders often"
    RED = "a customer rated red"
    GROUP = "a unified customer with accounts at several subsidiaries"
    NEWCOMER = "an account opened two days before"
    YELLOW = "an ordinary customer rated yellow"
    PREPAID = "an ordinary customer that always pays before dispatch"
    RARE = "an ordinary customer that orders seldom"
    CROWD = "eight small customers that have nothing to do with one another"


class When(Enum):
    """At what time of the day the decisive event falls."""

    BUSINESS = "in business hours"
    NIGHT = "between two and half past four at night"
    ODD = "in the dead of night"
    REST = "in business hours of a day of rest"


@dataclass(frozen=True, slots=True)
class Turning:
    """The decisive event of an incident: with it the rule's condition holds for the first time."""

    event_id: str
    customer: Customer
    order: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of incident.

    Args:
        name: what it is called in the labels file.
        rule: rule of the shipped packs that the decisive event must hit.
        quiet_days: days before in which the actors trade only as the scenario says.
        verdict: what investigators report days later.
        play: sends the incident's messages; its decisive event happens at `scene.at`.
        every: days from one to the next.
        first_day: of the simulation on which the decisive event can fall; never before the eighth.
    """

    name: str
    rule: str
    tier: Tier
    cast: Cast
    when: When
    quiet_days: int
    verdict: str
    play: Callable[["Scene"], Turning]
    every: int = 1
    first_day: int = 0


class Scene:
    """Moves of an incident, each sending its messages at once and never late.

    Args:
        actors: the customer, or the accounts of one group.
        start: epoch milliseconds of the midnight before the decisive event.
        at: moment of the decisive event.
    """

    def __init__(
        self,
        actors: tuple[Customer, ...],
        start: int,
        at: int,
        dice: Dice,
        office: "Office",
    ) -> None:
        self.actors = actors
        self.actor = actors[0]
        self.at = at
        self.dice = dice
        self.begins = at
        self._start = start
        self._office = office

    def clock(self, days_before: int, hour: float) -> int:
        """A few minutes after `hour` (with a fraction) on the day so many days before the decisive one."""
        return self._start - days_before * DAY + int(hour * HOUR + self.dice.uniform(0, 5 * MINUTE))

    def away(self) -> str:
        """A region in which neither the actor nor its subsidiary's other customers sit."""
        near = {self.actor.home, *self.actor.subsidiary.territory}
        return self.dice.pick([code for code in cities() if code not in near])

    def order(
        self,
        at: int,
        yuan: float,
        *,
        by: Customer | None = None,
        region: str | None = None,
        on_credit: bool = False,
        fulfilled: bool = True,
    ) -> Sale:
        """An order of at most `yuan` and hardly less; unless `fulfilled`, nothing follows it."""
        return self.place(
            self.drafted(at, yuan, by=by, region=region, on_credit=on_credit), fulfilled=fulfilled
        )

    def place(self, sale: Sale, *, fulfilled: bool = True) -> Sale:
        """Send a drafted order; unless `fulfilled`, nothing follows it."""
        self._send(self._office.clerk.placed(sale), sale.placed_at)
        if fulfilled:
            self._office.fulfilment.fulfil(sale)
        return sale

    def drafted(
        self,
        at: int,
        yuan: float,
        *,
        by: Customer | None = None,
        region: str | None = None,
        on_credit: bool = False,
    ) -> Sale:
        """An order that is numbered but not sent."""
        customer = by or self.actor
        item, quantity = goods_for(yuan * FEN, self.dice)
        return Sale(
            customer=customer,
            number=self._office.numbers.order(customer.subsidiary.code, at),
            placed_at=at,
            item=item,
            quantity=quantity,
            amount=quantity * item.price,
            region=region or customer.home,
            counterparty=self.dice.pick(customer.consignees),
            channel=customer.channel,
            on_credit=on_credit,
        )

    def habit(self, days_before: int) -> None:
        """An ordinary order some days before, so that the actor does not look dormant."""
        for actor in self.actors:
            sale = self.drafted(
                self.clock(days_before, self.dice.uniform(9, 17)), actor.usual_order / FEN, by=actor
            )
            self._office.fulfilment.trade(sale)

    def confirm(self, sale: Sale) -> None:
        """The confirmation of an order that is not fulfilled as usual."""
        self._office.fulfilment.confirm(sale)

    def cancel(self, sale: Sale, at: int) -> str:
        """A cancellation; returns its event id."""
        return self._send(self._office.clerk.cancelled(sale, at, "no longer needed"), at)

    def ship(self, sale: Sale, at: int, share: float, number: int = 1) -> tuple[Parcel, str]:
        """A shipment of this share of the order (above 1 is more than ordered), and its event id."""
        parcel, event_id = self.dispatch(sale, at, share, number)
        delivered = at + int(self.dice.uniform(20, 30) * HOUR)
        self._office.feed.send(self._office.clerk.delivered(parcel, delivered), delivered)
        return parcel, event_id

    def dispatch(self, sale: Sale, at: int, share: float, number: int = 1) -> tuple[Parcel, str]:
        """The same without its delivery."""
        quantity = max(1, round(sale.quantity * share))
        parcel = Parcel(sale, f"DN{sale.stem}-{number}", quantity * sale.item.price, quantity)
        return parcel, self._send(self._office.clerk.dispatched(parcel, at), at)

    def deliver(self, parcel: Parcel, at: int) -> str:
        """The delivery of a shipment; returns its event id."""
        return self._send(self._office.clerk.delivered(parcel, at), at)

    def send_back(self, parcel: Parcel, at: int, share: float, part: int = 1) -> str:
        """The `part`-th return, of this share of a shipment; returns its event id."""
        quantity = max(1, round(parcel.quantity * share))
        return self._send(self._office.clerk.returned(parcel, at, quantity, part), at)

    def complain(
        self, sale: Sale, at: int, category: str, *, registered_after: int = MINUTE, again: int = 1
    ) -> str:
        """The `again`-th complaint about an order, made so many milliseconds before; returns its event id."""
        received_at = at - registered_after
        clerk = self._office.clerk
        event = clerk.complaint(
            sale, EventType.COMPLAINT_OPENED, at, category, received_at=received_at, again=again
        )
        return self._send(event, at)

    def settle(self, sale: Sale, answered: int, resolved: int, category: str) -> None:
        """The answer to a complaint, and its end."""
        for step, at in ((EventType.COMPLAINT_ANSWERED, answered), (EventType.COMPLAINT_RESOLVED, resolved)):
            self._send(self._office.clerk.complaint(sale, step, at, category), at)

    def change(self, at: int, attributes: dict[str, Attribute]) -> str:
        """A change of the actor's master data; returns its event id."""
        return self._send(self._office.clerk.changed(self.actor, at, attributes), at)

    def _send(self, event: Event, at: int) -> str:
        self.begins = min(self.begins, at)
        self._office.feed.send(event, at, prompt=True)
        return event.event_id


@dataclass(frozen=True, slots=True)
class Office:
    """What writes and carries messages: shared by ordinary trade and incidents."""

    clerk: Clerk
    feed: Feed
    fulfilment: Fulfilment
    numbers: Numbers
