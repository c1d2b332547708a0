"""Messages as the subsidiaries' systems write them, each in its own dialect."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from events.clock import DAY, SECOND, moment
from events.event import Attribute, Event, EventType
from simulation.company import Item, region_text
from simulation.customers import Customer
from simulation.dice import Dice
from simulation.rhythm import SHANGHAI, minute_stamp


@dataclass(frozen=True, slots=True)
class Sale:
    """An order as it was placed.

    Args:
        number: document number within the subsidiary.
        placed_at: epoch milliseconds.
        amount: in fen.
        region: GB/T 2260 code of the ship-to region.
        on_credit: whether it is paid after delivery.
    """

    customer: Customer
    number: str
    placed_at: int
    item: Item
    quantity: int
    amount: int
    region: str
    counterparty: str
    channel: str
    on_credit: bool

    @property
    def event_id(self) -> str:
        """Id of the event that places the order."""
        return f"{self.customer.subsidiary.code}.{self.number}.placed"

    @property
    def stem(self) -> str:
        """The number without its kind; shipments, invoices and complaints are numbered after it."""
        return self.number[2:]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A partial shipment of a sale, its amount in fen."""

    sale: Sale
    number: str
    amount: int
    quantity: int


class Numbers:
    """Order numbers: subsidiary, minute and a running number within it."""

    def __init__(self) -> None:
        self._used: dict[int, Counter[str]] = {}

    def order(self, subsidiary: str, at: int) -> str:
        """A new number of an order placed at `at`."""
        stem = minute_stamp(at)
        used = self._used.setdefault(at // DAY, Counter())
        used[subsidiary + stem] += 1
        return f"SO{stem}-{used[subsidiary + stem]:02d}"

    def forget_before(self, at: int) -> None:
        """Drop what can't be given any more: orders are never numbered for a day that has passed."""
        for day in [day for day in self._used if day < at // DAY - 1]:
            del self._used[day]


class Clerk:
    """Writes the messages; `dice` decide where a system writes a region's name and where its code."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice

    def placed(self, sale: Sale) -> Event:
        """The order itself."""
        terms: dict[str, Attribute] = {
            "payment": "credit" if sale.on_credit else "prepaid",
            "sku": sale.customer.subsidiary.sku_prefix + sale.item.code,
            "quantity": sale.quantity,
        }
        return self._of_sale(EventType.ORDER_PLACED, sale, sale.placed_at, "placed", sale.amount, terms)

    def confirmed(self, sale: Sale, at: int) -> Event:
        """The subsidiary's word that it will deliver."""
        return self._of_sale(EventType.ORDER_CONFIRMED, sale, at, "confirmed")

    def cancelled(self, sale: Sale, at: int, reason: str) -> Event:
        """The end of an order before anything was shipped."""
        return self._of_sale(
            EventType.ORDER_CANCELLED, sale, at, "cancelled", sale.amount, {"reason": reason}
        )

    def invoiced(self, sale: Sale, at: int) -> Event:
        """The invoice of the whole order."""
        attributes: dict[str, Attribute] = {"invoice": f"FP{sale.stem}", "terms": sale.customer.terms}
        return self._of_sale(EventType.INVOICE_ISSUED, sale, at, "invoiced", sale.amount, attributes)

    def paid(self, sale: Sale, at: int, amount: int, part: int) -> Event:
        """A payment, the whole or the `part`-th part."""
        return self._of_sale(EventType.PAYMENT_RECEIVED, sale, at, f"paid.{part}", amount)

    def dispatched(self, parcel: Parcel, at: int) -> Event:
        """Goods leave the warehouse."""
        return self._of_parcel(EventType.SHIPMENT_DISPATCHED, parcel, at, parcel.amount, parcel.quantity)

    def delivered(self, parcel: Parcel, at: int) -> Event:
        """The consignee has the goods."""
        return self._of_parcel(EventType.SHIPMENT_DELIVERED, parcel, at, parcel.amount, parcel.quantity)

    def returned(self, parcel: Parcel, at: int, quantity: int, part: int) -> Event:
        """Goods of a shipment come back, the `part`-th time; the amount is what they were sold for."""
        amount = quantity * parcel.sale.item.price
        return self._of_parcel(EventType.SHIPMENT_RETURNED, parcel, at, amount, quantity, f".{part}")

    def complaint(
        self,
        sale: Sale,
        step: EventType,
        at: int,
        category: str,
        *,
        received_at: int | None = None,
        again: int = 1,
    ) -> Event:
        """A step of the `again`-th complaint about the order, which the customer made at `received_at`."""
        suffix = "" if again == 1 else f".{again}"
        attributes: dict[str, Attribute] = {"complaint": f"TS{sale.stem}{suffix}", "category": category}
        if received_at is not None:
            attributes["received_at"] = received_at
        return self._of_sale(step, sale, at, step.value + suffix, attributes=attributes)

    def changed(self, customer: Customer, at: int, attributes: dict[str, Attribute]) -> Event:
        """Master data of the customer, all of it or what is new; money in fen."""
        customer.version += 1
        name = f"{customer.code}.v{customer.version}"
        return self._event(EventType.CUSTOMER_CHANGED, customer, at, name, attributes=attributes)

    def labelled(self, customer: Customer, target: str, at: int, verdict: str) -> Event:
        """What the event `target` turned out to be."""
        return Event(
            event_id=f"label.{target}",
            type=EventType.LABEL_REPORTED,
            occurred_at=_written(customer, at),
            subsidiary=customer.subsidiary.code,
            customer=customer.code,
            group=customer.group if customer.subsidiary.sends_group else None,
            attributes={"target": target, "label": verdict},
        )

    def _of_sale(
        self,
        kind: EventType,
        sale: Sale,
        at: int,
        name: str,
        amount: int | None = None,
        attributes: dict[str, Attribute] | None = None,
    ) -> Event:
        placed = kind is EventType.ORDER_PLACED
        return self._event(
            kind,
            sale.customer,
            at,
            f"{sale.number}.{name}",
            order=sale.number,
            amount=amount,
            region=region_text(sale.region, sale.customer.subsidiary, self._dice) if placed else None,
            counterparty=sale.counterparty if placed else None,
            channel=sale.channel if placed else None,
            attributes=attributes,
        )

    def _of_parcel(
        self, kind: EventType, parcel: Parcel, at: int, amount: int, quantity: int, suffix: str = ""
    ) -> Event:
        sale = parcel.sale
        return self._event(
            kind,
            sale.customer,
            at,
            f"{parcel.number}.{kind.partition('.')[2]}{suffix}",
            order=sale.number,
            shipment=parcel.number,
            amount=amount,
            region=region_text(sale.region, sale.customer.subsidiary, self._dice),
            counterparty=sale.counterparty,
            attributes={"quantity": quantity},
        )

    def _event(
        self,
        kind: EventType,
        customer: Customer,
        at: int,
        name: str,
        *,
        order: str | None = None,
        shipment: str | None = None,
        amount: int | None = None,
        region: str | None = None,
        counterparty: str | None = None,
        channel: str | None = None,
        attributes: dict[str, Attribute] | None = None,
    ) -> Event:
        subsidiary = customer.subsidiary
        return Event(
            event_id=f"{subsidiary.code}.{name}",
            type=kind,
            occurred_at=_written(customer, at),
            subsidiary=subsidiary.code,
            customer=customer.code,
            group=customer.group if subsidiary.sends_group else None,
            order=order,
            shipment=shipment,
            amount=amount,
            region=region,
            counterparty=counterparty,
            channel=channel,
            attributes=attributes,
        )


def _written(customer: Customer, at: int) -> datetime | int:
    """`at` as the customer's subsidiary writes times."""
    if customer.subsidiary.epoch:
        return at
    return moment(at - at % SECOND).astimezone(SHANGHAI)
