"""What follows an order: confirmation, partial shipments, delivery, invoice, payments, some trouble."""

from events.clock import DAY, HOUR, MINUTE
from events.event import EventType
from simulation.arrival import Feed
from simulation.company import FEN
from simulation.dice import Dice
from simulation.documents import Clerk, Parcel, Sale
from simulation.rhythm import after_working_days, in_working_hours

_CONFIRMED_SLOWLY = 0.02  # later than the ten minutes that the service standard allows
_CANCELLED = 0.02
_DISPATCHED_SLOWLY = 0.03  # later than 24 hours
_RETURNED = 0.015
_COMPLAINED = 0.012
_NEVER_PAID = 0.015
_PAID_LATE = 0.15
_PAID_IN_PARTS = 0.1
_THREE_PARCELS, _TWO_PARCELS = 0.1, 0.35  # cumulative shares of orders
_LARGE = 200_000 * FEN  # from here on shipments are split more often
_LEAST_LAG = 2 * HOUR  # between order and dispatch
_CUSTOMER_REASONS = ("price", "duplicate order", "no longer needed", "delivery too late")
_COMPLAINTS = ("quality", "quantity", "delay", "invoice", "service")


class Fulfilment:
    """Sends the messages of an order's whole life, as far as they belong to ordinary trade."""

    def __init__(self, clerk: Clerk, feed: Feed, dice: Dice) -> None:
        self._clerk = clerk
        self._feed = feed
        self._dice = dice

    def trade(self, sale: Sale) -> None:
        """An ordinary order: placed, then fulfilled or cancelled."""
        confirmed = self.confirm(sale)
        if self._dice.chance(_CANCELLED):
            cancelled = confirmed + int(self._dice.lognormal(40 * MINUTE, 0.6))
            self._feed.send(self._clerk.placed(sale), sale.placed_at, before=cancelled)
            reason = self._dice.pick(_CUSTOMER_REASONS)
            self._feed.send(self._clerk.cancelled(sale, cancelled, reason), cancelled)
            return
        dispatched = self._first_dispatch(sale)
        self._feed.send(self._clerk.placed(sale), sale.placed_at, before=dispatched)
        self._deliver(sale, confirmed, dispatched)

    def fulfil(self, sale: Sale) -> None:
        """Everything after the order itself, without a cancellation."""
        self._deliver(sale, self.confirm(sale), self._first_dispatch(sale))

    def confirm(self, sale: Sale) -> int:
        """The confirmation, mostly within minutes; returns its moment."""
        delay = self._dice.lognormal(2.5 * MINUTE, 0.45)
        if self._dice.chance(_CONFIRMED_SLOWLY):
            delay = self._dice.uniform(11 * MINUTE, 90 * MINUTE)
        at = sale.placed_at + int(delay)
        self._feed.send(self._clerk.confirmed(sale, at), at)
        return at

    def _first_dispatch(self, sale: Sale) -> int:
        lag = min(_LEAST_LAG + self._dice.lognormal(4 * HOUR, 0.6), 23 * HOUR)
        if self._dice.chance(_DISPATCHED_SLOWLY):
            lag = self._dice.uniform(26 * HOUR, 60 * HOUR)
        return in_working_hours(sale.placed_at + int(lag), self._dice)

    def _deliver(self, sale: Sale, confirmed: int, dispatched: int) -> None:
        if not sale.on_credit:
            paid = min(confirmed + int(self._dice.uniform(10 * MINUTE, 2 * HOUR)), dispatched - MINUTE)
            self._feed.send(self._clerk.paid(sale, paid, sale.amount, 1), paid)
        for parcel in self._parcels(sale):
            self._feed.send(self._clerk.dispatched(parcel, dispatched), dispatched)
            delivered = self._delivery(dispatched)
            self._feed.send(self._clerk.delivered(parcel, delivered), delivered)
            if self._dice.chance(_RETURNED):
                self._send_back(parcel, delivered)
            last, dispatched = (
                dispatched,
                in_working_hours(dispatched + int(self._dice.uniform(16 * HOUR, 32 * HOUR)), self._dice),
            )
        if self._dice.chance(_COMPLAINED):
            self._complain(sale, delivered)
        invoiced = in_working_hours(last + int(self._dice.uniform(1 * HOUR, 20 * HOUR)), self._dice)
        self._feed.send(self._clerk.invoiced(sale, invoiced), invoiced)
        if sale.on_credit:
            self._pay(sale, invoiced)

    def _parcels(self, sale: Sale) -> list[Parcel]:
        """The sale in one to three shipments; their amounts and quantities sum to the sale's."""
        draw = self._dice.uniform() * (0.6 if sale.amount >= _LARGE else 1.0)
        count = min(3 if draw < _THREE_PARCELS else 2 if draw < _TWO_PARCELS else 1, sale.quantity)
        parcels = []
        quantity, amount = sale.quantity, sale.amount
        for number in range(1, count + 1):
            left = count - number
            part = quantity if left == 0 else self._share(quantity, left)
            part_amount = amount if left == 0 else part * sale.item.price
            parcels.append(Parcel(sale, f"DN{sale.stem}-{number}", part_amount, part))
            quantity, amount = quantity - part, amount - part_amount
        return parcels

    def _share(self, quantity: int, left: int) -> int:
        """A part of `quantity` that leaves something for each of the `left` shipments to come."""
        part = round(quantity * self._dice.uniform(0.3, 0.7) / left)
        return min(max(part, 1), quantity - left)

    def _delivery(self, dispatched: int) -> int:
        return in_working_hours(dispatched + int(self._dice.uniform(10 * HOUR, 3 * DAY)), self._dice)

    def _send_back(self, parcel: Parcel, delivered: int) -> None:
        """Some of the goods come back; little enough that honest customers stay below any alarm."""
        quantity = int(parcel.quantity * self._dice.uniform(0.04, 0.25))
        if quantity == 0:
            return
        at = in_working_hours(delivered + int(self._dice.uniform(12 * HOUR, 5 * DAY)), self._dice)
        self._feed.send(self._clerk.returned(parcel, at, quantity, 1), at)

    def _complain(self, sale: Sale, delivered: int) -> None:
        category = self._dice.pick(_COMPLAINTS)
        opened = in_working_hours(delivered + int(self._dice.uniform(1 * HOUR, 3 * DAY)), self._dice)
        received = opened - int(min(self._dice.lognormal(12 * MINUTE, 0.8), 55 * MINUTE))
        answered = opened + int(self._dice.lognormal(5 * HOUR, 0.7))
        resolved = after_working_days(answered, min(self._dice.lognormal(2.0, 0.6), 9.0), self._dice)
        for step, at in (
            (EventType.COMPLAINT_OPENED, opened),
            (EventType.COMPLAINT_ANSWERED, answered),
            (EventType.COMPLAINT_RESOLVED, resolved),
        ):
            came = received if step is EventType.COMPLAINT_OPENED else None
            self._feed.send(self._clerk.complaint(sale, step, at, category, received_at=came), at)

    def _pay(self, sale: Sale, invoiced: int) -> None:
        if self._dice.chance(_NEVER_PAID):
            return
        delay = self._dice.uniform(1, 12) if self._dice.chance(_PAID_LATE) else self._dice.uniform(-2, 0.5)
        due = invoiced + int(max(sale.customer.terms + delay, 0.2) * DAY)
        at = in_working_hours(due, self._dice)
        if not self._dice.chance(_PAID_IN_PARTS):
            self._feed.send(self._clerk.paid(sale, at, sale.amount, 1), at)
            return
        first = int(sale.amount * self._dice.uniform(0.3, 0.7)) // FEN * FEN
        later = in_working_hours(at + int(self._dice.uniform(1, 10) * DAY), self._dice)
        self._feed.send(self._clerk.paid(sale, at, first, 1), at)
        self._feed.send(self._clerk.paid(sale, later, sale.amount - first, 2), later)
